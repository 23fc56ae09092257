"""fastcca.svcca against the singular value decomposition of the data, and google's numbers."""

import numpy as np
import pytest

import fastcca
from cases import BACKENDS, google_logits, rank_deficient

CRITERIA = ("variance", "singular_values")

both_backends = pytest.mark.parametrize("backend", BACKENDS)
both_criteria = pytest.mark.parametrize("criterion", CRITERIA)


@pytest.fixture
def rng():
    return np.random.default_rng(1706)


def blocks(rng, n=300, p=6, q=5):
    """Two layers of unequal scales that share three signals."""
    shared = rng.normal(size=(n, 3))
    x = shared @ rng.normal(size=(3, p)) + rng.normal(size=(n, p)) * rng.uniform(0.1, 1, p) + 2.0
    y = shared @ rng.normal(size=(3, q)) + rng.normal(size=(n, q)) * rng.uniform(0.1, 1, q) - 1.0
    return x, y


def centred(a):
    wide = np.asarray(a, dtype=np.float64)
    return wide - wide.mean(axis=0)


def number_kept(singular, keep, criterion):
    """The smallest number of components that hold the share."""
    if isinstance(keep, int):
        return min(keep, singular.size)
    shares = singular if criterion == "singular_values" else singular**2
    m = 0
    while sum(shares[:m]) < keep * sum(shares):
        m += 1
    return m


def by_svd(x, y, keep, criterion):
    """(correlations, kept of x, kept of y), from decompositions of the data themselves."""
    bases = []
    for a, wanted in zip((x, y), keep if isinstance(keep, tuple) else (keep, keep), strict=True):
        left, singular, _ = np.linalg.svd(centred(a), full_matrices=False)
        bases.append(left[:, : number_kept(singular, wanted, criterion)])
    rho = np.linalg.svd(bases[0].T @ bases[1], compute_uv=False)
    return rho, bases[0].shape[1], bases[1].shape[1]


# --- google's activations -----------------------------------------------------------------------


@both_backends
@pytest.mark.parametrize(
    ("criterion", "kept", "key"),
    [("variance", (8, 8), "variance"), ("singular_values", (10, 10), "singular")],
)
def test_google_logits(backend, criterion, kept, key):
    stored = google_logits()

    found = fastcca.svcca(stored["x"].T, stored["y"].T, criterion=criterion, backend=backend)

    assert (found.x_kept, found.y_kept) == kept
    assert (found.x_kept, found.y_kept) == tuple(stored[f"ref_svcca99_{key}_dims"])
    np.testing.assert_allclose(
        found.correlations, stored[f"ref_svcca99_{key}_coef"], rtol=0, atol=1e-9
    )
    assert (found.x_rank, found.y_rank, found.n_samples) == (10, 10, 10_000)
    assert found.mean == pytest.approx(float(np.mean(stored[f"ref_svcca99_{key}_coef"])), abs=1e-9)


@both_backends
def test_google_tutorial(backend):
    stored = google_logits()
    k = int(stored["google_tutorial_svcca_k"])

    found = fastcca.svcca(stored["x"].T, stored["y"].T, keep=k, backend=backend)

    assert (found.x_kept, found.y_kept) == (5, 5)
    # google's is of a decomposition in single precision, and adds 1e-10 to the diagonals
    np.testing.assert_allclose(
        found.correlations, stored["google_tutorial_svcca_coef"], rtol=0, atol=1e-6
    )


# --- what is kept -------------------------------------------------------------------------------

KEEPS = [0.5, 0.9, 0.99, 0.999, 1.0, 1, 3, 50, (0.5, 0.99), (2, 4), (0.9, 2), (5, 0.7)]


@both_backends
@both_criteria
@pytest.mark.parametrize("keep", KEEPS, ids=str)
@pytest.mark.parametrize("shape", [(6, 5), (3, 8), (1, 4)], ids=str)
def test_against_decompositions_of_the_data(rng, backend, criterion, keep, shape):
    x, y = blocks(rng, 300, *shape)
    rho, x_kept, y_kept = by_svd(x, y, keep, criterion)

    found = fastcca.svcca(x, y, keep=keep, criterion=criterion, backend=backend)

    assert (found.x_kept, found.y_kept) == (x_kept, y_kept)
    np.testing.assert_allclose(found.correlations, rho, rtol=0, atol=1e-12)
    assert found.correlations.shape == (min(x_kept, y_kept),)


