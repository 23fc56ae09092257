"""Canonical correlation analysis."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from fastcca import _backend, _statistics, _summary
from fastcca._accuracy import check_precision, error_bound, warn_about_digits
from fastcca._arrays import AnyArray, as_numbers
from fastcca._device import on_host
from fastcca._errors import RankWarning
from fastcca._layouts import LayoutOrPair, Size
from fastcca._linear_map import mapped, projected
from fastcca._moments import Moments
from fastcca._output import matrices_at, stays_on_device
from fastcca._pair import pair_of
from fastcca._parts import CcaParts
from fastcca._solvers import solvers_at

__all__ = [
    "SAMPLES_PER_FEATURE",
    "CCAResult",
    "cca",
    "check_options",
    "result_fields",
    "warn_about_accuracy",
    "warn_about_rank",
]

_METHODS = ("auto", "moments", "qr")
# Below this many samples per feature, chance alone makes correlations that mislead.
SAMPLES_PER_FEATURE = 5


@dataclass(frozen=True, eq=False, slots=True)
class CCAResult:
    """Canonical correlations of two blocks, and what was done to get them.

    Attributes
    ----------
    correlations : ndarray, (k,), float64
        Canonical correlations, descending, in [0, 1]; ``k = min(x_rank, y_rank)``.
    x_weights, y_weights : ndarray, (p, k) and (q, k), float64 or complex128, or None
        Canonical weights: ``(x - x_mean) @ x_weights`` are the variates, uncorrelated and of unit
        variance (below one with a ridge). None with ``weights=False``.
    x_loadings, y_loadings : ndarray, (p, k) and (q, k), float64 or complex128, or None
        Covariances of the features with the variates of their side, in units of the features;
        features conjugated where complex. 0 for features that do not vary beyond rounding. With
        ``output="device"`` weights and loadings are `DeviceArray`.
    x_mean, y_mean : ndarray, (p,) and (q,), float64 or complex128
        Means of the features.
    x_rank, y_rank : int
        Dimensions of each block that are more than rounding noise.
    n_samples : int
        Samples seen.
    condition : float
        Condition number of the data after scaling every feature to unit variance and dropping
        what the rank decision dropped: the larger of the two blocks. Of more than 128 features
        of full rank it is an estimate, up to about 1 % too small.
    error_bound : float
        The error of the correlations that the arithmetic of the route may have made:
        ``10 * condition**2 * 2.2e-16`` on the route "moments", ``10 * condition * 2.2e-16`` on the
        route "qr", both at least 1e-14, and ``40 * condition**2 * 1.2e-7`` with
        ``precision="single"``. It says nothing of directions that were left out.
    method : str
        The route taken: "moments" (from the covariances) or "qr" (from orthonormal bases of the
        data itself).
    x_dead, y_dead : ndarray, int
        Features that do not vary, beyond the rounding of their own values.
    """

    correlations: npt.NDArray[np.float64]
    x_weights: npt.NDArray[Any] | None = field(repr=False)
    y_weights: npt.NDArray[Any] | None = field(repr=False)
    x_loadings: npt.NDArray[Any] | None = field(repr=False)
    y_loadings: npt.NDArray[Any] | None = field(repr=False)
    x_mean: npt.NDArray[Any] = field(repr=False)
    y_mean: npt.NDArray[Any] = field(repr=False)
    x_rank: int
    y_rank: int
    n_samples: int
    condition: float
    error_bound: float
    method: str
    x_dead: npt.NDArray[np.intp]
    y_dead: npt.NDArray[np.intp]

    # -- summaries ---------------------------------------------------------------------------

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

    @property
    def tests(self) -> _statistics.MultivariateTests:
        """Wilks, Pillai, Hotelling-Lawley and Roy with the sequential tests of the correlations.

        They suppose independent samples and Gaussian data: positions of a folded map, or frames
        of one film, are not independent, and their p-values mean nothing.

        Raises
        ------
        ValueError
            If the samples are too few for the degrees of freedom, or complex.
        """
        return _statistics.multivariate_tests(
            self.correlations, self.n_samples, *self._tested_dimensions()
        )

    def bartlett_test(self) -> _statistics.BartlettTest:
        """Test how many correlations differ from zero (Bartlett 1941), as `tests` with chi2.

        Raises
        ------
        ValueError
            If the samples are too few for the degrees of freedom, or complex.
        """
        return _statistics.bartlett_test(
            self.correlations, self.n_samples, *self._tested_dimensions()
        )

    def _tested_dimensions(self) -> tuple[int, int]:
        """Return the dimensions of both sides that were compared, if their laws are known."""
        if "c" in (self.x_mean.dtype.kind, self.y_mean.dtype.kind):
            raise ValueError(
                "these tests are for real data; correlations of complex data have other laws"
            )
        return self._dimensions()

    def _dimensions(self) -> tuple[int, int]:
        return self.x_rank, self.y_rank

    # -- samples -----------------------------------------------------------------------------

    def variates(
        self, x: npt.ArrayLike, y: npt.ArrayLike, *, output: str = "numpy"
    ) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """Canonical variates of samples, those of the analysis or new ones.

        Parameters
        ----------
        x, y : array_like, (n_samples, p) and (n_samples, q)
            The two may have different numbers of samples.
        output : {"numpy", "device"}
            "device" leaves the variates on the GPU that the samples lie on, and are multiplied on
            anyway.

        Returns
        -------
        tuple of ndarray, (n_samples, k), float64 or complex128
            The variates of x and of y; with "device" each a `DeviceArray`.

        Raises
        ------
        ValueError
            If the weights were not asked for, or the features are not those of the analysis.
        """
        return (
            _variates(as_numbers(x, "x"), self.x_mean, self.x_weights, "x", output),
            _variates(as_numbers(y, "y"), self.y_mean, self.y_weights, "y", output),
        )

    def project(
        self, x: npt.ArrayLike, k: int, *, side: str = "x", output: str = "numpy"
    ) -> npt.NDArray[Any]:
        """Approximate samples by the top k variates of their side.

        The least-squares approximation of every feature by the first k variates, means included:
        a map of rank k over the features, for ablating or compressing a layer.

        Parameters
        ----------
        x : array_like, (n_samples, p)
            Samples of the side, those of the analysis or new ones.
        k : int
            From 0, the mean alone, to the number of correlations.
        side : {"x", "y"}
            Whose samples they are.
        output : {"numpy", "device"}
            As in `variates`.

        Returns
        -------
        ndarray, (n_samples, p), float64 or complex128, or with "device" a `DeviceArray`

        Raises
        ------
        ValueError
            If the weights were not asked for, or k, side or the features do not fit.
        """
        weights, loadings, mean = self._side(side)
        samples = as_numbers(x, "x")
        k = _checked_count(k, weights.shape[1])
        _check_features(samples, mean, weights, "x")
        top, explained = on_host(weights[:, :k]), on_host(loadings[:, :k])
        # The variates have unit variance unless there was a ridge.
        gram = top.conj().T @ explained
        back = np.linalg.solve(gram, explained.conj().T) if k else explained.conj().T
        return projected(samples, mean, top, back, output=output, name="x")

    def _side(self, side: str) -> tuple[AnyArray, AnyArray, AnyArray]:
        if side not in ("x", "y"):
            raise ValueError(f"side={side!r} is unknown; it must be 'x' or 'y'")
        parts = (
            (self.x_weights, self.x_loadings, self.x_mean)
            if side == "x"
            else (self.y_weights, self.y_loadings, self.y_mean)
        )
        if parts[0] is None or parts[1] is None:
            raise ValueError("this result has no weights; compute it with weights=True")
        return parts[0], parts[1], parts[2]

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(mean={self.mean:.6g}, mean_squared={self.mean_squared:.6g}, "
            f"x_rank={self.x_rank}, y_rank={self.y_rank}, n_samples={self.n_samples}, "
            f"condition={self.condition:.3g}, method={self.method!r})"
        )


_FIELDS = tuple(CCAResult.__dataclass_fields__)


def _variates(
    samples: AnyArray, mean: AnyArray, weights: AnyArray | None, name: str, output: str
) -> npt.NDArray[Any]:
    if weights is None:
        raise ValueError("this result has no weights; compute it with weights=True")
    _check_features(samples, mean, weights, name)
    return mapped(samples, mean, weights, output=output, name=name)


def _check_features(samples: AnyArray, mean: AnyArray, weights: AnyArray, name: str) -> None:
    if samples.shape[1] != mean.size:
        raise ValueError(f"{name} has {samples.shape[1]} features, but {mean.size} in the analysis")
    if samples.dtype.kind == "c" and weights.dtype.kind != "c":
        raise TypeError(f"{name} has dtype {samples.dtype}, but the analysis is one of real data")


def _checked_count(k: int, most: int) -> int:
    if not 0 <= k <= most:
        raise ValueError(f"k={k} must lie between 0 and {most}, the number of directions")
    return k


def cca(
    x: npt.ArrayLike | Moments,
    y: npt.ArrayLike | None = None,
    *,
    ridge: float = 0.0,
    method: str = "auto",
    weights: bool = True,
    precision: str = "double",
    rank_tolerance: float = 0.0,
    layout: LayoutOrPair = None,
    spatial: str | None = None,
    size: Size = None,
    backend: str | None = None,
    output: str = "numpy",
) -> CCAResult:
    """Canonical correlation analysis (Hotelling 1936) of two blocks of features.

    Finds the linear combinations of the features of `x` and of `y` that correlate most, then
    those that correlate most among all that are uncorrelated with the ones before, and so on. The
    correlations do not change under any invertible affine map of either side.

    Parameters
    ----------
    x, y : array_like, (n_samples, p) and (n_samples, q)
        Row i of both belongs to the same sample. float16, bfloat16, float32, float64, complex64,
        complex128, integers or bool, as arrays or as tensors on the CPU; any strides and byte
        order, read in place, never changed, never copied whole. In place of both, a `Moments` of
        two blocks. With `layout`, maps.
    ridge : float
        Added to the diagonal of the covariances of the unit-variance features, after the rank
        decision. The variates then have variance below one.
    method : {"auto", "moments", "qr"}
        "moments" accumulates float64 covariances in one pass and decomposes them. "qr" takes
        orthonormal bases of the data itself, by a streamed QR. "auto" starts with the moments,
        and where they have lost digits that the data hold, passes over the data again with "qr".
        With fewer samples than features the n x n Gram matrix takes the place of the moments.
    weights : bool
        Whether to compute the canonical weights. Without them only singular values are needed.
    precision : {"double", "single"}
        What products of samples are computed in. "single" takes float32, about two thirds of the
        time, and means it: moments are the only route, and data they cannot answer for are refused.
        What is answered has an error of at most ``40 * condition**2 * 1.2e-7``, see `CCAResult`. A
        `Moments` is of the precision it was made with. ``backend="numpy"`` computes in double all
        the same.
    rank_tolerance : float
        In [0, 1). Directions with at most this share of the largest standard deviation, features
        scaled to unit variance, are left out as rounding, besides those that the precision of the
        input rules out. For noise that the dtype does not tell of, such as the rounding of an
        offset that was subtracted before.
    layout : str or pair of str, optional
        The axes of maps: one letter each, N samples, C channels, and D, H, W, T positions, as in
        "NHWC", "NCHW" or "NTC"; a pair where x and y differ. A plain side is "NC".
    spatial : {"fold", "pool", "flatten", "resize"}, optional
        What becomes of positions. "fold" (the default with `layout`): every position is a sample,
        read in place. "pool": the mean over positions. "flatten": every position of every
        channel is a feature. "resize": bilinear resizing to a common grid, then fold.
    size : tuple of int, optional
        The grid of "resize"; the smaller of the two per axis if not given.
    backend : {None, "cpu", "cuda", "numpy"}
        The compiled core on the CPU or on an NVIDIA GPU, or the numpy reference. None takes
        FASTCCA_BACKEND, or works where the data are: both sides on one CUDA device, or the CPU.
        "cuda:1" is the second device. docs/gpu.md tells what of it runs where.
    output : {"numpy", "device"}
        Where weights and loadings go. "device" leaves them on the GPU that computes them, as
        `DeviceArray`; vectors are numpy's all the same.

    Returns
    -------
    CCAResult

    Raises
    ------
    ValueError
        For shapes that do not fit, fewer than 2 samples, NaN or infinity, or an unknown option.
        With ``precision="single"``, where the error could be more than 1e-3, that is from a
        condition of about 14 on, or directions of samples are so weak, below about 3e-3 of the
        largest deviation, that it cannot tell them from rounding.
        With ``output="device"``, where no GPU computes it.
    TypeError
        For arrays that do not hold real numbers.
    numpy.linalg.LinAlgError
        If LAPACK fails on every route, which is not known to happen.

    Warns
    -----
    RankWarning
        If there are fewer than 5 samples per feature, or a block does not vary at all.
    AccuracyWarning
        If moments of ill-conditioned data have lost digits, and there are no samples to go back
        to: with the number of digits left.

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
    check_options(ridge=ridge, method=method, rank_tolerance=rank_tolerance, precision=precision)
    place = _backend.resolve(backend, x=x, y=y)
    stays = stays_on_device(output, place)
    pair = pair_of(
        x, y, layout=layout, spatial=spatial, size=size, precision=precision, place=place
    )
    solvers = solvers_at(place)
    parts = solvers.cca(
        pair,
        ridge=float(ridge),
        weights=weights,
        method=method,
        rank_tolerance=float(rank_tolerance),
        in_place=stays,
    )
    if stays:
        parts = matrices_at(parts, place)
    result = CCAResult(**result_fields(parts, ridge))
    warn_about_rank(result, result.x_rank, result.y_rank, result.x_mean.size, result.y_mean.size)
    warn_about_accuracy(parts)
    return result


