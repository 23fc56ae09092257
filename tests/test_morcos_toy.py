"""The toy of Morcos et al. (2018, arXiv:1806.05759): a shared signal in a layer of noise.

Two layers of 200 units hold the same k-dimensional signal, each in directions of its own, and
independent noise of a tenth of its size everywhere. The layers agree in everything but noise, so
the better a measure, the smaller its distance.
"""

import numpy as np
import pytest

import fastcca
from cases import COMPILED

SAMPLES, UNITS, NOISE = 2000, 200, 0.1


def layers(k, seed):
    rng = np.random.default_rng(seed)
    signal = rng.normal(size=(SAMPLES, k))

    def layer():
        directions, _ = np.linalg.qr(rng.normal(size=(UNITS, k)))
        return signal @ directions.T + NOISE * rng.normal(size=(SAMPLES, UNITS))

    return layer(), layer()


@pytest.mark.parametrize(
    ("k", "seed", "backend"),
    [(50, 0, COMPILED), (100, 1, COMPILED), (150, 2, COMPILED), (100, 3, "numpy")],
)
def test_distances_are_in_the_paper_s_order(k, seed, backend):
    x, y = layers(k, seed)

    mean = 1.0 - fastcca.cca(x, y, weights=False, backend=backend).mean
    svcca = fastcca.svcca(x, y, criterion="singular_values", weights=False, backend=backend)
    pwcca = 1.0 - fastcca.pwcca(x, y, backend=backend).value

    assert mean > 1.0 - svcca.mean + 0.002
    assert 1.0 - svcca.mean > pwcca + 0.1
    assert k < svcca.x_kept < UNITS
    # The noise left aside, signal and signal correlate by 1 / (1 + NOISE^2) each. The directions
    # without a signal follow the null law, in the dimensions that the signal leaves.
    chance = fastcca.null_cca(SAMPLES - k, UNITS - k, UNITS - k).mean
    expected = (k / (1 + NOISE**2) + (UNITS - k) * chance) / UNITS
    assert mean == pytest.approx(1.0 - expected, abs=0.005)