@both_backends
@pytest.mark.parametrize(
    ("criterion", "keep", "kept"),
    [
        # singular values 4, 2, 1, 1 of sum 8
        ("singular_values", 0.01, 1),
        ("singular_values", 0.49, 1),
        ("singular_values", 0.51, 2),
        ("singular_values", 0.74, 2),
        ("singular_values", 0.76, 3),
        ("singular_values", 0.88, 4),
        ("singular_values", 1.0, 4),
        # variances 16, 4, 1, 1 of sum 22
        ("variance", 0.72, 1),
        ("variance", 0.73, 2),
        ("variance", 0.90, 2),
        ("variance", 0.92, 3),
        ("variance", 0.96, 4),
        ("variance", 1.0, 4),
    ],
)
def test_the_component_that_crosses_is_kept(rng, backend, criterion, keep, kept):
    basis, _ = np.linalg.qr(centred(rng.normal(size=(100, 4))))
    rotation, _ = np.linalg.qr(rng.normal(size=(4, 4)))
    x = basis * [4.0, 2.0, 1.0, 1.0] @ rotation + 10.0

    found = fastcca.svcca(x, x, keep=keep, criterion=criterion, backend=backend)

    assert (found.x_kept, found.y_kept) == (kept, kept)
    np.testing.assert_allclose(found.correlations, np.ones(kept), atol=1e-12)


@both_backends
def test_keep_takes_any_number_and_any_pair(rng, backend):
    x, y = blocks(rng)
    for one, other in (
        (3, np.int64(3)),
        (3, np.uint8(3)),
        (0.75, np.float32(0.75)),
        ((2, 0.75), [2, 0.75]),
        ((4, 4), 4),
    ):
        expected = fastcca.svcca(x, y, keep=one, backend=backend)
        found = fastcca.svcca(x, y, keep=other, backend=backend)
        assert (found.x_kept, found.y_kept) == (expected.x_kept, expected.y_kept)
        np.testing.assert_array_equal(found.correlations, expected.correlations)
    # 1 is one component, 1.0 is all of them
    assert fastcca.svcca(x, y, keep=1, backend=backend).x_kept == 1
    assert fastcca.svcca(x, y, keep=1.0, backend=backend).x_kept == 6


@both_backends
def test_everything_kept_is_cca(rng, backend):
    x, y = blocks(rng)

    found = fastcca.svcca(x, y, keep=1.0, backend=backend)

    plain = fastcca.cca(x, y, backend="numpy")
    np.testing.assert_allclose(found.correlations, plain.correlations, rtol=0, atol=1e-12)


@both_backends
@both_criteria
@pytest.mark.parametrize("offset", [0.0, 100.0])
@pytest.mark.parametrize("keep", [1.0, 30, 1 - 1e-12])
def test_rounding_is_never_kept(backend, criterion, offset, keep):
    x, latent = rank_deficient(2000, 24, 8, offset=offset)

    found = fastcca.svcca(x, latent, keep=keep, criterion=criterion, backend=backend)

    assert (found.x_kept, found.x_rank) == (8, 8)
    np.testing.assert_allclose(found.correlations, np.ones(8), atol=1e-4)


@both_backends
@both_criteria
def test_dead_units_count_for_nothing(rng, backend, criterion):
    x, y = blocks(rng)
    spoiled = np.column_stack([np.full(300, 0.1), x[:, :3], np.zeros(300), x[:, 3:]])
    expected = fastcca.svcca(x, y, keep=0.95, criterion=criterion, backend=backend)

    found = fastcca.svcca(spoiled, y, keep=0.95, criterion=criterion, backend=backend)

    np.testing.assert_array_equal(found.x_dead, [0, 4])
    assert (found.x_kept, found.x_rank) == (expected.x_kept, 6)
    np.testing.assert_allclose(found.correlations, expected.correlations, rtol=0, atol=1e-13)
    np.testing.assert_allclose(found.x_weights[[0, 4]], 0.0, atol=1e-12)


@both_backends
def test_condition_is_that_of_what_was_kept(rng, backend):
    x, y = blocks(rng)
    singular = [np.linalg.svd(centred(a), compute_uv=False) for a in (x, y)]

    found = fastcca.svcca(x, y, keep=(4, 2), backend=backend)

    expected = max(singular[0][0] / singular[0][3], singular[1][0] / singular[1][1])
    assert found.condition == pytest.approx(expected, rel=1e-10)


