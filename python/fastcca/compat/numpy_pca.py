"""Principal component analysis under the name of google/svcca's ``numpy_pca``."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastcca._inputs.arrays import as_samples, float64_rows
from fastcca._inputs.bfloat16 import with_numbers
from fastcca._runtime import backend as _backend
from fastcca._solve.pair import Pair
from fastcca._solve.routes import solvers_at
from fastcca.compat.cca_core import AXES, check_orientation

__all__ = ["get_pca"]


def get_pca(acts: npt.ArrayLike, compute_dirns: bool = False) -> dict[str, Any]:
    """Principal components of activations.

    Parameters
    ----------
    acts : array_like, (neurons, datapoints)
        Real activations, fewer neurons than datapoints, read in place.
    compute_dirns : bool
        Whether to return the projections of all datapoints.

    Returns
    -------
    dict
        eigenvals : ndarray, (neurons,), the *singular values* of the activations centred by the
        mean of each neuron, descending: ``sqrt((datapoints - 1) * variance)``.
        neuron_coefs : ndarray, (neurons, neurons), a component in each row.
        pca_dirns : ndarray, (neurons, datapoints), with `compute_dirns`: the centred activations
        along each component, the means of the neurons added back.

    Raises
    ------
    ValueError, TypeError
        As `cca_core.get_cca_similarity`; TypeError for complex activations.
    """
    array = as_samples(acts, "acts", AXES)
    check_orientation(array, "acts")
    samples = array.T
    place = _backend.resolve(None, acts=acts)
    single = Pair(("acts",), [samples], place=place)
    parts = solvers_at(place).pca(single)
    axes = parts["axes"]
    out: dict[str, Any] = {
        "eigenvals": np.sqrt((samples.shape[0] - 1) * parts["variances"]),
        "neuron_coefs": axes.T,
    }
    if compute_dirns:
        mean = parts["mean"]
        dirns = np.empty(array.shape)
        for rows in float64_rows(samples):
            dirns[:, rows] = ((with_numbers(samples[rows]) - mean) @ axes + mean).T
        out["pca_dirns"] = dirns
    return out
