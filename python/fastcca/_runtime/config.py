"""What was built, and what was found."""

from __future__ import annotations

import numpy as np
import scipy

from fastcca import _core
from fastcca._runtime import cuda
from fastcca._runtime.backend import backends


def build_config() -> dict[str, object]:
    """Return how the compiled core was built and what it found here.

    Returns
    -------
    dict
        version, compiler, build_type, eigen, simd (the level in use), threads, backends, lapack
        (name and version of SciPy's BLAS), lapack_usable, lapack_error, lapack_integer_bits,
        numpy, scipy, and cuda: whether it was built and is usable, why not, and where it is
        built the versions of its runtime and driver (13000 is 13.0) and the names of devices.
    """
    config: dict[str, object] = dict(_core.build_config())
    blas = scipy.show_config(mode="dicts")["Build Dependencies"]["blas"]
    config["lapack"] = f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip()
    config["cuda"] = cuda.config()
    config["backends"] = backends()
    config["numpy"] = np.__version__
    config["scipy"] = scipy.__version__
    return config
