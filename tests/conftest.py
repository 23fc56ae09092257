"""What holds for all tests: the backend they run on, and how many examples hypothesis draws.

FASTCCA_TEST_BACKEND=cuda runs them on CUDA in place of the CPU, but for those marked as of the CPU
alone. Of examples a profile, and no test, decides.

`quick` is the default. `python -m pytest -m hypothesis --hypothesis-profile=thorough` takes many.
"""

import os

import pytest
from hypothesis import settings

import fastcca
from cases import COMPILED

# Times depend on what else the machine does: no deadline.
settings.register_profile("quick", max_examples=40, deadline=None)
settings.register_profile("thorough", max_examples=10_000, deadline=None)
settings.load_profile("quick")

if COMPILED != "cpu":
    if COMPILED not in fastcca.backends():
        raise pytest.UsageError(
            f"FASTCCA_TEST_BACKEND={COMPILED} cannot run: {fastcca.build_config()[COMPILED]}"
        )
    os.environ["FASTCCA_BACKEND"] = COMPILED


def pytest_runtest_setup(item):
    if COMPILED == "cpu":
        return
    for marker in item.iter_markers("cpu_only"):
        (reason,) = marker.args
        pytest.skip(f"of the CPU alone: {reason}")
