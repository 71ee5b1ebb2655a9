"""Failed logins slow down: after a few, whoever goes on has to wait, longer each time."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["LoginThrottle"]

_TOKEN = "token:"  # before a client whose tokens, not passwords, are counted
_FREE_TRIES = 3  # failures that cost nothing: people mistype
_MAX_WAIT = 300.0  # seconds
_FORGET = 3600.0  # seconds without a failure
_MAX_CLIENTS = 10_000  # clients remembered


@dataclass
class _Failures:
    count: int
    last: float


class LoginThrottle:
    """Counts failures by client; of IPv6 a whole /64 is one client, since one person has it.

    Args:
        clock: Seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failed: OrderedDict[str, _Failures] = OrderedDict()

    def wait(self, client: str) -> float:
        """Seconds before a client may try again; 0 for at once."""
        found = self._failed.get(_network(client))
        if found is None:
            return 0.0
        past = self._clock() - found.last
        if past > _FORGET:
            del self._failed[_network(client)]
            return 0.0
        doublings = min(found.count - _FREE_TRIES, 20)
        pause = min(2.0**doublings, _MAX_WAIT) if doublings >= 0 else 0.0
        return max(0.0, pause - past)

    def failed(self, client: str) -> None:
        """Counts a failure."""
        name = _network(client)
        found = self._failed.pop(name, _Failures(0, 0.0))
        self._failed[name] = _Failures(found.count + 1, self._clock())
        while len(self._failed) > _MAX_CLIENTS:
            self._failed.popitem(last=False)

    def succeeded(self, client: str) -> None:
        """Forgets a client's failures."""
        self._failed.pop(_network(client), None)


def _network(client: str) -> str:
    if client.startswith(_TOKEN):
        return _TOKEN + _network(client.removeprefix(_TOKEN))
    try:
        address = ipaddress.ip_address(client.partition("%")[0])
    except ValueError:
        return "?"  # what a header made up: all of those together
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
