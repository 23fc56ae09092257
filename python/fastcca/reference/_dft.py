"""Canonical correlations of convolutional layers, one spatial frequency at a time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fastcca._inputs.bfloat16 import with_numbers
from fastcca._inputs.dtypes import input_epsilon
from fastcca.reference._cca import block_of_data, solve_bases
from fastcca.reference._centre import AnyArray
from fastcca.reference._rank import Array


@dataclass(frozen=True, slots=True, eq=False)
class DftSolution:
    """Canonical correlations of two layers at F frequencies.

    Attributes
    ----------
    frequencies : (F, 2) int64
        Cycles over the height and over the width of the map. All of them are in the order of
        ``numpy.fft.fftfreq``, the second running faster: 0, 1, ..., -2, -1; -size / 2 where a
        size is even.
    correlations : list of F arrays, (k,) float64
        Descending, in [0, 1]; k is the smaller of the two ranks at that frequency.
    x_weights, y_weights : list of F arrays, (p, k) and (q, k) complex128
        On the channels of the centred transform (unscaled, as ``numpy.fft.fft2``), see `cca`.
    ranks : (F, 2) int64
        Dimensions of x and of y at every frequency.
    """

    frequencies: NDArray[np.int64]
    correlations: list[Array]
    x_weights: list[AnyArray]
    y_weights: list[AnyArray]
    ranks: NDArray[np.int64]


def dft_cca(
    x: AnyArray, y: AnyArray, *, frequencies: Sequence[tuple[int, int]] | None = None
) -> DftSolution:
    """Canonical correlations of the discrete Fourier transforms of two layers.

    Parameters
    ----------
    x : (n, height, width, p) float16, float32, float64, integer or bool
    y : (n, height, width, q) of the same kinds
        Maps, channels last. Finite, n >= 2, checked by the caller. Never written to.
    frequencies : sequence of F pairs of int
        Cycles over the height and over the width, in [-size / 2, size / 2) of both maps; all by
        default, for maps of one size.

    Returns
    -------
    DftSolution

    Raises
    ------
    ValueError
        If shapes do not fit each other or the frequencies, or means or variances overflow
        float64.

    Notes
    -----
    Raghu et al. 2017, arXiv:1706.05806, theorem 1: for circular convolutions of a data set
    closed under translation, the covariance of the two-dimensional transforms is block diagonal,
    a block per frequency, and the correlations of all frequencies together are those of the
    flattened layers. For other layers that is an approximation.

    A loop over the frequencies, without use of their symmetry: the transform of a channel in
    float64, centred in every bin, and the complex `cca` of the bins. The rounding of a bin is in
    proportion to the energy of the whole map, not to the bin's own mean: that replaces the size
    of the units in the rank rule. The error is that of `cca` for the condition of the bin; the
    memory is a few complex128 copies of both layers.
    """
    x_grid, y_grid = x.shape[1:3], y.shape[1:3]
    if x.shape[0] != y.shape[0] or (frequencies is None and x_grid != y_grid):
        raise ValueError(
            f"x has shape {x.shape} and y has shape {y.shape}: samples must agree, and height and "
            "width unless frequencies are given"
        )
    if frequencies is None:
        frequencies = [(i, j) for i in _of_size(x_grid[0]) for j in _of_size(x_grid[1])]
    x_bins, y_bins = _transform(x), _transform(y)
    x_size, y_size = _rounding_size(x), _rounding_size(y)
    x_epsilon, y_epsilon = input_epsilon(x.dtype), input_epsilon(y.dtype)

    solutions = []
    for frequency in frequencies:
        x_block, x_basis = block_of_data(
            _bin(x_bins, frequency, "x"), size=x_size, epsilon=x_epsilon
        )
        y_block, y_basis = block_of_data(
            _bin(y_bins, frequency, "y"), size=y_size, epsilon=y_epsilon
        )
        solutions.append(solve_bases(x_block, x_basis, y_block, y_basis))
    return DftSolution(
        frequencies=np.array(frequencies, dtype=np.int64).reshape(-1, 2),
        correlations=[found.correlations for found in solutions],
        x_weights=[found.x_weights for found in solutions if found.x_weights is not None],
        y_weights=[found.y_weights for found in solutions if found.y_weights is not None],
        ranks=np.array([(s.x_rank, s.y_rank) for s in solutions], dtype=np.int64).reshape(-1, 2),
    )


def _transform(x: AnyArray) -> NDArray[np.complex128]:
    """Two-dimensional transform over the axes of height and width."""
    bins: NDArray[np.complex128] = np.fft.fft2(with_numbers(x).astype(np.float64), axes=(1, 2))
    return bins


def _of_size(size: int) -> list[int]:
    """0, 1, ..., -2, -1, as ``numpy.fft.fftfreq``, in cycles per map."""
    return [int(cycles) for cycles in np.rint(np.fft.fftfreq(size) * size)]


def _bin(bins: NDArray[np.complex128], frequency: tuple[int, int], name: str) -> AnyArray:
    """One frequency (n, channels) of a transform (n, height, width, channels)."""
    row, column = frequency
    height, width = bins.shape[1:3]
    if row not in _of_size(height) or column not in _of_size(width):
        raise ValueError(f"frequency {frequency} is beyond the {height} x {width} maps of {name}")
    out: AnyArray = bins[:, row % height, column % width]
    return out


def _rounding_size(x: AnyArray) -> Array:
    """Root mean square over the samples of the norm of each channel's map, (p,).

    An unscaled transform multiplies the norm of a map by sqrt(height * width), and independent
    rounding of its values spreads evenly over that many bins: in each bin it has the size of one
    rounding of the norm of the map.
    """
    values = np.abs(with_numbers(x).astype(np.float64))
    unit = values.max(initial=0.0) or 1.0  # no square overflows
    squares = np.sum((values / unit) ** 2, axis=(1, 2))
    size: Array = unit * np.sqrt(squares.mean(axis=0))
    return size
