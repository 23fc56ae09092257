"""Options that several measures take."""

from __future__ import annotations

import math

from fastcca._states.state import check_precision

_METHODS = ("auto", "moments", "qr")


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
