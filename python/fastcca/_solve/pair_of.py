"""Two blocks, or one, as they are given: arrays, maps, data sets in files, or a state."""

from __future__ import annotations

from typing import Any

from fastcca._inputs.arrays import as_numbers
from fastcca._inputs.files import Stored, is_stored
from fastcca._inputs.layouts import LayoutOrPair, Size, lay_out
from fastcca._solve.pair import Pair
from fastcca._states.moments import Moments
from fastcca._states.qr_factor import QRFactor

__all__ = ["pair_of", "single_of"]


def pair_of(
    x: object,
    y: object,
    *,
    layout: LayoutOrPair = None,
    spatial: str | None = None,
    size: Size = None,
    precision: str = "double",
    place: str | None = None,
) -> Pair:
    """Check two arrays, or a `Moments` of two blocks in place of both.

    Raises
    ------
    TypeError
        For missing or superfluous arguments, or arrays that do not hold numbers.
    ValueError
        For shapes that do not fit each other or the layout.
    """
    if isinstance(x, Moments | QRFactor):
        _check_nothing_else(type(x).__name__, y, layout, spatial, size)
        if precision == "single" and not (isinstance(x, Moments) and x.precision == "single"):
            raise ValueError(
                f"precision='single' is too late for a {type(x).__name__} of double precision: "
                "accumulate a Moments(precision='single')"
            )
        return Pair(("x", "y"), x, place=place)
    if y is None:
        raise TypeError("y is missing: pass two arrays, or a Moments of two blocks")
    if is_stored(x) or is_stored(y):
        stored = Stored({"x": x, "y": y}, layout=layout, spatial=spatial, size=size)
        return Pair(("x", "y"), stored, precision, place)
    if layout is None and spatial is None and size is None:
        arrays = [as_numbers(x, "x"), as_numbers(y, "y")]
        if arrays[0].shape[0] != arrays[1].shape[0]:
            raise ValueError(
                f"x has {arrays[0].shape[0]} samples and y has {arrays[1].shape[0]} (shapes "
                f"{arrays[0].shape} and {arrays[1].shape}); row i of both must belong to the same "
                "sample"
            )
        return Pair(("x", "y"), arrays, precision, place)
    maps = lay_out({"x": x, "y": y}, layout=layout, spatial=spatial, size=size)
    return Pair(("x", "y"), maps, precision, place)


def single_of(
    x: object,
    *,
    layout: LayoutOrPair = None,
    spatial: str | None = None,
    size: Size = None,
    place: str | None = None,
) -> Pair:
    """Check one array, or a `Moments` of one block."""
    if isinstance(x, Moments | QRFactor):
        _check_nothing_else(type(x).__name__, None, layout, spatial, size)
        return Pair(("x",), x, place=place)
    if is_stored(x):
        stored = Stored({"x": x}, layout=layout, spatial=spatial, size=size)
        return Pair(("x",), stored, place=place)
    if layout is None and spatial is None and size is None:
        return Pair(("x",), [as_numbers(x, "x")], place=place)
    maps = lay_out({"x": x}, layout=layout, spatial=spatial, size=size)
    return Pair(("x",), maps, place=place)


def _check_nothing_else(kind: str, y: object, *map_options: Any) -> None:
    if y is not None:
        raise TypeError(f"x is a {kind} and holds both blocks; leave y out")
    if any(option is not None for option in map_options):
        raise TypeError(
            f"x is a {kind}, whose samples are accumulated already; layout, spatial and size are "
            "for arrays"
        )
