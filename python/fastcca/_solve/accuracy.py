"""How many digits a route through second moments leaves."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from fastcca._runtime.compiled import loses_digits

if TYPE_CHECKING:
    from fastcca._solve.solutions import CcaSolution

# What the decomposition of the core matrix may lose, whatever the route that led there.
_LEAST_ERROR = 1e-14
# Errors of single precision above this are no answer.
_MOST_SINGLE_ERROR = 1e-3
# Of single precision, in condition**2 * eps: a sum in float32 is wrong by up to 20 eps of the norms
# of the two features, and a correlation is made of one sum and the roots of two (docs/accuracy.md).
_SINGLE_FACTOR = 40.0


def digits_left(condition: float, input_epsilon: float, ridge: float = 0.0) -> float | None:
    """Return the digits that are left, or None where no more than the data's own are lost."""
    kappa = _lifted(condition, ridge)
    if not loses_digits(kappa, input_epsilon):
        return None
    return max(0.0, -math.log10(_error(kappa)))


def error_bound(condition: float, *, method: str, single: bool, ridge: float = 0.0) -> float:
    """Return the error of correlations that the arithmetic of a route may have made."""
    kappa = _lifted(condition, ridge)
    if single:
        return single_error(kappa)
    error = _error(kappa) if method == "moments" else 10.0 * kappa * 2.0**-52
    return max(error, _LEAST_ERROR)


def error_bound_of(solution: CcaSolution, ridge: float = 0.0) -> float:
    """Return the same for a solution."""
    return error_bound(
        solution.condition, method=solution.method, single=solution.single, ridge=ridge
    )


def single_error(condition: float) -> float:
    """Error of correlations from products in single precision."""
    return _SINGLE_FACTOR * condition**2 * 2.0**-23


def check_single(condition: float, ridge: float = 0.0) -> None:
    """Raise ValueError where single precision leaves no answer."""
    kappa = _lifted(condition, ridge)
    bound = single_error(kappa)
    if not bound <= _MOST_SINGLE_ERROR:
        raise ValueError(
            f"precision='single' cannot answer for data of condition {kappa:.3g}: the error may be "
            f"{bound:.1e}, and {_MOST_SINGLE_ERROR:g} is the most; use precision='double'"
        )


def _lifted(condition: float, ridge: float) -> float:
    # A ridge lifts the smallest variance, here relative to a largest of 1 or more.
    return 1.0 / math.sqrt(1.0 / condition**2 + ridge)


def _error(condition: float) -> float:
    return 10.0 * condition**2 * 2.0**-52
