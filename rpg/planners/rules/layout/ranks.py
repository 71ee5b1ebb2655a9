"""Ranks along an axis from "a comes before b", as longest paths in a graph without cycles."""

from __future__ import annotations

from collections.abc import Iterable


class Ranks:
    """Items 0 to count - 1 along one axis: some come before others, some share a rank."""

    def __init__(self, count: int) -> None:
        """Begins with no order among them."""
        self._group = list(range(count))
        self._edges: list[tuple[int, int]] = []

    def before(self, a: int, b: int) -> bool:
        """Puts a before b; False, and nothing done, where that contradicts what stands."""
        if self._reaches(b, a):
            return False
        self._edges.append((a, b))
        return True

    def level(self, a: int, b: int) -> bool:
        """Gives a and b one rank; False, and nothing done, where one must come before the other."""
        if self._reaches(a, b, strict=True) or self._reaches(b, a, strict=True):
            return False
        old, new = self._group[b], self._group[a]
        self._group = [new if group == old else group for group in self._group]
        return True

    def must_follow(self, a: int, b: int) -> bool:
        """Whether b has to come before a."""
        return self._reaches(b, a, strict=True)

    def _reaches(self, start: int, goal: int, *, strict: bool = False) -> bool:
        """Whether goal comes after start by force of edges or, unless strict, shares its rank."""
        goal_group, open_groups, seen = self._group[goal], [self._group[start]], set[int]()
        if not strict and open_groups[0] == goal_group:
            return True
        while open_groups:
            group = open_groups.pop()
            if group in seen:
                continue
            seen.add(group)
            later = [self._group[b] for a, b in self._edges if self._group[a] == group]
            if goal_group in later:
                return True
            open_groups.extend(later)
        return False

    def values(self) -> list[int]:
        """The rank of every item, from 0: as late as possible for what nothing comes before."""
        pairs = {(self._group[a], self._group[b]) for a, b in self._edges}
        rank = dict.fromkeys(self._group, 0)
        for _ in rank:
            for a, b in pairs:
                rank[b] = max(rank[b], rank[a] + 1)
        return self._pulled(rank, pairs)

    def _pulled(self, rank: dict[int, int], pairs: Iterable[tuple[int, int]]) -> list[int]:
        """Moves what comes first next to what it comes before."""
        followers = {b for _, b in pairs}
        for group in rank:
            after = [rank[b] for a, b in pairs if a == group]
            if after and group not in followers:
                rank[group] = min(after) - 1
        return [rank[group] for group in self._group]
