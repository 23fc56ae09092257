"""CCA of activations under the names, signatures and result keys of google/svcca's ``cca_core``.

Code written for that module runs with only its import changed::

    from fastcca.compat import cca_core

Activations are (neurons, datapoints) here, unlike in the rest of the package. The differences,
each a fault of the original, are listed in the README.

References
----------
Raghu, Gilmer, Yosinski, Sohl-Dickstein (2017), arXiv:1706.05806;
Morcos, Raghu, Bengio (2018), arXiv:1806.05759.
"""

from __future__ import annotations

import logging
import math
from typing import Any

import numpy as np
import numpy.typing as npt

from fastcca import _backend, _summary
from fastcca._arrays import AnyArray, as_samples, float64_rows
from fastcca._moments import Moments

__all__ = [
    "compute_ccas",
    "create_zero_dict",
    "get_cca_similarity",
    "num_cca_trials",
    "positivedef_matrix_sqrt",
    "remove_small",
    "robust_cca_similarity",
    "sum_threshold",
]

logger = logging.getLogger(__name__)

num_cca_trials = 5

_AXES = "(neurons, datapoints)"

Floats = npt.NDArray[np.float64]


def positivedef_matrix_sqrt(array: npt.ArrayLike) -> npt.NDArray[Any]:
    """Square root of a symmetric (Hermitian) positive semidefinite matrix.

    Parameters
    ----------
    array : array_like, (p, p)
        Real or complex. Negative eigenvalues within rounding count as zero.

    Returns
    -------
    ndarray, (p, p)
        The semidefinite root, in the precision of the input.

    Raises
    ------
    ValueError
        If the matrix is not square, not finite, or has a truly negative eigenvalue.
    """
    matrix = _finite_matrix(array, "array")
    if matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"array has shape {matrix.shape}; it must be square")
    values, vectors = np.linalg.eigh(matrix)
    if values.size:
        rounding = matrix.shape[0] * float(np.finfo(values.dtype).eps) * float(np.abs(values).max())
        if values[0] < -rounding:
            raise ValueError(
                f"array has the negative eigenvalue {values[0]:.3g}: it has no real square root"
            )
    root: npt.NDArray[Any] = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.conj().T
    return root


def remove_small(
    sigma_xx: npt.ArrayLike,
    sigma_xy: npt.ArrayLike,
    sigma_yx: npt.ArrayLike,
    sigma_yy: npt.ArrayLike,
    epsilon: float,
) -> tuple[
    npt.NDArray[Any],
    npt.NDArray[Any],
    npt.NDArray[Any],
    npt.NDArray[Any],
    npt.NDArray[np.bool_],
    npt.NDArray[np.bool_],
]:
    """Drop the neurons whose variance lies under `epsilon`.

    Parameters
    ----------
    sigma_xx, sigma_xy, sigma_yx, sigma_yy : array_like, (p, p), (p, q), (q, p), (q, q)
        Covariances.
    epsilon : float
        Neurons with a variance of `epsilon` or more are kept.

    Returns
    -------
    tuple of ndarray
        The four covariances of the kept neurons, as copies, and two boolean masks, (p,) and (q,),
        True where a neuron is kept.
    """
    xx, xy = np.asarray(sigma_xx), np.asarray(sigma_xy)
    yx, yy = np.asarray(sigma_yx), np.asarray(sigma_yy)
    x_idxs = np.abs(np.diagonal(xx)) >= epsilon
    y_idxs = np.abs(np.diagonal(yy)) >= epsilon
    return (
        xx[np.ix_(x_idxs, x_idxs)],
        xy[np.ix_(x_idxs, y_idxs)],
        yx[np.ix_(y_idxs, x_idxs)],
        yy[np.ix_(y_idxs, y_idxs)],
        x_idxs,
        y_idxs,
    )


