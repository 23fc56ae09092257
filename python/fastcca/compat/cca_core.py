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
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from fastcca._inputs.arrays import AnyArray
from fastcca._measures.google_svcca import coefficients_of, solve_covariances
from fastcca._runtime.backend import resolve
from fastcca._statistics import summary as _summary
from fastcca.compat._activations import (
    check_epsilon,
    checked_activations,
    mapped_datapoints,
    pair_of_samples,
)
from fastcca.compat._lazy_dict import LazyDict

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
        Real or complex covariances, left as they are.
    epsilon : float
        Neurons with less variance are dropped, and it is added to the diagonals. At 0, directions
        that are zero up to rounding are dropped instead.
    verbose : bool
        Whether to report steps through `logging`.

    Returns
    -------
    usv : list
        ``[u, s, v]``: canonical directions of x in the whitened space as the columns of
        ``u (p', p')``, coefficients ``s (min(p', q'),)``, and those of y, conjugated where
        complex, as the rows of ``v (q', q')``, over the kept neurons. ``[0, 0, 0]`` where none is
        kept on a side.
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
    check_epsilon(epsilon)
    place = resolve(None)
    double = np.result_type(xx, xy, yy, np.float64)
    solved = solve_covariances(
        [xx.astype(double), yy.astype(double)],
        [np.zeros(p), np.zeros(q)],
        [2.0**-52, 2.0**-52],
        xy.astype(double),
        epsilon,
        place=place,
    )
    _report(solved.x_kept, solved.y_kept, verbose)
    if solved.parts is None:
        kept_x, kept_y = int(solved.x_kept.sum()), int(solved.y_kept.sum())
        nothing = np.zeros((kept_x, kept_x)), np.zeros((kept_y, kept_y))
        return [0, 0, 0], *nothing, solved.x_kept, solved.y_kept
    parts = solved.parts
    usv = [parts.u, parts.correlations, parts.vt]
    return usv, parts.x_inverse_sqrt, parts.y_inverse_sqrt, solved.x_kept, solved.y_kept


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
        Real or complex activations, fewer neurons than datapoints, read in place.
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
        invsqrt_yy, full_coef_y, full_invsqrt_yy, neuron_means2. The full_ arrays are built
        from the others when they are first read.
        With `compute_dirns`: cca_dirns1 (neurons1, datapoints), cca_dirns2, the means added back
        as in the original.
        The zeros of `create_zero_dict` where a side has no live neuron.

    Raises
    ------
    ValueError
        For shapes that do not fit, as many neurons as datapoints, NaN or infinity, an epsilon
        that is negative or not finite.
    TypeError
        For activations that are not numbers.
    """
    return similarity_of(
        acts1,
        acts2,
        epsilon=epsilon,
        threshold=threshold,
        compute_coefs=compute_coefs,
        compute_dirns=compute_dirns,
        verbose=verbose,
    )


def similarity_of(
    acts1: npt.ArrayLike,
    acts2: npt.ArrayLike,
    *,
    epsilon: float = 0.0,
    threshold: float = 0.98,
    compute_coefs: bool,
    compute_dirns: bool,
    verbose: bool,
    energies: tuple[npt.NDArray[np.float64] | None, npt.NDArray[np.float64] | None] = (None, None),
) -> dict[str, Any]:
    """`get_cca_similarity`, with `energies` as `coefficients_of` takes them."""
    arrays = checked_activations(acts1, acts2)
    check_epsilon(epsilon)
    if not 0.0 < threshold <= 1.0:
        raise ValueError(f"threshold={threshold} must be above 0 and at most 1")
    samples = [a.T for a in arrays]
    pair = pair_of_samples({"acts1": acts1, "acts2": acts2}, samples)
    solved = coefficients_of(pair, epsilon, energies)
    _report(solved.x_kept, solved.y_kept, verbose)
    if solved.parts is None:
        return create_zero_dict(compute_dirns, samples[0].shape[0])
    parts, x_idxs, y_idxs = solved.parts, solved.x_kept, solved.y_kept
    means = [pair.moments.mean(block.name) for block in pair.blocks]
    sides = (
        _SideCoefficients(parts.u.conj().T, parts.x_inverse_sqrt, x_idxs, means[0]),
        _SideCoefficients(parts.vt, parts.y_inverse_sqrt, y_idxs, means[1]),
    )
    result = LazyDict()
    if compute_coefs:
        for side, letter, number in zip(sides, "xy", "12", strict=True):
            result[f"coef_{letter}"] = side.coef
            result[f"invsqrt_{letter * 2}"] = side.invsqrt
            result.defer(f"full_coef_{letter}", partial(side.over_all_neurons, side.coef))
            result.defer(f"full_invsqrt_{letter * 2}", partial(side.over_all_neurons, side.invsqrt))
            result[f"neuron_means{number}"] = side.means[:, np.newaxis]
    s = parts.correlations
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
    check_epsilon(epsilon)
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


class _SideCoefficients:
    """Coefficients of one side over its kept neurons, and over all of them."""

    def __init__(
        self, coef: AnyArray, invsqrt: AnyArray, kept: npt.NDArray[np.bool_], means: AnyArray
    ) -> None:
        self.coef = coef
        self.invsqrt = invsqrt
        self.kept = kept.copy()  # the caller gets the other one
        self.means = means

    def over_all_neurons(self, matrix: AnyArray) -> AnyArray:
        full = np.zeros((self.kept.size, self.kept.size), dtype=matrix.dtype)
        full[np.ix_(self.kept, self.kept)] = matrix
        return full

    def directions(self, samples: AnyArray) -> AnyArray:
        weights = self.over_all_neurons(self.coef @ self.invsqrt).T
        return mapped_datapoints(samples, self.means, weights, self.means)


def _report(x_idxs: npt.NDArray[np.bool_], y_idxs: npt.NDArray[np.bool_], verbose: bool) -> None:
    if verbose:
        logger.info(
            "kept %d of %d and %d of %d neurons",
            x_idxs.sum(),
            x_idxs.size,
            y_idxs.sum(),
            y_idxs.size,
        )


def _finite_matrix(value: npt.ArrayLike, name: str) -> npt.NDArray[Any]:
    matrix = np.asarray(value)
    if matrix.ndim != 2:
        raise ValueError(f"{name} has shape {matrix.shape}; it must be a matrix")
    if matrix.dtype.kind not in "biufc":
        raise TypeError(f"{name} has dtype {matrix.dtype}; it must hold numbers")
    if not np.isfinite(matrix).all():
        raise ValueError(f"{name} holds NaN or infinity")
    return matrix
