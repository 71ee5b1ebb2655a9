"""Stacking order: backdrops, and regions in front of others."""

from __future__ import annotations

from collections.abc import Sequence

from rpg.planners.rules.commands.plan_editor import RegionNode

_RIDES = 0.8  # share of a box that another must hold for it to go where that goes
_ALL = 0.9  # share of the canvas, or of what a region stands in


def is_backdrop(item: RegionNode, siblings: Sequence[RegionNode]) -> bool:
    """Whether a region lies behind everything beside it, so that nothing need make room for it."""
    others = [other for other in siblings if other.id != item.id]
    if item.box.area < _ALL or not others:
        return False
    behind = all(item.region.z < other.region.z for other in others)
    return (behind and item.region.z < 0) or not item.head


def hosts_of(siblings: Sequence[RegionNode]) -> dict[str, str]:
    """For regions that stand in front of another one: its id. A chain ends at the same host."""
    ordered = sorted(siblings, key=lambda item: item.region.z)
    hosts: dict[str, str] = {}
    for at, item in enumerate(ordered):
        below = [other for other in ordered[:at] if not is_backdrop(other, siblings)]
        under = [other for other in below if _holds(other, item)]
        if under:
            largest = max(under, key=lambda other: other.box.area)
            hosts[item.id] = hosts.get(largest.id, largest.id)
    return hosts


def _holds(host: RegionNode, rider: RegionNode) -> bool:
    common = host.box.intersection(rider.box)
    return common is not None and common.area >= _RIDES * rider.box.area
