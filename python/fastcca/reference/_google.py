"""The quantities of google/svcca that no paper defines, from moments."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcca.reference._from_moments import BlockMoments
from fastcca.reference._rank import Array
from fastcca.reference._symmetric import SymmetricSolution, symmetric_cca


@dataclass(frozen=True, slots=True, eq=False)
class GoogleSolution:
    """CCA by symmetric inverse square roots of covariances over their largest entry.

    Attributes
    ----------
    cca : SymmetricSolution or None
        Over the neurons kept. None where a side keeps none, or does not vary.
    x_kept, y_kept : (p,) and (q,) bool
        Neurons whose variance, over the largest, is `epsilon` or more.
    """

    cca: SymmetricSolution | None
    x_kept: NDArray[np.bool_]
    y_kept: NDArray[np.bool_]


def google_cca(
    x: BlockMoments,
    y: BlockMoments,
    cross_scatter: NDArray[Any],
    *,
    epsilon: float,
    energies: tuple[Array | None, Array | None] = (None, None),
) -> GoogleSolution:
    """CCA of google/svcca's ``get_cca_similarity``.

    Parameters
    ----------
    x, y : BlockMoments
        Of p and q neurons.
    cross_scatter : (p, q) float64 or complex128
    epsilon : float
        Neurons with less variance, over the largest of their side, are dropped, and it is added to
        the diagonals; at 0 the rank rule decides.
    energies : pair of (p,) and (q,) float64 or None
        Mean squares that rounding is in proportion to, where those are not the neurons' own.
    """
    covs, means, scales = [], [], []
    for block, energy in zip((x, y), energies, strict=True):
        cov = block.covariance
        variance = np.diagonal(cov).real
        # A covariance has its largest entry on the diagonal.
        scale = float(np.max(variance)) or 1.0
        mean = block.mean if energy is None else np.sqrt(np.maximum(energy - variance, 0.0))
        covs.append(cov / scale)
        means.append(mean / math.sqrt(scale))
        scales.append(math.sqrt(scale))
    cross = cross_scatter / (x.n_samples - 1) / scales[0] / scales[1]
    solved = google_cca_of_covariances(
        covs[0], covs[1], cross, epsilon=epsilon, means=means, epsilons=(x.epsilon, y.epsilon)
    )
    if solved.cca is not None and min(solved.cca.x_rank, solved.cca.y_rank) == 0:
        return GoogleSolution(None, solved.x_kept, solved.y_kept)
    return solved


def google_cca_of_covariances(
    x_cov: NDArray[Any],
    y_cov: NDArray[Any],
    cross_cov: NDArray[Any],
    *,
    epsilon: float,
    means: list[NDArray[Any]] | None = None,
    epsilons: tuple[float, float] = (2.0**-52, 2.0**-52),
) -> GoogleSolution:
    """Drop neurons under `epsilon`, and solve the CCA of what is left; means are 0 if not given."""
    x_mean, y_mean = [np.zeros(len(c)) for c in (x_cov, y_cov)] if means is None else means
    x_kept, y_kept = (np.abs(np.diagonal(cov)) >= epsilon for cov in (x_cov, y_cov))
    if not (x_kept.any() and y_kept.any()):
        return GoogleSolution(None, x_kept, y_kept)
    found = symmetric_cca(
        x_cov=x_cov[np.ix_(x_kept, x_kept)],
        x_mean=x_mean[x_kept],
        x_epsilon=epsilons[0],
        y_cov=y_cov[np.ix_(y_kept, y_kept)],
        y_mean=y_mean[y_kept],
        y_epsilon=epsilons[1],
        cross_cov=cross_cov[np.ix_(x_kept, y_kept)],
        epsilon=float(epsilon),
    )
    return GoogleSolution(found, x_kept, y_kept)


def google_weights(
    x: BlockMoments, y: BlockMoments, cross_scatter: NDArray[Any], *, epsilon: float
) -> tuple[Array, Array]:
    """Correlations and weights (k,) of google/svcca's ``compute_pwcca``.

    There the "directions" are D = Xc C' + 1 m', with C the coefficients without the inverse
    square root and m the means of the neurons; the weights are absolute row sums of P' X, with P
    an orthonormal basis of D by QR and X uncentred. With Xc'Xc = L L' all of that follows from
    the QR of the small matrix B = [L' C'; sqrt(n) m'], because B'B = D'D:
    P' X = Q' [L'; sqrt(n) m']. Where all of them vanish, and the original divides by 0, they are
    equal.
    """
    solved = google_cca(x, y, cross_scatter, epsilon=epsilon)
    if solved.cca is None:
        return np.zeros(0), np.zeros(0)
    first = solved.x_kept.sum() <= solved.y_kept.sum()
    block, kept, coef = (
        (x, solved.x_kept, solved.cca.u.T) if first else (y, solved.y_kept, solved.cca.vt)
    )
    variances, axes = np.linalg.eigh(block.scatter[np.ix_(kept, kept)])
    root = np.sqrt(np.maximum(variances, 0.0))[:, np.newaxis] * axes.T  # L'
    offset = math.sqrt(block.n_samples) * block.mean[kept][np.newaxis]
    basis, _ = np.linalg.qr(np.vstack([root @ coef.T, offset]))
    weights = np.abs(basis.T @ np.vstack([root, offset])).sum(axis=1)
    total = weights.sum()
    if not total > 0.0:  # every direction is orthogonal to the uncentred neurons
        weights, total = np.ones(weights.size), float(weights.size)
    return solved.cca.correlations, weights / total
