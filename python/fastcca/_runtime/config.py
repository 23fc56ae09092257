"""What was built, what was found, and how many threads are used."""

from __future__ import annotations

import operator

import numpy as np
import scipy

from fastcca import _core
from fastcca._runtime import cuda as _cuda_module
from fastcca._runtime.backend import backends

__all__ = ["build_config", "get_num_threads", "set_num_threads"]


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
    config["cuda"] = _cuda_module.config()
    config["backends"] = backends()
    config["numpy"] = np.__version__
    config["scipy"] = scipy.__version__
    return config


def set_num_threads(k: int) -> None:
    """Limit the threads of the compiled core; the bits of `Moments` do not depend on it.

    Parameters
    ----------
    k : int
        At least 1; 0 returns to the default, FASTCCA_NUM_THREADS or all cores that the process may
        run on. The BLAS part follows the limits of SciPy's BLAS, which `threadpoolctl` sets.
    """
    k = operator.index(k)
    if not 0 <= k <= 4096:
        raise ValueError(f"k={k} must lie between 0 (the default) and 4096")
    _core.set_num_threads(k)


def get_num_threads() -> int:
    """Return how many threads the compiled core uses at most."""
    return _core.num_threads()
