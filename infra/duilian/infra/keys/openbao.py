"""Keys in the transit engine of OpenBao (also of HashiCorp Vault): they never leave it, it wraps and unwraps.

The token needs, below the mount: read, create and update of `keys/NAME-*`, update of `encrypt/NAME-*` and
`decrypt/NAME-*`; whoever destroys a tenant also delete of `keys/NAME-tenant-*` (docs/keys.md).
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any, NoReturn

import hvac
import requests
from hvac.exceptions import InvalidPath, InvalidRequest, VaultError

from duilian.infra.keys.errors import KeyDestroyed, KeyServiceDown, KeyUnusable
from duilian.infra.keys.provider import KeyProvider, Wrapped

TIMEOUT = 5  # seconds
_PREFIX = "vault:v"  # of a ciphertext: `vault:v3:…` was made by version 3


class OpenBaoKeyProvider(KeyProvider):
    """prefix: of the keys' names. ca_file: whom to trust for TLS; empty means the well-known authorities."""

    name = "openbao"

    def __init__(self, address: str, token: str, mount: str, prefix: str, ca_file: str = "") -> None:
        self.place = address
        self._mount, self.prefix = mount, prefix
        session = requests.Session()
        session.trust_env = False  # no proxy of the environment, no credentials of ~/.netrc
        session.verify = ca_file or True
        client = hvac.Client(url=address, token=token, timeout=TIMEOUT, session=session)
        self._transit: Any = client.secrets.transit  # Any: hvac ships no types

    def newest(self, name: str) -> str:
        return str(self._call(self._transit.read_key, name)["data"]["latest_version"])

    def _create(self, name: str) -> None:
        self._call(self._transit.create_key, name, key_type="aes256-gcm96", exportable=False)

    def _rotate(self, name: str) -> None:
        self._call(self._transit.rotate_key, name)

    def _destroy(self, name: str) -> None:
        self._call(self._transit.update_key_configuration, name, deletion_allowed=True)
        self._call(self._transit.delete_key, name)

    def _encrypt(self, name: str, plaintext: bytes, context: bytes) -> Wrapped:
        self.newest(name)  # encrypting makes a key that is not there, where the token may
        answer = self._call(
            self._transit.encrypt_data, name, plaintext=_text(plaintext), associated_data=_text(context)
        )
        version, _, ciphertext = answer["data"]["ciphertext"].removeprefix(_PREFIX).partition(":")
        return Wrapped(version, base64.b64decode(ciphertext))

    def _decrypt(self, name: str, wrapped: Wrapped, context: bytes) -> bytes:
        ciphertext = f"{_PREFIX}{wrapped.version}:{_text(wrapped.ciphertext)}"
        answer = self._call(
            self._transit.decrypt_data, name, ciphertext=ciphertext, associated_data=_text(context)
        )
        return base64.b64decode(answer["data"]["plaintext"])

    def _call(self, operation: Callable[..., Any], name: str, **arguments: Any) -> Any:
        try:
            return operation(f"{self.prefix}-{name}", mount_point=self._mount, **arguments)
        except (InvalidRequest, InvalidPath) as error:
            _refused(error)
        except (VaultError, requests.RequestException) as error:
            raise KeyServiceDown from error


def _refused(error: VaultError) -> NoReturn:
    said = str(error)
    if "no handler for route" in said:  # the engine is not mounted there: no word about any key
        raise KeyServiceDown from error
    if isinstance(error, InvalidPath) or "key not found" in said:
        raise KeyDestroyed from error
    raise KeyUnusable(reason="the wrapped key or what it is bound to was altered") from error


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