# --- weights ------------------------------------------------------------------------------------


@both_backends
@both_criteria
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_weights_make_variates_of_unit_variance(rng, backend, criterion, dtype):
    x, y = (a.astype(dtype) for a in blocks(rng))

    found = fastcca.svcca(x, y, keep=(4, 0.8), criterion=criterion, backend=backend)

    k = found.correlations.size
    assert found.x_weights.shape == (6, k)
    assert found.y_weights.shape == (5, k)
    joint = np.cov(*(v.T for v in found.variates(x, y)))
    np.testing.assert_allclose(joint[:k, :k], np.eye(k), atol=1e-11)
    np.testing.assert_allclose(joint[k:, k:], np.eye(k), atol=1e-11)
    np.testing.assert_allclose(joint[:k, k:], np.diag(found.correlations), atol=1e-11)


@both_backends
def test_weights_stay_within_the_axes_kept(rng, backend):
    x, y = blocks(rng)
    _, _, axes = np.linalg.svd(centred(x))

    found = fastcca.svcca(x, y, keep=(3, 5), backend=backend)

    np.testing.assert_allclose(axes[3:] @ found.x_weights, 0.0, atol=1e-10)


def test_loadings_are_covariances_with_the_variates(rng):
    x, y = blocks(rng)
    for backend in BACKENDS:
        found = fastcca.svcca(x, y, keep=3, backend=backend)
        variates, _ = found.variates(x, y)
        by_hand = centred(x).T @ variates / (len(x) - 1)
        np.testing.assert_allclose(found.x_loadings, by_hand, atol=1e-11)


@both_backends
def test_without_weights(rng, backend):
    x, y = blocks(rng)
    expected = fastcca.svcca(x, y, backend=backend)

    found = fastcca.svcca(x, y, weights=False, backend=backend)

    assert found.x_weights is None
    assert found.y_loadings is None
    np.testing.assert_allclose(found.correlations, expected.correlations, rtol=0, atol=1e-13)
    with pytest.raises(ValueError, match="weights=True"):
        found.variates(x, y)


# --- invariance ---------------------------------------------------------------------------------


@both_backends
def test_scales_of_single_units_do_change_it(rng, backend):
    x, y = blocks(rng)
    scaled = x * [100.0, 1, 1, 1, 1, 1]

    found = fastcca.svcca(scaled, y, keep=0.99, backend=backend)

    assert found.x_kept == 1
    assert found.x_kept < fastcca.svcca(x, y, keep=0.99, backend=backend).x_kept


@both_backends
def test_swap(rng, backend):
    x, y = blocks(rng)
    expected = fastcca.svcca(x, y, keep=(0.9, 3), backend=backend)

    found = fastcca.svcca(y, x, keep=(3, 0.9), backend=backend)

    assert (found.y_kept, found.x_kept) == (expected.x_kept, expected.y_kept)
    np.testing.assert_allclose(found.correlations, expected.correlations, rtol=0, atol=1e-13)


@both_criteria
@pytest.mark.parametrize("scale", [1e-100, 1e100])
@both_backends
def test_extreme_units(rng, backend, criterion, scale):
    x, y = blocks(rng)
    expected = fastcca.svcca(x, y, keep=0.9, criterion=criterion, backend=backend)

    found = fastcca.svcca(x * scale, y, keep=0.9, criterion=criterion, backend=backend)

    assert found.x_kept == expected.x_kept
    np.testing.assert_allclose(found.correlations, expected.correlations, rtol=0, atol=1e-12)


# --- moments ------------------------------------------------------------------------------------


@both_backends
def test_moments_in_place_of_the_samples(rng, backend):
    x, y = blocks(rng)
    moments = fastcca.Moments()
    for rows in (slice(0, 100), slice(100, 300)):
        moments.update(layer1=y[rows], other=x[rows] ** 2, layer2=x[rows])
    rho, x_kept, y_kept = by_svd(x, y, (0.9, 3), "variance")

    found = fastcca.svcca(moments.pair("layer2", "layer1"), keep=(0.9, 3), backend=backend)

    assert (found.x_kept, found.y_kept, found.method) == (x_kept, y_kept, "moments")
    np.testing.assert_allclose(found.correlations, rho, rtol=0, atol=1e-12)
    joint = np.cov(*(v.T for v in found.variates(x, y)))
    k = rho.size
    np.testing.assert_allclose(joint[:k, k:], np.diag(rho), atol=1e-11)


