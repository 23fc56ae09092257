"""Which backend is chosen, and what happens without a usable LAPACK."""

import numpy as np
import pytest

import fastcca
from cases import COMPILED
from fastcca import _core
from fastcca._runtime import backend as _backend

X = np.random.default_rng(0).normal(size=(60, 3))
Y = np.random.default_rng(1).normal(size=(60, 2))


def test_backends_here():
    assert fastcca.backends()[-2:] == ("cpu", "numpy")
    assert _backend.resolve(None).partition(":")[0] == COMPILED


def test_environment_variable(monkeypatch):
    monkeypatch.setenv("FASTCCA_BACKEND", "numpy")
    assert fastcca.cca(X, Y).method == "qr"
    assert fastcca.cca(X, Y, backend="cpu").method == "moments"
    monkeypatch.setenv("FASTCCA_BACKEND", "fpga")
    with pytest.raises(ValueError, match="FASTCCA_BACKEND='fpga' is unknown"):
        fastcca.cca(X, Y)


@pytest.fixture
def without_lapack(monkeypatch):
    monkeypatch.delenv("FASTCCA_BACKEND", raising=False)
    monkeypatch.setattr(_core, "lapack_error", lambda: "integers are 64 bits wide")


@pytest.mark.usefixtures("without_lapack")
def test_without_lapack_the_reference_takes_over():
    assert fastcca.backends()[-1] == "numpy"
    assert "cpu" not in fastcca.backends()
    with pytest.warns(RuntimeWarning, match="64 bits wide.*numpy") as caught:
        found = fastcca.cca(X, Y)
    assert caught[0].filename == __file__
    np.testing.assert_allclose(found.correlations, fastcca.cca(X, Y, backend="numpy").correlations)
    with pytest.raises(ValueError, match="'cpu' cannot run here"):
        fastcca.cca(X, Y, backend="cpu")


@pytest.mark.parametrize("weights", [True, False])
def test_moments_by_the_reference(weights):
    moments = fastcca.Moments(backend="cpu")  # as the reference makes its own
    moments.update(X, Y)
    found = fastcca.cca(moments, backend="numpy", weights=weights)
    assert found.method == "moments"
    expected = fastcca.cca(X, Y, backend="numpy", weights=weights)
    np.testing.assert_allclose(found.correlations, expected.correlations, atol=1e-13)
    by_choice = fastcca.cca(X, Y, backend="numpy", method="moments")
    assert by_choice.method == "moments"
    np.testing.assert_array_equal(by_choice.correlations, found.correlations)
