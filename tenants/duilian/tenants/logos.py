"""A tenant's logo: taken in by what its bytes are, kept as it is served.

PNG, JPEG and WebP are decoded and written anew as PNG, so that nothing but the picture is left of them: no metadata,
and no second file behind the first. SVG is kept as it came where it only draws (`infra.sniffing`) and is served under a
policy that lets it do nothing else (docs/decisions/0013).
"""

from __future__ import annotations

import asyncio
import io
from hashlib import sha256

from PIL import Image
from sqlalchemy import delete, select

from duilian.infra import audit
from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.infra.sniffing import Kind, UnsafePicture, checked_picture
from duilian.tenants.models import Tenant
from duilian.tenants.onboarding_models import TenantLogo

LARGEST = 512 * 1024  # bytes, as it is uploaded
WIDEST = 5000  # pixels; more would only cost memory
KEPT = (640, 240)  # pixels that a raster logo is scaled down to
NAMED_BY = 16  # characters of the hash
_FORMATS = {Kind.PNG: "PNG", Kind.JPEG: "JPEG", Kind.WEBP: "WEBP"}


async def set_logo(session: TenantSession, tenant: Tenant, data: bytes) -> None:
    """Raises UnsafePicture."""
    content_type, content = await asyncio.to_thread(prepared, data)
    digest = sha256(content).hexdigest()
    await session.execute(delete(TenantLogo))
    session.add(TenantLogo(content_type=content_type, content=content, sha256=digest, changed_at=now()))
    tenant.brand = {**tenant.brand, "logo": digest[:NAMED_BY]}
    audit.record(session, "brand.logo-changed", "tenant", tenant.id, after={"sha256": digest})


async def remove_logo(session: TenantSession, tenant: Tenant) -> None:
    """Without one there is nothing to do."""
    if await logo_of(session) is None:
        return
    await session.execute(delete(TenantLogo))
    tenant.brand = {**tenant.brand, "logo": ""}
    audit.record(session, "brand.logo-removed", "tenant", tenant.id)


async def logo_of(session: TenantSession) -> TenantLogo | None:
    return await session.scalar(select(TenantLogo))


def prepared(data: bytes) -> tuple[str, bytes]:
    """Media type and bytes as they will be served. Raises UnsafePicture."""
    kind = checked_picture(data, LARGEST)
    if kind is Kind.SVG:
        return kind.value, data
    return Kind.PNG.value, _redrawn(data, _FORMATS[kind])


def _redrawn(data: bytes, format_: str) -> bytes:
    try:
        with Image.open(io.BytesIO(data), formats=[format_]) as opened:
            if max(opened.size) > WIDEST:
                raise UnsafePicture(reason=f"> {WIDEST} px")
            picture = opened.convert("RGBA")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UnsafePicture(reason=format_) from error
    picture.thumbnail(KEPT)
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()
