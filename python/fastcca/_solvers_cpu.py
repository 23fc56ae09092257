"""Every measure of a pair on the compiled core."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from fastcca import _core
from fastcca._keep import Keep
from fastcca._pair import Floats, Pair
from fastcca._parts import AxesParts, CcaParts, PlsParts, SymmetricParts

__all__ = [
    "cca",
    "cka",
    "linear_regression_r2",
    "pca",
    "pls",
    "procrustes",
    "symmetric_cca",
]


def cca(
    pair: Pair,
    *,
    method: str,
    weights: bool,
    ridge: float = 0.0,
    keep: tuple[Keep, Keep] | None = None,
) -> CcaParts:
    """CCA, of the leading principal axes where `keep` is given."""
    state, moments = pair.state, pair.moments
    x, y = pair.blocks
    if pair.is_complex:
        solved = _core.solve_complex_cca(
            state, _complex_index(pair, x), _complex_index(pair, y), ridge, weights
        )
    else:
        i, j = pair.indices()
        x_keep, y_keep = (None, None) if keep is None else (k.as_core() for k in keep)
        solved = _core.solve_cca(state, i, j, ridge, weights, x_keep, y_keep)
    rest = {
        "x_mean": moments.mean(x),
        "y_mean": moments.mean(y),
        "n_samples": state.n_samples,
        "method": "moments",
    }
    return cast(CcaParts, solved | rest)


def _complex_index(pair: Pair, name: str) -> tuple[int, int | None]:
    moments = pair.moments
    imaginary = moments._imaginary_index(name) if moments._is_complex(name) else None
    return moments._index(name), imaginary


def pls(pair: Pair) -> PlsParts:
    """SVD of the cross-covariance."""
    return cast(PlsParts, _core.solve_pls(pair.state, *pair.indices()))


def pca(single: Pair) -> AxesParts:
    """Principal axes of one block."""
    return cast(AxesParts, _core.solve_pca(single.state, *single.indices()))


def cka(pair: Pair) -> float:
    """Linear CKA."""
    return _core.linear_cka(pair.state, *pair.indices())


def procrustes(pair: Pair) -> float:
    """Nuclear norm of the cross-covariance over the roots of both traces."""
    return _core.procrustes(pair.state, *pair.indices())


def linear_regression_r2(pair: Pair) -> float:
    """Share of y's variance that x explains."""
    return _core.linear_regression_r2(pair.state, *pair.indices())


def symmetric_cca(
    *,
    x_cov: Any,
    x_mean: Any,
    x_epsilon: float,
    y_cov: Any,
    y_mean: Any,
    y_epsilon: float,
    cross_cov: Any,
    epsilon: float,
) -> SymmetricParts:
    """CCA of given covariances by symmetric inverse square roots."""
    is_complex = any(np.iscomplexobj(a) for a in (x_cov, y_cov, cross_cov))
    solve = _core.solve_complex_symmetric_cca if is_complex else _core.solve_symmetric_cca
    solved = solve(
        x_cov,
        _energy(x_mean, x_cov),
        x_epsilon,
        y_cov,
        _energy(y_mean, y_cov),
        y_epsilon,
        cross_cov,
        epsilon,
    )
    return cast(SymmetricParts, solved)


def _energy(mean: Any, cov: Any) -> Floats:
    """Mean square of every unit, its mean included."""
    energy: Floats = np.abs(mean) ** 2 + np.diagonal(cov).real
    return energy
