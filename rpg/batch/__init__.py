"""Many prompts to many pictures, resumable: rows, a manifest, and the work between them."""

from __future__ import annotations

from rpg.batch.manifest import Entry, entries
from rpg.batch.passes import Shard
from rpg.batch.pictures import Maker, listing
from rpg.batch.redrawing import redrawn
from rpg.batch.rows import read
from rpg.batch.work import Work

__all__ = ["Entry", "Maker", "Shard", "Work", "entries", "listing", "read", "redrawn"]
