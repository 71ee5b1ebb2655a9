"""Where an address is, in every spelling; nobody is asked but a resolver of the test."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import pytest

from rpg.chat import addresses
from rpg.chat.addresses import Kind, kind_of
from rpg.chat.endpoints import ENDPOINTS, endpoint_of, is_local

LOOPBACK = """
127.0.0.1 127.1 127.0.1 127.255.255.254 2130706433 0x7f000001 0x7F.1 0177.0.0.1 017700000001
0x7f.0.0.0x1 127.0.0.1. 127.1. 0.0.0.0 0 0x0 0.0.0.7 ::1 :: [::1] 0:0:0:0:0:0:0:1 ::ffff:127.0.0.1
[::ffff:7f00:1] ::127.0.0.1 64:ff9b::127.0.0.1 64:ff9b::7f00:1 2002:7f00:1:: ::1%lo [::1%25lo]
localhost LOCALHOST localhost. api.localhost １２７.0.0.1 127。0。0。1 ::ffff:0:127.0.0.1
"""
PRIVATE = """
10.0.0.1 10.1 0x0a000001 012.0.0.1 167772161 172.16.0.1 172.31.255.255 192.168.1.7 192.168.263
3232235783 100.64.0.1 100.127.255.254 fc00::1 fd12:3456::1 fec0::1 ::ffff:10.0.0.1 224.0.0.1
64:ff9b::10.0.0.1 2002:0a00:1:: 198.18.0.1 255.255.255.255 240.0.0.1 ff02::1 192.168.1.7.
"""
LINK_LOCAL = """
169.254.169.254 2852039166 0xa9fea9fe 0251.0376.0251.0376 169.254.43518 169.254.169.254. fe80::1
fe80::1%eth0 [fe80::1%25eth0] febf::1 ::ffff:169.254.169.254 ::ffff:a9fe:a9fe 64:ff9b::a9fe:a9fe
2002:a9fe:a9fe:: fd00:ec2::254 fd00:0ec2:0:0:0:0:0:254 100.100.100.200 1684301000 169.254.0.1
metadata.google.internal METADATA.google.internal. metadata.goog 168.63.129.16 192.0.0.192
"""
PUBLIC = """
8.8.8.8 134744072 0x08080808 010.8.8.8 9.9.9.9. 172.32.0.1 172.15.0.1 100.128.0.1 100.63.255.255
128.0.0.1 11.0.0.1 2606:4700::1111 ::ffff:8.8.8.8 64:ff9b::808:808 2002:808:808:: 1.1
"""
SPELLINGS = [
    (text, kind)
    for kind, texts in (
        ("loopback", LOOPBACK),
        ("private", PRIVATE),
        ("link-local", LINK_LOCAL),
        ("public", PUBLIC),
    )
    for text in texts.split()
]
NAMES = {
    "gateway.example": ["10.0.0.3"],
    "rebinding.example": ["127.0.0.1"],
    "cloud.example": ["169.254.169.254"],
    "sixth.example": ["fe80::1%2"],
    "both.example": ["8.8.8.8", "::1"],
    "all.example": ["8.8.8.8", "10.0.0.1", "127.0.0.1", "169.254.0.9"],
    "api.example": ["8.8.8.8", "2606:4700::1111"],
    "nas": ["192.168.0.9"],
    "short": ["8.8.4.4"],
    "far.local": ["8.8.4.4"],
}


def told(name: str) -> Sequence[str]:
    if name not in NAMES:
        raise OSError("no such host")
    return NAMES[name]


def nobody(name: str) -> Sequence[str]:
    raise AssertionError(f"asked for {name}")


@pytest.mark.parametrize(("text", "kind"), SPELLINGS)
def test_every_spelling_of_an_address_is_read_without_asking(text: str, kind: Kind) -> None:
    assert kind_of(text, nobody) == kind


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("gateway.example", "private"),
        ("Gateway.Example.", "private"),
        ("rebinding.example", "loopback"),
        ("cloud.example", "link-local"),
        ("sixth.example", "link-local"),
        ("both.example", "loopback"),
        ("all.example", "link-local"),
        ("api.example", "public"),
        ("nas", "private"),
        ("short", "public"),
        ("far.local", "public"),
        # what does not resolve is told by its name
        ("ollama", "private"),
        ("box.lan", "private"),
        ("printer.local", "private"),
        ("llm.internal", "private"),
        ("local.example.com", "public"),
        ("unknown.example", "public"),
    ],
)
def test_a_name_is_where_it_resolves_to(name: str, kind: Kind) -> None:
    assert kind_of(name, told) == kind


def test_what_is_local_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "system", told)
    assert is_local("gateway.example") and is_local("127.1") and not is_local("api.example")
    assert endpoint_of("http://gateway.example:11434/v1").name == "Ollama"
    assert endpoint_of("http://2130706433:8000/v1").local


def test_nobody_is_asked_for_the_well_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "system", nobody)
    assert not any(is_local(one.host) for one in ENDPOINTS if one.host)


def test_a_resolver_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    gate, asked = threading.Event(), list[object]()

    def hanging(name: object, *_: object, **__: object) -> list[object]:
        asked.append(name)
        gate.wait(60)
        return []

    monkeypatch.setattr(addresses, "_RESOLVE_TIMEOUT", 0.1)
    monkeypatch.setattr("socket.getaddrinfo", hanging)
    begun = time.monotonic()
    assert kind_of("hangs.example") == kind_of("hangs.example") == "public"
    assert time.monotonic() - begun < 20  # the resolver takes a minute
    assert len(asked) == 1  # the second time it is remembered
    gate.set()
