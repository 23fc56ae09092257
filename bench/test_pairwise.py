"""All pairs at once and pair by pair have the same answers."""

from __future__ import annotations

import numpy as np

import fastcca
import pairwise


def test_pairwise_is_pair_by_pair(benchmark):
    layers = pairwise.make_layers(2000, (64, 96, 128))
    found = benchmark.pedantic(fastcca.pairwise, args=(layers,), rounds=3)
    np.testing.assert_allclose(found.values, pairwise.pair_by_pair(layers), rtol=0, atol=1e-9)
