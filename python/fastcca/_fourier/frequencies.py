"""Which frequencies of two transformed maps to compare, and where they are stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fastcca._inputs.arrays import AnyArray

Grid = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Bin:
    """A frequency, and how many of the whole grid it stands for.

    Attributes
    ----------
    row, col : int
        Cycles per map along height and width, in [-size/2, size/2).
    multiplicity : int
        2 where the mirror image (-row, -col) has the same correlations and is left out.
    """

    row: int
    col: int
    multiplicity: int


@dataclass(frozen=True, slots=True, eq=False)
class BinSolutions:
    """Correlations (k,), ranks (F, 2) and weights (p, k) and (q, k) of F frequencies."""

    correlations: Sequence[AnyArray]
    ranks: npt.NDArray[np.intp]
    x_weights: Sequence[AnyArray]
    y_weights: Sequence[AnyArray]


def common_bins(x_grid: Grid, y_grid: Grid) -> list[Bin]:
    """Frequencies that both grids have, without those that repeat the correlations of another.

    With equal grids these are the bins of the half spectrum, ``height * (width // 2 + 1)``: its
    first column, and for an even width its last, hold both members of their pairs.

    Parameters
    ----------
    x_grid, y_grid : (height, width)

    Returns
    -------
    list of Bin
        Their multiplicities sum to the smaller height times the smaller width.
    """
    height, width = (min(sizes) for sizes in zip(x_grid, y_grid, strict=True))
    # The mirror image of -size/2 is itself on a grid of that size, and is cut off a larger one.
    lost_row = -height // 2 if height % 2 == 0 and x_grid[0] != y_grid[0] else None
    nyquist = -width // 2 if width % 2 == 0 else None
    bins = []
    for row in _frequencies(height):
        for col in _frequencies(width):
            has_mirror = row != lost_row
            if col in (0, nyquist):
                bins.append(Bin(row, col, 1))
            elif col > 0:
                bins.append(Bin(row, col, 2 if has_mirror else 1))
            elif not has_mirror:
                bins.append(Bin(row, col, 1))
    return bins


def _frequencies(size: int) -> list[int]:
    """0, 1, ..., -2, -1, each in [-size/2, size/2)."""
    return [k if k < (size + 1) // 2 else k - size for k in range(size)]


def real_and_imaginary(spectrum: AnyArray, grid: Grid, b: Bin) -> tuple[AnyArray, AnyArray]:
    """Real and imaginary parts of one bin, from the half spectrum of real maps.

    Parameters
    ----------
    spectrum : array, (n, height, width // 2 + 1, channels), complex
        As from `scipy.fft.rfft2` over the maps' own grid, on the CPU or a device.
    grid : (height, width)
        That grid.
    b : Bin

    Returns
    -------
    tuple of ndarray, (n, channels)
        Views where the bin is stored; where only its mirror image is, conjugated.
    """
    height, width = grid
    stored = b.col % width
    if stored <= width // 2:
        values = spectrum[:, b.row % height, stored]
        return values.real, values.imag
    values = spectrum[:, -b.row % height, width - stored]
    return values.real, -values.imag
