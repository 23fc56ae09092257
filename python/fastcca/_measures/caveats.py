"""Options of the CCA family, and warnings about what comes of them."""

from __future__ import annotations

import math
import warnings

from fastcca._measures.cca_result import CCAResult
from fastcca._solve.accuracy import check_precision, warn_about_digits
from fastcca._solve.solutions import CcaParts
from fastcca._warnings import RankWarning

__all__ = ["SAMPLES_PER_FEATURE", "check_options", "warn_about_accuracy", "warn_about_rank"]

_METHODS = ("auto", "moments", "qr")
# Below this many samples per feature, chance alone makes correlations that mislead.
SAMPLES_PER_FEATURE = 5


def check_options(
    *,
    ridge: float = 0.0,
    method: str = "auto",
    rank_tolerance: float = 0.0,
    precision: str = "double",
) -> None:
    """Raise ValueError for options out of their range."""
    if not 0.0 <= rank_tolerance < 1.0:
        raise ValueError(f"rank_tolerance={rank_tolerance} must be at least 0 and less than 1")
    if not (math.isfinite(ridge) and ridge >= 0.0):
        raise ValueError(f"ridge={ridge} must be a finite number, 0 or more")
    if method not in _METHODS:
        raise ValueError(f"method={method!r} is unknown; it must be one of {_METHODS}")
    if check_precision(precision) == "single" and method == "qr":
        raise ValueError("precision='single' is for moments; method='qr' is always in double")


def warn_about_accuracy(parts: CcaParts, stacklevel: int = 3) -> None:
    """Warn the caller of a public function where digits or directions were lost."""
    warn_about_digits(
        parts["digits"],
        parts["undecided"],
        max(parts["x_condition"], parts["y_condition"]),
        is_complex="c" in (parts["x_mean"].dtype.kind, parts["y_mean"].dtype.kind),
        stacklevel=stacklevel + 1,
    )


def warn_about_rank(
    result: CCAResult,
    x_dimensions: int,
    y_dimensions: int,
    x_features: int,
    y_features: int,
    stacklevel: int = 3,
) -> None:
    """Warn the caller of a public function where chance or counting makes the correlations."""
    n = result.n_samples
    features = max(x_features, y_features)
    for name, dimensions in (("x", x_dimensions), ("y", y_dimensions)):
        if dimensions == 0:
            warnings.warn(
                f"no feature of {name} varies, so there is nothing to correlate",
                RankWarning,
                stacklevel=stacklevel,
            )
            return
    if n >= SAMPLES_PER_FEATURE * features:
        return
    by_chance = min(1.0, max(x_dimensions, y_dimensions) / (n - 1))
    message = (
        f"{n} samples for {features} features: independent data would already give a mean "
        f"squared correlation of {by_chance:.2g}. Use at least {SAMPLES_PER_FEATURE} samples "
        "per feature, or reduce the features first"
    )
    forced = min(x_dimensions + y_dimensions - (n - 1), result.correlations.size)
    if forced > 0:
        message += (
            f". With {x_dimensions} and {y_dimensions} dimensions, {forced} of the "
            f"{result.correlations.size} correlations are 1 by construction"
        )
    warnings.warn(message, RankWarning, stacklevel=stacklevel)
