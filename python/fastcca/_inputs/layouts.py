"""Conv and token maps as samples and features: which axis of an array is which."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from itertools import cycle
from typing import Any, SupportsIndex

import numpy as np
import numpy.typing as npt

from fastcca._inputs.arrays import AnyArray, as_real, as_samples
from fastcca._inputs.spatial import BLOCK_BYTES, Blocks, Map, flatten, fold, pool, resize, slices
from fastcca._runtime.device_array import on_host

Layout = str | None
LayoutOrPair = Layout | Sequence[Layout]
Size = Sequence[SupportsIndex] | None

_PLAIN = "NC"
_POSITIONS = "DHWT"
_WAYS: dict[str, Callable[[Map, tuple[int, ...]], Blocks]] = {
    "fold": lambda source, _: fold(source),
    "pool": lambda source, _: pool(source),
    "flatten": lambda source, _: flatten(source),
    "resize": resize,
}
# The ways in which every position of a sample becomes a sample.
_PAIRED = ("fold", "resize")


@dataclass(frozen=True, eq=False, slots=True)
class Maps:
    """Arrays over the same samples, checked against each other and laid out as blocks.

    A `fastcca._inputs.source.Source`.

    Attributes
    ----------
    sources : tuple of Map
        The arrays as given, with their axes in the order samples, positions, channels.
    spatial : str
        "fold", "pool", "flatten" or "resize".
    grid : tuple of int
        Positions along each axis after resizing, in the order of the first layout; empty where
        positions do not become samples.
    """

    sources: tuple[Map, ...]
    spatial: str
    grid: tuple[int, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """What errors and states call the blocks."""
        return tuple(source.name for source in self.sources)

    @property
    def n_units(self) -> int:
        """Maps."""
        return len(self.sources[0].view)

    @property
    def n_samples(self) -> int:
        """Samples that all batches have together: with "fold" and "resize" every position."""
        return self.n_units * math.prod(self.grid)

    @property
    def feature_counts(self) -> tuple[int, ...]:
        """Features of each block."""
        return tuple(
            math.prod(m.view.shape[1:]) if self.spatial == "flatten" else m.view.shape[-1]
            for m in self.sources
        )

    @property
    def dtypes(self) -> tuple[np.dtype[Any], ...]:
        """Dtypes of the arrays as given: how the values were rounded, whatever a block's dtype."""
        return tuple(m.view.dtype for m in self.sources)

    @property
    def rounded_as(self) -> tuple[np.dtype[Any], ...]:
        """The same, for the rank rule."""
        return self.dtypes

    def select(self, names: Sequence[str], called: Sequence[str] | None = None) -> Maps:
        """Return some of the blocks, on the grid of all."""
        by_name = dict(zip(self.names, self.sources, strict=True))
        return self._with(
            replace(by_name[name], name=title)
            for name, title in zip(names, names if called is None else called, strict=True)
        )

    def take(self, *units: npt.NDArray[np.intp]) -> Maps:
        """Copy some maps, in that order, the same of all blocks or of each its own."""
        chosen = zip(self.sources, cycle(units), strict=False)
        return self._with(replace(source, view=source.view[i]) for source, i in chosen)

    def check_any_order(self) -> None:
        """Accept any order: maps are in memory."""

    def in_any_order(self) -> Maps:
        """Return the maps in the memory of the host."""
        return self._with(replace(source, view=on_host(source.view)) for source in self.sources)

    def told_where(self) -> AbstractContextManager[None]:
        """Add nothing: maps name the place of a value themselves."""
        return nullcontext()

    def _with(self, sources: Iterable[Map]) -> Maps:
        return replace(self, sources=tuple(sources))

    def batches(self) -> Iterator[tuple[AnyArray, ...]]:
        """Blocks to be read one batch after the other; every call starts a new pass.

        Yields
        ------
        tuple of ndarray, (samples, features) to (samples, lines, pixels, features)
            One block for each array. All but the last axis are samples, in C order of indices,
            and the same samples in all. A block is a view of the caller's array where strides can
            express it, and one batch holds everything where that is so for all arrays. Otherwise
            the blocks that are computed take about 16 MiB, but at least one sample.

        Raises
        ------
        ValueError
            If a value of a batch is NaN or infinite. A single batch of views is not looked
            through.
        """
        parts = [_WAYS[self.spatial](source, self.grid) for source in self.sources]
        whole = tuple(part.whole for part in parts if part.whole is not None)
        if len(whole) == len(parts):
            yield whole
            return
        sample_bytes = sum(part.sample_bytes for part in parts if part.whole is None)
        for rows in slices(len(self.sources[0].view), sample_bytes, BLOCK_BYTES):
            yield tuple(part.make(rows) for part in parts)


