"""Blocks of a state by their names, where a complex one is stored as two real ones."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

__all__ = ["IMAGINARY", "Located", "check_count", "located"]

# Complex samples are accumulated as two real blocks; the second has the name and this.
IMAGINARY = ".imag"


class Located(NamedTuple):
    """A block, and the positions of its parts within the compiled state."""

    name: str
    real: int
    imaginary: int | None  # None where the block is real


@lru_cache(maxsize=64)  # of a state it is asked for again and again
def located(stored: tuple[str, ...]) -> Mapping[str, Located]:
    """Find every block among the names that are stored, in their order."""
    positions = {name: i for i, name in enumerate(stored)}
    return {
        name: Located(name, i, positions.get(name + IMAGINARY))
        for name, i in positions.items()
        if not (name.endswith(IMAGINARY) and name.removesuffix(IMAGINARY) in positions)
    }


def check_count(names: tuple[str, ...], count: int, said_to_hold: str) -> None:
    """Check the number of blocks of a state for a measure that takes `count` of them."""
    if len(names) != count:
        advice = (
            "this measure takes one block"
            if count == 1
            else "choose the two to compare with .pair(first, second)"
        )
        raise ValueError(f"{said_to_hold} {len(names)} blocks {names}; {advice}")
