"""Failed logins slow down, by client, and are forgiven."""

from __future__ import annotations

from ui.guard.logins import LoginThrottle


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_whoever_goes_on_waits_longer_each_time() -> None:
    clock = Clock()
    throttle = LoginThrottle(clock)
    waits = []
    for _ in range(12):
        waits.append(throttle.wait("192.0.2.1"))
        clock.now += waits[-1]
        throttle.failed("192.0.2.1")
    assert waits[:3] == [0, 0, 0]  # people mistype
    assert all(later >= sooner for sooner, later in zip(waits, waits[1:], strict=False))
    assert sum(waits) > 300  # a dozen guesses take minutes
    assert throttle.wait("192.0.2.2") == 0


def test_waiting_helps_and_a_success_forgives() -> None:
    clock = Clock()
    throttle = LoginThrottle(clock)
    for _ in range(6):
        throttle.failed("a")
    wait = throttle.wait("a")
    assert wait > 1
    clock.now += wait
    assert throttle.wait("a") == 0
    throttle.succeeded("a")
    throttle.failed("a")
    assert throttle.wait("a") == 0


def test_a_network_of_ipv6_is_one_client() -> None:
    throttle = LoginThrottle(Clock())
    for host in range(6):
        throttle.failed(f"2001:db8:0:1::{host}")
    assert throttle.wait("2001:db8:0:1:ffff::1") > 0
    assert throttle.wait("2001:db8:0:2::1") == 0
    for _ in range(6):
        throttle.failed("::ffff:192.0.2.1")
    assert throttle.wait("192.0.2.1") > 0


def test_memory_is_bounded() -> None:
    throttle = LoginThrottle(Clock())
    for number in range(25_000):
        throttle.failed(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(throttle._failed) <= 10_000


def test_passwords_and_tokens_are_counted_apart() -> None:
    throttle = LoginThrottle(Clock())
    for _ in range(6):
        throttle.failed("192.0.2.1")
        throttle.failed("token:2001:db8::1")
    assert throttle.wait("192.0.2.1") > 0 and throttle.wait("token:192.0.2.1") == 0
    assert throttle.wait("token:2001:db8::2") > 0 and throttle.wait("2001:db8::2") == 0


def test_addresses_that_are_none_are_one_client() -> None:
    throttle = LoginThrottle(Clock())
    for number in range(6):
        throttle.failed(f"junk{number}")
    assert throttle.wait("other junk") > 0


def test_the_longest_wait_is_bounded_for_good() -> None:
    throttle = LoginThrottle(Clock())
    for _ in range(5000):
        throttle.failed("a")
    assert throttle.wait("a") == 300
