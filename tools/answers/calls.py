"""Calls that have an answer, those of one function together."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import fastcca
from answers.data import (
    DEAD,
    FEW_X,
    FEW_Y,
    FLAT,
    GROUPS,
    HARD,
    HUGE,
    MAPS_X,
    MAPS_Y,
    NCHW,
    SMALL_Y,
    TINY,
    TOKENS,
    WIDE_MIXED,
    WIDE_X,
    WIDE_Y,
    X32,
    Y32,
    W,
    X,
    Y,
    Z,
    factor,
    layers,
    moments,
    named,
    old_pickle,
    rng,
    stored,
)
from answers.parts import (
    full_dict,
    of_bootstrap,
    of_cca,
    of_matrix,
    of_pca,
    of_pls,
    of_pwcca,
    of_svcca,
    of_test,
    signless,
)
from fastcca.compat import cca_core, dft_ccas, numpy_pca, numpy_pls, pwcca

Call = Callable[[], Any]


def calls() -> Iterator[tuple[str, Call]]:
    """Name the calls, those of one function together."""
    maps: dict[str, Any] = {"layout": "NHWC"}
    yield "cca", lambda: of_cca(fastcca.cca(X, Y))
    yield "cca of lists", lambda: of_cca(fastcca.cca(X.tolist(), Y.tolist(), weights=False))
    yield "cca float32", lambda: of_cca(fastcca.cca(X32, Y32))
    yield "cca float16", lambda: of_cca(fastcca.cca(X.astype(np.float16), Y.astype(np.float16)))
    yield "cca single", lambda: [fastcca.cca(X32, Y32, precision="single").correlations.round(5)]
    yield "cca ridge", lambda: of_cca(fastcca.cca(X, Y, ridge=0.3))
    yield "cca qr", lambda: of_cca(fastcca.cca(X, Y, method="qr"))
    yield "cca numpy", lambda: of_cca(fastcca.cca(X, Y, backend="numpy"))
    yield "cca dead", lambda: of_cca(fastcca.cca(DEAD, Y))
    yield "cca flat", lambda: of_cca(fastcca.cca(FLAT, Y))
    yield "cca complex", lambda: of_cca(fastcca.cca(Z, W))
    yield "cca complex and real", lambda: of_cca(fastcca.cca(Z, Y))
    yield "cca hard", lambda: of_cca(fastcca.cca(HARD, Y, weights=False))
    yield "cca hard moments", lambda: [fastcca.cca(moments(HARD, Y), weights=False).x_rank]
    yield "cca tolerance", lambda: of_cca(fastcca.cca(HARD, Y, rank_tolerance=1e-3))
    yield "cca few", lambda: of_cca(fastcca.cca(FEW_X, FEW_Y))
    yield "cca wide", lambda: of_cca(fastcca.cca(WIDE_X, WIDE_Y, ridge=0.1))
    yield "cca wide and narrow", lambda: of_cca(fastcca.cca(WIDE_X, WIDE_MIXED, weights=False))
    yield "cca wide qr", lambda: of_cca(fastcca.cca(WIDE_X, WIDE_Y, method="qr", ridge=0.1))
    yield "cca huge", lambda: of_cca(fastcca.cca(HUGE, Y))
    yield "cca tiny", lambda: of_cca(fastcca.cca(TINY, Y))
    yield "cca moments", lambda: of_cca(fastcca.cca(moments(X, Y)))
    yield "cca moments single", lambda: [fastcca.cca(moments(X32, Y32, precision="single")).mean]
    yield "cca factor", lambda: of_cca(fastcca.cca(factor(X, Y)))
    yield "cca factor moments", lambda: of_cca(fastcca.cca(factor(X, Y), method="moments"))
    yield "cca view", lambda: of_cca(fastcca.cca(named().pair("a/1", "b/1")))
    yield "cca maps", lambda: of_cca(fastcca.cca(MAPS_X, MAPS_Y, **maps))
    yield (
        "cca maps of two layouts",
        lambda: of_cca(fastcca.cca(NCHW, MAPS_Y, layout=("NCHW", "NHWC"))),
    )
    for spatial in ("pool", "flatten", "resize"):
        yield (
            f"cca {spatial}",
            lambda s=spatial: of_cca(fastcca.cca(MAPS_X, SMALL_Y, **maps, spatial=s)),
        )
    yield (
        "cca size",
        lambda: of_cca(fastcca.cca(MAPS_X, SMALL_Y, **maps, spatial="resize", size=(2, 3))),
    )
    yield "cca tokens", lambda: of_cca(fastcca.cca(TOKENS, TOKENS[:, :, :2] ** 2, layout="NTC"))
    yield "cca file", lambda: of_cca(fastcca.cca(stored(X), Y))
    yield "cca maps in a file", lambda: of_cca(fastcca.cca(stored(MAPS_X), MAPS_Y, **maps))
    yield (
        "cca statistics",
        lambda: [
            fastcca.cca(X, Y).tests.wilks,
            fastcca.cca(X, Y).tests.pillai,
            fastcca.cca(X, Y).bartlett_test(),
            fastcca.cca(X, Y).thresholded_mean(0.9),
        ],
    )
    yield "cca variates", lambda: [signless(v) for v in fastcca.cca(X, Y).variates(X, Y)]
    yield "cca project", lambda: [fastcca.cca(X, Y, ridge=0.1).project(X, 2)[:3]]
    yield "svcca", lambda: of_svcca(fastcca.svcca(X, Y))
    yield "svcca pair", lambda: of_svcca(fastcca.svcca(X, Y, keep=(3, 0.9)))
    yield (
        "svcca singular values",
        lambda: of_svcca(fastcca.svcca(X, Y, keep=0.95, criterion="singular_values")),
    )
    yield "svcca wide", lambda: of_svcca(fastcca.svcca(WIDE_X, WIDE_Y, keep=6))
    yield "svcca numpy", lambda: of_svcca(fastcca.svcca(X, Y, backend="numpy"))
    yield "svcca numpy moments", lambda: of_svcca(fastcca.svcca(moments(X, Y), backend="numpy"))
    yield "svcca hard moments", lambda: [fastcca.svcca(moments(HARD, Y), keep=9).x_kept]
    yield "svcca factor", lambda: of_svcca(fastcca.svcca(factor(HARD, Y), keep=9))
    for variant in ("paper", "symmetric", "google"):
        yield (
            f"pwcca {variant}",
            lambda v=variant: of_pwcca(fastcca.pwcca(X, Y, variant=v)),
        )
    yield "pwcca swapped", lambda: of_pwcca(fastcca.pwcca(Y, X))
    yield "pwcca ties", lambda: of_pwcca(fastcca.pwcca(X, X @ rng.normal(size=(7, 7))))
    yield "pwcca wide", lambda: of_pwcca(fastcca.pwcca(WIDE_X, WIDE_MIXED))
    yield "pls", lambda: of_pls(fastcca.pls(X, Y))
    yield "pls wide", lambda: of_pls(fastcca.pls(WIDE_X, WIDE_Y))
    yield "pls numpy", lambda: of_pls(fastcca.pls(X, Y, backend="numpy"))
    yield "pls huge", lambda: of_pls(fastcca.pls(HUGE, Y))
    yield "pls project", lambda: [fastcca.pls(X, Y).project(Y, 2, side="y")[:2]]
    yield "pca", lambda: of_pca(fastcca.pca(X))
    yield "pca dead", lambda: of_pca(fastcca.pca(DEAD))
    yield "pca wide", lambda: of_pca(fastcca.pca(WIDE_X))
    yield "pca factor", lambda: of_pca(fastcca.pca(factor(HARD)))
    yield "pca maps", lambda: of_pca(fastcca.pca(MAPS_X, **maps, spatial="pool"))
    yield "pca project", lambda: [fastcca.pca(X).project(X, 3)[:2]]
    for options in ({}, {"backend": "numpy"}):
        told = " numpy" if options else ""
        for x, y, kind in ((X, Y, ""), (WIDE_X, WIDE_Y, " wide"), (WIDE_MIXED, WIDE_X, " mixed")):
            yield (
                f"scalars{kind}{told}",
                lambda x=x, y=y, o=options: [
                    fastcca.cka(x, y, **o),
                    fastcca.cka(x, y, debiased=True, **o),
                    fastcca.procrustes(x, y, **o),
                    fastcca.linear_regression_r2(x, y, **o),
                    fastcca.linear_regression_r2(y, x, **o),
                ],
            )
    yield (
        "scalars moments",
        lambda: [
            fastcca.cka(moments(X, Y)),
            fastcca.procrustes(moments(X, Y)),
            fastcca.linear_regression_r2(moments(X, Y)),
            fastcca.linear_regression_r2(factor(HARD, Y)),
        ],
    )
    yield "r2 hard moments", lambda: [f"{fastcca.linear_regression_r2(moments(HARD, Y)):.5f}"]
    yield (
        "cka maps",
        lambda: [
            fastcca.cka(MAPS_X, SMALL_Y, **maps, spatial="pool", debiased=True),
            fastcca.cka(NCHW, MAPS_Y, layout=("NCHW", "NHWC"), debiased=True),
        ],
    )
    several = ("cca", "r2_cca", "svcca", "pwcca", "cka", "procrustes", "linear_regression_r2")
    for x, y, kind in (
        (X, Y, ""),
        (WIDE_X, WIDE_Y, " wide"),
        (FLAT, Y, " flat"),
        (HARD, Y, " ill"),
    ):
        yield (
            f"compare{kind}",
            lambda x=x, y=y: [fastcca.compare(x, y, several)],
        )
    yield "compare moments", lambda: [fastcca.compare(moments(X, Y), measures=several)]
    yield "compare few", lambda: [fastcca.compare(FEW_X, FEW_Y)]
    for measure in several:
        yield (
            f"pairwise {measure}",
            lambda m=measure: of_matrix(fastcca.pairwise(layers(), measure=m)),
        )
    yield (
        "pairwise two sides",
        lambda: of_matrix(fastcca.pairwise([X, DEAD], {"first": Y, "ill": HARD}, measure="pwcca")),
    )
    yield "pairwise numpy", lambda: of_matrix(fastcca.pairwise([X, Y], backend="numpy"))
    yield "pairwise moments", lambda: of_matrix(fastcca.pairwise(named(), measure="cca"))
    yield "pairwise factor", lambda: of_matrix(fastcca.pairwise(factor(X, HARD), measure="cca"))
    yield (
        "pairwise batches",
        lambda: of_matrix(
            fastcca.pairwise({"a": X[i], "b": Y[i]} for i in (slice(0, 90), slice(90, None)))
        ),
    )
    yield (
        "pairwise maps",
        lambda: of_matrix(fastcca.pairwise([MAPS_X], [MAPS_Y], layout="NHWC", measure="cca")),
    )
    yield (
        "pairwise resize of two",
        lambda: of_matrix(
            fastcca.pairwise([MAPS_X], [SMALL_Y], layout="NHWC", spatial="resize", measure="cca")
        ),
    )
    yield "pairwise huge", lambda: of_matrix(fastcca.pairwise([HUGE, Y], measure="cca"))
    yield (
        "dynamics",
        lambda: [
            fastcca.dynamics({0: [X * Y[:, :1], Y], 10: [X, Y]}, [X, Y], measure="cca").values
        ],
    )
    for measure in (*several, "pls"):
        yield (
            f"permutation {measure}",
            lambda m=measure: of_test(
                fastcca.permutation_test(X[:100], Y[:100], measure=m, n_permutations=9, seed=1)
            ),
        )
        yield (
            f"bootstrap {measure}",
            lambda m=measure: of_bootstrap(
                fastcca.bootstrap(X[:100], Y[:100], measure=m, n_resamples=5, seed=2)
            ),
        )
    yield (
        "permutation wide",
        lambda: of_test(
            fastcca.permutation_test(WIDE_X, WIDE_Y, measure="cka", n_permutations=9, seed=1)
        ),
    )
    yield (
        "permutation groups",
        lambda: of_test(fastcca.permutation_test(X, Y, groups=GROUPS, n_permutations=9, seed=1)),
    )
    yield (
        "permutation maps",
        lambda: of_test(
            fastcca.permutation_test(
                MAPS_X,
                MAPS_Y,
                **maps,
                n_permutations=5,
                seed=1,
                measure="pwcca",
                variant="symmetric",
            )
        ),
    )
    yield (
        "dft_cca",
        lambda: [
            fastcca.dft_cca(MAPS_X, MAPS_Y).correlations,
            fastcca.dft_cca(MAPS_X, SMALL_Y).mean_by_frequency,
            fastcca.dft_cca(MAPS_X, SMALL_Y).multiplicity,
            fastcca.dft_cca(MAPS_X, Y[:120], layout=("NHWC", "NC")).mean,
            fastcca.dft_cca(MAPS_X, MAPS_Y, backend="numpy").mean,
        ],
    )
    yield (
        "null_cca",
        lambda: [
            fastcca.null_cca(100, 5, 7).mean_squared,
            fastcca.null_cca(100, 5, 7).mean,
            fastcca.null_cca(100, 5, 7).edges,
        ],
    )
    # -- google/svcca's names
    yield (
        "compat cca",
        lambda: full_dict(cca_core.get_cca_similarity(X.T, Y.T, epsilon=1e-10, compute_dirns=True)),
    )
    yield "compat cca 0", lambda: full_dict(cca_core.get_cca_similarity(DEAD.T, Y.T))
    yield "compat cca complex", lambda: full_dict(cca_core.get_cca_similarity(Z.T, W.T))
    yield "compat cca flat", lambda: full_dict(cca_core.get_cca_similarity(FLAT.T, Y.T))
    yield "compat robust", lambda: full_dict(cca_core.robust_cca_similarity(X.T, Y.T))
    yield (
        "compat ccas",
        lambda: [
            cca_core.compute_ccas(np.cov(X.T), np.cov(X.T, Y.T)[:7, 7:], None, np.cov(Y.T), 0.0)[0][
                1
            ]
        ],
    )
    yield "compat pwcca", lambda: [*pwcca.compute_pwcca(X.T, Y.T), *pwcca.compute_pwcca(Y.T, X.T)]
    yield "compat pls", lambda: full_dict(numpy_pls.get_pls_similarity(X.T, Y.T))
    yield "compat pca", lambda: full_dict(numpy_pca.get_pca(X.T, compute_dirns=True))
    yield (
        "compat dft",
        lambda: [
            dft_ccas.fourier_ccas(MAPS_X, SMALL_Y)[["location", "mean", "cca_coef1"]].to_numpy()
        ],
    )
    # -- states
    yield (
        "moments",
        lambda: [
            moments(X, Y),
            moments(X, Y).covariance("x", "y"),
            moments(Z, Y).covariance("x", "y"),
            moments(X, Y).mean("y"),
        ],
    )
    yield "moments merged", lambda: [(moments(X, Y) + moments(Y @ Y.T[:, :7], Y)).mean("x")]
    for version in (1, 2, 3):
        yield (
            f"moments of format {version}",
            lambda v=version: [
                old_pickle(moments(X, Y), v),
                fastcca.cca(old_pickle(moments(X, Y), v)).mean,
            ],
        )
    yield (
        "moments pickled",
        lambda: [
            fastcca.cca(pickle.loads(pickle.dumps(moments(X, Y)))).mean,
            fastcca.cca(copy.deepcopy(named().pair("a/1", "b/1"))).mean,
        ],
    )
    yield (
        "factor",
        lambda: [
            factor(X, Y),
            factor(X, Y).covariance("x", "y"),
            fastcca.cca(pickle.loads(pickle.dumps(factor(X, Y)))).mean,
            fastcca.cca((factor(X, Y) + factor(X, Y)).pair("y", "x")).mean,
        ],
    )
