"""How many digits are right, and which route finds them: ill-conditioned, rank-deficient, few."""

import importlib
import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

import fastcca
from cases import BACKENDS, COMPILED, known_correlations, mixing, rank_deficient
from oracle import exact_cca

RHO = [1 - 1e-10, 0.9, 0.5, 1e-3, 1e-9]
EPS = 2.0**-52


@pytest.fixture
def rng():
    return np.random.default_rng(4)


# --- known cosines --------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("kappa", "route", "error"),
    [
        (1.0, "moments", 1e-13),
        (1e2, "moments", 1e-11),
        (1e4, "qr", 1e-10),
        (1e6, "qr", 1e-8),
        (1e8, "qr", 1e-5),
    ],
)
@pytest.mark.parametrize("order", [1, -1])  # the largest in the strongest or the weakest direction
def test_known_cosines(kappa, route, error, seed, order):
    x, y = known_correlations(RHO[::order], n=400, p=6, q=5, kappa=kappa, seed=seed)
    truth = exact_cca(x, y)
    found = fastcca.cca(x, y)
    assert found.method == route
    np.testing.assert_allclose(found.correlations, truth.correlations, rtol=0, atol=error)
    np.testing.assert_allclose(found.correlations, RHO, rtol=0, atol=error)
    assert found.condition == pytest.approx(max(truth.x_condition, truth.y_condition), rel=error)
    weightless = fastcca.cca(x, y, weights=False)
    assert weightless.method == route
    np.testing.assert_allclose(weightless.correlations, truth.correlations, rtol=0, atol=error)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kappa", [1.0, 1e2, 1e4, 1e6, 1e8, 1e10])
def test_the_qr_route_loses_one_condition(kappa, seed):
    x, y = known_correlations(RHO, n=400, p=6, q=5, kappa=kappa, seed=seed)
    found = fastcca.cca(x, y, method="qr")
    error = np.abs(found.correlations - exact_cca(x, y).correlations).max()
    assert error < 10 * found.condition * EPS
    reference = fastcca.cca(x, y, backend="numpy")
    assert reference.method == "qr"
    np.testing.assert_allclose(
        reference.correlations, found.correlations, rtol=0, atol=20 * found.condition * EPS
    )


@pytest.mark.parametrize("kappa", [1e4, 1e6])
def test_the_moments_lose_two(kappa):
    """That is why there are two routes: this is no promise but the reason of the other."""
    x, y = known_correlations(RHO, n=400, p=6, q=5, kappa=kappa)
    truth = exact_cca(x, y).correlations
    with pytest.warns(fastcca.AccuracyWarning):
        found = fastcca.cca(x, y, method="moments")
    error = np.abs(found.correlations - truth).max()
    assert 100 * kappa * EPS < error < 20 * kappa**2 * EPS


@pytest.mark.parametrize("kappa", [1.0, 1e2, 1e4, 1e6])
@pytest.mark.parametrize("offset", [1.0, 1000.0])
def test_means_cost_what_rounding_them_costs(kappa, offset):
    """The truth is that of the stored values, which the offset has rounded already."""
    x, y = known_correlations(RHO, n=300, p=5, q=5, kappa=kappa, offset=offset)
    truth = exact_cca(x, y).correlations
    found = fastcca.cca(x, y).correlations
    atol = max(1e-13, 100 * kappa * EPS * (1 + offset), 10 * min(kappa, 1e2) ** 2 * EPS)
    np.testing.assert_allclose(found, truth, rtol=0, atol=atol)