def result_fields(parts: CcaParts, ridge: float = 0.0) -> dict[str, Any]:
    condition = max(parts["x_condition"], parts["y_condition"])
    bound = error_bound(condition, method=parts["method"], single=parts["single"], ridge=ridge)
    fields: dict[str, Any] = {**parts, "condition": condition, "error_bound": bound}
    return {name: fields[name] for name in _FIELDS}


def check_options(
    *,
    ridge: float = 0.0,
    method: str = "auto",
    rank_tolerance: float = 0.0,
    precision: str = "double",
) -> None:
    """Raise ValueError for options out of their range."""
    if not 0.0 <= rank_tolerance < 1.0:
        raise ValueError(f"rank_tolerance={rank_tolerance} must be at least 0 and less than 1")
    if not (math.isfinite(ridge) and ridge >= 0.0):
        raise ValueError(f"ridge={ridge} must be a finite number, 0 or more")
    if method not in _METHODS:
        raise ValueError(f"method={method!r} is unknown; it must be one of {_METHODS}")
    if check_precision(precision) == "single" and method == "qr":
        raise ValueError("precision='single' is for moments; method='qr' is always in double")


def warn_about_accuracy(parts: CcaParts, stacklevel: int = 3) -> None:
    """Warn the caller of a public function where digits or directions were lost."""
    warn_about_digits(
        parts["digits"],
        parts["undecided"],
        max(parts["x_condition"], parts["y_condition"]),
        is_complex="c" in (parts["x_mean"].dtype.kind, parts["y_mean"].dtype.kind),
        stacklevel=stacklevel + 1,
    )


