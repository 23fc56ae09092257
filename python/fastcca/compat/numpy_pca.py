"""Principal component analysis under the name of google/svcca's ``numpy_pca``."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastcca._inputs.arrays import as_samples
from fastcca._solve import routes
from fastcca.compat._activations import AXES, check_orientation, mapped_datapoints, pair_of_samples

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
    solution = routes.pca(pair_of_samples({"acts": acts}, [samples]))
    out: dict[str, Any] = {
        "eigenvals": np.sqrt((samples.shape[0] - 1) * solution.variances),
        "neuron_coefs": solution.axes.T,
    }
    if compute_dirns:
        mean = solution.mean
        out["pca_dirns"] = mapped_datapoints(samples, mean, solution.axes, mean)
    return out
