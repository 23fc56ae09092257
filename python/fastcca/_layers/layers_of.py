"""Layers as they are given: a list, a dict, batches of dicts, or a state; checked, and named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from fastcca._inputs.arrays import as_real, as_samples
from fastcca._inputs.files import check_shapes, is_stored, shape_of
from fastcca._inputs.layouts import Size, lay_out
from fastcca._inputs.spatial import Map
from fastcca._layers.layers import Layers, MapInFile, any_in_file, maps_of, stored_of
from fastcca._runtime import backend as _backend
from fastcca._runtime.compiled import ScaleError
from fastcca._states.moments import Moments
from fastcca._states.qr_factor import QRFactor

__all__ = ["Layout", "layers_of"]

Layout = str | Sequence[str | None] | None
Side = dict[str, object]


def layers_of(
    xs: object,
    ys: object,
    *,
    layout: Layout = None,
    spatial: str | None = None,
    size: Size = None,
    backend: str | None = None,
) -> Layers:
    """Check layers given as a list, a dict, batches of dicts, or a `Moments`.

    Raises
    ------
    TypeError, ValueError
        For what is none of these, or layers that do not fit each other.
    """
    if isinstance(xs, Moments | QRFactor):
        if ys is not None or any(option is not None for option in (layout, spatial, size)):
            raise TypeError(
                f"xs is a {type(xs).__name__}, which holds all blocks: leave ys, layout, spatial "
                "and size out"
            )
        for name in xs.block_names:
            if isinstance(xs, Moments) and xs._is_complex(name):
                raise TypeError(f"the block {name!r} is complex; pairwise takes real layers")
        names = xs.block_names
        _check_any(names, "xs")
        place = _backend.resolve(backend, xs=xs)
        if isinstance(xs, QRFactor):
            factor = xs._moved_to(place)
            return Layers(names, names, names, names, None, {}, factor=factor, place=place)
        return Layers(names, names, names, names, xs._moved_to(place), {}, place=place)
    if isinstance(xs, Mapping | list | tuple | np.ndarray):
        sides = [_named(xs, "xs")] if ys is None else [_named(xs, "xs"), _named(ys, "ys")]
        layers = {
            f"{side}[{name!r}]": layer
            for side, named in zip(("xs", "ys"), sides, strict=False)
            for name, layer in named.items()
        }
        place = _backend.resolve(backend, **layers)
        return _of_samples(sides, layout, spatial, size, place)
    if isinstance(xs, Iterable) and not isinstance(xs, str | bytes) and not hasattr(xs, "shape"):
        if ys is not None:
            raise TypeError(
                "xs is an iterator of batches: leave ys out, and let every batch be a pair "
                "(xs, ys) of dicts"
            )
        return _of_batches(xs, layout, spatial, size, backend)
    raise TypeError(
        f"xs is a {type(xs).__name__}; it must be a list or dict of layers, an iterator of batches "
        "of these, a Moments or a QRFactor"
    )


def _named(layers: object, side: str) -> Side:
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


def _blocks(sides: list[Side]) -> list[tuple[str, ...]]:
    return [
        tuple(f"{side}[{name!r}]" for name in named)
        for side, named in zip(("xs", "ys"), sides, strict=False)
    ]


def _sources(
    sides: list[Side], layout: Layout, spatial: str | None, size: Size
) -> tuple[list[tuple[str, ...]], dict[str, Any], Size]:
    """Check all layers; their blocks, their samples, and the grid that all are resized to."""
    blocks = _blocks(sides)
    layers = {
        block: layer
        for names, named in zip(blocks, sides, strict=True)
        for block, layer in zip(names, named.values(), strict=True)
    }
    if layout is None and spatial is None and size is None:
        given = {
            name: layer if is_stored(layer) else as_samples(layer, name)
            for name, layer in layers.items()
        }
        _check_rows({name: shape_of(source)[0] for name, source in given.items()}, "samples")
        return blocks, given, None
    in_file = any_in_file(list(layers.values()))
    # Any layer can be flattened: this only reads the layouts.
    if in_file:
        layers = {
            name: layer if is_stored(layer) else as_real(layer, name)
            for name, layer in layers.items()
        }
        shapes = {name: (shape_of(layer), np.dtype(float)) for name, layer in layers.items()}
        laid_out = check_shapes(shapes, layout=layout, spatial="flatten")[1]
        assert laid_out is not None  # with a layout there are maps
        sources = laid_out.sources
    else:
        sources = lay_out(layers, layout=layout, spatial="flatten").sources
    if spatial in (None, "fold"):
        extents = {
            source.name: " x ".join(str(count) for count in source.grid) or "no"
            for source in sources
        }
        _check_rows(extents, "positions")
    # All other checks.
    if in_file:
        found = {source.name: MapInFile(layers[source.name], source) for source in sources}
        return blocks, found, _grid(spatial, stored_of(found, spatial, size).grid)
    maps = lay_out(layers, layout=layout, spatial=spatial, size=size)
    return blocks, {source.name: source for source in sources}, _grid(spatial, maps.grid)


def _grid(spatial: str | None, grid: tuple[int, ...]) -> Size:
    """Return the size that every pair is resized to, whichever two of the layers it has."""
    return grid if spatial == "resize" else None


def _check_rows(counts: Mapping[str, object], what: str) -> None:
    """Raise ValueError with all layers that disagree."""
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


def _of_samples(
    sides: list[Side], layout: Layout, spatial: str | None, size: Size, place: str
) -> Layers:
    blocks, sources, size = _sources(sides, layout, spatial, size)
    layers = Layers(
        tuple(sides[0]),
        tuple(sides[-1]),
        blocks[0],
        blocks[-1],
        None,
        sources,
        spatial,
        size,
        place=place,
    )
    narrow = [name for name in sources if not layers.is_wide(name)]
    moments = _moments_between([[n for n in names if n in narrow] for names in blocks], place)
    if moments is not None:
        try:
            _add(moments, {name: sources[name] for name in narrow}, spatial, size)
        except ScaleError:
            moments = None  # the measures of single pairs scale their samples
    return Layers(
        tuple(sides[0]),
        tuple(sides[-1]),
        blocks[0],
        blocks[-1],
        moments,
        sources,
        spatial,
        size,
        place=place,
    )


def _moments_between(sides: Sequence[Sequence[str]], backend: str | None) -> Moments | None:
    """Return an empty state of the pairs to compare: of one side with itself, or between two."""
    if not all(sides):
        return None
    if len(sides) == 1:
        return Moments(backend=backend)
    return Moments(pairs=[(sides[0], sides[1])], backend=backend)


def _add(moments: Moments, sources: dict[str, Any], spatial: str | None, size: Size) -> None:
    """One pass over the samples of all layers together."""
    values = list(sources.values())
    if any_in_file(values):
        stored = stored_of(sources, spatial, size)
        dtypes = stored.dtypes if stored.has_layout else None
        for batch in stored.batches():
            with stored.told_where():
                moments._update(dict(zip(sources, batch, strict=True)), dtypes)
        return
    if not isinstance(values[0], Map):
        moments._update(sources)
        return
    maps = maps_of(values, spatial, size)
    for batch in maps.batches():
        moments._update(dict(zip(sources, batch, strict=True)), maps.dtypes)


def _of_batches(
    batches: Iterable[object],
    layout: Layout,
    spatial: str | None,
    size: Size,
    backend: str | None,
) -> Layers:
    place = _backend.resolve(backend)
    moments: Moments | None = None
    names: list[tuple[str, ...]] = []
    blocks: list[tuple[str, ...]] = []
    for batch in batches:
        if isinstance(batch, Mapping):
            sides = [_named(batch, "xs")]
        elif isinstance(batch, tuple) and len(batch) == 2:
            sides = [_named(batch[0], "xs"), _named(batch[1], "ys")]
        else:
            raise TypeError(
                f"a batch is a {type(batch).__name__}; it must be a dict of layers, or a pair "
                "(xs, ys) of dicts"
            )
        # The first batch decides on the grid.
        blocks, sources, size = _sources(sides, layout, spatial, size)
        names = [tuple(side) for side in sides]
        if moments is None:
            moments = _moments_between(blocks, backend)
            assert moments is not None  # no side is empty
            moments._follow(sources)
        _add(moments, sources, spatial, size)
    if not names:
        raise ValueError("xs yields no batch; it needs at least one")
    assert moments is not None  # made of the first batch
    place = place if place == "numpy" else moments._place
    return Layers(names[0], names[-1], blocks[0], blocks[-1], moments, {}, place=place)
