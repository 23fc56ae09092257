"""Build configuration, versions, threads."""

import importlib.metadata
import os
import subprocess
import sys

import pytest
from threadpoolctl import threadpool_info

import fastcca


def run(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_version_is_one():
    assert fastcca.__version__ == importlib.metadata.version("fastcca")
    assert fastcca.build_config()["version"] == fastcca.__version__


def test_build_config():
    config = fastcca.build_config()
    assert config["lapack_usable"] is True
    assert config["lapack_integer_bits"] == 32
    assert config["simd"] in ("baseline", "avx2", "avx512", "neon")
    assert config["backends"] == fastcca.backends()
    assert config["threads"] == fastcca.get_num_threads()
    assert str(config["eigen"]).startswith("3.")


def test_no_blas_of_our_own():
    """The BLAS in this process are those of numpy and SciPy."""
    homes = [info["filepath"] for info in threadpool_info() if info["user_api"] == "blas"]
    assert homes
    assert all("fastcca" not in home for home in homes)


def test_threads():
    try:
        fastcca.set_num_threads(3)
        assert fastcca.get_num_threads() == 3
    finally:
        fastcca.set_num_threads(0)
    for bad in (-1, 5000):
        with pytest.raises(ValueError, match=f"k={bad}"):
            fastcca.set_num_threads(bad)
    with pytest.raises(TypeError):
        fastcca.set_num_threads(1.5)


SUM = """
import fastcca, numpy as np
m = fastcca.Moments(backend="cpu")  # whose instructions these are
m.update(np.random.default_rng(0).normal(size=(5000, 30)).astype("f4"))
c = m.covariance("x", "x")
"""


def test_environment_variables():
    assert (
        run("import fastcca; print(fastcca.get_num_threads())", FASTCCA_NUM_THREADS="5").stdout
        == "5\n"
    )
    wrong = run("import fastcca; fastcca.get_num_threads()", FASTCCA_NUM_THREADS="many")
    assert "ValueError: FASTCCA_NUM_THREADS='many' must be a whole number" in wrong.stderr
    wrong = run(SUM, FASTCCA_SIMD="mmx")
    assert (
        "ValueError: FASTCCA_SIMD='mmx' is not a level of this machine; it has baseline"
        in wrong.stderr
    )


BOUND = """
import os, fastcca
cores = os.sched_getaffinity(0)
print(fastcca.get_num_threads() == len(cores))
os.sched_setaffinity(0, {min(cores)})
print(fastcca.get_num_threads())
"""


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="nothing binds processes here")
def test_cores_that_the_process_is_not_bound_to_are_left_alone():
    found = run(BOUND, FASTCCA_NUM_THREADS="")
    assert found.stdout == "True\n1\n"


MEANS = """
import hashlib
import numpy as np, fastcca
rng = np.random.default_rng(0)
for widths in ([7, 9], [100, 5, 33], [1] * 30, [250, 249], [300, 220]):
    blocks = {f"b{i}": rng.normal(size=(3000, p)).astype("f4") for i, p in enumerate(widths)}
    for precision in ("double", "single"):
        moments = fastcca.Moments(precision=precision)
        moments.update(**blocks)
        print(hashlib.sha256(b"".join(moments.mean(b).tobytes() for b in blocks)).hexdigest())
"""


@pytest.mark.cpu_only("instruction sets are those of the CPU")
def test_means_are_added_up_in_one_order_at_every_simd_level_and_precision():
    """Blocks whose padding differs from level to level, about the widths where the way changes."""
    found = {
        level: run(MEANS, FASTCCA_SIMD=level).stdout
        for level in ("baseline", "avx2", "avx512", "neon")
    }
    digests = found["baseline"].split()
    assert len(digests) == 10
    assert digests[::2] == digests[1::2]
    assert {out for out in found.values() if out} == {found["baseline"]}


@pytest.mark.parametrize("level", ["baseline", "avx2", "avx512", "neon"])
def test_simd_levels_agree(level):
    code = (
        SUM
        + """
import sys
expected = np.cov(np.random.default_rng(0).normal(size=(5000, 30)).astype("f4").astype("f8").T)
np.testing.assert_allclose(c, expected, atol=1e-13)
print(fastcca.build_config()["simd"])
"""
    )
    out = run(code, FASTCCA_SIMD=level)
    if "is not a level of this machine" in out.stderr:
        pytest.skip(f"this machine has no {level}")
    assert out.stdout == f"{level}\n", out.stderr