def compute_ccas(
    sigma_xx: npt.ArrayLike,
    sigma_xy: npt.ArrayLike,
    sigma_yx: npt.ArrayLike,
    sigma_yy: npt.ArrayLike,
    epsilon: float,
    verbose: bool = True,
) -> tuple[
    list[Any], npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[np.bool_], npt.NDArray[np.bool_]
]:
    """CCA of given covariances.

    Parameters
    ----------
    sigma_xx, sigma_xy, sigma_yx, sigma_yy : array_like, (p, p), (p, q), (q, p), (q, q)
        Real covariances, left as they are.
    epsilon : float
        Neurons with less variance are dropped, and it is added to the diagonals. At 0, directions
        that are zero up to rounding are dropped instead.
    verbose : bool
        Whether to report steps through `logging`.

    Returns
    -------
    usv : list
        ``[u, s, v]``: canonical directions of x in the whitened space as the columns of
        ``u (p', p')``, coefficients ``s (min(p', q'),)``, and those of y as the rows of
        ``v (q', q')``, over the kept neurons. ``[0, 0, 0]`` where none is kept on a side.
    invsqrt_xx, invsqrt_yy : ndarray, (p', p') and (q', q')
        Inverse square roots of the covariances.
    x_idxs, y_idxs : ndarray of bool, (p,) and (q,)
        True where a neuron was kept.
    """
    xx = _finite_matrix(sigma_xx, "sigma_xx")
    yy = _finite_matrix(sigma_yy, "sigma_yy")
    xy = _finite_matrix(sigma_xy, "sigma_xy")
    p, q = xx.shape[0], yy.shape[0]
    if xx.shape != (p, p) or yy.shape != (q, q) or xy.shape != (p, q):
        raise ValueError(
            f"sigma_xx, sigma_xy and sigma_yy have shapes {xx.shape}, {xy.shape} and {yy.shape}; "
            "they must be (p, p), (p, q) and (q, q)"
        )
    for name, matrix in (("sigma_xx", xx), ("sigma_xy", xy), ("sigma_yy", yy)):
        if matrix.dtype.kind == "c":
            raise TypeError(f"{name} has dtype {matrix.dtype}; complex arrays are not supported")
    parts, x_idxs, y_idxs = _solve(
        _Side(xx.astype(np.float64), np.zeros(p), 2.0**-52),
        _Side(yy.astype(np.float64), np.zeros(q), 2.0**-52),
        xy.astype(np.float64),
        epsilon,
        verbose,
    )
    if parts is None:
        kept_x, kept_y = int(x_idxs.sum()), int(y_idxs.sum())
        return (
            [0, 0, 0],
            np.zeros((kept_x, kept_x)),
            np.zeros((kept_y, kept_y)),
            x_idxs,
            y_idxs,
        )
    usv = [parts["u"], parts["correlations"], parts["vt"]]
    return usv, parts["x_inverse_sqrt"], parts["y_inverse_sqrt"], x_idxs, y_idxs


def sum_threshold(array: npt.ArrayLike, threshold: float) -> int | None:
    """Return the first i at which ``array[:i]`` sums to `threshold` of the total.

    Parameters
    ----------
    array : array_like, (k,)
        Descending and nonnegative.
    threshold : float
        From 0 to 1.

    Returns
    -------
    int or None
        None where only the whole array reaches it, so that ``array[:None]`` is everything.
    """
    return _summary.threshold_index(np.asarray(array, dtype=np.float64), threshold)


def create_zero_dict(compute_dirns: bool, dimension: int) -> dict[str, Any]:
    """Return the result for layers without a live neuron: zeros under the usual keys.

    Parameters
    ----------
    compute_dirns : bool
        Whether to have directions, (1, dimension).
    dimension : int
        Number of datapoints.
    """
    result: dict[str, Any] = {
        "mean": (np.asarray(0), np.asarray(0)),
        "sum": (np.asarray(0), np.asarray(0)),
        "cca_coef1": np.asarray(0),
        "cca_coef2": np.asarray(0),
        "idx1": 0,
        "idx2": 0,
    }
    if compute_dirns:
        result["cca_dirns1"] = np.zeros((1, dimension))
        result["cca_dirns2"] = np.zeros((1, dimension))
    return result


