"""The tenant's logo. Public by its nature, and never anything but a picture."""

from __future__ import annotations

from litestar import Response, get

from duilian.infra.database import Database
from duilian.infra.errors import NotFound
from duilian.tenants.logos import logo_of
from duilian.tenants.service import find_tenant

# Opened by itself, an SVG is a document: it may draw, and nothing else.
ALONE = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"


@get("/t/{slug:str}/logo", include_in_schema=False)
async def logo(slug: str, database: Database) -> Response[bytes]:
    """Pages name it with the beginning of its hash, so that a new one is seen at once."""
    tenant_id = await find_tenant(database, slug)
    async with database.begin(tenant_id) as session:
        row = await logo_of(session)
    if row is None:
        raise NotFound
    headers = {
        "Cache-Control": "public, max-age=300",
        "Content-Security-Policy": ALONE,
        "Content-Disposition": "inline",
        "ETag": f'"{row.sha256}"',
    }
    return Response(row.content, media_type=row.content_type, headers=headers)
