"""The public API as its two users see it: a candidate who records, and staff who invite and read."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from ssl import SSLContext
from typing import Any, ClassVar
from urllib.parse import quote
from uuid import UUID

import httpx

from duilian.infra import sniffing
from duilian.infra.errors import Problem
from duilian.platform.media.chain import head

CHUNK = 512 * 1024
ATTEMPTS = 8
Document = dict[str, Any]


class Refused(Problem):
    """The server said no; its own sentence is passed on."""

    code = "refused"
    zh = "服务器拒绝了请求（{problem}）：{detail}"
    en = "The server refused ({problem}): {detail}"


class Unreachable(Problem):
    code = "unreachable"
    zh = "无法连接 {url}：{reason}。服务是否已启动（duilian up）？"
    en = "{url} cannot be reached: {reason}. Is it running (duilian up)?"


@cache
def _tls() -> SSLContext:
    """One for all: making it costs more than a call."""
    return httpx.create_ssl_context(trust_env=False)


class _Client:
    base: ClassVar[str] = ""

    def __init__(self, url: str, token: str, locale: str | None = None) -> None:
        headers = {"Authorization": f"Bearer {token}", "Accept-Language": locale or "en"}
        self._url = url
        self._http = httpx.AsyncClient(
            base_url=url, headers=headers, timeout=60, trust_env=False, verify=_tls()
        )

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._http.aclose()

    async def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Repeats what may be repeated: every call here is safe to send twice."""
        for attempt in range(ATTEMPTS):
            try:
                answer = await self._http.request(method, path, **options)
            except httpx.TransportError as error:
                if attempt == ATTEMPTS - 1:
                    raise Unreachable(url=self._url, reason=type(error).__name__) from error
            else:
                busy = answer.status_code >= 500 or answer.status_code == 429
                if not busy or attempt == ATTEMPTS - 1:
                    return _checked(answer)
            await asyncio.sleep(min(5.0, 0.2 * 2**attempt))
        raise AssertionError("the last attempt returns or raises")


def _checked(answer: httpx.Response) -> httpx.Response:
    if answer.is_success:
        return answer
    document = answer.json() if "json" in answer.headers.get("content-type", "") else {}
    raise Refused(
        problem=document.get("code", str(answer.status_code)),
        detail=document.get("detail", answer.reason_phrase),
    )


def _content_type(file: Path) -> str:
    """What the bytes are, whatever the file is called; a damaged file claims nothing."""
    with file.open("rb") as source:
        kind = sniffing.kind_of(source.read(64))
    return kind.value if kind in sniffing.RECORDED.values() and kind else "application/octet-stream"


class Staff(_Client):
    """An API key at work."""

    async def invite(self, set_key: str, email: str, locale: str | None) -> Document:
        """Nobody reads the simulated candidate's mail, so no letter is sent."""
        body: Document = {"name": "Simulated candidate", "email": email, "question_set": set_key}
        body |= {"locale": locale, "mail": False}
        return (await self.call("POST", "/api/v1/invitations", json=body)).json()

    async def interview(self, interview_id: str) -> Document:
        return (await self.call("GET", f"/api/v1/interviews/{interview_id}")).json()

    async def report(self, interview_id: str) -> Document:
        return (await self.call("GET", f"/api/v1/interviews/{interview_id}/report")).json()

    async def report_pdf(self, interview_id: str) -> bytes:
        return (await self.call("GET", f"/api/v1/interviews/{interview_id}/report.pdf")).content


class Candidate(_Client):
    """The holder of an invitation link."""

    def __init__(self, url: str, slug: str, token: str, locale: str | None = None) -> None:
        super().__init__(url, token, locale)
        self._base = f"/api/v1/t/{slug}/interview"
        self._interview: str = ""

    async def state(self) -> Document:
        return (await self.call("GET", self._base)).json()

    async def begin(self, **refused: bool) -> Document:
        """Consent to everything but what is refused by name (`scoring=False`), check in, start."""
        state = await self.state()
        decisions = dict.fromkeys(state["consents"]["decisions"], True) | refused
        body = {"version": state["consents"]["version"], "decisions": decisions}
        state = (await self.call("PUT", f"{self._base}/consents", json=body)).json()
        self._interview = state["id"]
        if state["status"] == "human_route":
            return state
        check = {"camera": "simulated", "microphone": "simulated"}
        await self.call("POST", f"{self._base}/device-check", json=check)
        return (await self.call("POST", f"{self._base}/start")).json()

    async def open(self, key: str) -> Document:
        return (await self.call("POST", f"{self._question(key)}/open")).json()

    async def write(self, key: str, text: str) -> Document:
        return (await self.call("PUT", f"{self._question(key)}/text", json={"text": text})).json()

    async def record(self, question: Document, file: Path, events: Sequence[Document] = ()) -> Document:
        """The file in chunks, then the finish; gives the certificate. events: what a page would have noted."""
        content_type = _content_type(file)
        mode = "video" if "video" in question["modes"] else "audio"
        key = question["key"]
        body = {"mode": mode, "content_type": content_type}
        take = (await self.call("POST", f"{self._question(key)}/takes", json=body)).json()
        hashes = await self._send(key, take["number"], file)
        return await self.finish(key, take["number"], hashes, events)

    async def _send(self, key: str, take: int, file: Path) -> list[str]:
        """Stops at the server's limit: what is too long will be told in the report."""
        hashes: list[str] = []
        with file.open("rb") as source:
            while piece := source.read(CHUNK):
                try:
                    await self.chunk(key, take, len(hashes), piece)
                except Refused as problem:
                    if problem.params["problem"] == "take-too-large":
                        break
                    raise
                hashes.append(sha256(piece).hexdigest())
        return hashes

    async def chunk(self, key: str, take: int, seq: int, piece: bytes, segment: int = 0) -> Document:
        digest = base64.b64encode(sha256(piece).digest()).decode()
        path = f"{self._question(key)}/takes/{take}/segments/{segment}/chunks/{seq}"
        headers = {"Content-Digest": f"sha-256=:{digest}:", "Content-Type": "application/octet-stream"}
        return (await self.call("PUT", path, content=piece, headers=headers)).json()

    async def finish(
        self, key: str, take: int, hashes: list[str], events: Sequence[Document] = ()
    ) -> Document:
        chain = head(UUID(self._interview), key, take, 0, hashes)
        body = {
            "segments": [{"chunks": len(hashes), "head": chain, "duration_ms": 0}],
            "events": list(events),
        }
        return (await self.call("POST", f"{self._question(key)}/takes/{take}/finish", json=body)).json()

    async def submit(self) -> Document:
        return (await self.call("POST", f"{self._base}/submit", json={"leave_unanswered": True})).json()

    def _question(self, key: str) -> str:
        return f"{self._base}/questions/{quote(key, safe='')}"
