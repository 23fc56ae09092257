"""What every answer has to be, for anything hypothesis draws: theorems, and residuals."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import fastcca
from cases import BACKENDS, COMPILED
from oracle import exact_rank
from strategies import (
    EPS,
    FULL_RANK,
    assert_close,
    debiased,
    debiased_gain,
    dropped,
    integers,
    offset,
    pairs,
    promise,
    size,
    spectra,
)

pytestmark = pytest.mark.filterwarnings(
    "ignore::fastcca.RankWarning", "ignore::fastcca.AccuracyWarning"
)
ANY_BACKEND = st.sampled_from(BACKENDS)


# --- a block and itself ---------------------------------------------------------------------------


@given(pairs(4), ANY_BACKEND)
def test_a_block_agrees_with_itself(pair, backend):
    x = pair.x
    whole = fastcca.cca(x, x, backend=backend)
    assert whole.x_rank == whole.y_rank == whole.correlations.size
    assert_close(whole.correlations, 1.0, promise(whole, size(pair)))
    rounding = 10 * EPS * size(pair)
    if whole.x_dead.size == 0:  # pca leaves dead features out, pls does not
        variances = fastcca.pca(x, backend=backend).explained_variance
        covariances = fastcca.pls(x, x, backend=backend).singular_values
        assert_close(covariances, variances, rounding * variances[0])
    if whole.x_rank == 0:
        return
    axes = fastcca.svcca(x, x, backend=backend)
    assert axes.x_kept == axes.y_kept
    assert_close(axes.correlations, 1.0, promise(axes, size(pair)))
    for variant in ("paper", "symmetric"):
        value = fastcca.pwcca(x, x, variant=variant, backend=backend).value
        assert_close(value, 1.0, promise(whole, size(pair)))
    assert_close(fastcca.cka(x, x, backend=backend), 1.0, rounding)
    assert_close(fastcca.procrustes(x, x, backend=backend), 1.0, rounding)
    power = 2 if backend == COMPILED else 1  # the route of this one is that of the moments
    if whole.condition < 1e6:
        r2 = fastcca.linear_regression_r2(x, x, backend=backend)
        slack = 20 * EPS * (whole.condition**power + size(pair))
        assert_close(r2, 1.0, slack + dropped(x))
    gain = debiased_gain(x)
    if gain < 1e6:
        assert_close(debiased(x, x, backend=backend), 1.0, rounding * gain)


# --- inequalities ---------------------------------------------------------------------------------


@given(pairs(4, ("float64",)), ANY_BACKEND)
def test_the_measures_are_ordered(pair, backend):
    """K whitened, of largest singular value r: |A K B|F <= r |A|F |B|F, and the like.

    A rotation is a linear map, so procrustes² <= R2; |M|F <= |M|* <= sqrt(rank) |M|F. In float64
    only: of other dtypes the correlations leave out what the rank rule drops, and cka does not.
    """
    found = fastcca.cca(*pair, backend=backend)
    k, slack = found.correlations.size, promise(found, size(pair))
    cka, procrustes, r2, back = (
        measure(*blocks, backend=backend)
        for measure, blocks in (
            (fastcca.cka, pair),
            (fastcca.procrustes, pair),
            (fastcca.linear_regression_r2, pair),
            (fastcca.linear_regression_r2, (pair.y, pair.x)),
        )
    )
    values = np.array([cka, procrustes, r2, back, found.mean, found.mean_squared])
    assert np.all((values >= 0.0) & (values <= 1.0))
    assert np.all(np.diff(found.correlations) <= 0.0)
    assert np.all((found.correlations >= 0.0) & (found.correlations <= 1.0))
    assert k == min(found.x_rank, found.y_rank)
    if k == 0:
        np.testing.assert_array_equal(values, 0.0)
        return
    assert found.mean**2 <= found.mean_squared + 4 * EPS
    assert found.mean_squared <= found.mean + 4 * EPS
    assert cka <= found.correlations[0] ** 2 + slack
    assert procrustes <= found.correlations[0] + slack
    assert procrustes**2 <= k * cka + slack
    assert cka <= procrustes**2 * np.sqrt(found.x_rank * found.y_rank) + slack
    if found.condition < 1e6:  # the regression is one of moments
        slack = 20 * EPS * (found.condition**2 + size(pair))
        assert procrustes**2 <= min(r2, back) + slack
        assert max(r2, back) <= found.correlations[0] ** 2 + slack
    for variant in ("paper", "symmetric", "google"):
        weighted = fastcca.pwcca(*pair, variant=variant, backend=backend)
        rho = weighted.correlations
        assert np.all(weighted.weights >= 0.0)
        assert_close(weighted.weights.sum(), 1.0, 10 * EPS)
        # the weights sum to 1 but for rounding, and so does the value
        assert rho[-1] - 4 * EPS <= weighted.value <= rho[0] + 4 * EPS


@pytest.mark.parametrize("backend", BACKENDS)
def test_pwcca_is_at_most_1(backend):
    for seed in range(100):
        x = np.random.default_rng(seed).integers(-4, 5, size=(8, 4)).astype(np.float64)
        assert fastcca.pwcca(x, x, backend=backend).value <= 1.0


@given(spectra(FULL_RANK, ("float64",), spare=2), ANY_BACKEND, st.integers(1, 8))
def test_a_part_of_a_block_correlates_less(pair, backend, count):
    """Correlations interlace: those of a subspace are below those of the whole, one by one."""
    whole = fastcca.cca(*pair, backend=backend)
    parts = [fastcca.cca(pair.x[:, :count], pair.y, backend=backend)]
    axes = fastcca.svcca(*pair, keep=count, backend=backend)
    slack = promise(whole, size(pair)) + 10 * EPS * size(pair) * whole.condition * (
        1 + offset(*pair)
    )
    for part in (*parts, axes):
        k = part.correlations.size
        bound = slack + promise(part, size(pair))
        assert np.all(part.correlations <= whole.correlations[:k] + bound)
    less, more = (
        fastcca.linear_regression_r2(x, pair.y, backend=backend)
        for x in (pair.x[:, :count], pair.x)
    )
    assert less <= more + 20 * EPS * (whole.condition**2 + size(pair))


@given(spectra(("gaussian", "clustered"), ("float64",), spare=2), ANY_BACKEND)
def test_svcca_of_all_components_is_cca(pair, backend):
    whole = fastcca.cca(*pair, backend=backend)
    for keep in (1.0, 8):
        for criterion in ("variance", "singular_values"):
            if keep == 8 and criterion != "variance":
                continue
            axes = fastcca.svcca(*pair, keep=keep, criterion=criterion, backend=backend)
            assert (axes.x_kept, axes.y_kept) == (whole.x_rank, whole.y_rank)
            # one is a condition of scaled features, the other of features as they are
            slack = promise(whole, size(pair)) + promise(axes, size(pair))
            assert_close(axes.correlations, whole.correlations, slack)


@given(integers(), ANY_BACKEND, st.sampled_from(["auto", "qr", "moments"]))
def test_ranks_of_integers_are_exact(pair, backend, method):
    found = fastcca.cca(*pair, backend=backend, method=method)
    assert (found.x_rank, found.y_rank) == (exact_rank(pair.x), exact_rank(pair.y))
    assert found.correlations.size == min(found.x_rank, found.y_rank)
    for a, dead in zip(pair, (found.x_dead, found.y_dead), strict=True):
        np.testing.assert_array_equal(dead, np.flatnonzero(np.ptp(a, axis=0) == 0.0))
        axes = fastcca.pca(a, backend=backend)
        assert axes.rank == exact_rank(a)
        assert np.all(np.diff(axes.explained_variance) <= 0.0)
    forced = found.x_rank + found.y_rank - (len(pair.x) - 1)
    assert_close(found.correlations[: max(forced, 0)], 1.0, promise(found, size(pair)))


# --- residuals ------------------------------------------------------------------------------------


@given(pairs(), ANY_BACKEND, st.sampled_from(["auto", "qr"]))
def test_variates_are_whitened_and_correlate_by_the_correlations(pair, backend, method):
    """Weights have an error of promise; the samples multiply it by at most the condition."""
    found = fastcca.cca(*pair, backend=backend, method=method)
    k, n = found.correlations.size, len(pair.x)
    u, v = found.variates(*pair)
    assert u.shape == v.shape == (n, k)
    kappa = found.condition ** (2 if found.method == "moments" else 1)
    slack = 10 * EPS * size(pair) * kappa * (1 + offset(*pair))
    assert_close(u.mean(axis=0), 0.0, slack)
    assert_close(u.T @ u / (n - 1), np.eye(k), slack)
    assert_close(v.T @ v / (n - 1), np.eye(k), slack)
    assert_close(u.T @ v / (n - 1), np.diag(found.correlations), slack)
    for a, variates, mean, loadings, dead in (
        (pair.x, u, found.x_mean, found.x_loadings, found.x_dead),
        (pair.y, v, found.y_mean, found.y_loadings, found.y_dead),
    ):
        centred = a.astype(np.float64) - mean
        deviation = np.sqrt(np.sum(centred**2, axis=0) / (n - 1))
        expected = centred.T @ variates / (n - 1)
        error = np.abs(loadings - expected).max(axis=1, initial=0.0)
        error[dead] = 0.0  # theirs are none of the core's
        assert np.all(error <= slack * deviation + 1e-300)


@given(pairs(), ANY_BACKEND)
def test_axes_and_pairs_of_directions_diagonalise(pair, backend):
    x, y = (a.astype(np.float64) - a.mean(axis=0, dtype=np.float64) for a in pair)
    n = len(x)
    dead = fastcca.cca(*pair)
    x[:, dead.x_dead], y[:, dead.y_dead] = 0.0, 0.0
    rounding = 10 * EPS * size(pair) * (1 + offset(*pair))
    axes = fastcca.pca(pair.x, backend=backend)
    turn = axes.components
    power = np.sum(x**2) / (n - 1)
    assert_close(turn @ turn.T, np.eye(len(turn)), 10 * EPS * size(pair))
    rebuilt = turn.T * axes.explained_variance @ turn
    assert_close(rebuilt, x.T @ x / (n - 1), rounding * power + 1e-300)
    found = fastcca.pls(*pair, backend=backend)
    k = found.singular_values.size
    power = np.sqrt(power * np.sum(y**2) / (n - 1))
    for weights in (found.x_weights, found.y_weights):
        assert_close(weights.T @ weights, np.eye(k), 10 * EPS * size(pair))
    rebuilt = found.x_weights * found.singular_values @ found.y_weights.T
    assert_close(rebuilt, x.T @ y / (n - 1), rounding * power + 1e-300)


# --- two backends, two routes ---------------------------------------------------------------------


@given(st.one_of(integers(4), spectra(FULL_RANK, spare=2)))
def test_backends_and_routes_agree(pair):
    rounding = 10 * EPS * size(pair) * (1 + offset(*pair))
    results = [
        fastcca.cca(*pair, backend=backend, method=method)
        for backend in BACKENDS
        for method in ("auto", "qr")
    ]
    for found in results[1:]:
        if pair.x.dtype == np.float64:  # what is rounding of float16 is a matter of a threshold
            assert (found.x_rank, found.y_rank) == (results[0].x_rank, results[0].y_rank)
        elif (found.x_rank, found.y_rank) != (results[0].x_rank, results[0].y_rank):
            assume(False)
        slack = promise(found, size(pair)) + promise(results[0], size(pair))
        slack += rounding * found.condition
        assert_close(found.correlations, results[0].correlations, slack)
        assert_close(found.condition / results[0].condition, 1.0, slack)
    for measure in (fastcca.cka, fastcca.procrustes):
        first, second = (measure(*pair, backend=backend) for backend in BACKENDS)
        assert_close(first, second, rounding)
    gain = debiased_gain(*pair)
    if gain < 1e6:
        first, second = (debiased(*pair, backend=backend) for backend in BACKENDS)
        assert_close(first, second, rounding * gain)


def test_backends_agree_on_the_axes_of_dead_features():
    # 4 is the spacing of float16 here: the first feature is rounding, and larger than the second
    x = np.array([[6036, 1], [6040, 2], [6044, 0], [6044, 0]], dtype=np.float16)
    core, textbook = (fastcca.pca(x, backend=backend) for backend in BACKENDS)
    assert core.rank == textbook.rank == 1
    assert_close(core.explained_variance, textbook.explained_variance, 1e-14)


def test_backends_agree_on_the_loadings_of_dead_features():
    x = np.array([[406, 3], [405, 1], [405, 2], [404, 2], [405, 5], [406, 0]], dtype=np.float16)
    y = np.array([[1], [2], [3], [5], [4], [0]], dtype=np.float64)
    core, textbook = (fastcca.cca(x, y, backend=backend) for backend in BACKENDS)
    np.testing.assert_array_equal(core.x_dead, [0])
    np.testing.assert_array_equal(textbook.x_dead, [0])
    assert_close(np.abs(core.x_loadings), np.abs(textbook.x_loadings), 1e-14)
