"""Where matrices of results go, as far as no GPU is needed to say it."""

import numpy as np
import pytest

import fastcca
from cases import small_integers

X, Y = small_integers(60, 3, seed=1), small_integers(60, 2, seed=2)
MEASURES = {
    "cca": lambda **o: fastcca.cca(X, Y, **o),
    "svcca": lambda **o: fastcca.svcca(X, Y, **o),
    "pls": lambda **o: fastcca.pls(X, Y, **o),
    "pca": lambda **o: fastcca.pca(X, **o),
}
every_measure = pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES)


@every_measure
@pytest.mark.parametrize("backend", ["cpu", "numpy"])
def test_nothing_stays_on_a_gpu_that_is_computed_on_none(measure, backend):
    message = rf"output='device'.* backend='{backend}': pass arrays that lie on a GPU, or backend="
    with pytest.raises(ValueError, match=message):
        measure(output="device", backend=backend)
    with pytest.raises(ValueError, match=r"output='torch' is unknown; .*'numpy', 'device'"):
        measure(output="torch", backend=backend)
    result = measure(output="numpy", backend=backend)
    with pytest.raises(ValueError, match=r"output='device'.*x lies in the memory of the CPU.*cuda"):
        result.project(X, 1, output="device")
    with pytest.raises(ValueError, match="output=None is unknown"):
        result.project(X, 1, output=None)


def test_variates_of_the_cpu_stay_there():
    result = fastcca.cca(X, Y, backend="cpu")
    with pytest.raises(ValueError, match="x lies in the memory of the CPU"):
        result.variates(X, Y, output="device")
    assert type(result.variates(X, Y, output="numpy")[0]) is np.ndarray
