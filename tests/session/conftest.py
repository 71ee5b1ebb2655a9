"""A store, and a session of two turns in it; some files have their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from rpg.session import Session, Sessions

from .helpers import drawn, edited


@pytest.fixture
def sessions(tmp_path: Path) -> Sessions:
    return Sessions(tmp_path / "store")


@pytest.fixture
def session(sessions: Sessions) -> Session:
    session = sessions.create("mine")
    drawn(session, 1, None)
    edited(session, 2, 1)
    return session