def get_cca_similarity(
    acts1: npt.ArrayLike,
    acts2: npt.ArrayLike,
    epsilon: float = 0.0,
    threshold: float = 0.98,
    compute_coefs: bool = True,
    compute_dirns: bool = False,
    verbose: bool = True,
) -> dict[str, Any]:
    """CCA similarity of two sets of activations.

    Parameters
    ----------
    acts1, acts2 : array_like, (neurons1, datapoints) and (neurons2, datapoints)
        Real activations, fewer neurons than datapoints, read in place.
    epsilon : float
        Covariances are divided by their largest entry; neurons whose variance is then under
        `epsilon` are dropped, and `epsilon` is added to the diagonals. At 0, directions that are
        rounding noise of the input's precision are dropped instead.
    threshold : float
        The "mean" averages the leading coefficients that hold this share of their sum; above 0.
    compute_coefs, compute_dirns : bool
        Whether to return coefficients over neurons, and directions over datapoints.
    verbose : bool
        Whether to report steps through `logging`.

    Returns
    -------
    dict
        cca_coef1, cca_coef2 : ndarray, (min(kept1, kept2),), the same canonical correlations.
        mean, sum : pairs of floats, of the coefficients.
        x_idxs, y_idxs : boolean masks of the neurons kept.
        With `compute_coefs`: coef_x (kept1, kept1), invsqrt_xx (kept1, kept1), full_coef_x,
        full_invsqrt_xx (neurons1, neurons1), neuron_means1 (neurons1, 1), and likewise coef_y,
        invsqrt_yy, full_coef_y, full_invsqrt_yy, neuron_means2.
        With `compute_dirns`: cca_dirns1 (neurons1, datapoints), cca_dirns2, the means added back
        as in the original.
        The zeros of `create_zero_dict` where a side has no live neuron.

    Raises
    ------
    ValueError
        For shapes that do not fit, as many neurons as datapoints, NaN or infinity, an epsilon
        that is negative or not finite.
    TypeError
        For activations that are not real numbers.
    """
    arrays = [as_samples(a, name, _AXES) for name, a in (("acts1", acts1), ("acts2", acts2))]
    _check_activations(*arrays)
    _check_epsilon(epsilon)
    if not 0.0 < threshold <= 1.0:
        raise ValueError(f"threshold={threshold} must be above 0 and at most 1")
    samples = [a.T for a in arrays]
    moments = Moments()
    moments._update({"acts1": samples[0], "acts2": samples[1]})

    x_max, x = _scaled_side(moments, 0, "acts1")
    y_max, y = _scaled_side(moments, 1, "acts2")
    datapoints = samples[0].shape[0]
    if x_max == 0.0 or y_max == 0.0:
        return create_zero_dict(compute_dirns, datapoints)
    cross = moments.covariance("acts1", "acts2") / np.sqrt(x_max) / np.sqrt(y_max)
    parts, x_idxs, y_idxs = _solve(x, y, cross, epsilon, verbose)
    if parts is None or parts["x_rank"] == 0 or parts["y_rank"] == 0:
        return create_zero_dict(compute_dirns, datapoints)

    sides = (
        _SideCoefficients(parts["u"].T, parts["x_inverse_sqrt"], x_idxs, moments.mean("acts1")),
        _SideCoefficients(parts["vt"], parts["y_inverse_sqrt"], y_idxs, moments.mean("acts2")),
    )
    result: dict[str, Any] = {}
    if compute_coefs:
        for side, letter, number in zip(sides, "xy", "12", strict=True):
            result[f"coef_{letter}"] = side.coef
            result[f"invsqrt_{letter * 2}"] = side.invsqrt
            result[f"full_coef_{letter}"] = side.over_all_neurons(side.coef)
            result[f"full_invsqrt_{letter * 2}"] = side.over_all_neurons(side.invsqrt)
            result[f"neuron_means{number}"] = side.means[:, np.newaxis]
    s = parts["correlations"]
    mean = _summary.thresholded_mean(s, threshold)
    result["cca_coef1"] = s
    result["cca_coef2"] = s
    result["x_idxs"] = x_idxs
    result["y_idxs"] = y_idxs
    result["mean"] = (mean, mean)
    result["sum"] = (float(np.sum(s)), float(np.sum(s)))
    if compute_dirns:
        result["cca_dirns1"] = sides[0].directions(samples[0])
        result["cca_dirns2"] = sides[1].directions(samples[1])
    return result


def robust_cca_similarity(
    acts1: npt.ArrayLike,
    acts2: npt.ArrayLike,
    threshold: float = 0.98,
    epsilon: float = 1e-6,
    compute_dirns: bool = True,
) -> dict[str, Any]:
    """`get_cca_similarity`, again with noisy activations where it does not converge.

    Parameters
    ----------
    acts1, acts2 : array_like, (neurons1, datapoints) and (neurons2, datapoints)
        Left as they are.
    threshold : float
        As in `get_cca_similarity`.
    epsilon : float
        Standard deviation of the noise that is added, to activations scaled by a tenth, after a
        trial that failed. The first trial adds none.
    compute_dirns : bool
        Whether to return directions.

    Returns
    -------
    dict
        As from `get_cca_similarity`.

    Raises
    ------
    numpy.linalg.LinAlgError
        If the last of ``num_cca_trials`` trials failed too.
    """
    _check_epsilon(epsilon)
    trial1, trial2 = acts1, acts2
    random = np.random.default_rng()
    for _ in range(num_cca_trials - 1):
        try:
            return get_cca_similarity(
                trial1, trial2, threshold=threshold, compute_dirns=compute_dirns
            )
        except np.linalg.LinAlgError:
            logger.info("not converged; trying again with noise of %g", epsilon)
        trial1, trial2 = (
            np.asarray(a) * 1e-1 + random.normal(scale=epsilon, size=np.shape(a))
            for a in (trial1, trial2)
        )
    return get_cca_similarity(trial1, trial2, threshold=threshold, compute_dirns=compute_dirns)


