"""What bench/overhead.py calls the core alone computes what `cca` does."""

import numpy as np
import pytest

import fastcca
from overhead import SHAPES, core_alone, measure, samples


@pytest.mark.parametrize("shape", SHAPES)
def test_the_core_alone_computes_the_same(shape):
    x, y = samples(*shape)
    found = core_alone(x, y)["correlations"]
    np.testing.assert_array_equal(found, fastcca.cca(x, y, weights=False).correlations)


def test_measuring_gives_times():
    whole, core = measure(50, 5, rounds=1, calls=2)
    assert whole > 0.0
    assert core > 0.0
