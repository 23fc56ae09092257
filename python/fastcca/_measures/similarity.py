"""Similarities of two blocks that are one number: CKA, Procrustes, linear regression."""

from __future__ import annotations

import numpy.typing as npt

from fastcca._inputs.layouts import LayoutOrPair, Size
from fastcca._measures.caveats import warn_about_solution
from fastcca._measures.options import check_options
from fastcca._solve import routes
from fastcca._solve.pair import pair_of
from fastcca._states.moments import Moments


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
    pair = pair_of(x, y, layout=layout, spatial=spatial, size=size, backend=backend)
    return routes.debiased_cka(pair) if debiased else routes.cka(pair)


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
    pair = pair_of(x, y, layout=layout, spatial=spatial, size=size, backend=backend)
    return routes.procrustes(pair)


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
    pair = pair_of(x, y, layout=layout, spatial=spatial, size=size, backend=backend)
    solution = routes.linear_regression(pair, rank_tolerance=float(rank_tolerance))
    warn_about_solution(solution)
    return solution.r2
