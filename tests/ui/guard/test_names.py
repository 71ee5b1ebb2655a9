"""Which names the page answers to: a table with its truth, written before the code."""

from __future__ import annotations

import socket

import pytest

from rpg.errors import SettingsError
from ui.guard.names import Names

ON = "127.0.0.1"  # where a connection came in


def answers(
    names: Names,
    *hosts: str | None,
    origin: str | None = None,
    fetch: str | None = None,
    server: str = ON,
) -> bool:
    return names.refusal(hosts, origin, fetch, server) is None


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:7860", "LOCALHOST:7860", "localhost.", "rpg.localhost:7860"]
    + ["127.0.0.1", "127.0.0.1:7860", "127.1.2.3:80", "[::1]:7860", "[::1]", "[::ffff:127.0.0.1]"],
)
def test_loopback_names_are_answered(host: str) -> None:
    assert answers(Names(), host)


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:7860", "localhost.evil.example", "127.0.0.1.evil.example"]
    + ["evil-localhost", "0.0.0.0:7860", "192.0.2.1:7860", "[2001:db8::1]:7860", "mymachine:7860"]
    + ["", None, " ", "127.0.0.1:7860:1", "127.0.0.1:port", "127.0.0.1:99999", "[::1", "a b"]
    + ["user@127.0.0.1", "127.0.0.1/x", "127.0.0.1?x", "127.0.0.1,evil.example", "höst", "a\\b"]
    + ["2130706433", "0x7f.1", "127.1", "a" * 300],
)
def test_other_names_are_not(host: str | None) -> None:
    assert not answers(Names(), host)


def test_the_host_given_and_what_is_allowed_are_answered() -> None:
    assert answers(Names.of("192.0.2.7", ()), "192.0.2.7:7860")
    assert not answers(Names.of("192.0.2.7", ()), "192.0.2.8:7860")
    assert answers(Names.of("::1", ()), "[::1]:7860")
    allowed = Names.of(ON, ("rpg.example.org", "*.example.net", "2001:db8::1"))
    for host in ("rpg.example.org", "RPG.example.org:443", "a.example.net", "[2001:db8::1]:80"):
        assert answers(allowed, host), host
    for host in ("example.org", "x.rpg.example.org", "example.net", "badexample.net"):
        assert not answers(allowed, host), host
    assert answers(Names.of(ON, ("*",)), "anything.example")


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_on_all_interfaces_the_machine_itself_is_answered(host: str) -> None:
    names = Names(host)
    assert answers(names, "192.0.2.7:7860", server="192.0.2.7")
    assert answers(names, f"{socket.gethostname()}:7860")
    assert not answers(names, "192.0.2.9:7860", server="192.0.2.7")
    assert not answers(names, "evil.example", server="192.0.2.7")


def test_every_forwarded_name_has_to_be_known() -> None:
    names = Names.of(ON, ("rpg.example.org",))
    assert answers(names, "127.0.0.1:7860", "rpg.example.org")
    assert not answers(names, "127.0.0.1:7860", "evil.example")
    assert not answers(names, "127.0.0.1:7860", "rpg.example.org", "evil.example")


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("localhost:7860", "http://localhost:7860"),
        ("127.0.0.1:7860", "http://127.0.0.1:7860"),
        ("[::1]:7860", "http://[::1]:7860"),
        ("localhost", "http://localhost"),
        ("localhost:80", "http://localhost"),
        ("localhost", "https://localhost"),
        ("127.0.0.1:7860", "https://rpg.example.org"),  # a proxy that names the host anew
        ("rpg.example.org", "https://rpg.example.org:8443"),
    ],
)
def test_the_pages_own_origin_passes(host: str, origin: str) -> None:
    assert answers(Names.of(ON, ("rpg.example.org",)), host, origin=origin)


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "http://localhost:3000", "http://localhost", "https://localhost:7861"]
    + ["null", "", "file://", "http://", "http://127.0.0.1:7860", "ftp://localhost:7860"]
    + ["http://localhost:7860.evil.example", "http://localhost:7860@evil.example", "http://["]
    + ["chrome-extension://abcdef", "http://localhost:7860/path", "http://rpg.example.org.evil"],
)
def test_other_origins_do_not(origin: str) -> None:
    names = Names.of(ON, ("rpg.example.org",))
    assert not answers(names, "localhost:7860", origin=origin)


def test_a_browser_that_says_cross_site_is_believed() -> None:
    for fetch, fine in [("same-origin", True), ("none", True), (None, True)]:
        assert answers(Names(), "localhost:7860", fetch=fetch) == fine
    for fetch in ("cross-site", "same-site"):
        assert not answers(Names(), "localhost:7860", fetch=fetch)


@pytest.mark.parametrize("name", ["https://a.example", "a.example:80", "a.example/x", "", "a b"])
def test_what_is_no_name_cannot_be_allowed(name: str) -> None:
    with pytest.raises(SettingsError, match="--allowed-host"):
        Names.of(ON, (name,))
