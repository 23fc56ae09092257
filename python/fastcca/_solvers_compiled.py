"""Every measure of a pair by the compiled core, where the state of the pair is kept."""

from __future__ import annotations

from functools import partial
from typing import Any, cast

import numpy as np

from fastcca import _solvers_numpy, _wide
from fastcca._accuracy import check_single, digits_left
from fastcca._compiled import device_at, module_at, module_of
from fastcca._device import on_host
from fastcca._keep import Keep
from fastcca._moments import Moments
from fastcca._output import left_there
from fastcca._pair import Floats, Pair
from fastcca._parts import AxesParts, CcaParts, PlsParts, RegressionParts, SymmetricParts
from fastcca._rescale import in_range
from fastcca.reference import input_epsilon

__all__ = [
    "cca",
    "cka",
    "linear_regression",
    "parts_of_moments",
    "parts_of_regression",
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
    rank_tolerance: float = 0.0,
    in_place: bool = False,
) -> CcaParts:
    """CCA, of the leading principal axes where `keep` is given.

    With `in_place` matrices stay on the device that computed them, where that is one.
    """
    options = {
        "method": method,
        "weights": weights,
        "ridge": ridge,
        "keep": keep,
        "rank_tolerance": rank_tolerance,
    }
    if pair.is_wide and method != "moments":
        solve = partial(_wide.cca, solve=cca, **options)  # type: ignore[arg-type]
    else:
        solve = partial(_narrow_cca, in_place=in_place, **options)  # type: ignore[arg-type]
    return in_range(solve, pair, each_feature=keep is None)


def _narrow_cca(
    pair: Pair,
    *,
    method: str,
    weights: bool,
    ridge: float,
    keep: tuple[Keep, Keep] | None,
    rank_tolerance: float,
    in_place: bool,
) -> CcaParts:
    x_keep, y_keep = (None, None) if keep is None else (k.as_core() for k in keep)
    solve_factor = partial(
        _of_factor, pair, ridge, weights, x_keep, y_keep, rank_tolerance, in_place
    )
    if method == "qr" or (pair.is_factor and method != "moments"):
        return solve_factor()
    state, moments = pair.state, pair.moments
    x, y = pair.blocks
    if pair.is_complex:
        solved = module_of(state).solve_complex_cca(
            state,
            _complex_index(pair, x),
            _complex_index(pair, y),
            ridge,
            weights,
            rank_tolerance,
            in_place,
        )
    else:
        solved = module_of(state).solve_cca(
            state, *_two(pair), ridge, weights, x_keep, y_keep, rank_tolerance, in_place
        )
    if in_place:
        solved = left_there(solved, pair.place)
    parts = parts_of_moments(moments, x, y, solved, ridge)
    undecided = parts["undecided"]
    if state.single and undecided and method == "auto" and pair.has_samples:
        raise ValueError(
            f"precision='single' cannot tell {undecided} "
            f"{'direction' if undecided == 1 else 'directions'} from rounding; use "
            "precision='double', which reads the samples once more where it must, or in cca "
            "method='moments' to leave them out"
        )
    if (undecided or parts["digits"] is not None) and method == "auto" and pair.has_samples:
        if pair.is_complex:  # the factor is real; the reference takes the samples as they are
            return _solvers_numpy.cca(
                pair,
                method="auto",
                weights=weights,
                ridge=ridge,
                rank_tolerance=rank_tolerance,
            )
        return solve_factor()
    return parts


def parts_of_moments(
    moments: Moments, x: str, y: str, solved: dict[str, Any], ridge: float
) -> CcaParts:
    """Complete what the core says of two blocks, with the digits that their moments have left."""
    state = moments._state
    condition = max(solved["x_condition"], solved["y_condition"])
    if state.single:
        check_single(condition, ridge)
    epsilon = _input_epsilon(moments, x, y)
    rest = {
        "x_mean": moments.mean(x),
        "y_mean": moments.mean(y),
        "n_samples": state.n_samples,
        "method": "moments",
        "single": state.single,
        "digits": None if state.single else digits_left(condition, epsilon, ridge),
        "undecided": solved["x_undecided"] + solved["y_undecided"],
    }
    return cast(CcaParts, solved | rest)


def _of_factor(pair: Pair, *options: Any) -> CcaParts:  # the last one: in_place
    factor = pair.factor
    x, y = pair.factor_blocks
    solved = module_of(factor._state).solve_cca_of_factor(
        factor._state, factor._index(x), factor._index(y), *options
    )
    if options[-1]:
        solved = left_there(solved, pair.place)
    rest = {
        "x_mean": factor.mean(x),
        "y_mean": factor.mean(y),
        "n_samples": factor.n_samples,
        "method": "qr",
        "single": False,
        "digits": None,
        "undecided": 0,
    }
    return cast(CcaParts, solved | rest)


def _two(pair: Pair) -> tuple[int, int]:
    x, y = pair.indices
    return x, y


def _input_epsilon(moments: Moments, *names: str) -> float:
    return max(input_epsilon(moments._state.precision(moments._index(name))) for name in names)


def _complex_index(pair: Pair, name: str) -> tuple[int, int | None]:
    moments = pair.moments
    imaginary = moments._imaginary_index(name) if moments._is_complex(name) else None
    return moments._index(name), imaginary


