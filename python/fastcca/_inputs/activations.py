"""One batch of activations as blocks of samples, and layouts that nobody described."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastcca._inputs.arrays import AnyArray
from fastcca._inputs.layouts import lay_out
from fastcca._inputs.spatial import Map, flatten, fold, pool

SPATIAL = ("fold", "pool", "flatten")

_WAYS = {"pool": pool, "flatten": flatten}
_BY_AXES = {2: "NC", 4: "NCHW", 5: "NCDHW"}
_CHANNELS_FIRST = ("Conv1d", "ConvTranspose1d", "Pool1d", "BatchNorm1d", "InstanceNorm1d")
_CHANNELS_LAST = ("Linear", "LayerNorm", "RMSNorm", "Embedding")


@dataclass(frozen=True, eq=False, slots=True)
class Activation:
    """The output of a layer for one batch.

    Attributes
    ----------
    array : ndarray
        In place, its axes as `layout` says.
    layout : str
        "NC", "NCHW", "NTC" and so on.
    spatial : str
        One of `SPATIAL`.
    """

    array: AnyArray
    layout: str
    spatial: str


def as_blocks(
    batch: Mapping[str, Activation],
) -> tuple[dict[str, AnyArray], list[np.dtype[Any]]]:
    """Turn the activations of one batch into blocks over the same samples.

    Parameters
    ----------
    batch : mapping of str to Activation
        At least one, by the names of the blocks.

    Returns
    -------
    blocks : dict of str to ndarray, (samples, features) to (samples, lines, pixels, features)
        Views where strides can express a block. Else it is computed: means over positions in
        float64, and a copy of that layer's batch for "flatten" of channels that come first.
    dtypes : list of dtype
        How the values of each block were rounded.

    Raises
    ------
    ValueError
        If blocks would have different samples, an axis is missing or too many, or a computed
        block holds NaN or infinity.
    """
    sources = {
        name: lay_out({name: each.array}, layout=each.layout, spatial=each.spatial).sources[0]
        for name, each in batch.items()
    }
    _check_same_inputs(sources)
    # One position is none: such a map goes with plain vectors.
    folded = [
        name
        for name, each in batch.items()
        if each.spatial == "fold" and math.prod(sources[name].grid) > 1
    ]
    _check_same_positions(sources, folded)
    if folded:
        paired = lay_out(
            {name: batch[name].array for name in folded},
            layout=tuple(batch[name].layout for name in folded),
            spatial="fold",
        )
        sources.update(zip(folded, paired.sources, strict=True))
    blocks: dict[str, AnyArray] = {}
    for name, source in sources.items():
        way = fold if name in folded else _WAYS.get(batch[name].spatial, flatten)
        parts = way(source)
        everything = slice(0, len(source.view))
        blocks[name] = parts.make(everything) if parts.whole is None else parts.whole
    return blocks, [source.view.dtype for source in sources.values()]


def _check_same_inputs(sources: Mapping[str, Map]) -> None:
    first, *others = sources
    for other in others:
        n, m = len(sources[first].view), len(sources[other].view)
        if n != m:
            raise ValueError(
                f"{first} has {n} samples in this batch and {other} has {m} (shapes "
                f"{sources[first].shape} and {sources[other].shape}, layouts "
                f"{sources[first].axes!r} and {sources[other].axes!r}): all layers must see the "
                "same inputs; where the layout is another, say so in layouts="
            )


def _check_same_positions(sources: Mapping[str, Map], folded: list[str]) -> None:
    rows: dict[str, str] = {}  # the first layer of every kind
    for name, source in sources.items():
        if name in folded:
            sizes = zip(source.positions, source.grid, strict=True)
            kind = " x ".join(f"{letter}={size}" for letter, size in sorted(sizes))
        else:
            kind = "one sample for each input"
        rows.setdefault(kind, name)
    if len(rows) > 1:
        found = ", ".join(f"{name} ({kind})" for kind, name in rows.items())
        raise ValueError(
            f"these layers have different numbers of samples for an input: {found}; take "
            "spatial='pool', for all or those that differ (a mapping by layer), or record layers "
            "of each kind in a recording of their own"
        )


def layout_of(kinds: tuple[str, ...], ndim: int, name: str, *, time_first: bool | None) -> str:
    """Choose the layout of a layer's output from its kind and number of axes.

    Parameters
    ----------
    kinds : tuple of str
        Names of the layer's class and its bases.
    ndim : int
        Axes of the output.
    name : str
        What errors call the layer.
    time_first : bool or None
        Whether three axes are (T, N, C), as with PyTorch's ``batch_first=False``; None where the
        layer does not say and other layers of its model make it doubtful.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If the output has one axis or more than five, or three that could mean several things.
    """
    if ndim == 4 and _is_any(kinds, _CHANNELS_LAST):
        return "NHWC"
    if ndim in _BY_AXES:
        return _BY_AXES[ndim]
    if ndim != 3:
        raise ValueError(
            f"{name} gives an array of {ndim} axes, of which no layout is known: give "
            f"layouts={{{name!r}: ...}}, or make it (samples, features) in select="
        )
    if _is_any(kinds, _CHANNELS_FIRST):
        return "NCT"
    if time_first is None:
        raise ValueError(
            f"{name} gives 3 axes, in a model that has convolutions over sequences or layers with "
            "batch_first=False, and its kind does not tell which axis is which: give "
            f"layouts={{{name!r}: 'NTC'}}, 'NCT' or 'TNC'"
        )
    return "TNC" if time_first else "NTC"


def _is_any(kinds: tuple[str, ...], endings: tuple[str, ...]) -> bool:
    return any(kind.endswith(endings) for kind in kinds)
