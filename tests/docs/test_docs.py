"""Documentation cannot rot: every setting, event, command, route and word has its place."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import click
import pytest
import yaml

from duilian.infra.settings import PREFIX, Settings
from duilian.platform.app.cli import cli
from duilian.platform.app.up import Stack
from duilian.platform.app.web import build

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
ROOTS = ("platform", "tenants", "serving", "customization", "billing", "infra")
SOURCES = [path for root in ROOTS for path in (ROOT / root / "duilian").rglob("*.py")]


def text(name: str) -> str:
    return (DOCS / name).read_text("utf-8")


def test_settings_are_documented_with_their_defaults() -> None:
    lines = [line.split("|") for line in text("settings.md").splitlines() if line.startswith("| `DUILIAN_")]
    rows = {cells[1].strip(" `"): cells[2] for cells in lines}
    defaults = Settings()
    assert set(rows) == {PREFIX + field.upper() for field in Settings.__struct_fields__}
    for field in Settings.__struct_fields__:
        assert rows[PREFIX + field.upper()].strip() == str(getattr(defaults, field))


def test_events_are_documented() -> None:
    said = set(re.findall(r"^\| `([a-z_.]+)` \|", text("events.md"), re.MULTILINE))
    kinds: set[str] = set()
    for source in SOURCES:
        for node in ast.walk(ast.parse(source.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "events.append":
                kinds.add(ast.literal_eval(node.args[1]))
    assert kinds == said


def test_audited_actions_are_documented() -> None:
    said = set(re.findall(r"^\| `([a-z_.-]+)` \|", text("audit.md"), re.MULTILINE))
    actions: set[str] = set()
    for source in SOURCES:
        for node in ast.walk(ast.parse(source.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("audit.record", "audit.note"):
                action = node.args[1]
                actions |= {action.value} if isinstance(action, ast.Constant) else set()
    assert actions == said


def test_audited_actions_have_words_for_people() -> None:
    """The log's page never shows a code alone; a missing word would break it."""
    from duilian.platform.web.words import section

    documented = re.compile(r"^\| `([a-z_.-]+)` \|", re.MULTILINE)
    actions = set(documented.findall(text("audit.md"))) | set(documented.findall(text("events.md")))
    assert actions <= set(section("zh-CN", "admin.action.")), "add them to words/actions.*.yaml"


def commands(group: click.Group, prefix: str) -> set[str]:
    found: set[str] = set()
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        full = f"{prefix} {name}"
        found |= commands(command, full) if isinstance(command, click.Group) else {full}
    return found


def test_commands_are_documented() -> None:
    assert commands(cli, "duilian") == set(re.findall(r"^## (duilian .+)$", text("cli.md"), re.MULTILINE))


def test_routes_are_documented(stack: Stack) -> None:
    said = set(re.findall(r"`((?:GET|POST|PUT|DELETE) /[^`]*)`", text("api.md")))
    served: set[str] = set()
    for route in build(stack.settings).routes:
        path = re.sub(r"\{(\w+):\w+\}", r"{\1}", route.path).rstrip("/") or "/"
        if not path.startswith("/api/docs"):
            methods = route.methods or {"GET"}  # a WebSocket begins with a GET
            served |= {f"{m} {path}" for m in methods if m not in ("OPTIONS", "HEAD")}
    assert served == said


def keys(part: object, prefix: str = "") -> set[str]:
    if isinstance(part, dict):
        return {key for name, value in part.items() for key in keys(value, f"{prefix}.{name}")}
    return {prefix}


WORDS = ROOT / "platform" / "duilian" / "platform" / "web" / "words"


@pytest.mark.parametrize("name", sorted({p.name.split(".")[0] for p in WORDS.glob("*.yaml")}))
def test_words_are_complete_in_both_languages(name: str) -> None:
    zh, en = (
        yaml.safe_load((WORDS / f"{name}.{locale}.yaml").read_text("utf-8")) for locale in ("zh-CN", "en")
    )
    assert keys(zh) == keys(en)


def test_words_that_templates_and_code_ask_for_exist() -> None:
    from duilian.platform.web.words import catalogue

    asked: set[str] = set()
    for template in (ROOT / "platform").rglob("templates/*.html"):
        asked |= set(re.findall(r"""\bt\(\s*["']([a-z0-9_.-]+)["']\s*[,)]""", template.read_text("utf-8")))
    assert asked
    assert asked <= set(catalogue("zh-CN")), sorted(asked - set(catalogue("zh-CN")))


def test_scripts_ask_for_words_that_exist() -> None:
    from duilian.platform.web.words import section

    asked: set[str] = set()
    for script in (ROOT / "platform" / "web" / "src").rglob("*.ts"):
        asked |= set(re.findall(r"""\bt\(\s*"([a-z0-9_.-]+)"\s*[,)]""", script.read_text("utf-8")))
    assert asked
    assert asked <= set(section("en", "script."))


def test_layout_keeps_python_out_of_top_folders() -> None:
    """A folder named `platform` on sys.path would hide Python's own module."""
    for root in ROOTS:
        assert not list((ROOT / root).glob("*.py"))
        assert not (ROOT / root / "duilian" / "__init__.py").exists()
        assert [
            p.name for p in (ROOT / root / "duilian").iterdir() if p.is_dir() and p.name != "__pycache__"
        ] == [root]
    assert not list((ROOT / "tests").rglob("__init__.py"))
    import platform

    assert platform.python_version()


def test_no_registry_address_in_locks() -> None:
    for name in ("requirements.lock", "platform/web/package-lock.json", "pyproject.toml"):
        assert "://" not in (ROOT / name).read_text("utf-8"), name