def pls(pair: Pair, in_place: bool = False) -> PlsParts:
    """SVD of the cross-covariance; `in_place` as of `cca`."""
    solve = _wide.pls if pair.is_wide else partial(_narrow_pls, in_place=in_place)
    return in_range(solve, pair, directions_only=True)


def _narrow_pls(pair: Pair, in_place: bool) -> PlsParts:
    state, moments = pair.state, pair.moments
    solved = module_of(state).solve_pls(state, *_two(pair), in_place)
    if in_place:
        solved = left_there(solved, pair.place)
    x, y = pair.blocks
    rest = {"x_mean": moments.mean(x), "y_mean": moments.mean(y), "n_samples": state.n_samples}
    return cast(PlsParts, solved | rest)


def pca(single: Pair, rank_tolerance: float = 0.0, in_place: bool = False) -> AxesParts:
    """Principal axes of one block; `in_place` as of `cca`."""
    solve = _wide.pca if single.is_wide else partial(_narrow_pca, in_place=in_place)
    return in_range(lambda p: solve(p, rank_tolerance), single)


def _narrow_pca(single: Pair, rank_tolerance: float, in_place: bool) -> AxesParts:
    if single.is_factor:
        factor = single.factor
        (name,) = single.factor_blocks
        parts = module_of(factor._state).solve_pca_of_factor(
            factor._state, factor._index(name), rank_tolerance, in_place
        )
        n_samples, mean = factor.n_samples, factor.mean(name)
    else:
        (name,) = single.blocks
        parts = module_of(single.state).solve_pca(
            single.state, single.indices[0], rank_tolerance, in_place
        )
        n_samples, mean = single.state.n_samples, single.moments.mean(name)
    if in_place:
        parts = left_there(parts, single.place)
    axes, variances = parts["axes"], parts["variances"]
    if axes.shape[1] < axes.shape[0]:
        # Dead features have no part in any axis; each is one of its own, of no variance.
        axes = on_host(axes)
        dead = np.flatnonzero(~axes.any(axis=1))
        variances = np.concatenate([variances, np.zeros(dead.size)])
        axes = np.hstack([axes, np.eye(axes.shape[0])[:, dead]])
    return AxesParts(
        variances=variances,
        axes=axes,
        rank=parts["rank"],
        mean=mean,
        n_samples=n_samples,
    )


def cka(pair: Pair) -> float:
    """Linear CKA."""
    if pair.is_wide:
        return in_range(_wide.cka, pair)
    return in_range(lambda p: float(module_of(p.state).linear_cka(p.state, *p.indices)), pair)


def procrustes(pair: Pair) -> float:
    """Nuclear norm of the cross-covariance over the roots of both traces."""
    if pair.is_wide:
        return in_range(_wide.procrustes, pair)
    return in_range(lambda p: float(module_of(p.state).procrustes(p.state, *p.indices)), pair)


def linear_regression(pair: Pair, rank_tolerance: float = 0.0) -> RegressionParts:
    """Share of y's variance that x explains."""
    if pair.is_wide:

        def solve_wide(p: Pair) -> RegressionParts:
            return _wide.linear_regression(p, linear_regression, rank_tolerance)

        return in_range(solve_wide, pair)
    return in_range(lambda p: _narrow_regression(p, rank_tolerance), pair)


def _narrow_regression(pair: Pair, rank_tolerance: float) -> RegressionParts:
    if not pair.is_factor:
        state = pair.state
        solved = module_of(state).linear_regression(state, *_two(pair), rank_tolerance)
        x, y = pair.blocks
        parts = parts_of_regression(pair.moments, x, y, solved)
        if (parts["digits"] is None and not parts["undecided"]) or not pair.has_samples:
            return parts
    factor = pair.factor
    x, y = pair.factor_blocks
    solved = module_of(factor._state).linear_regression_of_factor(
        factor._state, factor._index(x), factor._index(y), rank_tolerance
    )
    return RegressionParts(
        r2=solved["r2"], x_condition=solved["x_condition"], digits=None, undecided=0
    )


def parts_of_regression(
    moments: Moments, x: str, y: str, solved: dict[str, Any]
) -> RegressionParts:
    """Complete what the core says of two blocks, with the digits that their moments have left."""
    state = moments._state
    condition = solved["x_condition"]
    if state.single:
        check_single(condition)
    return RegressionParts(
        r2=solved["r2"],
        x_condition=condition,
        digits=None if state.single else digits_left(condition, _input_epsilon(moments, x, y)),
        undecided=solved["x_undecided"],
    )


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
    place: str,
) -> SymmetricParts:
    """CCA of given covariances by symmetric inverse square roots."""
    is_complex = any(np.iscomplexobj(a) for a in (x_cov, y_cov, cross_cov))
    module = module_at(place)
    solve = module.solve_complex_symmetric_cca if is_complex else module.solve_symmetric_cca
    solved = solve(
        x_cov,
        _energy(x_mean, x_cov),
        x_epsilon,
        y_cov,
        _energy(y_mean, y_cov),
        y_epsilon,
        cross_cov,
        epsilon,
        device_at(place),
    )
    return cast(SymmetricParts, solved)


def _energy(mean: Any, cov: Any) -> Floats:
    """Mean square of every unit, its mean included."""
    energy: Floats = np.abs(mean) ** 2 + np.diagonal(cov).real
    return energy
