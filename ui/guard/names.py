"""Host and Origin: under which names the page answers, and to pages of which origin.

Without this any web page could reach a page on loopback: by a name of its own that it lets resolve
to 127.0.0.1 (DNS rebinding), or by plain cross-origin requests.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import urlsplit

from rpg.errors import SettingsError

__all__ = ["Names", "is_loopback"]

_PORTS = {"http": 80, "https": 443}
_ALL_INTERFACES = ("", "0.0.0.0", "::")
_FOREIGN = ("cross-site", "same-site")  # of Sec-Fetch-Site; the latter is another port or subdomain
_MOST = 253 + len(":65535")  # a DNS name and a port: RFC 1035, section 2.3.4


@dataclass(frozen=True, slots=True)
class _Authority:
    """A host in lower case, without brackets and final dot; None: the scheme's own port."""

    host: str
    port: int | None


@dataclass
class Names:
    """The names under which the page answers.

    Attributes:
        host: The address that it listens on; of "0.0.0.0" and "::" the machine's name and the
            address that a connection came in at.
        allowed: More names, as the operator gives them: "rpg.example.org", "*.example.org" for
            every name below it, or "*" for any.
    """

    host: str = "127.0.0.1"
    allowed: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, host: str, allowed: Iterable[str]) -> Names:
        """The names, checked.

        Raises:
            SettingsError: One is no name: it holds a scheme, a path or a port.
        """
        known = set()
        for name in allowed:
            own = name.lower().strip("[]").removesuffix(".")
            plain = _Authority(own.removeprefix("*."), None)
            if name != "*" and _authority(name.removeprefix("*.")) != plain:
                raise SettingsError(
                    f"--allowed-host {name!r:.100}: write a name alone, such as rpg.example.org"
                )
            known.add(own)
        return cls(host, known)

    def refusal(
        self, hosts: Iterable[str | None], origin: str | None, fetch: str | None, server: str
    ) -> str | None:
        """Why a request is refused; None where it is not.

        Args:
            hosts: What it takes us for: its `Host` header, None where it has none, and every name
                in `X-Forwarded-Host`.
            origin: Its `Origin` header.
            fetch: Its `Sec-Fetch-Site` header, where it is no navigation.
            server: The local address of its connection.
        """
        named = []
        for host in hosts:
            one = _authority(host or "")
            if one is None:
                return "the request does not say for which host it is"
            if not self._ours(one.host, server):
                return (
                    f"this page does not answer to the name {one.host:.100}; its operator can "
                    "allow it with --allowed-host"
                )
            named.append(one)
        foreign = not self._same(origin, named) if origin is not None else fetch in _FOREIGN
        return "requests from pages of another origin are refused" if foreign else None

    def _ours(self, host: str, server: str) -> bool:
        if is_loopback(host) or self._listed(host):
            return True
        if self.host.strip("[]").lower() not in _ALL_INTERFACES:
            return host == self.host.strip("[]").lower()
        # An address cannot be rebound, a name can: so any address is fine that is this machine's.
        return host == server.lower() or host in _own_names()

    def _listed(self, host: str) -> bool:
        if "*" in self.allowed or host in self.allowed:
            return True
        return any(name[:2] == "*." and host.endswith(name[1:]) for name in self.allowed)

    def _same(self, origin: str, named: list[_Authority]) -> bool:
        """Whether an origin is the page's own, directly or through a proxy that renames it."""
        try:
            url = urlsplit(origin)
            own = _authority(url.netloc)
        except ValueError:
            return False
        if own is None or url.scheme not in _PORTS or url.path or url.query:
            return False
        if "*" not in self.allowed and self._listed(own.host):
            return True  # the port is the proxy's
        port = own.port or _PORTS[url.scheme]
        return any(
            own.host == one.host and port in ([one.port] if one.port else _PORTS.values())
            for one in named
        )


def is_loopback(host: str) -> bool:
    """Whether a host, as a URL names it, is this machine to itself."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


@cache
def _own_names() -> frozenset[str]:
    """Looked up once: where DNS hangs that takes seconds."""
    return frozenset({socket.gethostname().lower(), socket.getfqdn().lower()})


def _authority(text: str) -> _Authority | None:
    """A host and a port taken apart; None for what is neither."""
    if not 0 < len(text) <= _MOST or not text.isascii() or not text.isprintable():
        return None
    if set(text) & set("/\\@?#, \t"):
        return None
    host, port = text, ""
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            return None
        port = rest[1:]
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    if not host or (port and not (port.isdigit() and int(port) < 65536)):
        return None
    return _Authority(host.lower().removesuffix("."), int(port) if port else None)