@pytest.mark.parametrize("kappa", [1.0, 1e2, 1e6])
@pytest.mark.parametrize("parts", ["one by one", "tenths", "halves", "whole"])
@pytest.mark.parametrize("state", [fastcca.Moments, fastcca.QRFactor])
def test_chunks(kappa, parts, state):
    n = 400
    size = {"one by one": 1, "tenths": n // 10 + 1, "halves": n // 2 + 1, "whole": n}[parts]
    x, y = known_correlations(RHO, n=n, p=6, q=5, kappa=kappa, offset=1.0)
    accumulated = state()
    for i in range(0, n, size):
        accumulated.update(x[i : i + size], y[i : i + size])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = fastcca.cca(accumulated)
    power = 2 if state is fastcca.Moments else 1
    assert [w.category for w in caught] == (
        [fastcca.AccuracyWarning] if (power, kappa) == (2, 1e6) else []
    )
    atol = 1e-13 + 100 * kappa**power * EPS
    np.testing.assert_allclose(found.correlations, exact_cca(x, y).correlations, rtol=0, atol=atol)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kappa", [1.0, 1e2])
def test_scales_near_both_ends_of_the_range(backend, kappa):
    x, y = known_correlations(RHO, n=400, p=6, q=5, kappa=kappa)
    found = fastcca.cca(x * 1e-150, y * 1e150, backend=backend)
    np.testing.assert_allclose(found.correlations, RHO, rtol=0, atol=1e-13 + 10 * kappa**2 * EPS)
    assert np.isfinite(found.x_weights).all()
    assert np.isfinite(found.y_weights).all()


# --- which route ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dtype", "kappa", "route"),
    [
        # 10 kappa^2 eps passes 1e-10 at 212, and 0.1 kappa eps32 at 5e6
        (np.float64, 150.0, "moments"),
        (np.float64, 300.0, "qr"),
        (np.float32, 300.0, "moments"),
        (np.float32, 1e4, "moments"),
        (np.float16, 300.0, "moments"),
    ],
)
def test_where_the_route_changes(dtype, kappa, route):
    x, y = known_correlations([0.9, 0.5], n=400, p=4, q=3, kappa=kappa, dtype=dtype)
    found = fastcca.cca(x, y)
    assert found.method == route
    expected = fastcca.cca(x, y, method="qr").correlations
    atol = max(1e-10, 0.1 * kappa * np.finfo(dtype).eps)
    np.testing.assert_allclose(found.correlations, expected, rtol=0, atol=atol)


def test_scale_alone_changes_no_route(rng):
    x, y = known_correlations([0.9, 0.5], n=400, p=4, q=3)
    found = fastcca.cca(x * [1e-30, 1.0, 1e10, 1e60], y)
    assert found.method == "moments"
    assert found.condition == pytest.approx(1.0, abs=1e-12)
    np.testing.assert_allclose(found.correlations, [0.9, 0.5, 0.0], rtol=0, atol=1e-13)


def test_a_direction_that_only_the_data_hold_changes_the_route(rng):
    """The condition of what the moments kept is 1: it says nothing of what they could not see."""
    common, own, other = rng.normal(size=(3, 500))
    x = np.column_stack([common, common + 1e-9 * own])
    y = np.column_stack([own + 0.1 * other])
    found = fastcca.cca(x, y)
    assert (found.method, found.x_rank) == ("qr", 2)
    with pytest.warns(fastcca.AccuracyWarning, match="cannot tell 1 direction from rounding"):
        from_moments = fastcca.cca(x, y, method="moments")
    assert (from_moments.method, from_moments.x_rank) == ("moments", 1)
    assert found.correlations[0] > 0.99
    assert from_moments.correlations[0] < 0.2


@pytest.mark.parametrize(("dtype", "route"), [(np.float64, "qr"), (np.float32, "moments")])
def test_duplicates_are_settled_by_the_data(dtype, route):
    """Float64 moments cannot tell a repeated feature from one that differs in the ninth digit.

    Of float32 data they can: nothing is between the two.
    """
    x, y = (a.astype(dtype) for a in known_correlations([0.9, 0.5], n=400, p=4, q=3))
    found = fastcca.cca(np.column_stack([x, x, x[:, ::-1]]), y)
    assert (found.method, found.x_rank) == (route, 4)
    np.testing.assert_allclose(
        found.correlations, fastcca.cca(x, y).correlations, rtol=0, atol=1e-13
    )


