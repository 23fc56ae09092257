"""Numbers that summarize a set of correlations."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def mean_of(correlations: npt.NDArray[np.float64]) -> float:
    """Return the mean, 0 where there is nothing to average."""
    return float(np.mean(correlations)) if correlations.size else 0.0


def threshold_index(values: npt.NDArray[np.float64], threshold: float) -> int | None:
    """Return the first i for which ``values[:i]`` hold `threshold` of the total.

    Parameters
    ----------
    values : ndarray, (k,)
        Descending and nonnegative.
    threshold : float
        From 0 to 1.

    Returns
    -------
    int or None
        None where that takes all k values, as in google/svcca.
    """
    if not 0.0 <= threshold <= 1.0:
        raise ValueError(f"threshold={threshold} must lie between 0 and 1")
    total = np.sum(values)
    if not total > 0.0:
        return None

    def reached(i: int) -> bool:
        return bool(np.sum(values[:i]) / total >= threshold)

    # A running sum finds the place; it rounds otherwise than a sum of the part, so look around it.
    before = np.concatenate(([0.0], np.cumsum(values)[:-1]))
    i = int(np.searchsorted(before / total, threshold))
    while i > 0 and reached(i - 1):
        i -= 1
    while i < len(values) and not reached(i):
        i += 1
    return i if i < len(values) else None


def thresholded_mean(correlations: npt.NDArray[np.float64], threshold: float) -> float:
    """Return the mean of the leading correlations that hold `threshold` of their sum."""
    if threshold == 0.0:
        raise ValueError("threshold=0 keeps no correlation to average; it must be above 0")
    return mean_of(correlations[: threshold_index(correlations, threshold)])
