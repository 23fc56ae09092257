"""Canonical correlation analysis."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fastcca import _backend, _summary
from fastcca._arrays import AnyArray, as_samples, float64_rows
from fastcca._errors import RankWarning
from fastcca._moments import Moments

__all__ = ["CCAResult", "cca"]

_METHODS = ("auto", "moments")
# Below this many samples per feature, chance alone makes correlations that mislead.
_SAMPLES_PER_FEATURE = 5


@dataclass(frozen=True, eq=False, slots=True)
class CCAResult:
    """Canonical correlations of two blocks, and what was done to get them.

    Attributes
    ----------
    correlations : ndarray, (k,), float64
        Canonical correlations, descending, in [0, 1]; ``k = min(x_rank, y_rank)``.
    x_weights, y_weights : ndarray, (p, k) and (q, k), float64, or None
        Canonical weights: ``(x - x_mean) @ x_weights`` are the variates, uncorrelated and of unit
        variance (below one with a ridge). None with ``weights=False``.
    x_mean, y_mean : ndarray, (p,) and (q,), float64
        Means of the features.
    x_rank, y_rank : int
        Dimensions kept of each block.
    n_samples : int
        Samples seen.
    condition : float
        Condition number of the data after scaling every feature to unit variance and dropping
        what the rank decision dropped: the larger of the two blocks. The error of the
        correlations is about ``10 * condition**2 * 2.2e-16`` on the route "moments", and
        ``10 * condition * 2.2e-16`` on the route "qr".
    method : str
        The route taken: "moments" (from the covariances) or "qr" (from orthonormal bases of the
        data itself).
    x_dead, y_dead : ndarray, int
        Features that do not vary, beyond the rounding of their own values.
    """

    correlations: npt.NDArray[np.float64]
    x_weights: npt.NDArray[np.float64] | None
    y_weights: npt.NDArray[np.float64] | None
    x_mean: npt.NDArray[np.float64]
    y_mean: npt.NDArray[np.float64]
    x_rank: int
    y_rank: int
    n_samples: int
    condition: float
    method: str
    x_dead: npt.NDArray[np.intp]
    y_dead: npt.NDArray[np.intp]

    @property
    def mean(self) -> float:
        """Mean canonical correlation; 0 where a block has no variance."""
        return _summary.mean_of(self.correlations)

    @property
    def mean_squared(self) -> float:
        """Mean squared canonical correlation, the R2_CCA of Kornblith et al. (2019)."""
        return _summary.mean_of(self.correlations**2)

    def thresholded_mean(self, threshold: float = 0.98) -> float:
        """Mean of the leading correlations that hold `threshold` of their sum.

        This is the "mean" of google/svcca.

        Parameters
        ----------
        threshold : float
            Above 0, at most 1.
        """
        return _summary.thresholded_mean(self.correlations, threshold)

    def variates(
        self, x: npt.ArrayLike, y: npt.ArrayLike
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Canonical variates of samples, those of the analysis or new ones.

        Parameters
        ----------
        x, y : array_like, (n_samples, p) and (n_samples, q)
            Real numbers. The two may have different numbers of samples.

        Returns
        -------
        tuple of ndarray, (n_samples, k), float64
            The variates of x and of y.

        Raises
        ------
        ValueError
            If the weights were not asked for, or the features are not those of the analysis.
        """
        return (
            _variates(as_samples(x, "x"), self.x_mean, self.x_weights, "x"),
            _variates(as_samples(y, "y"), self.y_mean, self.y_weights, "y"),
        )

    def __repr__(self) -> str:
        return (
            f"CCAResult(mean={self.mean:.6g}, mean_squared={self.mean_squared:.6g}, "
            f"x_rank={self.x_rank}, y_rank={self.y_rank}, n_samples={self.n_samples}, "
            f"condition={self.condition:.3g}, method={self.method!r})"
        )


def _variates(
    samples: AnyArray,
    mean: npt.NDArray[np.float64],
    weights: npt.NDArray[np.float64] | None,
    name: str,
) -> npt.NDArray[np.float64]:
    if weights is None:
        raise ValueError("this result has no weights; compute it with weights=True")
    if samples.shape[1] != mean.size:
        raise ValueError(f"{name} has {samples.shape[1]} features, but {mean.size} in the analysis")
    out = np.empty((samples.shape[0], weights.shape[1]))
    for rows in float64_rows(samples):
        np.matmul(samples[rows] - mean, weights, out=out[rows])
    return out


