"""Canonical correlations of convolutional layers, one spatial frequency at a time."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fastcca.reference._cca import block_of_data, solve_bases
from fastcca.reference._centre import AnyArray
from fastcca.reference._rank import Array, input_epsilon


@dataclass(frozen=True, slots=True, eq=False)
class DftSolution:
    """Canonical correlations at every frequency of two layers, F = height * width of them.

    Attributes
    ----------
    frequencies : (F, 2) int64
        Cycles over the height and over the width of the map, in the order of ``numpy.fft.fftfreq``,
        the second running faster: 0, 1, ..., -2, -1; -size / 2 where a size is even.
    correlations : list of F arrays, (k,) float64
        Descending, in [0, 1]; k is the smaller of the two ranks at that frequency.
    ranks : (F, 2) int64
        Dimensions of x and of y at every frequency.
    """

    frequencies: NDArray[np.int64]
    correlations: list[Array]
    ranks: NDArray[np.int64]


def dft_cca(x: AnyArray, y: AnyArray) -> DftSolution:
    """Canonical correlations of the discrete Fourier transforms of two layers.

    Parameters
    ----------
    x : (n, height, width, p) float16, float32, float64, integer or bool
    y : (n, height, width, q) of the same kinds
        Maps of one size, channels last. Finite, n >= 2, checked by the caller. Never written to.

    Returns
    -------
    DftSolution

    Raises
    ------
    ValueError
        If the maps are not of one size, or means or variances overflow float64.

    Notes
    -----
    Raghu et al. 2017, arXiv:1706.05806, section 4.1 and theorem 1: for circular convolutions of a
    data set closed under translation, the covariance of the two-dimensional transforms is block
    diagonal, a block per frequency, and the correlations of all frequencies together are those of
    the flattened layers. For other layers that is an approximation.

    A loop over all frequencies, both members of each conjugate pair: the transform of a channel
    in float64, centred in every bin, and the complex `cca` of the bins. The rounding of a bin is
    in proportion to the energy of the whole map, not to the bin's own mean: that replaces the
    size of the units in the rank rule. The error is as that of `cca`, for the condition of the
    worst bin; the memory is a few complex128 copies of both layers.
    """
    if x.shape[:3] != y.shape[:3]:
        raise ValueError(
            f"x has shape {x.shape} and y has shape {y.shape}: samples, height and width must agree"
        )
    _, height, width, _ = x.shape
    x_bins, y_bins = _transform(x), _transform(y)
    x_size, y_size = _rounding_size(x), _rounding_size(y)
    x_epsilon, y_epsilon = input_epsilon(x.dtype), input_epsilon(y.dtype)

    correlations, ranks = [], []
    for i in range(height):
        for j in range(width):
            x_block, x_basis = block_of_data(x_bins[:, i, j], size=x_size, epsilon=x_epsilon)
            y_block, y_basis = block_of_data(y_bins[:, i, j], size=y_size, epsilon=y_epsilon)
            found = solve_bases(x_block, x_basis, y_block, y_basis, weights=False)
            correlations.append(found.correlations)
            ranks.append((found.x_rank, found.y_rank))
    rows, columns = np.meshgrid(_frequencies(height), _frequencies(width), indexing="ij")
    return DftSolution(
        frequencies=np.stack([rows.ravel(), columns.ravel()], axis=1),
        correlations=correlations,
        ranks=np.array(ranks, dtype=np.int64),
    )


def _transform(x: AnyArray) -> NDArray[np.complex128]:
    """Two-dimensional transform over the axes of height and width."""
    bins: NDArray[np.complex128] = np.fft.fft2(x.astype(np.float64), axes=(1, 2))
    return bins


def _frequencies(size: int) -> NDArray[np.int64]:
    """0, 1, ..., -2, -1, as ``numpy.fft.fftfreq``, in cycles per map."""
    frequencies: NDArray[np.int64] = np.rint(np.fft.fftfreq(size) * size).astype(np.int64)
    return frequencies


def _rounding_size(x: AnyArray) -> Array:
    """Root mean square over the samples of the norm of each channel's map, (p,).

    An unscaled transform multiplies the norm of a map by sqrt(height * width), and independent
    rounding of its values spreads evenly over that many bins: in each bin it has the size of one
    rounding of the norm of the map.
    """
    squares = np.sum(x.astype(np.float64) ** 2, axis=(1, 2))
    size: Array = np.sqrt(squares.mean(axis=0))
    return size
