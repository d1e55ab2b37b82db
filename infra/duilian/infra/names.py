"""Looking up TXT records (RFC 1035 §3.3.14), at the machine's own resolvers or at those of the settings."""

from __future__ import annotations

from dns.asyncresolver import Resolver
from dns.exception import DNSException, Timeout
from dns.rdtypes.ANY.TXT import TXT
from dns.resolver import NXDOMAIN, NoAnswer, NoNameservers, NoResolverConfiguration

from duilian.infra.errors import Unavailable

SECONDS = 5.0  # for one look-up


class NameServersDown(Unavailable):
    code = "name-servers-down"
    zh = "域名服务器暂时没有应答，请稍后再试。"
    en = "The name servers do not answer at the moment. Please try again shortly."


async def txt_records(name: str, resolvers: str = "") -> list[str]:
    """The texts, each joined from its parts; none where there is no such name. resolvers: `address:port`, by comma.
    Raises NameServersDown."""
    try:
        answer = await _resolver(resolvers).resolve(name, "TXT", raise_on_no_answer=True)
    except (NXDOMAIN, NoAnswer):
        return []
    except (Timeout, NoNameservers, NoResolverConfiguration, OSError) as error:
        raise NameServersDown from error
    except DNSException:  # a name that cannot be asked for
        return []
    rows = [row for row in answer if isinstance(row, TXT)]
    return [b"".join(row.strings).decode("utf-8", "replace") for row in rows]


def _resolver(resolvers: str) -> Resolver:
    """Nothing is kept between two looks: who checks again has just changed something."""
    resolver = Resolver(configure=not resolvers)
    resolver.lifetime = resolver.timeout = SECONDS
    if resolvers:
        places = [place.strip().rpartition(":") for place in resolvers.split(",")]
        resolver.nameservers = [host for host, _, _ in places]
        resolver.nameserver_ports = {host: int(port) for host, _, port in places}
    return resolver