def cca(
    x: npt.ArrayLike | Moments,
    y: npt.ArrayLike | None = None,
    *,
    ridge: float = 0.0,
    method: str = "auto",
    weights: bool = True,
    backend: str | None = None,
) -> CCAResult:
    """Canonical correlation analysis (Hotelling 1936) of two blocks of features.

    Finds the linear combinations of the features of `x` and of `y` that correlate most, then
    those that correlate most among all that are uncorrelated with the ones before, and so on. The
    correlations do not change under any invertible affine map of either side.

    Parameters
    ----------
    x, y : array_like, (n_samples, p) and (n_samples, q)
        Row i of both belongs to the same sample. float16, float32, float64, integers or bool;
        any strides and byte order, read in place, never changed, never copied whole.
        In place of both, a `Moments` of two blocks.
    ridge : float
        Added to the diagonal of the covariances of the unit-variance features, after the rank
        decision. The variates then have variance below one.
    method : {"auto", "moments"}
        "moments" accumulates float64 covariances in one pass and decomposes them. "auto" lets the
        backend choose: the reference ("numpy") takes orthonormal bases of the data instead.
    weights : bool
        Whether to compute the canonical weights. Without them only singular values are needed.
    backend : {None, "cpu", "numpy"}
        The compiled core or the numpy reference; None takes FASTCCA_BACKEND or the first of
        `backends()`.

    Returns
    -------
    CCAResult

    Raises
    ------
    ValueError
        For shapes that do not fit, fewer than 2 samples, NaN or infinity, or an unknown option.
    TypeError
        For arrays that do not hold real numbers.
    numpy.linalg.LinAlgError
        If LAPACK fails on every route, which is not known to happen.

    Warns
    -----
    RankWarning
        If there are fewer than 5 samples per feature, or a block does not vary at all.

    Notes
    -----
    Features are scaled to unit variance, dead ones dropped, and only directions are kept whose
    variance exceeds the rounding noise of the input's own precision, so that collinear or
    duplicated features are no obstacle (see `x_rank`). Whitening is by Cholesky where every
    direction is safely above that noise, by eigenvectors otherwise; the correlations are singular
    values of the whitened cross-covariance, never square roots of eigenvalues.

    The error on the route "moments" is about ``10 * condition**2 * 2.2e-16``: 3e-13 at a
    condition of 1e2, 5e-9 at 1e4, 2e-5 at 1e6, and useless beyond 1e7. Near a correlation of 0
    that is an absolute error.

    Examples
    --------
    >>> import numpy as np
    >>> import fastcca
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(1000, 3))
    >>> y = x @ rng.normal(size=(3, 3)) + 5
    >>> fastcca.cca(x, y).correlations.round(6)
    array([1., 1., 1.])
    """
    _check_options(ridge, method)
    chosen = _backend.resolve(backend)
    parts = _backend.solve_cca(
        _data_of(x, y), ridge=float(ridge), weights=weights, method=method, backend=chosen
    )
    result = CCAResult(
        correlations=parts["correlations"],
        x_weights=parts["x_weights"],
        y_weights=parts["y_weights"],
        x_mean=parts["x_mean"],
        y_mean=parts["y_mean"],
        x_rank=parts["x_rank"],
        y_rank=parts["y_rank"],
        n_samples=parts["n_samples"],
        condition=max(parts["x_condition"], parts["y_condition"]),
        method=parts["method"],
        x_dead=parts["x_dead"],
        y_dead=parts["y_dead"],
    )
    _warn_about_rank(result)
    return result


def _check_options(ridge: float, method: str) -> None:
    if not (math.isfinite(ridge) and ridge >= 0.0):
        raise ValueError(f"ridge={ridge} must be a finite number, 0 or more")
    if method not in _METHODS:
        raise ValueError(f"method={method!r} is unknown; it must be one of {_METHODS}")


def _data_of(
    x: npt.ArrayLike | Moments, y: npt.ArrayLike | None
) -> tuple[AnyArray, AnyArray] | Moments:
    if isinstance(x, Moments):
        if y is not None:
            raise TypeError("x is a Moments and holds both blocks; leave y out")
        return x
    if y is None:
        raise TypeError("y is missing: pass two arrays, or a Moments of two blocks")
    x_array, y_array = as_samples(x, "x"), as_samples(y, "y")
    if x_array.shape[0] != y_array.shape[0]:
        raise ValueError(
            f"x has {x_array.shape[0]} samples and y has {y_array.shape[0]} (shapes "
            f"{x_array.shape} and {y_array.shape}); row i of both must belong to the same sample"
        )
    if x_array.shape[0] < 2:
        raise ValueError("a correlation needs at least 2 samples, but x and y have 1")
    return x_array, y_array


def _warn_about_rank(result: CCAResult) -> None:
    n = result.n_samples
    features = max(result.x_mean.size, result.y_mean.size)
    for name, rank in (("x", result.x_rank), ("y", result.y_rank)):
        if rank == 0:
            warnings.warn(
                f"no feature of {name} varies, so there is nothing to correlate",
                RankWarning,
                stacklevel=3,
            )
            return
    if n >= _SAMPLES_PER_FEATURE * features:
        return
    by_chance = min(1.0, max(result.x_rank, result.y_rank) / (n - 1))
    message = (
        f"{n} samples for {features} features: independent data would already give a mean "
        f"squared correlation of {by_chance:.2g}. Use at least {_SAMPLES_PER_FEATURE} samples "
        "per feature, or reduce the features first"
    )
    forced = min(result.x_rank + result.y_rank - (n - 1), result.correlations.size)
    if forced > 0:
        message += (
            f". With x_rank={result.x_rank} and y_rank={result.y_rank}, {forced} of the "
            f"{result.correlations.size} correlations are 1 by construction"
        )
    warnings.warn(message, RankWarning, stacklevel=3)
