"""Projection weighted canonical correlation analysis."""

from dataclasses import dataclass

import numpy as np

from fastcca.reference._cca import cca
from fastcca.reference._centre import AnyArray, centre
from fastcca.reference._rank import Array


@dataclass(frozen=True, slots=True, eq=False)
class PwccaSolution:
    """Projection weighted mean of canonical correlations.

    Attributes
    ----------
    value : float
        In [0, 1]; 0 where a block does not vary.
    weights : (k,) float64
        Weight of each correlation for the first block, non-negative, of sum 1.
    correlations : (k,) float64
        Canonical correlations, descending, in [0, 1].
    """

    value: float
    weights: Array
    correlations: Array


def pwcca(x: AnyArray, y: AnyArray, *, variant: str = "paper") -> PwccaSolution:
    """Mean canonical correlation, weighted by how much of x each canonical variate accounts for.

    Parameters
    ----------
    x : (n, p) float16, float32, float64, integer or bool
    y : (n, q) of the same kinds
        Finite, n >= 2, checked by the caller. Never written to.
    variant : {"paper", "symmetric"}
        "paper" weights by the units of x; "symmetric" is the mean of that and of the value
        weighted by the units of y.

    Returns
    -------
    PwccaSolution

    Raises
    ------
    ValueError
        For an unknown variant, or if means or variances overflow float64.

    Notes
    -----
    Morcos, Raghu & Bengio 2018, arXiv:1806.05759, equations 6 and 7: with h_i the i-th canonical
    variate of x over the samples and x_j the centred units of x, the weight of the i-th
    correlation is ``alpha_i = sum_j |<h_i, x_j>|``, and the value is
    ``sum_i alpha_i rho_i / sum_i alpha_i`` over i = 1, ..., min(rank of x, rank of y).

    Units are weighed in their own scale; dead ones do not count. The error is that of the
    correlations (see `cca`) and of the weights. Where correlations tie, the variates are arbitrary
    within the tie and with them the sums of absolute values, so the value is not unique; where
    they nearly tie it is unstable.
    """
    if variant not in ("paper", "symmetric"):
        raise ValueError(f"variant={variant!r} is unknown; it must be 'paper' or 'symmetric'")
    found = cca(x, y)
    rho = found.correlations
    x_alpha = _projections(x, found.x_weights, found.x_dead)
    value = float(x_alpha @ rho)
    if variant == "symmetric":
        y_alpha = _projections(y, found.y_weights, found.y_dead)
        value = (value + float(y_alpha @ rho)) / 2.0
    return PwccaSolution(min(value, 1.0), x_alpha, rho)


def _projections(x: AnyArray, weights: AnyArray | None, dead: AnyArray) -> Array:
    """Sum |<variate, unit>| over the units, for every variate, normalised to sum 1."""
    assert weights is not None
    units = centre(x).values
    variates = units @ weights
    units[:, dead] = 0.0
    alpha: Array = np.abs(variates.conj().T @ units).sum(axis=1)
    return alpha / alpha.sum() if alpha.size else alpha
