"""The provider that the settings name."""

from __future__ import annotations

from duilian.infra.keys.errors import KeyUnusable
from duilian.infra.keys.file import FileKeyProvider
from duilian.infra.keys.provider import KeyProvider
from duilian.infra.settings import Settings


def provider_of(settings: Settings) -> KeyProvider:
    """Asks nothing over the network yet. Raises KeyUnusable where a setting or the key file is missing."""
    match settings.key_provider:
        case "file":
            return FileKeyProvider(settings.master_key_file)
        case "openbao":
            return _openbao(settings)
        case "kms":
            return _kms(settings)


def create_master(settings: Settings) -> KeyProvider:
    """The provider, with a master key from now on if there was none."""
    if settings.key_provider == "file":
        FileKeyProvider.create(settings.master_key_file)
    provider = provider_of(settings)
    provider.create_master()
    return provider


def _openbao(settings: Settings) -> KeyProvider:
    from duilian.infra.keys.openbao import OpenBaoKeyProvider  # brings an HTTP client that others do without

    if not settings.openbao_address or not settings.openbao_token:
        raise KeyUnusable(reason="DUILIAN_OPENBAO_ADDRESS and DUILIAN_OPENBAO_TOKEN are needed for openbao")
    return OpenBaoKeyProvider(
        settings.openbao_address,
        settings.openbao_token,
        settings.openbao_mount,
        settings.key_name,
        settings.openbao_ca_file,
    )


def _kms(settings: Settings) -> KeyProvider:
    from duilian.infra.keys.kms import KmsKeyProvider

    return KmsKeyProvider(settings.kms_region, settings.kms_endpoint, settings.key_name)
