"""Projection weighted CCA under the name of google/svcca's ``pwcca``.

``compute_pwcca`` returns google's number, which is not the paper's: it leaves out the whitening,
adds the means back and projects uncentred activations. The paper's is `fastcca.pwcca`.
It adds them to directions whose signs an SVD leaves open, so that another LAPACK may return another
number.

References
----------
Morcos, Raghu, Bengio (2018), arXiv:1806.05759.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fastcca._solve import routes
from fastcca.compat._activations import check_epsilon, checked_activations, pair_of_samples

__all__ = ["compute_pwcca"]


def compute_pwcca(
    acts1: npt.ArrayLike, acts2: npt.ArrayLike, epsilon: float = 0.0
) -> tuple[float, npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Weighted mean of canonical correlations, with google/svcca's weights.

    Parameters
    ----------
    acts1, acts2 : array_like, (neurons1, datapoints) and (neurons2, datapoints)
        Real activations, fewer neurons than datapoints, read in place.
    epsilon : float
        As in `cca_core.get_cca_similarity`.

    Returns
    -------
    value : float
        ``sum(weights * coefficients)``; 0 where a side has no live neuron.
    weights : ndarray, (k,), float64
        Of sum 1, from the side with fewer neurons kept, acts1 if equal.
    coefficients : ndarray, (k,), float64
        Canonical correlations.

    Raises
    ------
    ValueError, TypeError
        As `cca_core.get_cca_similarity`; TypeError for complex activations.
    """
    samples = [acts.T for acts in checked_activations(acts1, acts2)]
    check_epsilon(epsilon)
    pair = pair_of_samples({"acts1": acts1, "acts2": acts2}, samples)
    pair.require_real()
    coefficients, weights = routes.google_weights(pair, epsilon)
    return float(np.sum(weights * coefficients)), weights, coefficients
