"""An attacker with stolen identifiers: random calls over every route, each made twice, with a stolen value and its ghost.

A ghost is a value of the same form that exists nowhere. Whoever cannot tell the two answers apart learns nothing: not
the row, not its existence, not by status, headers, words or number of rows. What is stolen belongs to a tenant full of
marker words; no byte of those may come back either.
"""

from __future__ import annotations

import json
import random
import re
import secrets
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from html import escape
from io import BytesIO
from typing import Any
from urllib.parse import quote
from uuid import UUID
from zipfile import ZipFile, is_zipfile

from litestar import Litestar

from wire import Answer, Wire

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD")
# Ending one's own session would only blunt the tool; the framework's own pages hold nothing of a tenant.
LEFT_OUT = {("POST", "/console/sign-out")}
# That a tenant of this name exists is public where everybody may see its colours and its door.
SLUG_IS_PUBLIC = (
    "/t/{slug:str}/theme.css",
    "/t/{slug:str}/logo",
    "/start/company",
    "/t/{slug:str}/sign-in",
    "/t/{slug:str}/reset",
    "/console/sign-in",
)
# The attacker's own acts are listed there, and each call is one.
GROWING = ("/console/audit",)
# Said by the answer about itself, different in each.
PASSING = {"date", "content-length", "ratelimit", "ratelimit-policy", "set-cookie", "retry-after"}
NOISE = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[A-Za-z0-9_-]{32,}|\d{4}-\d\d-\d\dT[\d:.+Z-]+|\d+"
)


@dataclass(frozen=True)
class Stolen:
    """kind: what it names. value: of the robbed tenant. ghost: of the same form, and nobody's."""

    kind: str
    value: str
    ghost: str


@dataclass
class Loot:
    """What the attacker has. markers: words of the robbed tenant that are never sent."""

    slug: str
    items: list[Stolen]
    markers: list[bytes]


@dataclass(frozen=True)
class Caller:
    """Whose credentials are used. own: values that work for them, by name of path parameter."""

    name: str
    headers: dict[str, str]
    own: dict[str, str]
    csrf: str = ""
    forged: tuple[str, str, Stolen] | None = None  # header, what stands before, and the credential

    def credentials(self, ghost: bool) -> dict[str, str]:
        if self.forged is None:
            return self.headers
        name, before, credential = self.forged
        return self.headers | {name: before + (credential.ghost if ghost else credential.value)}


@dataclass(frozen=True)
class Target:
    method: str
    path: str

    @property
    def parameters(self) -> list[tuple[str, str]]:
        """(name, type) in the order of the path."""
        return re.findall(r"\{(\w+):(\w+)\}", self.path)


@dataclass
class Findings:
    calls: int = 0
    leaks: list[str] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    reached: Counter[str] = field(default_factory=Counter)


def targets(app: Litestar) -> list[Target]:
    """Every route and method the router knows, and each path once with a method it does not serve."""
    found: set[Target] = set()
    for route in app.routes:
        if route.path_format.startswith(("/api/docs", "/static", "/health")):
            continue
        served = set(getattr(route, "methods", {"GET"})) - {"OPTIONS"}  # the framework answers it by itself
        unserved = [method for method in METHODS if method not in served][:1]
        found |= {Target(method, route.path) for method in [*served, *unserved]}
    return sorted((t for t in found if (t.method, t.path) not in LEFT_OUT), key=lambda t: (t.path, t.method))


def ghost_of(value: str) -> str:
    """The same form, another value: a UUID of the same moment, the letters and digits of anything else turned."""
    try:
        return str(UUID(int=UUID(value).int ^ 0x2A))
    except ValueError:
        pass
    turned = "".join(_turned(c) for c in value)
    return turned if turned != value else value + "x"


def _turned(character: str) -> str:
    for alphabet in ("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"):
        if character in alphabet:
            return alphabet[(alphabet.index(character) + 1) % len(alphabet)]
    return character


