"""An endpoint that speaks OpenAI's protocol and says what it is told to: a language model's part, without the model."""

from __future__ import annotations

import http.server
import json
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

Body = dict[str, Any]


@dataclass
class Endpoint:
    """What it says next, and what it was asked. says: makes the answer of what it is asked, instead of `pieces`.

    silence: seconds before its first word, in which it sends `meanwhile` again and again. counts: whether it tells usage.
    """

    pieces: list[str] = field(default_factory=list)
    says: Callable[[Body], str] | None = None
    finish: str = "stop"
    status: int = 200
    pause: float = 0.0
    silence: float = 0.0
    meanwhile: bytes = b""
    counts: bool = True
    asked: list[Body] = field(default_factory=list)
    broken_off: threading.Event = field(default_factory=threading.Event)
    url: str = ""


@contextmanager
def serving(script: Endpoint) -> Generator[Endpoint]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """The list of models, by which `duilian doctor` sees that somebody is there."""
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"data": []}')

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            script.asked.append(body)
            self.send_response(script.status)
            self.end_headers()
            try:
                self._wait()
                for piece in [script.says(body)] if script.says else script.pieces:
                    self._send(
                        {"choices": [{"delta": {"content": piece}, "finish_reason": None}], "model": "m-7"}
                    )
                    time.sleep(script.pause)
                self._send({"choices": [{"delta": {}, "finish_reason": script.finish}]})
                if script.counts:
                    self._send({"choices": [], "usage": {"prompt_tokens": 70, "completion_tokens": 30}})
            except OSError:
                script.broken_off.set()

        def _wait(self) -> None:
            until = time.monotonic() + script.silence
            while time.monotonic() < until:
                self.wfile.write(script.meanwhile)
                time.sleep(0.05)

        def _send(self, event: Body) -> None:
            self.wfile.write(b"data: " + json.dumps(event).encode() + b"\n\n")

        def log_message(self, *_: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    script.url = f"http://127.0.0.1:{server.server_port}"
    yield script
    server.shutdown()
    server.server_close()
