"""The Fourier CCA against the reference's loop over all frequencies: answers, timed."""

from __future__ import annotations

import pytest

import fastcca
import maps


@pytest.mark.filterwarnings("ignore::fastcca.RankWarning")
def test_dft_cca(benchmark):
    _, _, error = maps.fast_and_reference(200, 8, 16)
    assert error < 1e-6  # float32 transforms against float64 ones
    x, y = maps.make_maps(200, 8, 16, 0), maps.make_maps(200, 8, 16, 1)
    benchmark(fastcca.dft_cca, x, y)
