"""Every measure of a pair on the compiled core."""

from __future__ import annotations

import math
from typing import Any, cast

import numpy as np

from fastcca import _core, _solvers_numpy
from fastcca._keep import Keep
from fastcca._pair import Floats, Pair
from fastcca._parts import AxesParts, CcaParts, PlsParts, SymmetricParts
from fastcca.reference import input_epsilon

__all__ = [
    "cca",
    "cka",
    "digits_lost",
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
    if keep is None and (pair.is_factor or method == "qr"):
        return _of_factor(pair, ridge, weights)
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
    digits = None
    if keep is None:
        digits = digits_lost(pair, solved, ridge)
        if digits is not None and method == "auto" and pair.has_samples:
            if pair.is_complex:  # the factor is real; the reference takes the samples as they are
                return _solvers_numpy.cca(pair, method="auto", weights=weights, ridge=ridge)
            return _of_factor(pair, ridge, weights)
    rest = {
        "x_mean": moments.mean(x),
        "y_mean": moments.mean(y),
        "n_samples": state.n_samples,
        "method": "moments",
        "digits": digits,
    }
    return cast(CcaParts, solved | rest)


def _of_factor(pair: Pair, ridge: float, weights: bool) -> CcaParts:
    factor = pair.factor
    names = factor.block_names
    if len(names) != 2:
        raise ValueError(
            f"this factor holds {len(names)} blocks {names}; choose the two to compare with "
            ".pair(first, second)"
        )
    i, j = (factor._index(name) for name in names)
    solved = _core.solve_cca_of_factor(factor._state, i, j, ridge, weights)
    rest = {
        "x_mean": factor.mean(names[0]),
        "y_mean": factor.mean(names[1]),
        "n_samples": factor.n_samples,
        "method": "qr",
        "digits": None,
    }
    return cast(CcaParts, solved | rest)


def digits_lost(pair: Pair, solved: dict[str, Any], ridge: float) -> float | None:
    """Return the digits that are left where the moments have lost some that the data hold.

    The error of their route is about ``10 kappa**2 eps``; that of the data themselves, from the
    rounding of their values, about ``0.1 kappa eps(input)``. Directions that the route could not
    decide leave none.
    """
    if solved["x_undecided"] or solved["y_undecided"]:
        return 0.0
    # A ridge lifts the smallest variance, here relative to a largest of 1 or more.
    kappa = max(solved["x_condition"], solved["y_condition"])
    kappa = 1.0 / math.sqrt(1.0 / kappa**2 + ridge)
    eps = max(
        input_epsilon(pair.state.precision(pair.moments._index(name))) for name in pair.blocks
    )
    error = 10.0 * kappa**2 * 2.0**-52
    if error <= max(1e-10, 0.1 * kappa * eps):
        return None
    return max(0.0, -math.log10(error))


def _complex_index(pair: Pair, name: str) -> tuple[int, int | None]:
    moments = pair.moments
    imaginary = moments._imaginary_index(name) if moments._is_complex(name) else None
    return moments._index(name), imaginary


def pls(pair: Pair) -> PlsParts:
    """SVD of the cross-covariance."""
    return cast(PlsParts, _core.solve_pls(pair.state, *pair.indices()))


def pca(single: Pair) -> AxesParts:
    """Principal axes of one block."""
    parts = cast(AxesParts, _core.solve_pca(single.state, *single.indices()))
    axes, variances = parts["axes"], parts["variances"]
    # Dead features have no part in any axis; each is one of its own, of no variance.
    dead = np.flatnonzero(~axes.any(axis=1))
    parts["axes"] = np.hstack([axes, np.eye(axes.shape[0])[:, dead]])
    parts["variances"] = np.concatenate([variances, np.zeros(dead.size)])
    return parts


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
