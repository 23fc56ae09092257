"""Every contender finds the same correlations; with times on demand.

- ``python -m pytest bench``: the small rows, timed
- ``python -m pytest bench --all-rows``: all rows
- ``python -m pytest bench --benchmark-disable``: answers only, as CI does
"""

from __future__ import annotations

import numpy as np
import pytest

import contenders
import fastcca
import recipes


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", contenders.CCA)
def test_correlations(benchmark, name, row, layers, answer):
    entry = contenders.CCA[name]
    if row.n * row.p**2 > entry.limit:
        pytest.skip(f"{name} would take minutes")
    benchmark.group = f"p = q = {row.p}, n = {row.n}"
    found = benchmark.pedantic(
        entry.run, args=layers, rounds=3 if row.n * row.p**2 > 1e9 else 20, warmup_rounds=1
    )
    np.testing.assert_allclose(found, answer, rtol=0, atol=entry.tolerance)


@pytest.mark.filterwarnings("ignore::fastcca.RankWarning")
def test_the_recipe_of_svcca_is_ours(row, layers):
    """In float32 as google's, whose singular vectors are off by the gaps of the spectrum."""
    if row.n * row.p**2 > 1e8:
        pytest.skip("the recipe takes seconds")
    found = contenders.FAMILY["SVCCA"]["fastcca"](*layers)
    np.testing.assert_allclose(recipes.svcca(*layers), found, rtol=0, atol=1e-3)


@pytest.mark.filterwarnings("ignore::fastcca.RankWarning")
def test_the_recipe_of_pwcca_is_the_google_variant(row, layers):
    if row.n * row.p**2 > 1e8:
        pytest.skip("the recipe takes seconds")
    found = recipes.pwcca(*layers)
    assert found == pytest.approx(fastcca.pwcca(*layers, variant="google").value, abs=1e-3)
