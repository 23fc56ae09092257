"""Singular vector CCA: CCA of leading principal components."""

from __future__ import annotations

from dataclasses import dataclass

import numpy.typing as npt

from fastcca._inputs.layouts import LayoutOrPair, Size
from fastcca._measures.caveats import warn_about_solution
from fastcca._measures.cca_result import CCAResult, fields_of
from fastcca._measures.options import check_options
from fastcca._runtime.output import stays_on_device
from fastcca._solve import routes
from fastcca._solve.kept_components import keep_of
from fastcca._solve.options import CcaOptions
from fastcca._solve.pair import pair_of
from fastcca._states.moments import Moments


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class SVCCAResult(CCAResult):
    """Canonical correlations of the leading principal components of two blocks.

    As `CCAResult`, except:

    Attributes
    ----------
    correlations : ndarray, (k,), float64
        ``k = min(x_kept, y_kept)``.
    x_kept, y_kept : int
        Principal components compared.
    condition : float
        Ratio of the largest to the smallest kept singular value, in the block's own scale.
    """

    x_kept: int
    y_kept: int

    def _dimensions(self) -> tuple[int, int]:
        return self.x_kept, self.y_kept


def svcca(
    x: npt.ArrayLike | Moments,
    y: npt.ArrayLike | None = None,
    *,
    keep: float | tuple[float, float] = 0.99,
    criterion: str = "variance",
    weights: bool = True,
    precision: str = "double",
    rank_tolerance: float = 0.0,
    layout: LayoutOrPair = None,
    spatial: str | None = None,
    size: Size = None,
    backend: str | None = None,
    output: str = "numpy",
) -> SVCCAResult:
    """Singular vector CCA (Raghu et al. 2017): CCA of the leading principal components.

    Parameters
    ----------
    x, y : array_like, (n_samples, p) and (n_samples, q)
        As in `cca`, real. In place of both, a `Moments` of two blocks.
    keep : float, int, or pair of these
        What to keep of each side, or of x and of y. A float in (0, 1] is a share: as few leading
        components as reach it, the one that crosses it included. An int is a number of
        components. Never more than the rank of the block are kept.
    criterion : {"variance", "singular_values"}
        What a share is a share of. The paper's appendix A and google's tutorial sum the singular
        values of the centred data; most later code sums variances, their squares.
    weights, precision, layout, spatial, size, backend, output
        As in `cca`.
    rank_tolerance : float
        In [0, 1). Directions with at most this share of the largest standard deviation, in the
        block's own scale, are left out as rounding, besides those that the precision of the input
        rules out. For noise that the dtype does not tell of, such as the rounding of an offset
        that was subtracted before.

    Returns
    -------
    SVCCAResult

    Raises
    ------
    ValueError, TypeError
        As `cca`, and for an unusable `keep` or `criterion`.

    Warns
    -----
    RankWarning
        If there are fewer than 5 samples per component kept, or a block does not vary.
    AccuracyWarning
        As `cca`, where components are kept that are far weaker than the first.

    Notes
    -----
    By the eigenvectors of each covariance, or with fewer samples than features of the Gram matrix,
    with no SVD of the data unless components are kept that are about 1e-2 (float64) to 1e-6
    (float32) of the first or weaker: then by a streamed QR. Unlike
    CCA it is not invariant to linear maps of the features, only to rotations and a common scale,
    and the cut is as unstable as the gap between the components on either side of it is small.

    References
    ----------
    Raghu, Gilmer, Yosinski, Sohl-Dickstein (2017), "SVCCA: Singular Vector Canonical Correlation
    Analysis for Deep Learning Dynamics and Interpretability", arXiv:1706.05806.
    """
    keep_pair = keep_of(keep, criterion)
    check_options(rank_tolerance=rank_tolerance, precision=precision)
    pair = pair_of(
        x, y, layout=layout, spatial=spatial, size=size, precision=precision, backend=backend
    )
    options = CcaOptions(
        keep=keep_pair,
        weights=weights,
        rank_tolerance=float(rank_tolerance),
        in_place=stays_on_device(output, pair.place),
    )
    solution = routes.cca(pair, options)
    warn_about_solution(solution, truncated=True)
    fields = (*fields_of(solution), solution.x.kept, solution.y.kept)
    return SVCCAResult(*fields)
