"""Partial least squares under the name of google/svcca's ``numpy_pls``."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastcca._arrays import AnyArray, float64_rows
from fastcca._pls import pls
from fastcca.compat.cca_core import checked_activations

__all__ = ["get_pls_similarity"]


def get_pls_similarity(acts1: npt.ArrayLike, acts2: npt.ArrayLike) -> dict[str, Any]:
    """Partial least squares of two sets of activations, of any numbers of neurons.

    Parameters
    ----------
    acts1, acts2 : array_like, (neurons1, datapoints) and (neurons2, datapoints)
        Real activations, fewer neurons than datapoints, read in place.

    Returns
    -------
    dict
        With ``k = min(neurons1, neurons2)``:
        eigenvals : ndarray, (k,), singular values of the cross-covariance.
        neuron_coeffs1, neuron_coeffs2 : ndarray, (k, neurons1) and (k, neurons2).
        pls_dirns1, pls_dirns2 : ndarray, (k, datapoints): coefficients applied to the activations
        of each datapoint, less their mean over neurons, which is added back as in the original.

    Raises
    ------
    ValueError, TypeError
        As `cca_core.get_cca_similarity`; TypeError for complex activations.
    """
    acts = checked_activations(acts1, acts2)
    result = pls(acts[0].T, acts[1].T)
    coefficients = result.x_weights.T, result.y_weights.T
    return {
        "eigenvals": result.singular_values,
        "neuron_coeffs1": coefficients[0],
        "neuron_coeffs2": coefficients[1],
        "pls_dirns1": directions(acts[0], coefficients[0]),
        "pls_dirns2": directions(acts[1], coefficients[1]),
    }


def directions(acts: AnyArray, coefficients: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Apply coefficients (k, neurons) to activations (neurons, datapoints), as google/svcca does.

    Every datapoint is centred by its mean over neurons, which is added back afterwards.
    """
    samples = acts.T
    out = np.empty((coefficients.shape[0], samples.shape[0]))
    for rows in float64_rows(samples):
        block = samples[rows].astype(np.float64)
        means = block.mean(axis=1, keepdims=True)
        out[:, rows] = ((block - means) @ coefficients.T + means).T
    return out