@pytest.mark.parametrize("method", ["auto", "moments", "qr"])
def test_duplicated_and_constant_features_on_every_route(method):
    x, y = known_correlations([0.9, 0.5], n=400, p=4, q=3)
    spoiled = np.column_stack([np.full(400, 0.1), x, x[:, 1], x[:, 0] - x[:, 3], np.zeros(400)])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = fastcca.cca(spoiled, np.column_stack([y, y]), method=method)
    assert [w.category for w in caught] == [fastcca.AccuracyWarning] * (method == "moments")
    assert (found.x_rank, found.y_rank) == (4, 3)
    np.testing.assert_array_equal(found.x_dead, [0, 7])
    np.testing.assert_allclose(found.correlations, [0.9, 0.5, 0.0], rtol=0, atol=1e-13)


# --- layers of networks ---------------------------------------------------------------------------


def image_patches(n, size, rng):
    """Real patches (n, size, size), float32 from 0 to 1, of handwritten digits."""
    images = load_digits().images.astype(np.float32) / 16
    windows = np.lib.stride_tricks.sliding_window_view(images, (size, size), axis=(1, 2))
    windows = windows.reshape(-1, size, size)
    return windows[rng.choice(len(windows), n, replace=False)]


def bottleneck(n, size, rank, channels, rng):
    """A float32 layer (n, channels): convolution to `rank` channels, ReLU, 1 x 1 expansion."""
    patches = image_patches(n, size, rng).reshape(n, -1)
    kernels = rng.normal(size=(patches.shape[1], rank)).astype(np.float32) / np.float32(size)
    hidden = np.maximum(patches @ kernels, 0)
    weights = rng.normal(size=(rank, channels)).astype(np.float32) / np.float32(np.sqrt(rank))
    bias = rng.normal(size=channels).astype(np.float32) / np.float32(10)
    return hidden @ weights + bias


def batch_norm(x, rng):
    """Affine BatchNorm of a float32 layer, in float32."""
    gain = rng.uniform(0.5, 2.0, size=x.shape[1]).astype(np.float32)
    bias = rng.normal(size=x.shape[1]).astype(np.float32)
    variance = x.var(axis=0)
    return (x - x.mean(axis=0)) / np.sqrt(variance + np.float32(1e-5)) * gain + bias


def layer_norm(x):
    variance = x.var(axis=1, keepdims=True)
    return (x - x.mean(axis=1, keepdims=True)) / np.sqrt(variance + np.float32(1e-5))


@pytest.mark.parametrize("method", ["auto", "moments", "qr"])
@pytest.mark.parametrize(("size", "rank", "channels"), [(3, 8, 24), (5, 32, 200)])
def test_a_layer_and_its_batch_norm_are_the_same(rng, size, rank, channels, method):
    x = bottleneck(6000, size, rank, channels, rng)
    y = batch_norm(x, rng)
    assert x.dtype == y.dtype == np.float32
    found = fastcca.cca(x, y, method=method)
    assert (found.x_rank, found.y_rank) == (rank, rank)
    assert found.correlations.min() > 1 - 1e-5
    assert found.method == ("qr" if method == "qr" else "moments")
    assert found.condition < 1000


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("affine", [False, True])
def test_a_layer_norm_loses_one_direction(rng, backend, affine):
    x = layer_norm(rng.normal(size=(2500, 384)).astype(np.float32) @ mixing(384, 100.0, rng))
    x = x.astype(np.float32)
    if affine:
        x = x * rng.uniform(0.5, 2.0, size=384).astype(np.float32) + np.float32(0.3)
    found = fastcca.cca(x, x[:, ::2].copy(), weights=False, backend=backend)
    assert (found.x_rank, found.y_rank) == (383, 192)
    np.testing.assert_allclose(found.correlations, np.ones(192), rtol=0, atol=1e-9)


