"""How many digits a route through second moments leaves."""

from __future__ import annotations

import math
import warnings

from fastcca._errors import AccuracyWarning

__all__ = ["digits_left", "loses_digits", "warn_about_digits"]


def loses_digits(condition: float, input_epsilon: float) -> bool:
    """Whether squaring the condition costs digits that the data hold.

    The error of a route through covariances or a Gram matrix is about ``10 kappa**2 eps``; that
    of the data themselves, from the rounding of their values, about ``0.1 kappa eps(input)``.
    """
    if not math.isfinite(condition):
        return True
    return _error(condition) > max(1e-10, 0.1 * condition * input_epsilon)


def digits_left(condition: float, input_epsilon: float, ridge: float = 0.0) -> float | None:
    """Return the digits that are left, or None where no more than the data's own are lost."""
    # A ridge lifts the smallest variance, here relative to a largest of 1 or more.
    kappa = 1.0 / math.sqrt(1.0 / condition**2 + ridge)
    if not loses_digits(kappa, input_epsilon):
        return None
    return max(0.0, -math.log10(_error(kappa)))


def _error(condition: float) -> float:
    return 10.0 * condition**2 * 2.0**-52


def warn_about_digits(
    digits: float | None, undecided: int, condition: float, *, is_complex: bool = False
) -> None:
    """Warn the caller of a public function where moments have lost what the samples hold."""
    if digits is None and not undecided:
        return
    told = []
    if undecided:
        told.append(
            f"cannot tell {undecided} {'direction' if undecided == 1 else 'directions'} from "
            "rounding and have left them out"
        )
    if digits is not None:
        told.append(f"have lost digits that the samples hold: about {digits:.0f} are left")
    advice = (
        "Pass the samples themselves, with backend='numpy'"
        if is_complex
        else "Pass the samples themselves, or accumulate a QRFactor in place of the Moments"
    )
    warnings.warn(
        f"the moments of these data, of condition {condition:.2g}, {', and '.join(told)}. {advice}",
        AccuracyWarning,
        stacklevel=4,
    )