FIELDS = (
    "q", "set", "status", "page", "after", "limit", "tenant", "email", "people", "name", "reason", "outcome", "level",
    "competency", "locale", "back", "question_set", "hours", "invitation", "invitation_id", "interview",
    "interview_id", "candidate", "candidate_id", "member", "member_id", "unit", "unit_id", "key", "id", "token", "slug",
    "decisions", "version", "text", "password", "code", "role", "job", "object", "lang", "page_number", "parent_id",
)  # fmt: skip
GARBAGE = (
    "",
    "0",
    "-1",
    "999999999999999999999",
    "\u0000",
    "'; select 1 --",
    "../../etc/passwd",
    "[]",
    "null",
    "true",
)


class Attacker:
    """One random sequence of calls. Reproducible by its seed."""

    def __init__(self, seed: int, loot: Loot, app: Litestar) -> None:
        self.random, self.loot = random.Random(seed), loot
        self.targets, self.findings = targets(app), Findings()
        self._deck: list[Target] = []

    async def strike(self, wire: Wire, caller: Caller) -> None:
        """One pair of calls; a difference must show three times, so that a tick of the clock is no leak, and the second time
        the other way round, so that what the first of two calls changes for the second is none either."""
        target = self._drawn()
        plan = self._plan(target, caller)
        difference, shown = "", ""
        for time in range(3):
            shown, difference = difference, await self._pair(wire, caller, target, plan, turned=time == 1)
            if not difference or (difference.startswith("status") and shown and shown != difference):
                return
        self.findings.leaks.append(f"{caller.name} {target.method} {target.path} {plan}: {difference}")

    def _drawn(self) -> Target:
        """Every target once before any comes again."""
        if not self._deck:
            self._deck = self.random.sample(self.targets, len(self.targets))
        return self._deck.pop()

    def _plan(self, target: Target, caller: Caller) -> _Plan:
        """At least one stolen value, in the path, the query, the body or a header."""
        pick = self.random
        # A stolen link at its own tenant's door would be the key in its own lock, not a forgery.
        slugs = not target.path.startswith(SLUG_IS_PUBLIC) and caller.name != "forged link"
        items = [i for i in self.loot.items if i.kind != "slug" or slugs]
        path = {name: self._for_path(name, kind, caller, items) for name, kind in target.parameters}
        if isinstance(path.get("slug"), Stolen) and "token" in path:
            path["token"] = caller.own.get("token", "AAAA")
        extra: dict[str, Stolen | str] = {}
        if pick.random() < 0.5 or not any(isinstance(v, Stolen) for v in path.values()):
            for name in pick.sample(FIELDS, pick.randint(1, 4)):
                extra[name] = pick.choice(items) if pick.random() < 0.8 else pick.choice(GARBAGE)
        if not any(isinstance(v, Stolen) for v in [*path.values(), *extra.values()]):
            extra["q"] = pick.choice(items)
        return _Plan(path, extra, pick.choice(("query", "form", "json")))

    def _for_path(self, name: str, kind: str, caller: Caller, items: list[Stolen]) -> Stolen | str:
        """Of the parameter's own kind; where nothing of it was stolen, of its type, else anything."""
        own = caller.own.get(name)
        if own is not None and self.random.random() < 0.5:
            return own
        fitting = [i for i in items if i.kind == name] or [i for i in items if i.kind == kind]
        return self.random.choice(fitting or [i for i in items if i.kind != "slug"])

    async def _pair(
        self, wire: Wire, caller: Caller, target: Target, plan: _Plan, *, turned: bool = False
    ) -> str:
        """What tells the two apart, or "". turned: the ghost is asked for first."""
        answers: list[Answer] = []
        for ghost in (turned, not turned):
            answer = await wire.send(target.method, *plan.request(target, caller, ghost))
            self.findings.calls += 1
            self.findings.statuses[answer.status] += 1
            if answer.status >= 500:
                self.findings.leaks.append(
                    f"{answer.status} {caller.name} {target.method} {target.path} {plan}"
                )
            answers.append(answer)
        if turned:
            answers.reverse()
        self.findings.reached[f"{target.method} {target.path}"] += 1
        sent = plan.sent()
        for answer in answers:
            raw = answer.raw + _readable(answer.body).encode()
            found = [m for m in self.loot.markers if m in raw and m.decode() not in sent]
            if found:
                return f"the answer holds {found[0].decode()!r}"
        return _difference(*(_seen(answer, plan, target) for answer in answers))