@pytest.mark.parametrize("method", ["auto", "moments", "qr"])
@pytest.mark.parametrize("offset", [0.0, 10.0, 100.0, 1000.0, 10000.0])
def test_rank_whatever_the_means(offset, method):
    x, latent = rank_deficient(3000, 24, 8, offset=offset)
    found = fastcca.cca(x, latent, method=method)
    assert found.x_rank == 8
    assert found.method == ("qr" if method == "qr" else "moments")
    # The rounding of float32 itself, of values `offset` times their spread.
    np.testing.assert_allclose(found.correlations, np.ones(8), atol=1e-6 * (1 + offset))


@pytest.mark.parametrize("method", ["auto", "moments", "qr"])
def test_float16_keeps_what_it_knows(method):
    x, y = known_correlations([0.5], n=4000, p=64, q=2, kappa=850.0, dtype=np.float16)
    found = fastcca.cca(x, y, method=method)
    assert found.x_rank == 64
    assert found.method == ("qr" if method == "qr" else "moments")
    assert found.condition == pytest.approx(850.0, rel=0.1)


# --- fewer samples than features ------------------------------------------------------------------


@pytest.fixture
def few():
    """30 samples of 500 features, and of 40."""
    rng = np.random.default_rng(30)
    return rng.normal(size=(30, 500)), rng.normal(size=(30, 40))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("method", ["auto", "qr"])
def test_cca_of_few_samples_says_that_all_is_forced(few, backend, method):
    message = "500 features: .* With 29 and 29 dimensions, 29 of the 29 correlations are 1"
    with pytest.warns(fastcca.RankWarning, match=message):
        found = fastcca.cca(*few, backend=backend, method=method)
    assert (found.x_rank, found.y_rank) == (29, 29)
    assert found.method == ("moments" if (method, backend) == ("auto", COMPILED) else "qr")
    np.testing.assert_allclose(found.correlations, np.ones(29), rtol=0, atol=1e-11)


def test_moments_of_few_samples_warn_of_both(few):
    """That 471 directions are missing is certain; how many more are, float64 moments cannot say."""
    with (
        pytest.warns(fastcca.RankWarning, match="29 of the 29 correlations are 1"),
        pytest.warns(fastcca.AccuracyWarning, match="cannot tell .* directions from rounding"),
    ):
        found = fastcca.cca(*few, method="moments")
    assert (found.x_rank, found.y_rank) == (29, 29)
    np.testing.assert_allclose(found.correlations, np.ones(29), rtol=0, atol=1e-11)


def test_cca_of_few_samples_and_one_side_that_is_small(few):
    x, y = few
    with pytest.warns(fastcca.RankWarning, match="29 and 3 dimensions, 3 of the 3 correlations"):
        found = fastcca.cca(x, y[:, :3])
    np.testing.assert_allclose(found.correlations, np.ones(3), rtol=0, atol=1e-11)
    with pytest.warns(fastcca.RankWarning, match="20 and 12 dimensions, 3 of the 12 correlations"):
        found = fastcca.cca(x[:, :20], y[:, :12])
    np.testing.assert_allclose(found.correlations[:3], np.ones(3), rtol=0, atol=1e-11)
    assert found.correlations[3] < 1 - 1e-4


