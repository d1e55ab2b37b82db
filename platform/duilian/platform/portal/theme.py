"""The tenant's colours as a style sheet; the policy of the pages allows no inline style."""

from __future__ import annotations

import msgspec
from litestar import Response, get

from duilian.infra.database import Database
from duilian.tenants.branding import Brand
from duilian.tenants.service import current_tenant, find_tenant


@get("/t/{slug:str}/theme.css", include_in_schema=False)
async def theme(slug: str, database: Database) -> Response[str]:
    """Public by its nature: the sign-in page shows it to anybody."""
    tenant_id = await find_tenant(database, slug)
    async with database.begin(tenant_id) as session:
        brand = msgspec.convert((await current_tenant(session)).brand, Brand)
    return Response(
        brand.stylesheet(), media_type="text/css", headers={"Cache-Control": "public, max-age=300"}
    )
