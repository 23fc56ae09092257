"""Many layers over the same samples: their names, their samples or their moments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastcca._inputs.files import Stored, is_stored, shape_of
from fastcca._inputs.layouts import Maps, Size, lay_out
from fastcca._inputs.spatial import Map
from fastcca._solve.pair import Pair
from fastcca._states.moments import Moments
from fastcca._states.qr_factor import QRFactor

__all__ = ["Layers", "MapInFile", "any_in_file", "maps_of", "stored_of"]


@dataclass(frozen=True, eq=False, slots=True)
class Layers:
    """Layers to compare, checked against each other.

    Attributes
    ----------
    x_names, y_names : tuple of str
        As the caller knows them.
    x_blocks, y_blocks : tuple of str
        What errors and the moments call them; the same twice where xs meets itself.
    moments : Moments or None
        Of all layers, where they are narrow enough to have some.
    sources : dict of str to ndarray or Map or MapInFile
        The samples, or data sets in files, by the names of blocks; empty where there is only a
        state.
    factor : QRFactor or None
        The state, where it is not moments.
    spatial : str or None
    size : tuple of int or None
    place : str
        Where states are made and solved, as of a `Pair`.
    """

    x_names: tuple[str, ...]
    y_names: tuple[str, ...]
    x_blocks: tuple[str, ...]
    y_blocks: tuple[str, ...]
    moments: Moments | None
    sources: dict[str, Any]
    spatial: str | None = None
    size: Size = None
    factor: QRFactor | None = None
    place: str = "cpu"

    def pair(self, x: str, y: str) -> Pair:
        """Two blocks with their samples.

        Without samples, a view of their state; KeyError where this lacks the pair.
        """
        if self.factor is not None:
            return Pair(("x", "y"), self.factor.pair(x, y), place=self.place)
        if not self.sources:
            assert self.moments is not None
            return Pair(("x", "y"), self.moments.pair(x, y), place=self.place)
        names = (x, y if x != y else f"{y} itself")  # blocks of one state need different names
        chosen = [self.sources[x], self.sources[y]]
        if any_in_file(chosen):
            stored = stored_of(dict(zip(names, chosen, strict=True)), self.spatial, self.size)
            return Pair(names, stored, place=self.place)
        if isinstance(chosen[0], Map):
            return Pair(names, maps_of(chosen, self.spatial, self.size), place=self.place)
        return Pair(names, chosen, place=self.place)

    def held(self, x: str, y: str) -> bool:
        """Whether the moments hold a pair of blocks."""
        if self.moments is None or not {x, y} <= set(self.moments.block_names):
            return False
        try:
            self.moments.pair(x, y)
        except KeyError:
            return False
        return True

    def is_wide(self, block: str) -> bool:
        """Whether the samples are there, and fewer than the features of the block."""
        if not self.sources:
            return False
        source = self.sources[block]
        if isinstance(source, MapInFile):
            source = source.shape
        if isinstance(source, Map):
            maps = maps_of([source], self.spatial, self.size)
            return maps.n_samples < maps.feature_counts[0]
        n, p = shape_of(source)
        return n < p


@dataclass(frozen=True, eq=False, slots=True)
class MapInFile:
    """A data set in a file, or an array beside one, and the meaning of its axes.

    Attributes
    ----------
    source : data set or ndarray
    shape : Map
        As the array would be, of zeros that take no memory.
    """

    source: Any
    shape: Map


def any_in_file(sources: Sequence[object]) -> bool:
    """Whether any layer has to be read from a file."""
    return any(isinstance(source, MapInFile) or is_stored(source) for source in sources)


def stored_of(sources: Mapping[str, Any], spatial: str | None, size: Size) -> Stored:
    """Return layers, some of them in files, to be read some rows at a time."""
    given = {
        name: source.source if isinstance(source, MapInFile) else source
        for name, source in sources.items()
    }
    axes = [source.shape.axes for source in sources.values() if isinstance(source, MapInFile)]
    return Stored(given, layout=axes or None, spatial=spatial, size=size)


def maps_of(sources: list[Map], spatial: str | None, size: Size) -> Maps:
    """Return maps laid out with each other."""
    named = {f"{i}": source.view for i, source in enumerate(sources)}
    layout = [f"N{source.positions}C" for source in sources]
    laid_out = lay_out(named, layout=layout, spatial=spatial, size=size)
    # With the names and layouts of the caller.
    renamed = tuple(
        Map(given.name, given.axes, used.positions, used.view)
        for given, used in zip(sources, laid_out.sources, strict=True)
    )
    return Maps(renamed, laid_out.spatial, laid_out.grid)
