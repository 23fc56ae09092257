"""From a map of channels over positions to blocks of samples and features."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
from scipy import sparse

from fastcca._inputs.arrays import AnyArray
from fastcca._inputs.bfloat16 import is_bfloat16, with_numbers
from fastcca._runtime.device_array import on_host

BLOCK_BYTES = 16 * 2**20
"""What the computed blocks of a batch may take together."""

# Temporary copies inside a block stay in the processor's cache.
_PIECE_BYTES = 2 * 2**20
_SAMPLE_AXES = 3


@dataclass(frozen=True, eq=False, slots=True)
class Map:
    """An array and the meaning of its axes.

    Attributes
    ----------
    name : str
        What errors call it.
    axes : str
        The caller's layout.
    positions : str
        The letters between N and C in `view`.
    view : ndarray, (samples, *positions, channels)
        The caller's data.
    """

    name: str
    axes: str
    positions: str
    view: AnyArray

    @property
    def grid(self) -> tuple[int, ...]:
        """Number of positions along each axis."""
        return self.view.shape[1:-1]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the caller's array."""
        here = f"N{self.positions}C"
        return tuple(self.view.shape[here.index(letter)] for letter in self.axes)

    @property
    def sample_bytes(self) -> int:
        """Bytes of one sample."""
        return math.prod(self.view.shape[1:]) * self.view.itemsize

    def check_finite(self, rows: slice) -> None:
        """Raise ValueError, with the place in the caller's array, if a sample is not finite."""
        if self.view.dtype.kind != "f" and not is_bfloat16(self.view.dtype):
            return
        chosen = self.view[rows]
        for piece in slices(len(chosen), self.sample_bytes, _PIECE_BYTES):
            if not np.isfinite(with_numbers(chosen[piece])).all():
                self._raise_not_finite()

    def _raise_not_finite(self) -> NoReturn:
        count = 0
        first: tuple[int, ...] = ()
        for piece in slices(len(self.view), self.sample_bytes, _PIECE_BYTES):
            places = np.argwhere(~np.isfinite(with_numbers(self.view[piece])))
            if len(places) and not count:
                first = (piece.start + int(places[0, 0]), *(int(i) for i in places[0, 1:]))
            count += len(places)
        here = f"N{self.positions}C"
        value = with_numbers(self.view[first[0] : first[0] + 1])[(0, *first[1:])]
        index = ", ".join(str(first[here.index(letter)]) for letter in self.axes)
        raise ValueError(
            f"{self.name} has {count} {'value that is' if count == 1 else 'values that are'} not "
            f"finite; the first is {value} at {self.name}[{index}] ({self.axes}); "
            "remove those samples or replace the values"
        )


@dataclass(frozen=True, eq=False, slots=True)
class Blocks:
    """How to get blocks of one array.

    Attributes
    ----------
    whole : ndarray or None
        A view of all samples, where strides can express the block.
    make : callable
        Returns the block of a slice of samples, its values checked to be finite.
    sample_bytes : int
        What one sample takes in a block that is computed.
    """

    whole: AnyArray | None
    make: Callable[[slice], AnyArray]
    sample_bytes: int


