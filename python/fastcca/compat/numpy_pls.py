"""Partial least squares under the name of google/svcca's ``numpy_pls``."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastcca._inputs.arrays import float64_rows
from fastcca._inputs.bfloat16 import with_numbers
from fastcca._runtime import backend as _backend
from fastcca._solve.pair import Pair
from fastcca._solve.routes import solvers_at
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
        pls_dirns1, pls_dirns2 : ndarray, (k, datapoints): the coefficients applied to the centred
        activations, the means of the first k neurons added back as in the original.

    Raises
    ------
    ValueError, TypeError
        As `cca_core.get_cca_similarity`; TypeError for complex activations.
    """
    samples = [acts.T for acts in checked_activations(acts1, acts2)]
    place = _backend.resolve(None, acts1=acts1, acts2=acts2)
    pair = Pair(("acts1", "acts2"), samples, place=place)
    pair.require_real()
    parts = solvers_at(place).pls(pair)
    result: dict[str, Any] = {"eigenvals": parts["singular_values"]}
    sides = (
        ("1", samples[0], parts["x_weights"], parts["x_mean"]),
        ("2", samples[1], parts["y_weights"], parts["y_mean"]),
    )
    for number, side, weights, mean in sides:
        dirns = np.empty((weights.shape[1], side.shape[0]))
        for rows in float64_rows(side):
            dirns[:, rows] = (
                (with_numbers(side[rows]) - mean) @ weights + mean[: weights.shape[1]]
            ).T
        result[f"neuron_coeffs{number}"] = weights.T
        result[f"pls_dirns{number}"] = dirns
    return result