def test_the_others_go_on_with_few_samples(few):
    """Through the Gram matrices, what they are for n < p by definition."""
    x, y = few
    xc, yc = x - x.mean(axis=0), y - y.mean(axis=0)
    k, m = xc @ xc.T, yc @ yc.T
    cka = np.sum(k * m) / np.sqrt(np.sum(k * k) * np.sum(m * m))
    assert fastcca.cka(x, y) == pytest.approx(cka, rel=1e-12)
    singular = np.linalg.svd(xc.T @ yc)[1]
    np.testing.assert_allclose(
        fastcca.pls(x, y).singular_values, singular[:30] / 29, rtol=1e-12, atol=1e-12
    )
    procrustes = singular.sum() / np.sqrt(np.trace(k) * np.trace(m))
    assert fastcca.procrustes(x, y) == pytest.approx(procrustes, rel=1e-12)
    assert fastcca.linear_regression_r2(x, y) == pytest.approx(1.0, abs=1e-11)
    axes = fastcca.pca(x)
    assert axes.rank == 29
    np.testing.assert_allclose(axes.singular_values[:29], np.linalg.svd(xc)[1][:29], rtol=1e-10)
    with pytest.warns(fastcca.RankWarning, match="30 samples for 10 features"):
        kept = fastcca.svcca(x, y, keep=10)
    scores = [np.linalg.svd(a)[0][:, :10] for a in (xc, yc)]
    expected = np.linalg.svd(scores[0].T @ scores[1])[1]
    np.testing.assert_allclose(kept.correlations, expected, rtol=0, atol=1e-11)


# --- matrices of every kind -----------------------------------------------------------------------

P = 12
SPECTRA = {
    "identity": np.ones(P),
    "even": np.linspace(1.0, 1e-2, P),
    "geometric": np.geomspace(1.0, 1e-2, P),
    "steep": np.geomspace(1.0, 1e-7, P),
    "one large": np.r_[1.0, np.full(P - 1, 1e-2)],
    "one small": np.r_[np.ones(P - 1), 1e-6],
    "clusters": np.repeat([1.0, 1e-2, 1e-5], P // 3),
    "rank deficient": np.r_[np.geomspace(1.0, 0.1, P - 3), np.zeros(3)],
}


@pytest.mark.parametrize("spectrum", SPECTRA)
@pytest.mark.parametrize("method", ["auto", "qr"])
def test_residuals(rng, spectrum, method):
    """Whitening, diagonality and reconstruction, each in units of what the route promises."""
    singular = SPECTRA[spectrum]
    n = 300
    rotation, _ = np.linalg.qr(rng.normal(size=(P, P)))
    x = rng.normal(size=(n, P)) * singular @ rotation
    y = x[:, :5] + rng.normal(size=(n, 5)) * singular[0] / 10
    found = fastcca.cca(x, y, method=method)
    rank = np.count_nonzero(singular)
    assert (found.x_rank, found.y_rank) == (rank, 5)
    u, v = found.variates(x, y)
    joint = np.cov(u.T, v.T)
    k = found.correlations.size
    # Forming variates costs the condition once more, whatever the weights.
    slack = 100 * EPS * (found.condition if found.method == "qr" else found.condition**2)
    np.testing.assert_allclose(joint[:k, :k], np.eye(k), rtol=0, atol=slack)
    np.testing.assert_allclose(joint[k:, k:], np.eye(k), rtol=0, atol=slack)
    np.testing.assert_allclose(joint[:k, k:], np.diag(found.correlations), rtol=0, atol=slack)
    # y = sum of its variates times their loadings, where there are as many as features
    rebuilt = v @ found.y_loadings.T + found.y_mean
    np.testing.assert_allclose(rebuilt, y, rtol=0, atol=slack * np.abs(y).max())


# --- the page -------------------------------------------------------------------------------------


@pytest.mark.cpu_only("the page's errors of moments are those of its sums")
def test_the_table_of_the_page_is_what_the_script_computes(monkeypatch):
    """Errors to a factor of 30, which is what another LAPACK may make of them."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent.parent / "docs" / "scripts"))
    accuracy, pages = (importlib.import_module(name) for name in ("accuracy", "pages"))
    stored = pages.pasted(accuracy.PAGE, accuracy.NAME)
    for cells, row in zip(stored, accuracy.rows(), strict=True):
        now = row.cells()
        assert (cells[0], cells[-1]) == (now[0], now[-1])
        for then, outcome in zip(cells[1:-1], row.outcomes, strict=True):
            if isinstance(outcome, str) or not then[0].isdigit():
                assert then == outcome
            else:
                assert float(then) / 30 <= outcome + 1e-15
                assert outcome <= float(then) * 30