def slices(n: int, sample_bytes: int, limit: int) -> Iterator[slice]:
    """Divide n samples into slices of at most `limit` bytes, but at least one sample."""
    step = max(1, limit // sample_bytes)
    for start in range(0, n, step):
        yield slice(start, min(start + step, n))


def fold(source: Map) -> Blocks:
    """Every position is a sample: (samples, channels) to (samples, lines, pixels, channels)."""
    return _strided(source, _as_samples)


def flatten(source: Map) -> Blocks:
    """Every channel at every position is a feature: (samples, positions * channels)."""
    return _strided(source, lambda view: _merged(view, 1, view.ndim - 1, 1))


def _strided(source: Map, as_view: Callable[[AnyArray], AnyArray | None]) -> Blocks:
    def make(rows: slice) -> AnyArray:
        source.check_finite(rows)
        block = as_view(source.view[rows])
        if block is None:
            block = as_view(np.ascontiguousarray(on_host(source.view[rows])))
            assert block is not None  # the axes of a new array can be merged
        return block

    return Blocks(as_view(source.view), make, source.sample_bytes)


def _as_samples(view: AnyArray) -> AnyArray | None:
    return _merged(view, 0, view.ndim - 2, _SAMPLE_AXES)


def _merged(view: AnyArray, first: int, last: int, limit: int) -> AnyArray | None:
    """View with axes `first` to `last` merged to at most `limit`, None where that needs a copy."""
    while last - first + 1 > limit:
        for i in range(first, last):
            shape, strides = view.shape, view.strides
            if 1 in shape[i : i + 2] or strides[i] == shape[i + 1] * strides[i + 1]:
                view = view.reshape(*shape[:i], shape[i] * shape[i + 1], *shape[i + 2 :])
                last -= 1
                break
        else:
            return None
    return view


def pool(source: Map) -> Blocks:
    """Mean over the positions of every sample: (samples, channels), float64."""
    if not source.grid:
        return fold(source)
    axes = tuple(range(1, source.view.ndim - 1))

    def make(rows: slice) -> AnyArray:
        chosen = source.view[rows]
        means = np.empty((len(chosen), chosen.shape[-1]))
        # numpy converts through small buffers, without a float64 copy of the input; bfloat16 is
        # widened a few samples at a time.
        piece_bytes = _PIECE_BYTES if is_bfloat16(chosen.dtype) else sys.maxsize
        with np.errstate(invalid="ignore", over="ignore"):
            for piece in slices(len(chosen), source.sample_bytes, piece_bytes):
                values = with_numbers(chosen[piece])
                np.mean(values, axis=axes, dtype=np.float64, out=means[piece])
        if not np.isfinite(means).all():
            source.check_finite(rows)
            raise ValueError(
                f"the sum over the positions of {source.name} overflows float64; divide it by a "
                "constant"
            )
        return means

    return Blocks(None, make, source.view.shape[-1] * 8)


def resize(source: Map, grid: tuple[int, ...]) -> Blocks:
    """Interpolate linearly to `grid`, then fold: see `lay_out` for the convention.

    Linear along every axis is one sparse matrix over the positions: up to ``2**axes`` nonzeros
    in a row, applied to all channels of several samples at once.
    """
    if source.grid == grid:
        return fold(source)
    view, channels = source.view, source.view.shape[-1]
    single = (view.dtype.kind == "f" and view.itemsize <= 4) or is_bfloat16(view.dtype)
    dtype = np.dtype(np.float32 if single else np.float64)
    matrix = _interpolation(source.grid, grid).astype(dtype)
    larger = max(math.prod(source.grid), math.prod(grid)) * channels * dtype.itemsize

    def make(rows: slice) -> AnyArray:
        chosen = view[rows]
        out = np.empty((len(chosen), *grid, channels), dtype)
        by_position = out.reshape(len(chosen), -1, channels)
        for piece in slices(len(chosen), larger, _PIECE_BYTES):
            source.check_finite(slice(rows.start + piece.start, rows.start + piece.stop))
            # (positions, samples * channels): one row for each position
            values = with_numbers(chosen[piece])
            columns = np.moveaxis(values, 0, -2).astype(dtype, order="C")
            resized = matrix @ columns.reshape(math.prod(source.grid), -1)
            by_position[piece] = resized.reshape(len(resized), -1, channels).swapaxes(0, 1)
        block = _as_samples(out)
        assert block is not None  # the axes of a new array can be merged
        return block

    return Blocks(None, make, math.prod(grid) * channels * dtype.itemsize)


def _interpolation(grid: tuple[int, ...], target: tuple[int, ...]) -> sparse.csr_array:
    """Weights (product of target, product of grid), float64: rows sum to 1."""
    weights = sparse.csr_array(np.ones((1, 1)))
    for old, new in zip(grid, target, strict=True):
        weights = sparse.csr_array(sparse.kron(weights, _linear_weights(old, new)))
    return weights


def _linear_weights(old: int, new: int) -> sparse.csr_array:
    """Weights (new, old) of linear interpolation between the centres of equal cells."""
    # Centre i of new cells lies at (i + 1/2) old / new - 1/2 in units of old cells.
    at = np.clip(((2 * np.arange(new) + 1) * old - new) / (2 * new), 0, old - 1)
    lower = np.floor(at).astype(np.intp)
    upper = np.minimum(lower + 1, old - 1)
    fraction = at - lower
    weights = np.stack([1.0 - fraction, fraction], axis=1)
    columns = np.stack([lower, upper], axis=1)
    rows = np.arange(0, 2 * new + 1, 2)
    matrix = sparse.csr_array((weights.ravel(), columns.ravel(), rows), shape=(new, old))
    matrix.eliminate_zeros()
    return matrix
