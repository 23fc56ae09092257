"""The blocks of a batch, and what a state needs to know of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from fastcca._inputs.arrays import AnyArray
from fastcca._runtime.memory import SMALL, check_memory
from fastcca._states.blocks import IMAGINARY

__all__ = [
    "check_size",
    "check_stored",
    "index_pairs",
    "named_batch",
    "real_blocks",
]

_POSITIONAL_NAMES = ("x", "y")


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
        if name.endswith(IMAGINARY) and name.removesuffix(IMAGINARY) in batch:
            raise ValueError(
                f"the name {name!r} stands for the imaginary part of the block "
                f"{name.removesuffix(IMAGINARY)!r}; rename one of the two"
            )
        if array.dtype.kind == "c":
            names += [name, name + IMAGINARY]
            arrays += [array.real, array.imag]
        else:
            names.append(name)
            arrays.append(array)
    return names, arrays


@lru_cache(maxsize=64)  # every batch of a stream asks the same
def index_pairs(names: tuple[str, ...], kept: frozenset[tuple[str, str]]) -> list[tuple[int, int]]:
    """Pairs of positions of real blocks, for pairs of blocks that may be complex."""
    bases = [
        name.removesuffix(IMAGINARY) if name.removesuffix(IMAGINARY) in names else name
        for name in names
    ]
    return [
        (i, j)
        for i, first in enumerate(bases)
        for j, second in enumerate(bases[:i])
        if first == second or (first, second) in kept
    ]


def check_size(
    batch: Mapping[str, AnyArray], kept: frozenset[tuple[str, str]] | None, place: str
) -> None:
    """Raise MemoryError where `update` would not find room: state, batch and products."""
    most = 2 * sum([array.shape[-1] for array in batch.values()])
    if 3 * 8 * most**2 < SMALL:  # every batch of a stream asks
        return
    sizes = {
        name: array.shape[-1] * (2 if array.dtype.kind == "c" else 1)
        for name, array in batch.items()
    }
    names = list(sizes)
    cells = sum(
        sizes[first] * sizes[second]
        for i, first in enumerate(names)
        for second in names[: i + 1]
        if kept is None or first == second or (first, second) in kept
    )
    check_memory(
        3 * 8 * cells,
        f"moments of {sum(sizes.values())} features in all, three states of float64 during update,",
        "Reduce the features first (spatial='pool', a random projection, principal components), "
        "or keep fewer pairs of blocks (pairs=...). Fewer samples than features need no such "
        "matrix, if they are passed as arrays.",
        place,
    )


def check_stored(what: str, arrays: Sequence[AnyArray]) -> None:
    """Raise ValueError where a stored state has been damaged."""
    if not all(np.isfinite(array).all() for array in arrays):
        raise ValueError(f"the stored {what} hold values that are not finite: they are damaged")