def lay_out(
    arrays: Mapping[str, object],
    *,
    layout: LayoutOrPair,
    spatial: str | None,
    size: Size = None,
    layers: bool = False,
) -> Maps:
    """Check arrays over the same samples and decide what of them is a sample, what a feature.

    Parameters
    ----------
    arrays : mapping of str to array_like
        At least one, by the names that errors shall use. Any strides and byte order, never
        changed. float16, bfloat16, float32, float64, integers or bool.
    layout : str, sequence of str, or None
        One letter for each axis, in any order: N samples, C channels, and D, H, W, T positions,
        each at most once and N and C always: "NHWC", "NCHW", "NTC", "NCDHW". A sequence of one
        for each array where they differ; "NC" or None in it is a plain (n_samples, features)
        array. None is plain for all.
    spatial : {None, "fold", "pool", "flatten", "resize"}
        What becomes of the positions.

        - "fold" (None): every position of every sample is a sample, so that channels are compared
          position by position. All arrays have the same positions. No copy.
        - "pool": the mean over the positions of a sample, float64.
        - "flatten": every channel at every position is a feature; features in C order of
          (positions in the order of the layout, channel), whatever the memory order, so that
          "NHWC" and "NCHW" of the same map have the same features.
        - "resize": interpolate linearly along every axis of positions (bilinear for images) to
          `size`, then fold. Pixels are areas: centres lie at half-integers, ends are repeated,
          and there is no antialiasing, as in PyTorch's ``interpolate(mode="bilinear",
          align_corners=False, antialias=False)``. Halving a map averages 2 x 2 pixels; at less
          than half, pixels in between are skipped, and "pool" loses less. float32 from float16,
          bfloat16 and float32, float64 from all others; a map that has the size already is left
          alone.

        Without positions, all are the same.
    size : sequence of int, optional
        For "resize": positions along each axis, in the order of the first layout. None takes the
        fewest that any array has, axis by axis.
    layers : bool
        Whether arrays are many layers, so that errors tell of all that disagree.

    Returns
    -------
    Maps

    Raises
    ------
    ValueError
        If arguments do not fit each other or the shapes.
    TypeError
        If an array does not hold real numbers, or an argument is of the wrong kind.
    """
    if layout is None:
        for given, argument in ((spatial, "spatial"), (size, "size")):
            if given is not None:
                raise ValueError(
                    f"{argument}={given!r} needs a layout that says which axis is which, such as "
                    "layout='NHWC'"
                )
    spatial = "fold" if spatial is None else spatial
    if not isinstance(spatial, str) or spatial not in _WAYS:
        raise ValueError(f"spatial={spatial!r} is unknown; it must be one of {tuple(_WAYS)}")
    if size is not None and spatial != "resize":
        raise ValueError(f"size={size!r} has a meaning with spatial='resize' only, not {spatial!r}")

    names = tuple(arrays)
    layouts = _one_each(layout, names)
    sources = tuple(
        _source(array, name, axes)
        for (name, array), axes in zip(arrays.items(), layouts, strict=True)
    )
    for other in sources[1:]:
        _check_same_samples(sources[0], other)
    if layers and spatial == "fold":
        extents = {
            source.name: " x ".join(str(count) for count in source.grid) or "no"
            for source in sources
        }
        check_equal(extents, "positions")
    if spatial not in _PAIRED:
        return Maps(sources, spatial, ())

    sources = tuple(_paired(sources[0], other, spatial) for other in sources)
    grids = [source.grid for source in sources]
    if spatial == "resize":
        smallest = tuple(min(counts) for counts in zip(*grids, strict=True))
        return Maps(sources, spatial, _checked_size(size, sources[0]) or smallest)
    for other in sources[1:]:
        if other.grid != sources[0].grid:
            dft = ", 'pool' or dft_cca" if set(other.positions) == {"H", "W"} else " or 'pool'"
            raise ValueError(
                f"{sources[0].name} has maps of {_extent(sources[0])} and {other.name} of "
                f"{_extent(other)}: use spatial='resize'{dft}"
            )
    return Maps(sources, spatial, grids[0])


def check_rows(names: Sequence[str], shapes: Sequence[tuple[int, ...]]) -> None:
    """Raise ValueError unless plain blocks (n_samples, features) have the same samples."""
    n = shapes[0][0]
    for name, shape in zip(names, shapes, strict=True):
        if shape[0] != n:
            raise ValueError(
                f"{names[0]} has {n} samples and {name} has {shape[0]} (shapes "
                f"{shapes[0]} and {shape}); row i of {'both' if len(names) == 2 else 'all blocks'} "
                "must belong to the same sample"
            )


def check_equal(counts: Mapping[str, object], what: str) -> None:
    """Raise ValueError with all layers that disagree on their "samples" or "positions"."""
    groups: dict[object, list[str]] = {}
    for name, count in counts.items():
        groups.setdefault(count, []).append(name)
    if len(groups) < 2:
        return
    told = "; ".join(f"{', '.join(names)}: {count}" for count, names in groups.items())
    advice = (
        "row i of every layer must belong to the same sample"
        if what == "samples"
        else "use spatial='pool', or spatial='resize' where all are maps, or compare those of "
        "equal maps in a call of their own"
    )
    raise ValueError(f"the layers have different numbers of {what} ({told}); {advice}")


