"""Blocks of a batch and of a state by their names; a complex one is stored as two real ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy.typing as npt

from fastcca._inputs.arrays import AnyArray

# Complex samples are accumulated as two real blocks; the second has the name and this.
_IMAGINARY = ".imag"
_POSITIONAL_NAMES = ("x", "y")


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
        name: Located(name, i, positions.get(name + _IMAGINARY))
        for name, i in positions.items()
        if not (name.endswith(_IMAGINARY) and name.removesuffix(_IMAGINARY) in positions)
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


def named_batch(
    blocks: Sequence[npt.ArrayLike], named_blocks: Mapping[str, npt.ArrayLike]
) -> dict[str, npt.ArrayLike]:
    """Join unnamed blocks, "x" and "y", and named ones."""
    if not blocks:
        return dict(named_blocks)
    if len(blocks) > len(_POSITIONAL_NAMES):
        raise TypeError(
            f"update takes one or two unnamed blocks, not {len(blocks)}; name them: "
            "update(layer1=a, layer2=b, layer3=c)"
        )
    batch: dict[str, npt.ArrayLike] = dict(zip(_POSITIONAL_NAMES, blocks, strict=False))
    for name, block in named_blocks.items():
        if name in batch:
            raise TypeError(f"the block {name!r} is given twice, by position and by name")
        batch[name] = block
    return batch


def real_blocks(batch: Mapping[str, AnyArray]) -> tuple[list[str], list[AnyArray]]:
    """Names and arrays as the compiled state takes them."""
    names: list[str] = []
    arrays: list[AnyArray] = []
    for name, array in batch.items():
        if name.endswith(_IMAGINARY) and name.removesuffix(_IMAGINARY) in batch:
            raise ValueError(
                f"the name {name!r} stands for the imaginary part of the block "
                f"{name.removesuffix(_IMAGINARY)!r}; rename one of the two"
            )
        if array.dtype.kind == "c":
            names += [name, name + _IMAGINARY]
            arrays += [array.real, array.imag]
        else:
            names.append(name)
            arrays.append(array)
    return names, arrays


@lru_cache(maxsize=64)  # every batch of a stream asks the same
def index_pairs(names: tuple[str, ...], kept: frozenset[tuple[str, str]]) -> list[tuple[int, int]]:
    """Pairs of positions of real blocks, for pairs of blocks that may be complex."""
    bases = [
        name.removesuffix(_IMAGINARY) if name.removesuffix(_IMAGINARY) in names else name
        for name in names
    ]
    return [
        (i, j)
        for i, first in enumerate(bases)
        for j, second in enumerate(bases[:i])
        if first == second or (first, second) in kept
    ]
