"""Samples of several blocks, wherever they lie: what the other rooms ask of them.

A source answers questions, so that nobody outside of this room asks which kind it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import cycle
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from fastcca._inputs.arrays import AnyArray, as_numbers, as_samples, check_finite
from fastcca._inputs.dtypes import precision_name
from fastcca._inputs.files import Files, any_stored
from fastcca._inputs.layouts import LayoutOrPair, Size, check_equal, check_rows, lay_out
from fastcca._runtime.device_array import on_host

Index = npt.NDArray[np.intp]

_NOWHERE = nullcontext()


class Source(Protocol):
    """Blocks over the same samples: arrays, maps, or data sets in files.

    Attributes
    ----------
    names : tuple of str
        What errors and states call the blocks.
    dtypes : tuple of dtype
        Of the arrays as given.
    rounded_as : tuple of dtype or None
        How the values of each block were rounded, where that is not the dtype of the block,
        since it was computed.
    n_units : int
        Samples as given, along N: a map is one, with all its positions.
    n_samples : int
        Samples that are compared: with "fold" and "resize" every position of every map.
    feature_counts : tuple of int
        Features of each block.
    grid : tuple of int
        Positions of each map that are compared; empty where positions do not become samples.
    """

    @property
    def names(self) -> tuple[str, ...]: ...
    @property
    def dtypes(self) -> tuple[np.dtype[Any], ...]: ...
    @property
    def rounded_as(self) -> tuple[np.dtype[Any], ...] | None: ...
    @property
    def n_units(self) -> int: ...
    @property
    def n_samples(self) -> int: ...
    @property
    def feature_counts(self) -> tuple[int, ...]: ...
    @property
    def grid(self) -> tuple[int, ...]: ...

    def batches(self) -> Iterator[tuple[AnyArray, ...]]:
        """Yield the blocks batch by batch, the last axis features; each call is a new pass."""
        ...

    def told_where(self) -> AbstractContextManager[None]:
        """Add to an error about the current batch which samples it holds."""
        ...

    def select(self, names: Sequence[str], called: Sequence[str] | None = None) -> Source:
        """Return some of the blocks, in that order, under other names if `called` has some.

        Whatever was decided for all blocks together, as the grid of "resize", stays.
        """
        ...

    def take(self, *units: Index) -> Source:
        """Copy some units, in that order, the same of all blocks or of each its own.

        Only of what `in_any_order` returns.
        """
        ...

    def check_any_order(self) -> None:
        """Raise TypeError where the blocks are in a file, which is read from first to last."""
        ...

    def in_any_order(self) -> Source:
        """Return the blocks in the memory of the host; raises as `check_any_order`."""
        ...


class Arrays:
    """Arrays (n_samples, features) in memory, checked; see `Source`."""

    __slots__ = ("_arrays", "names")

    def __init__(self, names: tuple[str, ...], arrays: Sequence[AnyArray]) -> None:
        self.names = names
        self._arrays = tuple(arrays)

    rounded_as = None
    grid = ()

    @property
    def dtypes(self) -> tuple[np.dtype[Any], ...]:
        return tuple([array.dtype for array in self._arrays])

    @property
    def n_units(self) -> int:
        return len(self._arrays[0])

    n_samples = n_units

    @property
    def feature_counts(self) -> tuple[int, ...]:
        return tuple([array.shape[-1] for array in self._arrays])

    def batches(self) -> Iterator[tuple[AnyArray, ...]]:
        return iter((self._arrays,))

    def told_where(self) -> AbstractContextManager[None]:
        return _NOWHERE

    def select(self, names: Sequence[str], called: Sequence[str] | None = None) -> Arrays:
        chosen = [self._arrays[self.names.index(name)] for name in names]
        return Arrays(tuple(names if called is None else called), chosen)

    def take(self, *units: Index) -> Arrays:
        return Arrays(self.names, [a[i] for a, i in zip(self._arrays, cycle(units), strict=False)])

    def check_any_order(self) -> None:
        pass

    def in_any_order(self) -> Arrays:
        return Arrays(self.names, [on_host(array) for array in self._arrays])


def source_of(
    blocks: Mapping[str, object],
    *,
    layout: LayoutOrPair = None,
    spatial: str | None = None,
    size: Size = None,
    layers: bool = False,
) -> Source:
    """Check blocks over the same samples: the one way in.

    Parameters
    ----------
    blocks : mapping of str to array_like or data set
        At least one, by the names that errors shall use.
    layout, spatial, size
        As in `lay_out`; without any of them blocks are (n_samples, features).
    layers : bool
        Whether blocks are layers of networks: real, and errors tell of all that disagree.

    Raises
    ------
    TypeError, ValueError
        For what holds no numbers, and for shapes that do not fit each other or the layout.
    """
    if any_stored(blocks.values()):
        return Files(blocks, layout=layout, spatial=spatial, size=size, layers=layers)
    if layout is not None or spatial is not None or size is not None:
        return lay_out(blocks, layout=layout, spatial=spatial, size=size, layers=layers)
    checked = as_samples if layers else as_numbers
    arrays = [checked(block, name) for name, block in blocks.items()]
    names = tuple(blocks)
    if len(set(map(len, arrays))) > 1:
        if layers:
            check_equal({n: len(a) for n, a in zip(names, arrays, strict=True)}, "samples")
        check_rows(names, [array.shape for array in arrays])
    return Arrays(names, arrays)


def has_few_samples(source: Source) -> bool:
    """Whether there are fewer samples than features of some block, all of real numbers.

    Then nothing of features by features is made: see `fastcca._solve.few_samples`.
    """
    return source.n_samples < max(source.feature_counts) and not is_complex(source)


def is_complex(source: Source) -> bool:
    """Whether any block holds complex numbers."""
    return "c" in [dtype.kind for dtype in source.dtypes]


def samples_of(source: Source) -> tuple[AnyArray, ...]:
    """All samples as finite arrays (n_samples, features) on the host.

    Maps are copied into that shape, and what lies on a device is copied from there.
    """
    batches = [
        [np.reshape(on_host(block), (-1, block.shape[-1])) for block in batch]
        for batch in source.batches()
    ]
    arrays = tuple(
        parts[0] if len(parts) == 1 else np.concatenate(parts)
        for parts in zip(*batches, strict=True)
    )
    if source.rounded_as is not None:
        # Values computed from float32 are no better than that, and the rank rule must know.
        arrays = tuple(
            array
            if array.dtype == dtype or precision_name(dtype) == "float64"
            else array.astype(np.float32)
            for array, dtype in zip(arrays, source.rounded_as, strict=True)
        )
    for name, array in zip(source.names, arrays, strict=True):
        check_finite(array, name)
    return arrays


def whole_of(source: Source) -> tuple[list[str], list[AnyArray], list[str] | None]:
    """Names, all samples in one block each, and how finely their values were rounded.

    They stay where they lie where that is one batch, and are brought together on the host where it
    is not.
    """
    batches = list(source.batches())
    arrays = list(batches[0])
    if len(batches) > 1:
        arrays = [
            np.concatenate([np.reshape(on_host(b), (-1, b.shape[-1])) for b in parts])
            for parts in zip(*batches, strict=True)
        ]
    if source.rounded_as is None:
        return list(source.names), arrays, None
    # Values computed from float32 are no better than that, and the rank rule must know.
    precisions = [
        "float32"
        if array.dtype != dtype and precision_name(dtype) != "float64"
        else precision_name(array.dtype)
        for array, dtype in zip(arrays, source.rounded_as, strict=True)
    ]
    return list(source.names), arrays, precisions
