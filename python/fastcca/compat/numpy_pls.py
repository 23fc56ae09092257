"""Partial least squares under the name of google/svcca's ``numpy_pls``."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from fastcca._solve import routes
from fastcca.compat._activations import checked_activations, mapped_datapoints, pair_of_samples

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
    pair = pair_of_samples({"acts1": acts1, "acts2": acts2}, samples)
    pair.require_real()
    solution = routes.pls(pair)
    result: dict[str, Any] = {"eigenvals": solution.singular_values}
    sides = (
        ("1", samples[0], solution.x_weights, solution.x_mean),
        ("2", samples[1], solution.y_weights, solution.y_mean),
    )
    for number, side, weights, mean in sides:
        added = mean[: weights.shape[1]]
        result[f"neuron_coeffs{number}"] = weights.T
        result[f"pls_dirns{number}"] = mapped_datapoints(side, mean, weights, added)
    return result
