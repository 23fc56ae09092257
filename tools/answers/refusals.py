"""Calls that are refused, each for another reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import fastcca
from answers.data import (
    BAD,
    HARD,
    MAPS_X,
    MAPS_Y,
    SMALL_Y,
    W,
    X,
    Y,
    Z,
    moments,
    named,
    old_pickle,
    stored,
)
from fastcca.compat import cca_core

Call = Callable[[], Any]


def refusals() -> Iterator[tuple[str, Call]]:
    """Name the calls."""
    maps: dict[str, Any] = {"layout": "NHWC"}
    bad_calls: list[tuple[str, Call]] = [
        ("shapes", lambda: fastcca.cca(X, Y[:-1])),
        ("no y", lambda: fastcca.cca(X)),
        ("one axis", lambda: fastcca.cca(X[:, 0], Y)),
        ("text", lambda: fastcca.cca([["a"]], Y)),
        ("nan", lambda: fastcca.cca(BAD, Y)),
        ("nan wide", lambda: fastcca.cka(BAD[:20].repeat(4, 1), Y[:20])),
        ("nan maps", lambda: fastcca.cca(np.where(MAPS_X > 3, np.inf, MAPS_X), MAPS_Y, **maps)),
        ("one sample", lambda: fastcca.cca(X[:1], Y[:1])),
        ("method", lambda: fastcca.cca(X, Y, method="best")),
        ("ridge", lambda: fastcca.cca(X, Y, ridge=-1)),
        ("tolerance", lambda: fastcca.pca(X, rank_tolerance=1)),
        ("backend", lambda: fastcca.cca(X, Y, backend="gpu")),
        ("output", lambda: fastcca.cca(X, Y, output="device")),
        ("precision", lambda: fastcca.cca(X, Y, precision="half")),
        ("single hard", lambda: fastcca.cca(HARD, Y, precision="single")),
        ("single late", lambda: fastcca.cca(moments(X, Y), precision="single")),
        ("qr of moments", lambda: fastcca.cca(moments(X, Y), method="qr")),
        ("qr of complex", lambda: fastcca.cca(Z, W, method="qr")),
        ("complex svcca", lambda: fastcca.svcca(Z, Y)),
        ("complex moments", lambda: fastcca.cka(moments(Z, Y))),
        ("keep", lambda: fastcca.svcca(X, Y, keep=1.5)),
        ("criterion", lambda: fastcca.svcca(X, Y, criterion="sum")),
        ("variant", lambda: fastcca.pwcca(X, Y, variant="mine")),
        ("layout", lambda: fastcca.cca(MAPS_X, MAPS_Y, layout="NHWX")),
        ("spatial alone", lambda: fastcca.cca(X, Y, spatial="pool")),
        ("grids", lambda: fastcca.cca(MAPS_X, SMALL_Y, **maps)),
        ("state and y", lambda: fastcca.cca(moments(X, Y), Y)),
        ("state and layout", lambda: fastcca.cca(moments(X, Y), layout="NC")),
        ("three blocks", lambda: fastcca.cca(named())),
        ("no pair", lambda: named().pair("a/1", "b/2")),
        ("no block", lambda: named().pair("a/1", "c")),
        ("debiased moments", lambda: fastcca.cka(moments(X, Y), debiased=True)),
        ("debiased few", lambda: fastcca.cka(X[:3], Y[:3], debiased=True)),
        ("measure", lambda: fastcca.compare(X, Y, ["cca", "dca"])),
        ("pairwise measure", lambda: fastcca.pairwise([X], measure="dca")),
        ("pairwise ridge", lambda: fastcca.pairwise([X], measure="cka", ridge=1.0)),
        ("pairwise shapes", lambda: fastcca.pairwise([X, Y[:-1]])),
        ("pairwise empty", lambda: fastcca.pairwise([])),
        ("pairwise complex", lambda: fastcca.pairwise(moments(Z, Y))),
        ("permutation measure", lambda: fastcca.permutation_test(X, Y, measure="dca")),
        ("permutation option", lambda: fastcca.permutation_test(X, Y, measure="cka", ridge=1)),
        ("permutation google", lambda: fastcca.bootstrap(X, Y, measure="pwcca", variant="google")),
        ("permutation state", lambda: fastcca.permutation_test(moments(X, Y), None)),
        ("permutation file", lambda: fastcca.permutation_test(stored(X), Y)),
        ("groups", lambda: fastcca.permutation_test(X, Y, groups=[1, 2])),
        ("dynamics empty", lambda: fastcca.dynamics([], [X])),
        ("dft layout", lambda: fastcca.dft_cca(MAPS_X, MAPS_Y, layout=None)),
        ("update names", lambda: moments(X, Y).update(a=X)),
        ("update a view", lambda: named().pair("a/1", "b/1").update(X, Y)),
        ("merge", lambda: moments(X, Y).merge(moments(Y, X))),
        ("format 9", lambda: old_pickle(moments(X, Y), 3) and _newer(moments(X, Y))),
        ("compat shapes", lambda: cca_core.get_cca_similarity(X, Y)),
        ("compat epsilon", lambda: cca_core.get_cca_similarity(X.T, Y.T, epsilon=-1)),
        ("huge moments", lambda: moments(X * 1e200, Y)),
    ]
    for name, call in bad_calls:
        yield f"refused: {name}", call


def _newer(state: Any) -> Any:
    restore, (content,) = state.__reduce__()
    return restore(content | {"format": 9})
