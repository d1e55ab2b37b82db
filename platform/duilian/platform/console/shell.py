"""What every staff page shares: the frame, the rights its links depend on, the flash of the last command."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response
from litestar.enums import RequestEncodingType
from litestar.params import Body

from duilian.platform.console.desk import Desk
from duilian.platform.web import formats
from duilian.platform.web.edge import flash_of, without_flash
from duilian.platform.web.pages import page
from duilian.tenants.rights import Right

AnyRequest = Request[Any, Any, Any]  # Any: the actor lies in the request's own state
Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]


def staff_page(
    request: AnyRequest, desk: Desk, template: str, *, status: int = 200, **context: Any
) -> Response[Any]:
    shared: dict[str, Any] = {
        "actor": desk.actor,
        "tenant": desk.tenant,
        "rights": {right.name: desk.actor.may(right) for right in Right},
        "path": request.url.path,
        "flash": flash_of(request),
        **formats.for_reader(desk.locale, desk.tenant.time_zone),
    }
    merged: dict[str, Any] = shared | context
    return without_flash(page(template, desk.locale, status=status, **merged))


def uuid_or_none(text: str) -> UUID | None:
    """What a form or an address named; None where that is no identifier."""
    try:
        return UUID(text)
    except ValueError:
        return None
