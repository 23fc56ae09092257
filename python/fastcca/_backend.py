"""Which implementation does the work: the compiled core, or the numpy reference."""

from __future__ import annotations

import os
import warnings
from typing import TypedDict, cast

import numpy as np
import numpy.typing as npt

from fastcca import _core, reference
from fastcca._arrays import AnyArray, check_finite
from fastcca._moments import Moments

__all__ = [
    "CcaParts",
    "SymmetricCcaParts",
    "backends",
    "input_epsilon",
    "resolve",
    "solve_cca",
    "solve_symmetric_cca",
]

Floats = npt.NDArray[np.float64]

_EPSILON = {"float64": 2.0**-52, "float32": 2.0**-23, "float16": 2.0**-10}


class CcaParts(TypedDict):
    """What every backend returns for a CCA; shapes as in `fastcca.CCAResult`."""

    correlations: Floats
    x_weights: Floats | None
    y_weights: Floats | None
    x_rank: int
    y_rank: int
    x_condition: float
    y_condition: float
    x_dead: npt.NDArray[np.intp]
    y_dead: npt.NDArray[np.intp]
    x_mean: Floats
    y_mean: Floats
    n_samples: int
    method: str


class SymmetricCcaParts(TypedDict):
    """CCA by symmetric inverse square roots: ``u (p, p)``, ``vt (q, q)``, roots alike."""

    u: Floats
    correlations: Floats
    vt: Floats
    x_inverse_sqrt: Floats
    y_inverse_sqrt: Floats
    x_rank: int
    y_rank: int


def backends() -> tuple[str, ...]:
    """Return the names of the backends that can run here, the preferred one first.

    "cpu" is the compiled core, "numpy" the reference implementation: clear, slower, and used to
    check the other.
    """
    return ("numpy",) if _core.lapack_error() else ("cpu", "numpy")


def resolve(backend: str | None) -> str:
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
                stacklevel=3,
            )
        return available[0]
    if backend in available:
        return backend
    if backend == "cpu":
        raise ValueError(f"{source}='cpu' cannot run here: {_core.lapack_error()}")
    if backend == "cuda":
        raise ValueError(f"{source}='cuda': this build has no CUDA; available: {available}")
    raise ValueError(f"{source}={backend!r} is unknown; available: {available}")


def input_epsilon(precision: str) -> float:
    """Return the distance from 1 to the next number of a stored precision."""
    return _EPSILON[precision]


def solve_cca(
    data: tuple[AnyArray, AnyArray] | Moments,
    *,
    ridge: float,
    weights: bool,
    method: str,
    backend: str,
) -> CcaParts:
    """Solve CCA of two checked arrays, or of two-block moments, on a resolved backend."""
    if backend == "numpy" and method == "auto" and not isinstance(data, Moments):
        x, y = data
        check_finite(x, "x")
        check_finite(y, "y")
        return _parts(reference.cca(x, y, ridge=ridge, weights=weights), "qr")
    if isinstance(data, Moments):
        moments = data
    else:
        moments = Moments()
        moments.update(*data)
    i, j = moments._pair_indices()
    state = moments._state
    if state.n_samples < 2:
        raise ValueError(
            f"a correlation needs at least 2 samples, but x and y have {state.n_samples}"
        )
    if backend == "numpy":
        solution = reference.cca_from_moments(
            n_samples=state.n_samples,
            x_mean=state.mean(i),
            y_mean=state.mean(j),
            x_scatter=state.scatter(i, i),
            y_scatter=state.scatter(j, j),
            cross_scatter=state.scatter(i, j),
            x_epsilon=input_epsilon(state.precision(i)),
            y_epsilon=input_epsilon(state.precision(j)),
            ridge=ridge,
            weights=weights,
        )
        return _parts(solution, "moments")
    solved = _core.solve_cca(state, i, j, ridge, weights)
    rest = {
        "x_mean": state.mean(i),
        "y_mean": state.mean(j),
        "n_samples": state.n_samples,
        "method": "moments",
    }
    return cast(CcaParts, solved | rest)


def _parts(solution: reference.Solution, method: str) -> CcaParts:
    return CcaParts(
        correlations=solution.correlations,
        x_weights=solution.x_weights,
        y_weights=solution.y_weights,
        x_rank=solution.x_rank,
        y_rank=solution.y_rank,
        x_condition=solution.x_condition,
        y_condition=solution.y_condition,
        x_dead=solution.x_dead,
        y_dead=solution.y_dead,
        x_mean=solution.x_mean,
        y_mean=solution.y_mean,
        n_samples=solution.n_samples,
        method=method,
    )


def solve_symmetric_cca(
    *,
    x_cov: Floats,
    x_mean: Floats,
    x_epsilon: float,
    y_cov: Floats,
    y_mean: Floats,
    y_epsilon: float,
    cross_cov: Floats,
    epsilon: float,
    backend: str,
) -> SymmetricCcaParts:
    """Solve CCA of given covariances by symmetric inverse square roots."""
    if backend == "cpu":
        solved = _core.solve_symmetric_cca(
            x_cov, x_mean, x_epsilon, y_cov, y_mean, y_epsilon, cross_cov, epsilon
        )
        return cast(SymmetricCcaParts, solved)
    solution = reference.symmetric_cca(
        x_cov=x_cov,
        x_mean=x_mean,
        x_epsilon=x_epsilon,
        y_cov=y_cov,
        y_mean=y_mean,
        y_epsilon=y_epsilon,
        cross_cov=cross_cov,
        epsilon=epsilon,
    )
    return SymmetricCcaParts(
        u=solution.u,
        correlations=solution.correlations,
        vt=solution.vt,
        x_inverse_sqrt=solution.x_inverse_sqrt,
        y_inverse_sqrt=solution.y_inverse_sqrt,
        x_rank=solution.x_rank,
        y_rank=solution.y_rank,
    )
