"""States of several processes, brought together as the documentation says."""

import functools
import operator
import pickle
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fastcca

PAGE = Path(__file__).parent.parent / "docs" / "out-of-core.md"

RANK = """
import os, pickle, sys
import numpy as np
import fastcca
{recipe}

rank, store, out = int(sys.argv[1]), sys.argv[2], sys.argv[3]
dist.init_process_group("gloo", init_method="file://" + store, rank=rank, world_size=2)
x, y = np.random.default_rng(0).normal(size=(2, 1000, 4)) + 1.0
moments = fastcca.Moments()
rows = slice(500 * rank, 500 * rank + 500)
moments.update(x[rows], y[rows])
total = all_reduced(moments)
with open(out, "wb") as file:
    pickle.dump(total, file)
dist.barrier()
dist.destroy_process_group()
"""


def whole_and_parts():
    x, y = np.random.default_rng(0).normal(size=(2, 1000, 4)) + 1.0
    states = []
    for rows in (slice(None), slice(0, 500), slice(500, 1000)):
        states.append(fastcca.Moments())
        states[-1].update(x[rows], y[rows])
    return states[0], states[1:]


def assert_same(got, expected):
    assert got.n_samples == expected.n_samples
    for name in "xy":
        np.testing.assert_allclose(got.mean(name), expected.mean(name), rtol=1e-13)
        for other in "xy":
            np.testing.assert_allclose(
                got.covariance(name, other), expected.covariance(name, other), atol=1e-13
            )


def test_all_gather_of_torch_on_two_processes(tmp_path):
    pytest.importorskip("torch")
    recipe = re.search(
        r"<!-- run by tests/test_reduce.py -->\n```python\n(.*?)```", PAGE.read_text("utf-8"), re.S
    )
    code = RANK.format(recipe=recipe[1])
    outs = [tmp_path / f"total{rank}" for rank in range(2)]
    ranks = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(rank), str(tmp_path / "store"), str(outs[rank])],
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        errors = [process.communicate(timeout=120)[1] for process in ranks]
    finally:
        for process in ranks:
            process.kill()
    assert [process.returncode for process in ranks] == [0, 0], errors
    totals = [pickle.loads(out.read_bytes()) for out in outs]
    whole, parts = whole_and_parts()
    assert_same(totals[0], whole)
    assert pickle.dumps(totals[0]) == pickle.dumps(totals[1]) == pickle.dumps(sum(parts))


def test_reduction_by_plus():
    """What mpi4py's SUM does to objects: pickle them, and add."""
    whole, parts = whole_and_parts()
    before = [pickle.dumps(part) for part in parts]
    received = [pickle.loads(sent) for sent in before]
    assert_same(functools.reduce(operator.add, received), whole)
    assert [pickle.dumps(part) for part in parts] == before
