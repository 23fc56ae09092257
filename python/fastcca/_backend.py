"""Which implementation does the work: the compiled core, or the numpy reference."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from typing import Protocol

from fastcca import _core, _solvers_cpu, _solvers_numpy
from fastcca._parts import AxesParts, CcaParts, PlsParts, RegressionParts, SymmetricParts

__all__ = ["Solvers", "backends", "resolve", "solvers"]


class Solvers(Protocol):
    """What a backend offers: see `fastcca._solvers_cpu`."""

    cca: Callable[..., CcaParts]
    pls: Callable[..., PlsParts]
    pca: Callable[..., AxesParts]
    cka: Callable[..., float]
    procrustes: Callable[..., float]
    linear_regression: Callable[..., RegressionParts]
    symmetric_cca: Callable[..., SymmetricParts]


_SOLVERS: dict[str, Solvers] = {"cpu": _solvers_cpu, "numpy": _solvers_numpy}


def backends() -> tuple[str, ...]:
    """Return the names of the backends that can run here, the preferred one first.

    "cpu" is the compiled core, "numpy" the reference implementation: clear, slower, and used to
    check the other.
    """
    return ("numpy",) if _core.lapack_error() else ("cpu", "numpy")


def resolve(backend: str | None, *, stacklevel: int = 3) -> str:
    """Return the backend to use: the argument, FASTCCA_BACKEND, or the preferred one."""
    source = "backend"
    if backend is None:
        backend = os.environ.get("FASTCCA_BACKEND") or None
        source = "FASTCCA_BACKEND"
    available = backends()
    if backend is None:
        if available[0] == "numpy":
            warnings.warn(
                f"no usable LAPACK was found ({_core.lapack_error()}); using backend='numpy', "
                "which gives the same numbers more slowly",
                RuntimeWarning,
                stacklevel=stacklevel,
            )
        return available[0]
    if backend in available:
        return backend
    if backend == "cpu":
        raise ValueError(f"{source}='cpu' cannot run here: {_core.lapack_error()}")
    if backend == "cuda":
        raise ValueError(f"{source}='cuda': this build has no CUDA; available: {available}")
    raise ValueError(f"{source}={backend!r} is unknown; available: {available}")


def solvers(backend: str | None) -> Solvers:
    """Return the module that solves every measure on the backend to use.

    Called by public functions directly: a warning shows their caller's line.
    """
    return _SOLVERS[resolve(backend, stacklevel=4)]
