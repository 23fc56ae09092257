"""cca against the reference and against careful numpy; every answer is checked.

- ``python -m pytest bench``: the small rows, timed
- ``python -m pytest bench --all-rows``: all rows
- ``python -m pytest bench --benchmark-disable``: answers only, as CI does
"""

from __future__ import annotations

import numpy as np
import pytest

import contenders


@pytest.mark.filterwarnings("ignore::fastcca.RankWarning")
@pytest.mark.parametrize("name", contenders.CONTENDERS)
def test_correlations(benchmark, name, row, layers, answer):
    benchmark.group = f"p = q = {row.p}, n = {row.n}"
    found = benchmark.pedantic(
        contenders.CONTENDERS[name],
        args=layers,
        rounds=3 if row.n * row.p**2 > 1e9 else 20,
        warmup_rounds=1,
    )
    np.testing.assert_allclose(found, answer, rtol=0, atol=contenders.TOLERANCE)
