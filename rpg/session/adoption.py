"""A picture file comes back: to the turn that drew it, or as the first turn of a new session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rpg.plans.overlay import shrink

if TYPE_CHECKING:
    from PIL.Image import Image

    from rpg.metadata import Record
    from rpg.session.session import Session
    from rpg.session.sessions import Sessions

__all__ = ["SHRUNK", "adopted", "own_scale"]

# Mean difference, in steps of a channel, that `shrink` stays below: 0.5 for a picture as drawn, a
# little more where a soft mask was pasted into an enlarged one.
SHRUNK = 1.0


def own_scale(shown: Image, record: Record) -> int:
    """Times that a picture is larger than it was drawn; 1 if it was resized since."""
    size, scale = record.settings.size, record.scale
    return scale if size and (size[0] * scale, size[1] * scale) == shown.size else 1


def adopted(sessions: Sessions, shown: Image, record: Record) -> tuple[Session, int]:
    """The turn of a picture, made if there is none.

    Args:
        sessions: Where to look, and to add.
        shown: The picture as it was saved, in RGB.
        record: What its file says.

    Returns:
        The session and the turn's number.

    Raises:
        StoreError: The folder cannot be read or written.
    """
    scale = own_scale(shown, record)
    own = shrink(shown, scale)
    found = sessions.find(own, record, off=0.0 if scale == 1 else SHRUNK)
    if found is not None:
        return found
    session = sessions.create()
    return session, session.add(own, _sized(record, own, scale), parent=None).turn.id


def _sized(record: Record, own: Image, scale: int) -> Record:
    """The record of a picture as it is now, should it have been resized."""
    if record.settings.size == own.size:
        return record.model_copy(update={"scale": scale})
    resized = {"width": own.width, "height": own.height}
    settings = record.settings.reset("upscaling").updated(resized)
    return record.model_copy(update={"settings": settings, "scale": scale})
