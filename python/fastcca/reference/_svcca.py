"""Singular vector canonical correlation analysis."""

from dataclasses import dataclass
from numbers import Integral

import numpy as np
from numpy.typing import NDArray

from fastcca._inputs.dtypes import input_epsilon
from fastcca.reference._cca import Solution, cca
from fastcca.reference._centre import AnyArray, centre_live
from fastcca.reference._pca import principal_components
from fastcca.reference._rank import Array, live_units

Keep = float | tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class SvccaSolution(Solution):
    """Canonical correlations of the leading principal components of two blocks.

    As `Solution`, but for these:

    Attributes
    ----------
    correlations : (k,) float64
        Descending, in [0, 1]; k = min(x_kept, y_kept).
    x_rank, y_rank : int
        Components that are more than rounding, in the block's own scale.
    x_condition, y_condition : float
        Largest over smallest kept singular value, in the block's own scale; 1.0 if none is kept.
    x_kept, y_kept : int
        Components that went into the analysis.
    """

    x_kept: int
    y_kept: int


@dataclass(frozen=True, slots=True, eq=False)
class _Side:
    """Principal components of one block that are more than rounding."""

    mean: Array  # (p,)
    dead: NDArray[np.int64]
    scores: Array  # (n, rank), columns orthogonal, of norms `singular`
    singular: Array  # (rank,), descending
    components: Array  # (rank, p), orthonormal rows

    @property
    def rank(self) -> int:
        return self.singular.size

    def condition(self, kept: int) -> float:
        return float(self.singular[0] / self.singular[kept - 1]) if kept else 1.0

    def weights(self, score_weights: Array | None) -> Array | None:
        """Weights over the units that act as `score_weights` (kept, k) do on the scores."""
        if score_weights is None:
            return None
        return self.components[: score_weights.shape[0]].T @ score_weights


def svcca(
    x: AnyArray,
    y: AnyArray,
    *,
    keep: Keep = 0.99,
    criterion: str = "variance",
    weights: bool = True,
    rank_tolerance: float = 0.0,
) -> SvccaSolution:
    """Canonical correlations of the leading principal components of two data matrices.

    Parameters
    ----------
    x : (n, p) float16, float32, float64, integer or bool
    y : (n, q) of the same kinds
        Finite, n >= 2, checked by the caller. Never written to.
    keep : float, int, or pair of these
        What to keep of each side, or of x and of y. A float in (0, 1] is a share of the summed
        variances or singular values: as few leading components as reach it, the one that
        crosses it included. An int is a number of components. Never more are kept than the
        rank of the block, and what is below the rank counts for no sum.
    criterion : {"variance", "singular_values"}
        What a share is a share of: the squared singular values of the centred data, or the
        singular values themselves (Raghu et al. 2017, appendix A).
    weights : bool
        Whether the canonical weights are wanted.
    rank_tolerance : float
        In [0, 1). Directions of at most this share of the largest deviation are left out as well.

    Returns
    -------
    SvccaSolution

    Raises
    ------
    ValueError
        For an unknown criterion, a share outside (0, 1], a number below 1, or overflow.

    Notes
    -----
    Raghu, Gilmer, Yosinski & Sohl-Dickstein 2017, arXiv:1706.05806: singular value decomposition
    of each centred block, in its own scale and without its dead units, then canonical
    correlations of the scores.

    The absolute error of a correlation is about 10 eps times the larger condition, eps = 2.2e-16.
    The cut must fall between singular values that differ: where those on either side of it are
    close, the answer itself is as unstable as their relative gap is small.
    """
    if criterion not in ("variance", "singular_values"):
        raise ValueError(
            f"criterion={criterion!r} is unknown; it must be 'variance' or 'singular_values'"
        )
    x_keep, y_keep = keep if isinstance(keep, tuple) else (keep, keep)
    x_side, y_side = _side(x, rank_tolerance), _side(y, rank_tolerance)
    x_kept = _kept(x_side.singular, x_keep, criterion)
    y_kept = _kept(y_side.singular, y_keep, criterion)
    found = cca(x_side.scores[:, :x_kept], y_side.scores[:, :y_kept], weights=weights)
    return SvccaSolution(
        correlations=found.correlations,
        x_weights=x_side.weights(found.x_weights),
        y_weights=y_side.weights(found.y_weights),
        x_mean=x_side.mean,
        y_mean=y_side.mean,
        x_rank=x_side.rank,
        y_rank=y_side.rank,
        x_condition=x_side.condition(x_kept),
        y_condition=y_side.condition(y_kept),
        x_dead=x_side.dead,
        y_dead=y_side.dead,
        n_samples=found.n_samples,
        x_kept=x_kept,
        y_kept=y_kept,
    )


def _side(x: AnyArray, rank_tolerance: float) -> _Side:
    epsilon = input_epsilon(x.dtype)
    centred = centre_live(x)
    dead = np.flatnonzero(~live_units(centred.size, centred.deviation, epsilon))
    found = principal_components(centred, epsilon, rank_tolerance)
    singular = found.singular[found.real]
    return _Side(
        mean=centred.mean,
        dead=dead.astype(np.int64),
        scores=found.left[:, found.real] * singular,
        singular=singular,
        components=found.components[found.real],
    )


def _kept(singular: Array, keep: float, criterion: str) -> int:
    """How many of the components with these singular values to keep."""
    if isinstance(keep, Integral):
        if isinstance(keep, bool) or keep < 1:
            raise ValueError(f"keep={keep!r} must be a share in (0, 1] or a number from 1")
        return min(int(keep), singular.size)
    if not 0.0 < keep <= 1.0:
        raise ValueError(f"keep={keep!r} must be a share in (0, 1] or a number from 1")
    if singular.size == 0:
        return 0
    shares = singular / singular[0]
    if criterion == "variance":
        shares = shares**2
    running = np.cumsum(shares)
    return int(np.searchsorted(running, keep * running[-1])) + 1
