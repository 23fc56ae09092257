"""CCA of every frequency by the numpy reference."""

from __future__ import annotations

import numpy as np

from fastcca import reference
from fastcca._fourier.frequencies import Bin, BinSolutions
from fastcca._inputs.arrays import AnyArray
from fastcca._inputs.spatial import Map


def solve_by_reference(
    sources: tuple[Map, ...], views: list[AnyArray], bins: list[Bin], *, weights: bool, place: str
) -> BinSolutions:
    """Do what `solve_by_core` does, with the weights in any case."""
    for source in sources:
        source.check_finite(slice(None))
    found = reference.dft_cca(*views, frequencies=[(b.row, b.col) for b in bins])
    return BinSolutions(
        found.correlations, found.ranks.astype(np.intp), found.x_weights, found.y_weights
    )
