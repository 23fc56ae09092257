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

from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from fastcca._inputs.arrays import AnyArray
from fastcca._solve import routes
from fastcca._statistics import summary as _summary
from fastcca.compat._activations import (
    check_epsilon,
    checked_activations,
    mapped_datapoints,
    pair_of_samples,
)
from fastcca.compat._covariances import (
    compute_ccas,
    logger,
    positivedef_matrix_sqrt,
    remove_small,
    report,
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

num_cca_trials = 5


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
    """`get_cca_similarity`, with `energies` as `routes.google_cca` takes them."""
    arrays = checked_activations(acts1, acts2)
    check_epsilon(epsilon)
    if not 0.0 < threshold <= 1.0:
        raise ValueError(f"threshold={threshold} must be above 0 and at most 1")
    samples = [a.T for a in arrays]
    pair = pair_of_samples({"acts1": acts1, "acts2": acts2}, samples)
    solved = routes.google_cca(pair, epsilon, energies)
    report(solved.x_kept, solved.y_kept, verbose)
    if solved.cca is None:
        return create_zero_dict(compute_dirns, samples[0].shape[0])
    parts, x_idxs, y_idxs = solved.cca, solved.x_kept, solved.y_kept
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
