"""The result of a CCA."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from fastcca._inputs.arrays import AnyArray, as_numbers
from fastcca._measures.projection import mapped, projected
from fastcca._runtime.device_array import on_host
from fastcca._solve.accuracy import error_bound_of
from fastcca._solve.solutions import CcaSolution
from fastcca._statistics import multivariate_tests as _statistics
from fastcca._statistics import summary as _summary


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


def result_of(solution: CcaSolution, ridge: float = 0.0) -> CCAResult:
    """Return what the caller of a CCA gets."""
    return CCAResult(*fields_of(solution, ridge))


def fields_of(solution: CcaSolution, ridge: float = 0.0) -> tuple[Any, ...]:
    """Return the fields of `CCAResult`, in their order."""
    x, y = solution.x, solution.y
    return (
        solution.correlations,
        x.weights,
        y.weights,
        x.loadings,
        y.loadings,
        x.mean,
        y.mean,
        x.rank,
        y.rank,
        solution.n_samples,
        solution.condition,
        error_bound_of(solution, ridge),
        solution.method,
        x.dead,
        y.dead,
    )