@pytest.mark.parametrize(("n", "p", "q"), [(600, 60, 45), (700, 130, 7), (1000, 120, 150)])
def test_many_shapes_agree_with_the_reference(rng, n, p, q):
    x, y = (a.astype(np.float32) for a in blocks(rng, n, p, q))
    for keep in (0.9, 20):
        found = fastcca.svcca(x, y, keep=keep)
        expected = fastcca.svcca(x, y, keep=keep, backend="numpy")
        assert (found.method, expected.method) == ("moments", "qr")
        assert (found.x_kept, found.y_kept) == (expected.x_kept, expected.y_kept)
        np.testing.assert_allclose(found.correlations, expected.correlations, rtol=0, atol=1e-10)


# --- warnings and errors ------------------------------------------------------------------------


@both_backends
def test_what_counts_is_the_number_kept(rng, backend):
    """No warning (they are errors here): 60 features of 100 samples, but 5 components."""
    x, y = rng.normal(size=(100, 60)), rng.normal(size=(100, 80))

    assert fastcca.svcca(x, y, keep=5, backend=backend).correlations.size == 5

    with pytest.warns(fastcca.RankWarning, match="100 samples for 30 features") as caught:
        fastcca.svcca(x, y, keep=30, backend=backend)
    assert caught[0].filename == __file__


@both_backends
def test_fewer_samples_than_features(rng, backend):
    x, y = rng.normal(size=(20, 30)), rng.normal(size=(20, 40))
    rho, x_kept, y_kept = by_svd(x, y, 0.9, "variance")
    forced = x_kept + y_kept - 19
    assert 0 < forced < min(x_kept, y_kept)

    with pytest.warns(fastcca.RankWarning, match=f"{forced} of the {rho.size} correlations are 1"):
        found = fastcca.svcca(x, y, keep=0.9, backend=backend)

    np.testing.assert_allclose(found.correlations[:forced], 1.0, rtol=0, atol=1e-12)
    assert (found.x_rank, found.y_rank) == (19, 19)
    assert (found.x_kept, found.y_kept) == (x_kept, y_kept)
    np.testing.assert_allclose(found.correlations, rho, rtol=0, atol=1e-12)


@both_backends
@pytest.mark.parametrize("constant", [0.0, 0.1])
def test_a_side_that_does_not_vary(rng, backend, constant):
    x, _ = blocks(rng)
    dead = np.full((300, 4), constant)

    with pytest.warns(fastcca.RankWarning, match="no feature of y varies"):
        found = fastcca.svcca(x, dead, backend=backend)

    assert (found.y_kept, found.y_rank, found.mean) == (0, 0, 0.0)
    assert found.correlations.shape == (0,)
    assert found.x_weights.shape == (6, 0)
    assert found.y_weights.shape == (4, 0)


@both_backends
@pytest.mark.parametrize(
    ("keep", "error", "message"),
    [
        (0.0, ValueError, "keep=0.0 must be a share above 0"),
        (-0.5, ValueError, "keep=-0.5"),
        (1.5, ValueError, "keep=1.5"),
        (np.nan, ValueError, "keep=nan"),
        (np.inf, ValueError, "keep=inf"),
        (0, ValueError, "keep=0 must keep at least 1"),
        (-2, ValueError, "keep=-2"),
        ((0.9, 0), ValueError, "keep=0"),
        ((2.0, 0.9), ValueError, "keep=2.0"),
        ((0.9, 0.9, 0.9), ValueError, "a pair for x and y"),
        ((0.9,), ValueError, "a pair for x and y"),
        (True, TypeError, "keep=True"),
        ("all", TypeError, "keep='all'"),
        (None, TypeError, "keep=None"),
    ],
    ids=str,
)
def test_unusable_keep(rng, backend, keep, error, message):
    x, y = blocks(rng)
    with pytest.raises(error, match=message):
        fastcca.svcca(x, y, keep=keep, backend=backend)


def test_unknown_criterion(rng):
    with pytest.raises(ValueError, match=r"criterion='energy' is unknown.*singular_values"):
        fastcca.svcca(*blocks(rng), criterion="energy")


def test_result_says_what_it_is(rng):
    found = fastcca.svcca(*blocks(rng), keep=3)
    assert isinstance(found, fastcca.CCAResult)
    assert repr(found).startswith("SVCCAResult(mean=")
    with pytest.raises(AttributeError):
        found.x_kept = 2