class _Side:
    """Covariance and mean of one side, in the scale in which epsilon is meant."""

    def __init__(self, cov: Floats, mean: Floats, input_epsilon: float) -> None:
        self.cov = cov
        self.mean = mean
        self.input_epsilon = input_epsilon


class _SideCoefficients:
    """Coefficients of one side over its kept neurons, and over all of them."""

    def __init__(
        self, coef: Floats, invsqrt: Floats, kept: npt.NDArray[np.bool_], means: Floats
    ) -> None:
        self.coef = coef
        self.invsqrt = invsqrt
        self.kept = kept
        self.means = means

    def over_all_neurons(self, matrix: Floats) -> Floats:
        full = np.zeros((self.kept.size, self.kept.size))
        full[np.ix_(self.kept, self.kept)] = matrix
        return full

    def directions(self, samples: AnyArray) -> Floats:
        weights = self.over_all_neurons(self.coef @ self.invsqrt).T
        out = np.empty((samples.shape[1], samples.shape[0]))
        for rows in float64_rows(samples):
            out[:, rows] = ((samples[rows] - self.means) @ weights + self.means).T
        return out


def _scaled_side(moments: Moments, index: int, name: str) -> tuple[float, _Side]:
    """Divide a covariance by its largest entry, as google/svcca does, and return both."""
    cov = moments.covariance(name, name)
    # A covariance has its largest entry on the diagonal.
    largest = float(np.max(np.diagonal(cov)))
    epsilon = _backend.input_epsilon(moments._state.precision(index))
    if largest > 0.0:
        cov /= largest
    mean = moments.mean(name) / (math.sqrt(largest) if largest > 0.0 else 1.0)
    return largest, _Side(cov, mean, epsilon)


def _solve(
    x: _Side, y: _Side, cross: Floats, epsilon: float, verbose: bool
) -> tuple[_backend.SymmetricCcaParts | None, npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    _check_epsilon(epsilon)
    xx, xy, _, yy, x_idxs, y_idxs = remove_small(x.cov, cross, cross.T, y.cov, epsilon)
    if verbose:
        logger.info(
            "kept %d of %d and %d of %d neurons", xx.shape[0], x_idxs.size, yy.shape[0], y_idxs.size
        )
    if xx.shape[0] == 0 or yy.shape[0] == 0:
        return None, x_idxs, y_idxs
    parts = _backend.solve_symmetric_cca(
        x_cov=xx,
        x_mean=x.mean[x_idxs],
        x_epsilon=x.input_epsilon,
        y_cov=yy,
        y_mean=y.mean[y_idxs],
        y_epsilon=y.input_epsilon,
        cross_cov=xy,
        epsilon=float(epsilon),
        backend=_backend.resolve(None),
    )
    if verbose:
        logger.info("solved: ranks %d and %d", parts["x_rank"], parts["y_rank"])
    return parts, x_idxs, y_idxs


def _finite_matrix(value: npt.ArrayLike, name: str) -> npt.NDArray[Any]:
    matrix = np.asarray(value)
    if matrix.ndim != 2:
        raise ValueError(f"{name} has shape {matrix.shape}; it must be a matrix")
    if matrix.dtype.kind not in "biufc":
        raise TypeError(f"{name} has dtype {matrix.dtype}; it must hold numbers")
    if not np.isfinite(matrix).all():
        raise ValueError(f"{name} holds NaN or infinity")
    return matrix


def _check_activations(acts1: AnyArray, acts2: AnyArray) -> None:
    if acts1.shape[1] != acts2.shape[1]:
        raise ValueError(
            f"acts1 has {acts1.shape[1]} datapoints and acts2 {acts2.shape[1]} (shapes "
            f"{acts1.shape} and {acts2.shape}); column i of both must belong to the same one"
        )
    for name, acts in (("acts1", acts1), ("acts2", acts2)):
        if acts.shape[0] >= acts.shape[1]:
            raise ValueError(
                f"{name} has shape {acts.shape}; it must be (neurons, datapoints) with fewer "
                "neurons than datapoints: transpose it, or bring more datapoints"
            )


def _check_epsilon(epsilon: float) -> None:
    if not (math.isfinite(epsilon) and epsilon >= 0.0):
        raise ValueError(f"epsilon={epsilon} must be a finite number, 0 or more")
