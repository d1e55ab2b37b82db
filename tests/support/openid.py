"""A real OpenID provider beside the platform, and somebody who signs in there with a browser or without."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

SCRIPT = Path(__file__).parents[2] / "platform" / "web" / "test" / "openid-provider.mjs"
CLIENT, SECRET = "duilian", "a-secret-that-only-the-two-know"
MOST_HOPS = 20


@dataclass(frozen=True)
class OpenIdProvider:
    issuer: str

    def tamper(self, **claims: Any) -> None:
        """From now on ID tokens say this, signed as ever. Nothing ends it."""
        httpx.post(f"{self.issuer}/test/tamper", json=claims, trust_env=False).raise_for_status()

    def sign_in(self, url: str, login: str, until: str) -> str:
        """Follows the provider's pages from `url`, signs in and agrees; the address below `until` it sends back to."""
        with httpx.Client(timeout=30, trust_env=False) as browser:
            answer = browser.get(url)
            for _ in range(MOST_HOPS):
                if answer.is_redirect:
                    target = str(answer.url.join(answer.headers["location"]))
                    if target.startswith(until):
                        return target
                    answer = browser.get(target)
                else:
                    action, form = _form(answer, login)
                    answer = browser.post(action, data=form)
        raise AssertionError(answer.text[:500])


def _form(answer: httpx.Response, login: str) -> tuple[httpx.URL, dict[str, str]]:
    action = re.search(r'action="([^"]+)"', answer.text)
    prompt = re.search(r'name="prompt" value="(\w+)"', answer.text)
    assert action, answer.text[:500]
    assert prompt
    return answer.url.join(action[1]), {"prompt": prompt[1], "login": login, "password": "any"}


@contextmanager
def openid_provider(
    redirect_uris: list[str], accounts: dict[str, dict[str, Any]]
) -> Iterator[OpenIdProvider]:
    """On a port of its own, ended with the block. accounts: by login, the claims the provider makes about each."""
    config = {"clientId": CLIENT, "clientSecret": SECRET, "redirectUris": redirect_uris, "accounts": accounts}
    node = Path(sys.executable).with_name("node")
    process = subprocess.Popen(
        [str(node), str(SCRIPT), json.dumps(config)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,  # `node` starts the real one and would leave it behind
    )
    try:
        assert process.stdout
        issuer = process.stdout.readline().strip()
        assert issuer, "the provider did not start"
        yield OpenIdProvider(issuer)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(10)