def _one_each(layout: LayoutOrPair, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the checked layout of every array."""
    if layout is None or isinstance(layout, str):
        layouts: Sequence[Layout] = (layout,) * len(names)
    else:
        if not isinstance(layout, Sequence):
            raise TypeError(f"layout={layout!r} must be a string such as 'NHWC', or one for each")
        layouts = tuple(layout)
        if len(layouts) != len(names):
            raise ValueError(
                f"layout={layout!r} has {len(layouts)} entries for {len(names)} "
                f"array{'' if len(names) == 1 else 's'} ({', '.join(names)}); give one for each, "
                "or one string for all"
            )
    return tuple(_PLAIN if axes is None else _checked_layout(axes) for axes in layouts)


def _checked_layout(axes: object) -> str:
    if not isinstance(axes, str):
        raise TypeError(f"layout must be made of strings such as 'NHWC', not {axes!r}")
    known = "NC" + _POSITIONS
    for letter in axes:
        if letter not in known:
            hint = "; letters are capitals" if letter.upper() in known else ""
            raise ValueError(
                f"layout={axes!r} has an unknown axis {letter!r}: axes are N (samples), C "
                f"(channels) and D, H, W, T (positions){hint}"
            )
        if axes.count(letter) > 1:
            raise ValueError(f"layout={axes!r} names the axis {letter!r} twice")
    for letter, meaning in (("N", "samples"), ("C", "channels, the features")):
        if letter not in axes:
            raise ValueError(
                f"layout={axes!r} has no axis {letter!r} ({meaning}); write for instance 'NHWC', "
                "or 'NC' for (n_samples, features)"
            )
    return axes


def _source(value: object, name: str, axes: str) -> Map:
    """View an array with its axes in the order samples, positions, channels."""
    array = as_samples(value, name) if axes == _PLAIN else as_real(value, name)
    if array.ndim != len(axes):
        plain = f"; a plain (n_samples, features) array has the layout {_PLAIN!r}"
        raise ValueError(
            f"{name} has {array.ndim} axes (shape {array.shape}), but its layout {axes!r} names "
            f"{len(axes)}: layout must have one letter for each axis"
            f"{plain if array.ndim == 2 else ''}"
        )
    if array.size == 0:
        raise ValueError(
            f"{name} has shape {array.shape} for the layout {axes!r}: every axis must be at least 1"
        )
    positions = "".join(letter for letter in axes if letter in _POSITIONS)
    view = array.transpose([axes.index(letter) for letter in f"N{positions}C"])
    return Map(name, axes, positions, view)


def _check_same_samples(first: Map, other: Map) -> None:
    if first.view.shape[0] != other.view.shape[0]:
        raise ValueError(
            f"{first.name} has {first.view.shape[0]} samples and {other.name} has "
            f"{other.view.shape[0]} (shapes {first.shape} and {other.shape}, layouts "
            f"{first.axes!r} and {other.axes!r}); index i along N must be the same sample in both"
        )


def _paired(first: Map, other: Map, spatial: str) -> Map:
    """Bring positions into the order of the first map, so that they pair up."""
    if set(first.positions) == set(other.positions):
        order = ["N", *first.positions, "C"]
        here = f"N{other.positions}C"
        view = other.view.transpose([here.index(letter) for letter in order])
        return Map(other.name, other.axes, first.positions, view)
    if first.positions and other.positions:
        raise ValueError(
            f"{first.name} has positions along {', '.join(first.positions)} and {other.name} "
            f"along {', '.join(other.positions)} (layouts {first.axes!r} and {other.axes!r}), "
            f"which spatial={spatial!r} cannot pair: use spatial='pool' or 'flatten', or reshape "
            "one so that both have the same axes"
        )
    plain, mapped = (first, other) if other.positions else (other, first)
    raise ValueError(
        f"{plain.name} has no positions to pair with the maps of {_extent(mapped)} in "
        f"{mapped.name}, as spatial={spatial!r} needs: use spatial='pool' or 'flatten'"
    )


def _extent(source: Map) -> str:
    sizes = " x ".join(str(count) for count in source.grid)
    return sizes if len(source.grid) > 1 else f"{sizes} positions"


def _checked_size(size: Size, first: Map) -> tuple[int, ...] | None:
    if size is None:
        return None
    axes = ", ".join(first.positions) or "of positions, and there are none"
    wanted = f"one whole number, 1 or more, for each of the axes {axes}"
    try:
        checked = tuple(operator.index(count) for count in size)
    except TypeError:
        raise TypeError(f"size={size!r} must hold {wanted}") from None
    if len(checked) != len(first.positions) or min(checked, default=1) < 1:
        raise ValueError(f"size={size!r} must hold {wanted}")
    return checked
