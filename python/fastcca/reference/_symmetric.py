"""CCA by symmetric inverse square roots, the form in which google/svcca returns its results."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcca.reference._cca import block_of_scatter
from fastcca.reference._rank import Array


@dataclass(frozen=True, slots=True, eq=False)
class SymmetricSolution:
    """Full singular value decomposition of Sxx^(-1/2) Sxy Syy^(-1/2), and the two roots.

    Attributes
    ----------
    u : (p, p) float64
        Left singular vectors, orthogonal.
    correlations : (min(p, q),) float64
        Descending, in [0, 1], zero beyond the smaller rank.
    vt : (q, q) float64
        Right singular vectors, transposed, orthogonal.
    x_inverse_sqrt, y_inverse_sqrt : (p, p) and (q, q) float64
        Symmetric inverse square roots of the covariances, in the scale they were given in.
    x_rank, y_rank : int
        Directions that the inverse square roots keep; all of them where an epsilon was added.
    """

    u: Array
    correlations: Array
    vt: Array
    x_inverse_sqrt: Array
    y_inverse_sqrt: Array
    x_rank: int
    y_rank: int


def symmetric_cca(
    *,
    x_cov: NDArray[Any],
    x_mean: NDArray[Any],
    x_epsilon: float,
    y_cov: NDArray[Any],
    y_mean: NDArray[Any],
    y_epsilon: float,
    cross_cov: NDArray[Any],
    epsilon: float,
) -> SymmetricSolution:
    """Canonical correlations by symmetric whitening of two covariances.

    Parameters
    ----------
    x_cov, y_cov : (p, p) and (q, q) float64
        Covariances, symmetric. Never written to.
    x_mean, y_mean : (p,) and (q,) float64
        Means, in the same scale; they enter the rank rule alone.
    x_epsilon, y_epsilon : float
        Relative precision of the data behind the covariances, see `input_epsilon`.
    cross_cov : (p, q) float64
        Covariance between the blocks, rows for x.
    epsilon : float
        Non-negative, in the units of the covariances. Above zero it is added to both diagonals,
        and every direction is kept. At zero the rank rule decides, and the roots are pseudo-
        inverses on the kept directions.

    Returns
    -------
    SymmetricSolution

    Raises
    ------
    ValueError
        If a variance is infinite.

    Notes
    -----
    Mardia, Kent & Bibby 1979, "Multivariate Analysis", section 10.2; symmetric roots by the
    spectral theorem (ibid., A.6). The roots are in the units of the covariances, so with units
    of very different size digits are lost, eps = 2.2e-16: at epsilon = 0 the absolute error of a
    correlation is about eps times the larger of 10 kappa**2, kappa being the condition of the
    worse unit-scaled block, and the ratio of the largest to the smallest standard deviation.
    With epsilon > 0 it is about eps * (largest eigenvalue / epsilon).
    """
    x_root, x_rank = _inverse_sqrt(x_cov, x_mean, x_epsilon, epsilon)
    y_root, y_rank = _inverse_sqrt(y_cov, y_mean, y_epsilon, epsilon)
    u, singular, vt = np.linalg.svd(x_root @ cross_cov @ y_root, full_matrices=True)
    return SymmetricSolution(u, np.clip(singular, 0.0, 1.0), vt, x_root, y_root, x_rank, y_rank)


def _inverse_sqrt(
    cov: NDArray[Any], mean: NDArray[Any], input_eps: float, epsilon: float
) -> tuple[Array, int]:
    """Return the inverse square root of one covariance, and its rank."""
    if epsilon > 0.0:
        return _inverse_sqrt_with_epsilon(cov, epsilon), cov.shape[0]
    return _inverse_sqrt_of_kept(cov, mean, input_eps)


def _inverse_sqrt_with_epsilon(cov: NDArray[Any], epsilon: float) -> Array:
    """(cov + epsilon I)^(-1/2); a covariance has no negative eigenvalue, so none ends lower."""
    values, vectors = np.linalg.eigh(cov + epsilon * np.eye(cov.shape[0]))
    root: Array = vectors / np.sqrt(np.maximum(values, epsilon)) @ vectors.T
    return root


def _inverse_sqrt_of_kept(
    cov: NDArray[Any], mean: NDArray[Any], input_eps: float
) -> tuple[Array, int]:
    """Pseudo-inverse square root of the covariance, restricted to the kept directions.

    Those are chosen in the scale of unit variance: cov = D V diag(variance) V' D = F F' with
    F = D V diag(variance)^(1/2). With F = P diag(s) Q', the root sought is P diag(1 / s) P'.
    Eigenvalues s**2 of F F' would lose the small s that s itself still has.
    """
    block = block_of_scatter(cov, mean, 1.0, input_eps)
    factor = np.zeros((cov.shape[0], block.rank))
    factor[block.live] = (
        block.deviation[block.live, np.newaxis] * block.directions * np.sqrt(block.variance)
    )
    left, singular, _ = np.linalg.svd(factor, full_matrices=False)
    return left / singular @ left.T, block.rank
