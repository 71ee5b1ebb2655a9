"""Where a host is: in this machine, in its network, at a cloud's metadata service, or public."""

from __future__ import annotations

import ipaddress
import queue
import socket
import threading
import time
import unicodedata
from collections.abc import Callable, Sequence
from typing import Literal, get_args
from urllib.parse import unquote

from rpg.errors import ChatAccessError

Kind = Literal["link-local", "loopback", "private", "public"]
Resolver = Callable[[str], Sequence[str]]
"""From a host name to its addresses; raises OSError where there are none."""

Trust = Literal["owner", "visitor", "stranger"]
"""Who named an address: whoever runs the program; who uses their own page; anybody at all."""

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_KINDS: tuple[Kind, ...] = get_args(Kind)  # of several addresses the first kind here counts

_RESOLVE_TIMEOUT = 2.0  # seconds for the system's resolver
_FRESH = 30.0  # seconds that its answer is kept
_MOST_KEPT = 500

# Addresses and names under which clouds hand out credentials, beside the link-local ones.
_METADATA = frozenset(
    ipaddress.ip_address(text)
    for text in (
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "fd00:ec2::254",
        "fd20:ce::254",
        "fd00:c1::a9fe:a9fe",
        "fd00:42::42",
    )
)
_METADATA_NAMES = frozenset(
    (
        "metadata",
        "metadata.goog",
        "metadata.google.internal",
        "metadata.azure.internal",
        "metadata.tencentyun.com",
        "instance-data",
        "instance-data.ec2.internal",
    )
)
_THIS_NETWORK = ipaddress.ip_network("0.0.0.0/8")  # 0.0.0.0 connects to this machine
# IPv6 networks whose addresses end in an IPv4 address: compatible, mapped, translated, NAT64.
_ENDING_IN_V4 = tuple(
    ipaddress.ip_network(text)
    for text in ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48")
)
_LOCAL_ENDINGS = (".local", ".lan", ".internal", ".intranet", ".home.arpa")


def kind_of(host: str, resolver: Resolver | None = None) -> Kind:
    """Where a host is; of several addresses the one closest to this machine's secrets counts.

    Args:
        host: A name, or an address in any spelling that connects.
        resolver: Asked for names; None: the system's, within two seconds. A name that does not
            resolve, perhaps since only a proxy can, is judged by its text.
    """
    name = plain(host)
    if name in _METADATA_NAMES:
        return "link-local"
    if (address := literal(name)) is not None:
        return kind_of_address(address)
    if f".{name}".endswith(".localhost"):
        return "loopback"
    try:
        found = (resolver or system)(name)
    except OSError:
        found = ()
    kinds = [kind_of_address(address) for text in found if (address := literal(text)) is not None]
    return min(kinds, key=_KINDS.index, default=_kind_by_name(name))


def kind_of_address(address: _Address) -> Kind:
    """Where an address is; IPv4 addresses within IPv6 ones are looked at."""
    meant = _embedded_ipv4(address)
    if meant in _METADATA or meant.is_link_local:
        return "link-local"
    if meant.is_loopback or meant in _THIS_NETWORK:
        return "loopback"
    # multicast is global to the library, and an IPv6 site-local address
    closed = meant.is_multicast or getattr(meant, "is_site_local", False) or not meant.is_global
    return "private" if closed else "public"


def literal(host: str) -> _Address | None:
    """A host that is an address, however it is written: 127.1, 0x7f000001, 2130706433, [::1%lo]."""
    text = plain(host)
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(text))  # octal, hexadecimal, fewer parts
    except (OSError, ValueError):
        return None


def forbidden(base_url: str) -> ChatAccessError:
    """The refusal of an address that no visitor may name."""
    return ChatAccessError(
        f"{base_url} is a link-local or metadata address, and those are never asked: "
        "give the base URL of a language model"
    )


def plain(host: str) -> str:
    """A host as resolvers read it: lower case, no brackets, no dot at the end, ASCII digits."""
    text = unicodedata.normalize("NFKC", unquote(host)).replace("\u3002", ".")
    return text.lower().strip("[]").removesuffix(".")


def system(host: str) -> Sequence[str]:
    """The system's resolver, bounded in time; its answers are kept for half a minute.

    Raises:
        OSError: There is no such host, or no answer in time.
    """
    now = time.monotonic()
    with _lock:
        until, found = _cache.get(host, (0.0, ()))
    if until < now:
        found = _looked_up(host)
        with _lock:
            if len(_cache) >= _MOST_KEPT:
                _cache.clear()
            _cache[host] = (now + _FRESH, found)
    if not found:
        raise OSError("name or service not known")
    return found


_lock = threading.Lock()
_cache: dict[str, tuple[float, Sequence[str]]] = {}


def _looked_up(host: str) -> Sequence[str]:
    """What `getaddrinfo` says in time; it cannot be stopped, so it runs in a thread of its own."""
    answers: queue.SimpleQueue[Sequence[str]] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
            answers.put(tuple(dict.fromkeys(str(one[4][0]) for one in found)))
        except (OSError, UnicodeError):
            answers.put(())

    threading.Thread(target=ask, name="rpg-resolver", daemon=True).start()
    try:
        return answers.get(timeout=_RESOLVE_TIMEOUT)
    except queue.Empty:
        return ()


def _embedded_ipv4(address: _Address) -> _Address:
    """The IPv4 address that an IPv6 address stands for, where it stands for one."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if any(address in network for network in _ENDING_IN_V4):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.sixtofour or address


def _kind_by_name(name: str) -> Kind:
    return "private" if "." not in name or name.endswith(_LOCAL_ENDINGS) else "public"
