"""Measures of blocks with more features than samples, by the compiled core."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from fastcca._arrays import precision_name
from fastcca._compiled import device_at, module_at
from fastcca._device import on_host
from fastcca._keep import Keep
from fastcca._output import left_there
from fastcca._pair import Pair
from fastcca._parts import AxesParts, CcaParts, PlsParts, RegressionParts

__all__ = ["cca", "cka", "linear_regression", "pca", "pls", "procrustes"]


def _call(function: str, pair: Pair, **options: Any) -> Any:
    """Call a function of the core that takes samples, where the pair is to be solved."""
    batches = list(pair.batches())
    arrays = list(batches[0])
    if len(batches) > 1:
        arrays = [
            np.concatenate([np.reshape(on_host(b), (-1, b.shape[-1])) for b in parts])
            for parts in zip(*batches, strict=True)
        ]
    precisions = None
    if pair._dtypes is not None:
        # Values computed from float32 are no better than that, and the rank rule must know.
        precisions = [
            "float32"
            if array.dtype != dtype and precision_name(dtype) != "float64"
            else precision_name(array.dtype)
            for array, dtype in zip(arrays, pair._dtypes, strict=True)
        ]
    solve = getattr(module_at(pair.place), function)
    found = solve(list(pair.names), arrays, precisions, device=device_at(pair.place), **options)
    return left_there(found, pair.place) if options.get("in_place") else found


def cca(
    pair: Pair,
    *,
    method: str,
    weights: bool,
    ridge: float,
    keep: tuple[Keep, Keep] | None,
    rank_tolerance: float,
    in_place: bool,
) -> CcaParts:
    """CCA; of the leading principal axes where `keep` is given."""
    x_keep, y_keep = (None, None) if keep is None else (k.as_core() for k in keep)
    solved = _call(
        "solve_cca_of_samples",
        pair,
        ridge=ridge,
        weights=weights,
        x_keep=x_keep,
        y_keep=y_keep,
        rank_tolerance=rank_tolerance,
        in_place=in_place,
        of_data=method == "qr",
    )
    return cast(CcaParts, solved | {"digits": None, "undecided": 0})


def pls(pair: Pair, in_place: bool) -> PlsParts:
    """SVD of the cross-covariance, ``min(n, p, q)`` pairs of directions."""
    solved = _call("solve_pls_of_samples", pair, in_place=in_place)
    return cast(PlsParts, {name: solved[name] for name in PlsParts.__annotations__})


def pca(single: Pair, rank_tolerance: float, in_place: bool) -> AxesParts:
    """Principal axes of one block, as many as samples; the last one is of no variance."""
    solved = _call("solve_pca_of_samples", single, rank_tolerance=rank_tolerance, in_place=in_place)
    return cast(AxesParts, {name: solved[name] for name in AxesParts.__annotations__})


def cka(pair: Pair) -> float:
    """Linear CKA: the cosine between the two Gram matrices."""
    return cast(float, _call("linear_cka_of_samples", pair))


def procrustes(pair: Pair) -> float:
    """Nuclear norm of the cross-covariance over the roots of both traces."""
    return cast(float, _call("procrustes_of_samples", pair))


def linear_regression(pair: Pair, rank_tolerance: float) -> RegressionParts:
    """Share of y's variance that x explains."""
    solved = _call("linear_regression_of_samples", pair, rank_tolerance=rank_tolerance)
    return RegressionParts(
        r2=solved["r2"], x_condition=solved["x_condition"], digits=None, undecided=0
    )
