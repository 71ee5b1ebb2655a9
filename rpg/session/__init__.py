"""Edit sessions: trees of turns on the disk, that survive kills, full disks and two windows.

sessions = Sessions()
session = sessions.create("a walk in the snow")
session.add(image, record, parent=None)
session.undo()
"""

from __future__ import annotations

from rpg.session._rows import Summary
from rpg.session.adoption import SHRUNK, adopted, own_scale
from rpg.session.compare import Comparison
from rpg.session.recording import recorded, recorded_from
from rpg.session.session import Added, Moved, Session
from rpg.session.sessions import Sessions
from rpg.session.tree import TurnTree
from rpg.session.turn import Making, Turn

__all__ = [
    "SHRUNK",
    "Added",
    "Comparison",
    "Making",
    "Moved",
    "Session",
    "Sessions",
    "Summary",
    "TurnTree",
    "Turn",
    "adopted",
    "own_scale",
    "recorded",
    "recorded_from",
]
