"""Thresholded sums and means, against the definition written as a loop."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastcca._statistics.summary import mean_of, threshold_index, thresholded_mean


def by_definition(values, threshold):
    for i in range(len(values)):
        if np.sum(values[:i]) / np.sum(values) >= threshold:
            return i
    return None


descending = st.lists(st.floats(0, 1), min_size=1, max_size=300).map(
    lambda v: np.sort(np.array(v))[::-1]
)


@given(descending.filter(lambda v: v.sum() > 1e-290), st.floats(0, 1))
def test_threshold_index_is_the_definition(values, threshold):
    assert threshold_index(values, threshold) == by_definition(values, threshold)


@pytest.mark.parametrize("k", [1, 7, 10, 64, 1000])
@pytest.mark.parametrize("tail", [0, 3])
def test_threshold_index_on_exact_shares(k, tail):
    """Equal values and shares that are reached exactly, where rounding decides."""
    values = np.concatenate([np.full(k, 0.1), np.zeros(tail)])
    for share in (0.0, 0.25, 0.5, 0.98, 1.0):
        assert threshold_index(values, share) == by_definition(values, share)


def test_nothing_to_sum():
    assert threshold_index(np.zeros(4), 0.98) is None
    assert threshold_index(np.array([]), 0.98) is None
    assert mean_of(np.array([])) == 0.0


def test_thresholded_mean():
    values = np.array([0.9, 0.6, 0.4, 0.1])
    assert thresholded_mean(values, 0.7) == pytest.approx(0.75)
    assert thresholded_mean(values, 1.0) == pytest.approx(0.5)
    with pytest.raises(ValueError, match="threshold=0"):
        thresholded_mean(values, 0.0)


@pytest.mark.parametrize("threshold", [-0.1, 1.1, np.nan])
def test_threshold_outside_its_range(threshold):
    with pytest.raises(ValueError, match="threshold="):
        threshold_index(np.ones(3), threshold)
