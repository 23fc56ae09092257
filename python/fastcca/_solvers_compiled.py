"""Every measure of a pair by the compiled core, where the state of the pair is kept."""

from __future__ import annotations

from functools import partial
from typing import Any, cast

import numpy as np

from fastcca import _solvers_numpy, _wide
from fastcca._accuracy import check_single, digits_left
from fastcca._compiled import module_of
from fastcca._device import on_host
from fastcca._keep import Keep
from fastcca._output import left_there
from fastcca._pair import Pair
from fastcca._parts import AxesParts, CcaParts, PlsParts, RegressionParts
from fastcca._rescale import in_range

__all__ = [
    "cca",
    "cka",
    "linear_regression",
    "parts_of_moments",
    "parts_of_regression",
    "pca",
    "pls",
    "procrustes",
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
        solve = partial(_wide.cca, in_place=in_place, **options)  # type: ignore[arg-type]
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
    options = (ridge, weights, x_keep, y_keep, rank_tolerance, in_place)
    if method == "qr" or (pair.is_factor and method != "moments"):
        return _of_factor(pair, *options)
    state = pair.state
    module = module_of(state)
    if pair.is_complex:
        x, y = ((block.real, block.imaginary) for block in pair.located)
        solved = module.solve_complex_cca(state, x, y, ridge, weights, rank_tolerance, in_place)
    else:
        solved = module.solve_cca(state, *_two(pair), *options)
    if in_place:
        solved = left_there(solved, pair.place)
    parts = parts_of_moments(solved, ridge)
    undecided = parts["undecided"]
    if parts["single"] and undecided and method == "auto" and pair.has_samples:
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
        return _of_factor(pair, *options)
    return parts


def parts_of_moments(solved: dict[str, Any], ridge: float) -> CcaParts:
    """Complete what the core says of two blocks, with the digits that their moments have left."""
    condition = max(solved["x_condition"], solved["y_condition"])
    return cast(
        CcaParts,
        solved
        | {
            "method": "moments",
            "digits": _digits(solved, condition, ridge),
            "undecided": solved["x_undecided"] + solved["y_undecided"],
        },
    )


def _digits(solved: dict[str, Any], condition: float, ridge: float = 0.0) -> float | None:
    if solved["single"]:
        check_single(condition, ridge)
        return None
    return digits_left(condition, max(solved["x_epsilon"], solved["y_epsilon"]), ridge)


def _of_factor(pair: Pair, *options: Any) -> CcaParts:  # the last one: in_place
    state = pair.factor._state
    solved = module_of(state).solve_cca_of_factor(state, *pair.factor_indices, *options)
    if options[-1]:
        solved = left_there(solved, pair.place)
    return cast(CcaParts, solved | {"method": "qr", "digits": None, "undecided": 0})


def _two(pair: Pair) -> tuple[int, int]:
    x, y = pair.indices
    return x, y


def pls(pair: Pair, in_place: bool = False) -> PlsParts:
    """SVD of the cross-covariance; `in_place` as of `cca`."""
    solve = _wide.pls if pair.is_wide else _narrow_pls
    return in_range(lambda p: solve(p, in_place), pair, directions_only=True)


def _narrow_pls(pair: Pair, in_place: bool) -> PlsParts:
    state = pair.state
    solved = module_of(state).solve_pls(state, *_two(pair), in_place)
    if in_place:
        solved = left_there(solved, pair.place)
    return cast(PlsParts, {name: solved[name] for name in PlsParts.__annotations__})


def pca(single: Pair, rank_tolerance: float = 0.0, in_place: bool = False) -> AxesParts:
    """Principal axes of one block; `in_place` as of `cca`."""
    solve = _wide.pca if single.is_wide else _narrow_pca
    return in_range(lambda p: solve(p, rank_tolerance, in_place), single)


def _narrow_pca(single: Pair, rank_tolerance: float, in_place: bool) -> AxesParts:
    state = single.factor._state if single.is_factor else single.state
    (index,) = single.factor_indices if single.is_factor else single.indices
    module = module_of(state)
    solve = module.solve_pca_of_factor if single.is_factor else module.solve_pca
    parts = solve(state, index, rank_tolerance, in_place)
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
        mean=parts["mean"],
        n_samples=parts["n_samples"],
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
        return in_range(lambda p: _wide.linear_regression(p, rank_tolerance), pair)
    return in_range(lambda p: _narrow_regression(p, rank_tolerance), pair)


def _narrow_regression(pair: Pair, rank_tolerance: float) -> RegressionParts:
    if not pair.is_factor:
        state = pair.state
        solved = module_of(state).linear_regression(state, *_two(pair), rank_tolerance)
        parts = parts_of_regression(solved)
        if (parts["digits"] is None and not parts["undecided"]) or not pair.has_samples:
            return parts
    factor = pair.factor._state
    solved = module_of(factor).linear_regression_of_factor(
        factor, *pair.factor_indices, rank_tolerance
    )
    return RegressionParts(
        r2=solved["r2"], x_condition=solved["x_condition"], digits=None, undecided=0
    )


def parts_of_regression(solved: dict[str, Any]) -> RegressionParts:
    """Complete what the core says of two blocks, with the digits that their moments have left."""
    condition = solved["x_condition"]
    return RegressionParts(
        r2=solved["r2"],
        x_condition=condition,
        digits=_digits(solved, condition),
        undecided=solved["x_undecided"],
    )
