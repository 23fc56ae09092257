"""Canonical correlation analysis by two independent textbook routes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcca._inputs.dtypes import input_epsilon
from fastcca.reference._centre import AnyArray, Centred, centre
from fastcca.reference._rank import (
    EPS,
    Array,
    deviation_from_scatter,
    live_units,
    noise_deviation,
)


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """Canonical correlations of two blocks, and how they were obtained.

    Attributes
    ----------
    correlations : (k,) float64
        Descending, in [0, 1]; k = min(x_rank, y_rank).
    x_weights, y_weights : (p, k) and (q, k) float64 or complex128, or None
        ``(x - x_mean) @ x_weights`` are the canonical variates, of unit variance (divisor
        n_samples - 1), below one with a ridge. Rows of dead units are zero. Each pair of columns
        is determined up to a common sign (for complex data a common factor of modulus one), and
        up to rotation where correlations tie.
    x_mean, y_mean : (p,) and (q,) float64 or complex128
    x_rank, y_rank : int
        Directions kept by the rank rule.
    x_condition, y_condition : float
        sqrt(largest / smallest eigenvalue) of the unit-scaled covariance on the kept directions,
        before any ridge; 1.0 where nothing is kept.
    x_dead, y_dead : (n_dead,) int64
        Units that do not vary beyond rounding, ascending.
    n_samples : int
    """

    correlations: Array
    x_weights: AnyArray | None
    y_weights: AnyArray | None
    x_mean: AnyArray
    y_mean: AnyArray
    x_rank: int
    y_rank: int
    x_condition: float
    y_condition: float
    x_dead: NDArray[np.int64]
    y_dead: NDArray[np.int64]
    n_samples: int


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """One side: (x - mean) / deviation on the live units has covariance V diag(variance) V^H."""

    mean: AnyArray  # (p,)
    deviation: Array  # (p,)
    live: NDArray[np.bool_]  # (p,)
    directions: AnyArray  # V, (n_live, rank), orthonormal columns
    variance: Array  # (rank,), descending

    @property
    def rank(self) -> int:
        return self.variance.size

    @property
    def condition(self) -> float:
        return float(np.sqrt(self.variance[0] / self.variance[-1])) if self.rank else 1.0

    @property
    def dead(self) -> NDArray[np.int64]:
        return np.flatnonzero(~self.live).astype(np.int64)

    def whitening(self, ridge: float) -> AnyArray:
        """W (n_live, rank): z @ W has covariance I, or diag(variance / (variance + ridge))."""
        out: AnyArray = self.directions / np.sqrt(self.variance + ridge)
        return out

    def weights(self, rotation: AnyArray, ridge: float) -> AnyArray:
        """W @ rotation as weights over all units in their own scale; dead ones get zero."""
        dtype = np.result_type(self.directions, rotation)
        out = np.zeros((self.mean.size, rotation.shape[1]), dtype=dtype)
        out[self.live] = self.whitening(ridge) @ rotation / self.deviation[self.live, np.newaxis]
        return out


def cca(
    x: NDArray[Any],
    y: NDArray[Any],
    *,
    ridge: float = 0.0,
    weights: bool = True,
    rank_tolerance: float = 0.0,
) -> Solution:
    """Canonical correlations of two data matrices, by orthonormal bases.

    The canonical correlations are the cosines of the principal angles between the column spaces
    of the centred data: the singular values of Qx^H Qy for orthonormal bases Qx and Qy (the
    conjugate transpose, for real data the transpose).

    Parameters
    ----------
    x : (n, p) float16, float32, float64, complex64, complex128, integer or bool
    y : (n, q) of the same kinds
        Finite, n >= 2, checked by the caller. Never written to.
    ridge : float
        Non-negative; added to the kept eigenvalues of each unit-scaled covariance, after the
        rank is decided (canonical ridge, Vinod 1976).
    weights : bool
        Whether the canonical weights are wanted.
    rank_tolerance : float
        In [0, 1). Directions of at most this share of the largest deviation are left out as well.

    Returns
    -------
    Solution

    Raises
    ------
    ValueError
        If means or variances overflow float64.

    Notes
    -----
    Two-pass centring with correction (Chan, Golub & LeVeque 1983), units scaled to unit standard
    deviation, thin SVD of each scaled block for its basis, SVD of Qx^H Qy (Bjorck & Golub 1973,
    Math. Comp. 27, algorithm 1 with the SVD in place of the QR decomposition).

    Complex data are taken as proper (Brillinger 1975, "Time Series", section 10.2): only
    covariances ``S = Xc^H Xc / (n - 1)`` enter, none of data with their own conjugates, and the
    weights satisfy ``W^H S W = I``. One complex block makes both sides complex.

    The absolute error of a correlation is about 10 kappa eps, kappa being the condition of the
    worse scaled block and eps = 2.2e-16: six digits are left at kappa = 1e9. Correlations near
    zero are accurate absolutely, not relatively. The memory needed is a few float64 copies of
    the data.
    """
    x_block, x_basis = block_of_data(x, rank_tolerance=rank_tolerance)
    y_block, y_basis = block_of_data(y, rank_tolerance=rank_tolerance)
    return solve_bases(x_block, x_basis, y_block, y_basis, ridge=ridge, weights=weights)


def solve_bases(
    x_block: Block,
    x_basis: AnyArray,
    y_block: Block,
    y_basis: AnyArray,
    *,
    ridge: float = 0.0,
    weights: bool = True,
) -> Solution:
    """Canonical correlations from the orthonormal bases (n, rank) of two blocks."""
    x_shrunk = x_basis * _shrinkage(x_block, ridge)
    y_shrunk = y_basis * _shrinkage(y_block, ridge)
    core = x_shrunk.conj().T @ y_shrunk
    return _solve(x_block, y_block, core, x_basis.shape[0], ridge, weights)


def cca_from_moments(
    *,
    n_samples: int,
    x_mean: NDArray[Any],
    y_mean: NDArray[Any],
    x_scatter: NDArray[Any],
    y_scatter: NDArray[Any],
    cross_scatter: NDArray[Any],
    x_epsilon: float,
    y_epsilon: float,
    ridge: float = 0.0,
    weights: bool = True,
    rank_tolerance: float = 0.0,
) -> Solution:
    """Canonical correlations from second moments, by the covariance route.

    The canonical correlations are the singular values of K = Sxx^(-1/2) Sxy Syy^(-1/2), the
    S being covariances of the units scaled to unit variance.

    Parameters
    ----------
    n_samples : int
        At least 2.
    x_mean, y_mean : (p,) and (q,) float64 or complex128
    x_scatter, y_scatter : (p, p) and (q, q) float64 or complex128
        Sums of outer products of the centred samples, ``Xc^H Xc``: symmetric, or Hermitian.
    cross_scatter : (p, q) float64 or complex128
        The same between the blocks, ``Xc^H Yc``.
    x_epsilon, y_epsilon : float
        Relative precision of the data that went into the moments, see `input_epsilon`.
    ridge : float
        Non-negative; added to the kept eigenvalues of each unit-scaled covariance, after the
        rank is decided (canonical ridge, Vinod 1976).
    weights : bool
        Whether the canonical weights are wanted.
    rank_tolerance : float
        In [0, 1). Directions of at most this share of the largest deviation are left out as well.

    Returns
    -------
    Solution

    Raises
    ------
    ValueError
        If a variance overflows float64.

    Notes
    -----
    Hotelling 1936, Biometrika 28; Mardia, Kent & Bibby 1979, "Multivariate Analysis", section
    10.2. K is formed in the coordinates of the kept eigenvectors, Vx' K Vy: the same singular
    values, and no null direction that could be mistaken for a correlation of zero.

    Forming a covariance squares the condition: the absolute error of a correlation is about
    10 kappa**2 eps, and directions with less than max(p, 64) eps of the largest eigenvalue
    (kappa about 1e7) are lost.
    """
    degrees = float(n_samples - 1)
    x_block = block_of_scatter(x_scatter, x_mean, degrees, x_epsilon, rank_tolerance)
    y_block = block_of_scatter(y_scatter, y_mean, degrees, y_epsilon, rank_tolerance)
    live_cross = cross_scatter[np.ix_(x_block.live, y_block.live)] / degrees
    correlation = (
        live_cross
        / x_block.deviation[x_block.live, np.newaxis]
        / y_block.deviation[np.newaxis, y_block.live]
    )
    core = x_block.whitening(ridge).conj().T @ correlation @ y_block.whitening(ridge)
    return _solve(x_block, y_block, core, n_samples, ridge, weights)


def block_of_data(
    x: AnyArray,
    *,
    size: Array | None = None,
    epsilon: float | None = None,
    rank_tolerance: float = 0.0,
) -> tuple[Block, AnyArray]:
    """Rank, scale and directions of a block, and the orthonormal basis (n, rank) of its span.

    `size` (p,) and `epsilon` say how the values were rounded, where the values do not: the root
    mean square and the relative precision of what was stored.
    """
    centred: Centred = centre(x)
    size = centred.size if size is None else size
    epsilon = input_epsilon(x.dtype) if epsilon is None else epsilon
    deviation = centred.deviation
    live = live_units(size, deviation, epsilon)
    scaled = centred.values[:, live] / deviation[live]
    basis, singular, directions_h = np.linalg.svd(scaled, full_matrices=False)
    directions = directions_h.conj().T

    noise = noise_deviation(directions, size[live] / deviation[live], epsilon)
    compute_floor = max(max(scaled.shape) * EPS, rank_tolerance) * singular.max(initial=0.0)
    kept = (singular / np.sqrt(x.shape[0] - 1) > noise) & (singular > compute_floor)
    variance = singular[kept] ** 2 / (x.shape[0] - 1)
    block = Block(centred.mean, deviation, live, directions[:, kept], variance)
    return block, basis[:, kept]


def block_of_scatter(
    scatter: NDArray[Any],
    mean: NDArray[Any],
    degrees: float,
    epsilon: float,
    rank_tolerance: float = 0.0,
) -> Block:
    """Rank, scale and directions of a block, from its second moments."""
    mean = mean.astype(np.complex128 if mean.dtype.kind == "c" else np.float64)
    deviation = deviation_from_scatter(scatter, degrees)
    size = np.hypot(np.abs(mean), deviation)
    live = live_units(size, deviation, epsilon)
    scale = deviation[live]
    correlation = scatter[np.ix_(live, live)] / degrees / scale / scale[:, np.newaxis]
    variance, directions = np.linalg.eigh(correlation)
    variance, directions = variance[::-1], directions[:, ::-1]

    noise = noise_deviation(directions, size[live] / scale, epsilon)
    compute_floor = max(max(scale.size, 64) * EPS, rank_tolerance**2) * variance.max(initial=0.0)
    kept = (variance > noise**2) & (variance > compute_floor)
    return Block(mean, deviation, live, directions[:, kept], variance[kept])


def _solve(
    x: Block, y: Block, core: AnyArray, n_samples: int, ridge: float, weights: bool
) -> Solution:
    """Singular value decomposition of the core matrix (x.rank, y.rank), and its report."""
    u, singular, vh = np.linalg.svd(core, full_matrices=False)
    return Solution(
        correlations=np.clip(singular, 0.0, 1.0),
        x_weights=x.weights(u, ridge) if weights else None,
        y_weights=y.weights(vh.conj().T, ridge) if weights else None,
        x_mean=x.mean,
        y_mean=y.mean,
        x_rank=x.rank,
        y_rank=y.rank,
        x_condition=x.condition,
        y_condition=y.condition,
        x_dead=x.dead,
        y_dead=y.dead,
        n_samples=n_samples,
    )


def _shrinkage(block: Block, ridge: float) -> Array:
    """Return what a ridge leaves of each orthonormal direction: s / sqrt(s**2 + ridge (n - 1))."""
    out: Array = np.sqrt(block.variance / (block.variance + ridge))
    return out
