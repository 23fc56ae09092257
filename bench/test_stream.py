"""A stream of small batches has the moments of one call, and single precision keeps its bound."""

from __future__ import annotations

import numpy as np

import fastcca
import stream


def test_a_stream_has_the_moments_of_one_call(benchmark):
    held = stream.held_rows(20_000, 32)
    found = benchmark.pedantic(stream.streamed, args=(held, 20_000, 1024), rounds=3)
    assert found.n_samples == 20_000
    assert stream.difference(found, stream.whole(held, 20_000)) < 1e-13


def test_single_precision_is_within_its_bound(benchmark):
    rng = np.random.default_rng(0)
    x, y = (rng.standard_normal((5000, 64), dtype=np.float32) for _ in "xy")
    found = benchmark.pedantic(
        fastcca.cca, args=(x, y), kwargs={"weights": False, "precision": "single"}, rounds=3
    )
    exact = fastcca.cca(x, y, weights=False).correlations
    assert np.abs(found.correlations - exact).max() < found.error_bound < 1e-4
