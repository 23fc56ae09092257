"""What backend="cuda" says where it cannot run: what is missing, and what brings it."""

import os
import subprocess
import sys

import numpy as np
import pytest

import fastcca
from cases import small_integers
from dlpack_producer import CUDA, Producer
from fastcca._runtime import cuda as _cuda_module

X, Y = small_integers(60, 3, seed=1), small_integers(60, 2, seed=2)


class Module:
    """Stands for a compiled module that was loaded and finds a reason not to run."""

    def __init__(self, reason):
        self._reason = reason

    def config(self):
        return {"unusable": self._reason, "runtime": 13000, "driver": 12040, "devices": []}


def _not_built(monkeypatch):
    monkeypatch.setattr(_cuda_module.importlib.util, "find_spec", lambda _: None)


def _without_libraries(monkeypatch):
    def refuse(name):
        raise ImportError("libcudart.so.13: cannot open shared object file")

    monkeypatch.setattr(_cuda_module.importlib.util, "find_spec", lambda name: name == NAME or None)
    monkeypatch.setattr(_cuda_module.importlib, "import_module", refuse)


def _without_driver(monkeypatch):
    module = Module("cudaGetDeviceCount: no CUDA-capable device is detected")
    monkeypatch.setattr(_cuda_module, "_load", lambda: (module, ""))


def _forked(monkeypatch):
    monkeypatch.setattr(_cuda_module, "_load", lambda: (Module(""), ""))
    monkeypatch.setattr(_cuda_module, "_forked", True)


NAME = "fastcca._cuda"
ABSENT = {
    "module": (_not_built, "built without CUDA; build it in, with FASTCCA_CUDA=1 pip install"),
    "libraries": (_without_libraries, r'libcudart.*pip install "fastcca\[cuda13\]"'),
    "driver": (_without_driver, "no CUDA-capable device.*driver of version 580 or newer"),
    "after a fork": (_forked, "forked from one that had used CUDA.*'spawn'"),
}


@pytest.fixture(params=ABSENT.values(), ids=ABSENT)
def reason(request, monkeypatch):
    monkeypatch.delenv("FASTCCA_BACKEND", raising=False)
    make, reason = request.param
    _cuda_module._load.cache_clear()
    make(monkeypatch)
    yield reason
    monkeypatch.undo()
    _cuda_module._load.cache_clear()


CALLS = {
    "cca": lambda **options: fastcca.cca(X, Y, **options),
    "svcca": lambda **options: fastcca.svcca(X, Y, **options),
    "pwcca": lambda **options: fastcca.pwcca(X, Y, **options),
    "pls": lambda **options: fastcca.pls(X, Y, **options),
    "pca": lambda **options: fastcca.pca(X, **options),
    "cka": lambda **options: fastcca.cka(X, Y, **options),
    "procrustes": lambda **options: fastcca.procrustes(X, Y, **options),
    "linear_regression_r2": lambda **options: fastcca.linear_regression_r2(X, Y, **options),
    "compare": lambda **options: fastcca.compare(X, Y, **options),
    "pairwise": lambda **options: fastcca.pairwise([X, Y], **options),
    "Moments": lambda **options: fastcca.Moments(**options),
    "QRFactor": lambda **options: fastcca.QRFactor(**options),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_the_error_names_what_is_missing(reason, call, monkeypatch):
    for backend in ("cuda", "cuda:0"):
        with pytest.raises(ValueError, match=f"backend='{backend}' cannot run here: .*{reason}"):
            call(backend=backend)
    monkeypatch.setenv("FASTCCA_BACKEND", "cuda")
    with pytest.raises(ValueError, match=f"FASTCCA_BACKEND='cuda' cannot run here: .*{reason}"):
        call()


def test_the_rest_works(reason):
    assert fastcca.backends() == ("cpu", "numpy")
    cuda = fastcca.build_config()["cuda"]
    assert cuda["usable"] is False
    assert cuda["unusable"]
    np.testing.assert_allclose(
        fastcca.cca(X, Y).correlations, fastcca.cca(X, Y, backend="numpy").correlations
    )


def test_arrays_on_a_device_are_never_asked_for(reason):
    x, y = Producer(X, device=CUDA), Producer(Y, device=CUDA)
    for call in (fastcca.cca, fastcca.Moments().update):
        with pytest.raises(TypeError, match=rf"x is not in the memory of the CPU.*{reason}.*x.cpu"):
            call(x, y)
    assert x.capsules == y.capsules == []


def test_the_import_loads_no_cuda():
    code = (
        "import sys, fastcca; fastcca.cca([[1.], [2.], [4.]], [[1.], [3.], [4.]]);"
        "print('fastcca._cuda' in sys.modules)"
    )
    environment = {k: v for k, v in os.environ.items() if k != "FASTCCA_BACKEND"}
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert run.stdout.strip() == "False"
