"""What the backends return, in the same shapes whichever it is."""

from __future__ import annotations

from typing import Any, TypedDict

import numpy as np
import numpy.typing as npt

__all__ = ["AxesParts", "CcaParts", "PlsParts", "RegressionParts", "SymmetricParts"]

Floats = npt.NDArray[np.float64]


class CcaParts(TypedDict):
    """A CCA; shapes as in `fastcca.CCAResult`."""

    correlations: Floats
    x_weights: npt.NDArray[Any] | None
    y_weights: npt.NDArray[Any] | None
    x_loadings: npt.NDArray[Any] | None
    y_loadings: npt.NDArray[Any] | None
    x_rank: int
    y_rank: int
    x_kept: int
    y_kept: int
    x_condition: float
    y_condition: float
    x_dead: npt.NDArray[np.intp]
    y_dead: npt.NDArray[np.intp]
    x_mean: npt.NDArray[Any]
    y_mean: npt.NDArray[Any]
    n_samples: int
    method: str
    single: bool  # whether products were computed in single precision
    # Digits that the correlations still have where the route could not give what the data hold.
    digits: float | None
    # Directions that the route left out because it could not tell them from rounding.
    undecided: int


class RegressionParts(TypedDict):
    """A linear regression; `digits` and `undecided` as in `CcaParts`."""

    r2: float
    x_condition: float
    digits: float | None
    undecided: int


class PlsParts(TypedDict):
    """Singular values (k,) of the cross-covariance, weights (p, k) and (q, k)."""

    singular_values: Floats
    x_weights: Floats
    y_weights: Floats
    x_mean: Floats
    y_mean: Floats
    n_samples: int


class AxesParts(TypedDict):
    """Descending variances (k,), axes (p, k), and how many are more than rounding."""

    variances: Floats
    axes: Floats
    rank: int
    mean: Floats
    n_samples: int


class SymmetricParts(TypedDict):
    """CCA by symmetric inverse square roots: ``u (p, p)``, ``vt (q, q)``, roots alike."""

    u: npt.NDArray[Any]
    correlations: Floats
    vt: npt.NDArray[Any]
    x_inverse_sqrt: npt.NDArray[Any]
    y_inverse_sqrt: npt.NDArray[Any]
    x_rank: int
    y_rank: int
