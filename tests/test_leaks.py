"""Calls over and over keep no memory and no reference, whether they succeed or fail."""

import contextlib
import gc
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import fastcca

STATM = Path("/proc/self/statm")
pytestmark = pytest.mark.skipif(not STATM.exists(), reason="reads /proc to find resident memory")

P = 128
CYCLES = 32
# Half of what CYCLES leaked matrices of P x P numbers would take; an input has more numbers.
TOLERANCE = CYCLES * 8 * P * P // 2


def resident():
    gc.collect()
    return int(STATM.read_text().split()[1]) * 4096


def moments_of(x, y):
    moments = fastcca.Moments()
    moments.update(x, y)
    return moments


def factor_of(x, y):
    factor = fastcca.QRFactor()
    factor.update(x, y)
    return factor


def merge(x, y):
    total = moments_of(x, y)
    total.merge(moments_of(y, x))
    return total.covariance("x", "y")


def rejected(function):
    def call(x, y):
        bad = x.copy()
        bad[-1, -1] = np.nan
        for arguments in ((bad, y), (x[:-1], y), (x.astype(object), y)):
            with contextlib.suppress(ValueError, TypeError):
                function(*arguments)
                pytest.fail("this was not rejected")

    return call


def dft(x, _):
    maps = x.reshape(-1, 4, 4, 8)
    return fastcca.dft_cca(maps, maps, layout="NHWC", weights=True)


CALLS = {
    "update": moments_of,
    "factor": factor_of,
    "merge": merge,
    "merge of factors": lambda x, y: factor_of(x, y) + factor_of(y, x),
    "pickle": lambda x, y: pickle.loads(pickle.dumps(moments_of(x, y))),
    "pickle of a factor": lambda x, y: pickle.loads(pickle.dumps(factor_of(x, y))),
    "view": lambda x, y: pickle.dumps(moments_of(x, y).pair("y", "x")),
    "cca": fastcca.cca,
    "svcca": fastcca.svcca,
    "pwcca": fastcca.pwcca,
    "pls": fastcca.pls,
    "pca": lambda x, _: fastcca.pca(x),
    "cka": fastcca.cka,
    "procrustes": fastcca.procrustes,
    "regression": fastcca.linear_regression_r2,
    "dft_cca": dft,
    "rejected cca": rejected(fastcca.cca),
    "rejected update": rejected(moments_of),
    "rejected factor": rejected(factor_of),
}


@pytest.mark.filterwarnings("ignore::fastcca.RankWarning")
@pytest.mark.parametrize("name", CALLS)
def test_memory_and_references_do_not_grow(name):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 400, P))
    call = CALLS[name]
    references = sys.getrefcount(x), sys.getrefcount(y)
    with threadpool_limits(1, user_api="blas"):  # whose threads would wait for each other for long
        for _ in range(5):
            call(x, y)
        before = resident()
        for _ in range(CYCLES):
            call(x, y)
        grown = resident() - before
    assert grown < TOLERANCE
    assert (sys.getrefcount(x), sys.getrefcount(y)) == references
