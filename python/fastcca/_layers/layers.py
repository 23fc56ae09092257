"""Many layers over the same samples: lists, dicts, batches of dicts, or a state; checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastcca._inputs.layouts import Size
from fastcca._inputs.source import Source, has_few_samples, source_of
from fastcca._runtime.backend import resolve
from fastcca._runtime.compiled import ScaleError
from fastcca._solve.pair import Pair
from fastcca._states.moments import Moments
from fastcca._states.state import State, feed

Layout = str | Sequence[str | None] | None
Named = dict[str, object]


@dataclass(frozen=True, eq=False, slots=True)
class Layers:
    """Layers to compare, checked against each other.

    Attributes
    ----------
    x_names, y_names : tuple of str
        As the caller knows them.
    x_blocks, y_blocks : tuple of str
        What errors and the moments call them; the same twice where xs meets itself.
    source : Source or None
        The samples of all layers, where they are there.
    state : State or None
        In their place; or the moments of the layers that are narrow enough to have some.
    place : str
        Where states are made and solved, as of a `Pair`.
    """

    x_names: tuple[str, ...]
    y_names: tuple[str, ...]
    x_blocks: tuple[str, ...]
    y_blocks: tuple[str, ...]
    source: Source | None
    state: State | None
    place: str

    def of_state(self, x: str, y: str) -> Pair | None:
        """Return two blocks of the state, where it has the pair."""
        if self.state is None or not {x, y} <= set(self.state.block_names):
            return None
        try:
            return Pair((x, y), state=self.state.pair(x, y), place=self.place)
        except KeyError:
            return None

    def of_samples(self, x: str, y: str) -> Pair | None:
        """Return two blocks with their samples, where these are there."""
        if self.source is None:
            return None
        names = (x, y if x != y else f"{y} itself")  # blocks of one state need different names
        return Pair(names, source=self.source.select((x, y), called=names), place=self.place)

    def moments_of(self, x: str, y: str) -> Moments | None:
        """Return the moments of all layers, where these hold the pair and are solved as such."""
        if self.state is None or self.state._keeps_digits or self.place == "numpy":
            return None
        return None if self.of_state(x, y) is None else self.state._as_moments()


def layers_of(
    xs: object,
    ys: object,
    *,
    layout: Layout = None,
    spatial: str | None = None,
    size: Size = None,
    backend: str | None = None,
) -> Layers:
    """Check layers given as a list, a dict, batches of dicts, or a state.

    Raises
    ------
    TypeError, ValueError
        For what is none of these, or layers that do not fit each other.
    """
    if isinstance(xs, State):
        if ys is not None or any(option is not None for option in (layout, spatial, size)):
            raise TypeError(
                f"xs is a {type(xs).__name__}, which holds all blocks: leave ys, layout, spatial "
                "and size out"
            )
        for name in xs.block_names:
            if xs._block(name).imaginary is not None:
                raise TypeError(f"the block {name!r} is complex; pairwise takes real layers")
        names = xs.block_names
        _check_any(names, "xs")
        place = resolve(backend, xs=xs)
        return Layers(names, names, names, names, None, xs._moved_to(place), place)
    options: dict[str, Any] = {"layout": layout, "spatial": spatial, "size": size}
    if isinstance(xs, Mapping | list | tuple | np.ndarray):
        return _of_samples(xs, ys, options, backend)
    if isinstance(xs, Iterable) and not isinstance(xs, str | bytes) and not hasattr(xs, "shape"):
        if ys is not None:
            raise TypeError(
                "xs is an iterator of batches: leave ys out, and let every batch be a pair "
                "(xs, ys) of dicts"
            )
        return _of_batches(xs, options, backend)
    raise TypeError(
        f"xs is a {type(xs).__name__}; it must be a list or dict of layers, an iterator of batches "
        "of these, a Moments or a QRFactor"
    )


def _named(layers: object, side: str) -> Named:
    """Layers by name; those of a list are numbered."""
    if isinstance(layers, Mapping):
        named = {str(name): layer for name, layer in layers.items()}
        if len(named) != len(layers):
            raise ValueError(
                f"two layers of {side} have the same name as text, of {[*layers]}; rename one"
            )
    elif isinstance(layers, list | tuple) or (isinstance(layers, np.ndarray) and layers.ndim > 2):
        named = {str(i): layer for i, layer in enumerate(layers)}
    else:
        raise TypeError(f"{side} is a {type(layers).__name__}; it must be a list or dict of layers")
    _check_any(tuple(named), side)
    return named


def _check_any(names: tuple[str, ...], side: str) -> None:
    if not names:
        raise ValueError(f"{side} holds no layer; it needs at least one")


@dataclass(frozen=True, eq=False, slots=True)
class _Sides:
    """Layers of one network, or of two, and what their blocks are called."""

    layers: list[Named]

    @property
    def names(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return tuple(self.layers[0]), tuple(self.layers[-1])

    @property
    def blocks(self) -> list[tuple[str, ...]]:
        return [
            tuple(f"{side}[{name!r}]" for name in named)
            for side, named in zip(("xs", "ys"), self.layers, strict=False)
        ]

    def by_block(self) -> Named:
        return {
            block: layer
            for names, named in zip(self.blocks, self.layers, strict=True)
            for block, layer in zip(names, named.values(), strict=True)
        }


def _of_samples(xs: object, ys: object, options: dict[str, Any], backend: str | None) -> Layers:
    sides = _Sides([_named(xs, "xs")] if ys is None else [_named(xs, "xs"), _named(ys, "ys")])
    given, blocks = sides.by_block(), sides.blocks
    place = resolve(backend, **given)
    source = source_of(given, **options, layers=True)
    narrow = {name for name in given if not has_few_samples(source.select([name]))}
    moments = _moments_between([[n for n in names if n in narrow] for names in blocks], place)
    if place == "numpy":
        moments = None  # the reference computes from the samples whenever it has them
    if moments is not None:
        try:
            feed(moments, source.select([name for name in given if name in narrow]))
        except ScaleError:
            moments = None  # the measures of single pairs scale their samples
    return Layers(*sides.names, blocks[0], blocks[-1], source, moments, place)


def _moments_between(sides: Sequence[Sequence[str]], backend: str | None) -> Moments | None:
    """Return an empty state of the pairs to compare: of one side with itself, or between two."""
    if not all(sides):
        return None
    if len(sides) == 1:
        return Moments(backend=backend)
    return Moments(pairs=[(sides[0], sides[1])], backend=backend)


def _of_batches(batches: Iterable[object], options: dict[str, Any], backend: str | None) -> Layers:
    place = resolve(backend)
    moments: Moments | None = None
    sides: _Sides | None = None
    size: Size = options["size"]
    for batch in batches:
        if isinstance(batch, Mapping):
            sides = _Sides([_named(batch, "xs")])
        elif isinstance(batch, tuple) and len(batch) == 2:
            sides = _Sides([_named(batch[0], "xs"), _named(batch[1], "ys")])
        else:
            raise TypeError(
                f"a batch is a {type(batch).__name__}; it must be a dict of layers, or a pair "
                "(xs, ys) of dicts"
            )
        given = sides.by_block()
        source = source_of(given, **{**options, "size": size}, layers=True)
        if moments is None:
            # The first batch decides on the grid, as on the names of blocks.
            size = source.grid or None if options["spatial"] == "resize" else None
            moments = _moments_between(sides.blocks, backend)
            assert moments is not None  # no side is empty
            moments._follow(given)
        feed(moments, source)
    if sides is None:
        raise ValueError("xs yields no batch; it needs at least one")
    assert moments is not None  # made of the first batch
    place = place if place == "numpy" else moments._place
    blocks = sides.blocks
    return Layers(*sides.names, blocks[0], blocks[-1], None, moments, place)
