"""Peak memory beyond the input does not grow with the number of samples."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "bench"))
from memory import peak_over_input

pytestmark = [
    pytest.mark.skipif(
        not Path("/proc/self/clear_refs").exists(), reason="reads /proc to find the peak"
    ),
    pytest.mark.cpu_only("its memory is resident, and a driver's as well"),
]


@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("p", [64, 300])
def test_peak_memory(p, order):
    few, many = (peak_over_input(p, n, order) for n in (10_000, 100_000))
    bound = 64 * 2**20 + 32 * (2 * p) ** 2
    assert few < bound
    assert many < bound
    assert abs(many - few) < 8 * 2**20  # the larger input has 46 MiB or more on top
