"""Timeouts and retries of a request to a hosted model."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timeouts:
    """The time limits of one call. Every wait can be cancelled.

    Attributes:
        connect: Seconds for reaching the server.
        silence: Seconds without a word from it.
        total: Seconds for the call with all its attempts and waits.
        retries: How often a busy or failing server is asked again.
        longest_wait: Seconds between two attempts; a server that asks for more is given up.
        backoff: Seconds before the first retry where the server names no time, give or take a
            quarter; twice as many before each further one.
    """

    connect: float = 10.0
    silence: float = 90.0
    total: float = 300.0
    retries: int = 3
    longest_wait: float = 60.0
    backoff: float = 0.5