@dataclass(frozen=True)
class _Plan:
    path: dict[str, Stolen | str]
    extra: dict[str, Stolen | str]
    place: str

    def request(self, target: Target, caller: Caller, ghost: bool) -> tuple[str, dict[str, str], bytes]:
        path = re.sub(r"\{(\w+):\w+\}", lambda m: quote(_value(self.path[m[1]], ghost), safe=""), target.path)
        fields = {name: _value(value, ghost) for name, value in self.extra.items()}
        headers, body = dict(caller.credentials(ghost)), b""
        if target.method in ("GET", "HEAD", "OPTIONS", "DELETE") or self.place == "query":
            query = "&".join(f"{name}={quote(value, safe='')}" for name, value in fields.items())
            path += f"?{query}" if query else ""
        elif self.place == "form":
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            fields |= {"csrf": caller.csrf} if caller.csrf else {}
            body = "&".join(f"{name}={quote(value, safe='')}" for name, value in fields.items()).encode()
        else:
            headers["Content-Type"] = "application/json"
            body = json.dumps(fields).encode()
        if caller.csrf and target.method not in ("GET", "HEAD", "OPTIONS"):
            headers["X-CSRF-Token"] = caller.csrf
        return path, headers, body

    def sent(self) -> str:
        return " ".join(str(_value(v, False)) for v in [*self.path.values(), *self.extra.values()])

    def __str__(self) -> str:
        said = {
            n: f"{v.kind}*" if isinstance(v, Stolen) else v for n, v in {**self.path, **self.extra}.items()
        }
        return f"{self.place} {said}"


def _value(value: Stolen | str, ghost: bool) -> str:
    if isinstance(value, str):
        return value
    return value.ghost if ghost else value.value


def _seen(answer: Answer, plan: _Plan, target: Target) -> tuple[int, dict[str, str], str]:
    """What an attacker could compare: status, headers, and for reading the words, with what was asked left out.

    Of a command only the beginning of the words is compared: what it did (to the caller's own tenant) is in the rest.
    """
    headers = {k: _plain(v, plan) for k, v in answer.headers.items() if k not in PASSING}
    words = _plain(_readable(answer.body), plan)
    if target.path.startswith(GROWING):
        return answer.status, headers, ""
    return answer.status, headers, words if target.method in ("GET", "HEAD", "OPTIONS") else words[:200]


def _readable(body: bytes) -> str:
    """The text; of an archive the names and contents of its members, since compressed bytes hide what is the same."""
    if not is_zipfile(BytesIO(body)):
        return body.decode("utf-8", "replace")
    with ZipFile(BytesIO(body)) as archive:
        return "\n".join(f"{n}\n{archive.read(n).decode('utf-8', 'replace')}" for n in archive.namelist())


def _plain(text: str, plan: _Plan) -> str:
    values = {
        w
        for v in [*plan.path.values(), *plan.extra.values()]
        if isinstance(v, Stolen)
        for w in (v.value, v.ghost)
    }
    for value in sorted((v for v in values if len(v) > 8), key=len, reverse=True):  # numbers are noise anyway
        for form in {value, quote(value, safe=""), quote(value), escape(value)}:
            text = text.replace(form, "§")
    return NOISE.sub("#", text)


def _difference(one: tuple[int, dict[str, str], str], other: tuple[int, dict[str, str], str]) -> str:
    for name, a, b in zip(("status", "headers", "words"), one, other, strict=True):
        if a != b:
            first, second = str(a), str(b)
            near = next(
                (n for n, pair in enumerate(zip(first, second, strict=False)) if pair[0] != pair[1]), 0
            )
            span = slice(max(0, near - 40), near + 120)
            return f"{name} differ: {first[span]!r} and {second[span]!r}"
    return ""


def stolen(kind: str, values: Iterable[Any]) -> list[Stolen]:
    return [Stolen(kind, str(value), ghost_of(str(value))) for value in values]


def marker() -> str:
    """A word that stands nowhere else."""
    return f"zq{secrets.token_hex(5)}"
