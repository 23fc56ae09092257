"""Which pairs of blocks a state keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache

Group = str | Sequence[str]
PairsLike = str | Sequence[tuple[Group, Group]]
_Names = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pairs:
    """A rule that says which pairs of different blocks are kept, whatever blocks there will be.

    Attributes
    ----------
    rule : {"all", "same-name", "listed"}
    listed : tuple of (tuple of str, tuple of str)
        Names and patterns of either side.
    """

    rule: str
    listed: tuple[tuple[_Names, _Names], ...] = ()

    def given(self) -> PairsLike:
        """Return the argument that makes this rule."""
        if self.rule != "listed":
            return self.rule
        return [(_plain(first), _plain(second)) for first, second in self.listed]

    def among(self, names: _Names) -> frozenset[tuple[str, str]] | None:
        """Return the pairs of different blocks, in both orders; None means all.

        Raises
        ------
        ValueError
            If the rule speaks of blocks that there are not.
        """
        return None if self.rule == "all" else _among(self, names)


ALL = Pairs("all")


def pairs_of(pairs: object) -> Pairs:
    """Check the argument `pairs`."""
    if isinstance(pairs, str):
        if pairs not in ("all", "same-name"):
            raise ValueError(
                f"pairs={pairs!r} is unknown; it must be 'all', 'same-name', or a list of pairs "
                "(first, second) of names, patterns or lists of these"
            )
        return Pairs(pairs)
    if not isinstance(pairs, Iterable):
        raise TypeError(
            f"pairs is a {type(pairs).__name__}; it must be 'all', 'same-name', or a list of pairs"
        )
    listed = []
    for pair in pairs:
        if isinstance(pair, str) or not isinstance(pair, Sequence) or len(pair) != 2:
            raise ValueError(
                f"pairs has the entry {pair!r}, which is no pair (first, second); to keep one "
                "pair, write pairs=[('a', 'b')]"
            )
        listed.append((_group(pair[0]), _group(pair[1])))
    if not listed:
        raise ValueError("pairs is empty; it needs at least one pair of blocks")
    return Pairs("listed", tuple(listed))


def check_same_kept(pairs: Pairs, names: _Names, keeps: Callable[[str, str], bool]) -> None:
    """Raise ValueError where a rule keeps other pairs than a state of these blocks."""
    kept = pairs.among(names)
    for i, first in enumerate(names):
        for second in names[:i]:
            here = kept is None or (first, second) in kept
            if here != keeps(first, second):
                which = "this" if here else "the other"
                raise ValueError(
                    f"cannot merge a state of other pairs of blocks: {which} alone keeps "
                    f"{second} and {first}; use the same pairs on both sides"
                )


def _group(group: object) -> _Names:
    entries = [group] if isinstance(group, str) else group
    if not isinstance(entries, Iterable):
        raise TypeError(f"pairs must hold names, patterns or lists of these, not {group!r}")
    found = tuple(entries)
    if not found or not all(isinstance(entry, str) for entry in found):
        raise TypeError(f"pairs must hold names, patterns or lists of these, not {group!r}")
    return found


def _plain(group: _Names) -> Group:
    return group[0] if len(group) == 1 else list(group)


@lru_cache(maxsize=64)  # every batch of a stream asks the same
def _among(pairs: Pairs, names: _Names) -> frozenset[tuple[str, str]]:
    if pairs.rule == "same-name":
        found = {(a, b) for a in names for b in names if a != b and _layer(a) == _layer(b)}
        if not found:
            raise ValueError(
                f"pairs='same-name' keeps no pair of the blocks {names}: of two networks, name "
                "them 'a/layer' and 'b/layer', as fastcca.torch.record does"
            )
        return frozenset(found)
    found = set()
    for first, second in pairs.listed:
        for a in _meant(first, names):
            for b in _meant(second, names):
                if a != b:
                    found |= {(a, b), (b, a)}
    return frozenset(found)


def _layer(name: str) -> str:
    """Name of a layer without that of its network."""
    return name.partition("/")[2] or name


def _meant(group: _Names, names: _Names) -> list[str]:
    out: list[str] = []
    for entry in group:
        fit = [entry] if entry in names else [n for n in names if fnmatchcase(n, entry)]
        if not fit:
            raise ValueError(f"pairs has {entry!r}, which fits none of the blocks {names}")
        out += fit
    return out
