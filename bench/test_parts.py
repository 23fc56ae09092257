"""The parts that bench/parts.py times are all there, and each takes some of the time."""

from contenders import Row
from parts import measure


def test_parts_are_measured():
    times = measure(Row(8, 500), rounds=1)
    assert len(times) == 7
    assert all(seconds[0] > 0.0 for seconds in times.values())
