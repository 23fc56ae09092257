"""The measures from second moments alone, where there are no samples to decompose."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcca.reference._cca import Block, block_of_scatter
from fastcca.reference._pls import PlsSolution
from fastcca.reference._rank import EPS, Array, live_units
from fastcca.reference._svcca import SvccaSolution
from fastcca.reference._svcca import _kept as kept_components


@dataclass(frozen=True, slots=True, eq=False)
class BlockMoments:
    """Moments of one block.

    Attributes
    ----------
    n_samples : int
        At least 2.
    mean : (p,) float64 or complex128
    scatter : (p, p) float64 or complex128
        Sum over samples of conj(x)' x of the centred samples.
    epsilon : float
        Relative precision of the samples, see `input_epsilon`.
    """

    n_samples: int
    mean: NDArray[Any]
    scatter: NDArray[Any]
    epsilon: float

    @property
    def covariance(self) -> NDArray[Any]:
        """Scatter over ``n_samples - 1``, (p, p)."""
        out: NDArray[Any] = self.scatter / (self.n_samples - 1)
        return out

    @property
    def deviation(self) -> Array:
        """Standard deviations, (p,)."""
        out: Array = np.sqrt(np.maximum(np.diagonal(self.covariance).real, 0.0))
        return out

    @property
    def live(self) -> NDArray[np.bool_]:
        """Units that vary by more than rounding, (p,)."""
        return live_units(np.hypot(np.abs(self.mean), self.deviation), self.deviation, self.epsilon)


def principal_axes_from_moments(
    block: BlockMoments, *, rank_tolerance: float = 0.0
) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Variances (p,) descending, axes (p, p) in columns, and which are more than rounding.

    The rank rule in the block's own scale: along an axis v, rounding of the stored values has the
    variance sum_j v_j**2 (3 eps)**2 (sd_j**2 + mean_j**2).
    """
    # A dead unit could outweigh the others with nothing but rounding.
    live = block.live
    variances, axes = np.linalg.eigh(block.covariance * live * live[:, np.newaxis])
    variances, axes = np.maximum(variances[::-1], 0.0), axes[:, ::-1]
    energy = block.deviation**2 + np.abs(block.mean) ** 2
    noise = ((3.0 * block.epsilon) ** 2 * energy) @ np.abs(axes) ** 2
    floor = max(max(variances.size, 64) * EPS, rank_tolerance**2) * variances.max(initial=0.0)
    return variances, axes, (variances > noise) & (variances > floor)


def svcca_from_moments(
    x: BlockMoments,
    y: BlockMoments,
    cross_scatter: NDArray[Any],
    *,
    keep: tuple[float, float],
    criterion: str,
    weights: bool = True,
    rank_tolerance: float = 0.0,
) -> SvccaSolution:
    """SVCCA (Raghu et al. 2017): eigenvectors of each covariance, then CCA of the scores.

    Parameters
    ----------
    x, y : BlockMoments
        Of p and q units.
    cross_scatter : (p, q) float64
    keep, criterion, weights, rank_tolerance
        As in `svcca`.
    """
    cross = cross_scatter / (x.n_samples - 1)
    whitenings, ranks, kepts, conditions = [], [], [], []
    for block, wanted in ((x, keep[0]), (y, keep[1])):
        variances, axes, real = principal_axes_from_moments(block, rank_tolerance=rank_tolerance)
        variances, axes = variances[real], axes[:, real]
        kept = kept_components(np.sqrt(variances), wanted, criterion)
        whitenings.append(axes[:, :kept] / np.sqrt(variances[:kept]))
        ranks.append(variances.size)
        kepts.append(kept)
        conditions.append(float(np.sqrt(variances[0] / variances[kept - 1])) if kept else 1.0)
    u, singular, vt = np.linalg.svd(whitenings[0].T @ cross @ whitenings[1], full_matrices=False)
    return SvccaSolution(
        correlations=np.clip(singular, 0.0, 1.0),
        x_weights=whitenings[0] @ u if weights else None,
        y_weights=whitenings[1] @ vt.T if weights else None,
        x_mean=x.mean,
        y_mean=y.mean,
        x_rank=ranks[0],
        y_rank=ranks[1],
        x_condition=conditions[0],
        y_condition=conditions[1],
        x_dead=np.flatnonzero(~x.live).astype(np.int64),
        y_dead=np.flatnonzero(~y.live).astype(np.int64),
        n_samples=x.n_samples,
        x_kept=kepts[0],
        y_kept=kepts[1],
    )


def pls_from_moments(x: BlockMoments, y: BlockMoments, cross_scatter: NDArray[Any]) -> PlsSolution:
    """Singular value decomposition of the cross-covariance (p, q)."""
    live_cross = _live_cross(x, y, cross_scatter)
    u, singular, vt = np.linalg.svd(live_cross / (x.n_samples - 1), full_matrices=False)
    return PlsSolution(singular_values=singular, x_weights=u, y_weights=vt.T)


def cka_from_moments(x: BlockMoments, y: BlockMoments, cross_scatter: NDArray[Any]) -> float:
    """||Sxy||_F**2 / (||Sxx||_F ||Syy||_F) (Kornblith et al. 2019); 0 for a dead block."""
    if not (x.live.any() and y.live.any()):
        return 0.0
    between = np.linalg.norm(_live_cross(x, y, cross_scatter))
    x_own, y_own = (np.linalg.norm(b.scatter[np.ix_(b.live, b.live)]) for b in (x, y))
    return float(between / x_own * (between / y_own))


def procrustes_from_moments(x: BlockMoments, y: BlockMoments, cross_scatter: NDArray[Any]) -> float:
    """Nuclear norm of Sxy over the roots of the traces of Sxx and Syy; 0 for a dead block."""
    if not (x.live.any() and y.live.any()):
        return 0.0
    nuclear = np.linalg.norm(_live_cross(x, y, cross_scatter), "nuc")
    x_own, y_own = (np.sqrt(np.diagonal(b.scatter)[b.live].sum()) for b in (x, y))
    return float(nuclear / x_own / y_own)


def _live_cross(x: BlockMoments, y: BlockMoments, cross_scatter: NDArray[Any]) -> NDArray[Any]:
    """Set to zero what dead units have in common with others: it is rounding."""
    out: NDArray[Any] = cross_scatter * x.live[:, np.newaxis] * y.live
    return out


def linear_regression_r2_from_moments(
    x: BlockMoments,
    y: BlockMoments,
    cross_scatter: NDArray[Any],
    *,
    rank_tolerance: float = 0.0,
) -> float:
    """||Wx' Sxy||_F**2 / trace Syy for a whitening map Wx of x; 0 for a dead block."""
    if not (x.live.any() and y.live.any()):
        return 0.0
    block = _unit_scaled(x, rank_tolerance)
    scaled = cross_scatter[block.live] / (x.n_samples - 1) / block.deviation[block.live, np.newaxis]
    explained = block.whitening(0.0).T @ scaled[:, y.live]
    return float(np.sum(explained**2) / np.diagonal(y.covariance)[y.live].sum())


def condition_from_moments(x: BlockMoments, *, rank_tolerance: float = 0.0) -> float:
    """Condition of the unit-scaled block on the directions that the rank rule keeps."""
    return _unit_scaled(x, rank_tolerance).condition


def _unit_scaled(x: BlockMoments, rank_tolerance: float) -> Block:
    return block_of_scatter(x.scatter, x.mean, x.n_samples - 1.0, x.epsilon, rank_tolerance)
