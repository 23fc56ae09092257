"""Similarities of two blocks that are one number: CKA, Procrustes, linear regression."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fastcca._inputs.arrays import AnyArray
from fastcca._inputs.bfloat16 import with_numbers
from fastcca._inputs.layouts import LayoutOrPair, Size
from fastcca._inputs.spatial import slices
from fastcca._measures.caveats import check_options
from fastcca._runtime import backend as _backend
from fastcca._solve.accuracy import warn_about_digits
from fastcca._solve.pair import Floats, Pair
from fastcca._solve.pair_of import pair_of
from fastcca._solve.routes import solvers_at
from fastcca._solve.solutions import RegressionParts
from fastcca._states.moments import Moments
from fastcca.reference import BlockMoments, input_epsilon

__all__ = ["cka", "linear_regression_r2", "procrustes", "warn_about_regression"]

# Float64 copies of samples that are held at a time.
_BLOCK_BYTES = 4 * 2**20


def cka(
    x: npt.ArrayLike | Moments,
    y: npt.ArrayLike | None = None,
    *,
    debiased: bool = False,
    layout: LayoutOrPair = None,
    spatial: str | None = None,
    size: Size = None,
    backend: str | None = None,
) -> float:
    """Linear centred kernel alignment (Kornblith et al. 2019).

    ``||Sxy||_F**2 / (||Sxx||_F ||Syy||_F)``, the RV coefficient of Robert and Escoufier (1976).
    Invariant to rotations and a common scale of either side, not to other linear maps.

    Parameters
    ----------
    x, y : array_like, (n_samples, p) and (n_samples, q)
        As in `cca`, real. In place of both, a `Moments` of two blocks (not with `debiased`).
    debiased : bool
        Use the unbiased estimator of HSIC (Song et al. 2012), which does not grow with the number
        of features and can be negative. It needs a second pass over the samples, and 4 of them.
    layout, spatial, size, backend
        As in `cca`.

    Returns
    -------
    float
        In [0, 1] unless debiased; 0 where a side does not vary.

    Raises
    ------
    ValueError, TypeError
        As `cca`; with `debiased` for a `Moments` or fewer than 4 samples.

    Notes
    -----
    Accurate to about 1e-15 times the number of features; debiased, to the same relative to the
    biased value.
    """
    place = _backend.resolve(backend, x=x, y=y)
    pair = pair_of(x, y, layout=layout, spatial=spatial, size=size, place=place)
    solvers = solvers_at(place)
    pair.require_real()
    return debiased_cka(pair) if debiased else solvers.cka(pair)


def procrustes(
    x: npt.ArrayLike | Moments,
    y: npt.ArrayLike | None = None,
    *,
    layout: LayoutOrPair = None,
    spatial: str | None = None,
    size: Size = None,
    backend: str | None = None,
) -> float:
    """Orthogonal Procrustes similarity (Schoenemann 1966; Ding et al. 2021).

    The nuclear norm of X'Y over ``||X||_F ||Y||_F`` of the centred samples: the cosine between one
    side and the best rotation of the other. ``2 - 2 * procrustes`` is the squared distance of
    shapes of unit size.

    Parameters
    ----------
    x, y : array_like, (n_samples, p) and (n_samples, q)
        As in `cca`, real. In place of both, a `Moments` of two blocks.
    layout, spatial, size, backend
        As in `cca`.

    Returns
    -------
    float
        In [0, 1]; 0 where a side does not vary.

    Raises
    ------
    ValueError, TypeError
        As `cca`.
    """
    place = _backend.resolve(backend, x=x, y=y)
    pair = pair_of(x, y, layout=layout, spatial=spatial, size=size, place=place)
    solvers = solvers_at(place)
    pair.require_real()
    return solvers.procrustes(pair)


def linear_regression_r2(
    x: npt.ArrayLike | Moments,
    y: npt.ArrayLike | None = None,
    *,
    rank_tolerance: float = 0.0,
    layout: LayoutOrPair = None,
    spatial: str | None = None,
    size: Size = None,
    backend: str | None = None,
) -> float:
    """Share of the variance of `y` that a linear map of `x` explains.

    ``||Qx'Y||_F**2 / ||Y||_F**2`` for an orthonormal basis Qx of the centred `x`. Invariant to any
    invertible linear map of `x`, and to rotations and a common scale of `y`.

    Parameters
    ----------
    x, y : array_like, (n_samples, p) and (n_samples, q)
        As in `cca`, real. In place of both, a `Moments` of two blocks.
    rank_tolerance, layout, spatial, size, backend
        As in `cca`.

    Returns
    -------
    float
        In [0, 1]; 0 where a side does not vary. In-sample: p features of noise already explain
        ``p / (n_samples - 1)``.

    Raises
    ------
    ValueError, TypeError
        As `cca`.

    Warns
    -----
    AccuracyWarning
        As `cca`.

    Notes
    -----
    The error, the rank decision on `x` and the change of route are those of `cca`.
    """
    check_options(rank_tolerance=rank_tolerance)
    place = _backend.resolve(backend, x=x, y=y)
    pair = pair_of(x, y, layout=layout, spatial=spatial, size=size, place=place)
    solvers = solvers_at(place)
    pair.require_real()
    parts = solvers.linear_regression(pair, rank_tolerance=float(rank_tolerance))
    warn_about_regression(parts)
    return parts["r2"]


def warn_about_regression(parts: RegressionParts, stacklevel: int = 3) -> None:
    """Warn the caller of a public function where digits or directions were lost."""
    warn_about_digits(
        parts["digits"], parts["undecided"], parts["x_condition"], stacklevel=stacklevel + 1
    )


def debiased_cka(pair: Pair) -> float:
    """CKA from unbiased HSIC in feature space: moments, and one pass for the row norms."""
    state, moments = pair.state, pair.moments
    n = state.n_samples
    if n < 4:
        raise ValueError(f"debiased CKA needs at least 4 samples, but there are {n}")
    sides = [_Side(moments, name) for name in pair.blocks]
    if not all(side.live.any() for side in sides):
        return 0.0
    sums = np.zeros((2, 2))  # over samples, of |x|^2 |y|^2 and so on
    for batch in pair.batches():
        norms = np.stack([side.norms(block) for side, block in zip(sides, batch, strict=True)])
        sums += norms @ norms.T

    def hsic(i: int, j: int) -> float:
        scatter = moments._scatter(pair.blocks[i], pair.blocks[j])
        scatter *= sides[i].live[:, np.newaxis] * sides[j].live
        total = float(np.sum(np.square(scatter / sides[i].scale / sides[j].scale)))
        spread = sides[i].trace * sides[j].trace
        return total - n / (n - 2) * float(sums[i, j]) + spread / ((n - 1) * (n - 2))

    x_self, y_self = hsic(0, 0), hsic(1, 1)
    if x_self <= 0.0 or y_self <= 0.0:
        return 0.0
    return float(hsic(0, 1) / np.sqrt(x_self) / np.sqrt(y_self))


class _Side:
    """One block in a scale in which no fourth power overflows or underflows."""

    def __init__(self, moments: Moments, name: str) -> None:
        n = moments.n_samples
        self.mean = moments.mean(name)
        scatter = moments._scatter(name, name)
        precision = moments._state.precision(moments._index(name))
        block = BlockMoments(n, self.mean, scatter, input_epsilon(precision))
        self.live = block.live
        self.scale = float(block.deviation[block.live].max(initial=0.0)) or 1.0
        self.trace = float(np.sum(np.diagonal(scatter)[block.live] / self.scale / self.scale))

    def norms(self, block: AnyArray) -> Floats:
        """Squared norms of the samples of a block (samples, ..., features), (samples,)."""
        out = np.empty(block.shape[:-1])
        row_bytes = 8 * block[0].size
        for rows in slices(block.shape[0], row_bytes, _BLOCK_BYTES):
            # In one memory order, or sums would follow the strides of the input.
            centred = np.subtract(with_numbers(block[rows]), self.mean, order="C")
            np.square(centred / self.scale * self.live).sum(axis=-1, out=out[rows])
        return out.ravel()
