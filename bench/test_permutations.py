"""A permutation is the measure of rearranged layers; timed on demand."""

from __future__ import annotations

import pytest

import contenders
import permutations

LAYERS = contenders.make_layers(contenders.Row(64, 2_000))


@pytest.mark.parametrize("measure", ["cca", "svcca", "pwcca", "pls", "cka"])
def test_permutations(benchmark, measure):
    assert permutations.error_of(LAYERS, measure) < 1e-8
    benchmark(permutations.run_test, LAYERS, measure, 20)
