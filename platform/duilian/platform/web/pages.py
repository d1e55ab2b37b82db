"""Pages: Jinja templates of the three page domains, with words, formats and built assets at hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Response
from litestar.enums import MediaType
from markupsafe import Markup

from duilian.platform.web import formats, words
from duilian.platform.web.templating import InLanguage

PLATFORM = Path(__file__).parents[1]
STATIC = Path(__file__).parent / "static"


@cache
def _environment(locale: str) -> Environment:
    folders = [PLATFORM / part / "templates" for part in ("web", "portal", "console")]
    environment = InLanguage(
        partial(words.t, locale),
        loader=FileSystemLoader(folders),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    shared: dict[str, Any] = {
        "locale": locale, "script_words": script_json(words.section(locale, "script.")), "asset": asset, "clock": formats.clock, "LOCALES": words.LOCALES, "theme_address": theme_address,
    }  # fmt: skip
    environment.globals.update(shared)
    environment.filters["script_json"] = script_json
    return environment


@cache
def _manifest() -> dict[str, Any]:
    return json.loads((STATIC / ".vite" / "manifest.json").read_text("utf-8"))


def asset(source: str) -> str:
    """The address of a built file by its source, e.g. "src/portal.ts"."""
    return f"/static/{_manifest()[source]['file']}"


def theme_address(slug: str, brand: Mapping[str, Any]) -> str:
    """Of the tenant's colours; another one when they change, since browsers keep it. Any: the brand is a checked document."""
    look = "".join(str(brand.get(part, "")) for part in ("primary", "accent", "radius"))
    return f"/t/{slug}/theme.css?v={sha256(look.encode()).hexdigest()[:12]}"


def script_json(value: object) -> Markup:
    """JSON that may stand in a script element: no character can end it."""
    text = json.dumps(value, ensure_ascii=False)
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S704  # escaped above


def html(template: str, locale: str, **context: object) -> str:
    return _environment(locale).get_template(template).render(**context)


def page(template: str, locale: str, *, status: int = 200, **context: Any) -> Response[str]:
    """A page that is never kept by caches: it shows one person's data."""
    return Response(
        html(template, locale, **context),
        status_code=status,
        media_type=MediaType.HTML,
        headers={"Cache-Control": "no-store", "Content-Language": locale},
    )