def warn_about_rank(
    result: CCAResult,
    x_dimensions: int,
    y_dimensions: int,
    x_features: int,
    y_features: int,
    stacklevel: int = 3,
) -> None:
    """Warn the caller of a public function where chance or counting makes the correlations."""
    n = result.n_samples
    features = max(x_features, y_features)
    for name, dimensions in (("x", x_dimensions), ("y", y_dimensions)):
        if dimensions == 0:
            warnings.warn(
                f"no feature of {name} varies, so there is nothing to correlate",
                RankWarning,
                stacklevel=stacklevel,
            )
            return
    if n >= SAMPLES_PER_FEATURE * features:
        return
    by_chance = min(1.0, max(x_dimensions, y_dimensions) / (n - 1))
    message = (
        f"{n} samples for {features} features: independent data would already give a mean "
        f"squared correlation of {by_chance:.2g}. Use at least {SAMPLES_PER_FEATURE} samples "
        "per feature, or reduce the features first"
    )
    forced = min(x_dimensions + y_dimensions - (n - 1), result.correlations.size)
    if forced > 0:
        message += (
            f". With {x_dimensions} and {y_dimensions} dimensions, {forced} of the "
            f"{result.correlations.size} correlations are 1 by construction"
        )
    warnings.warn(message, RankWarning, stacklevel=stacklevel)
