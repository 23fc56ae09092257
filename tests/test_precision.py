"""Single precision: the bound holds, what it does not allow is refused, and states remember it."""

import pickle
import warnings

import numpy as np
import pytest

import fastcca
from cases import known_correlations, rank_deficient

EPS = 2.0**-52
EPS32 = 2.0**-23
RHO = [0.999, 0.9, 0.5, 1e-3]


@pytest.fixture
def pair():
    return known_correlations(RHO, n=700, p=6, q=4, kappa=3.0, dtype=np.float32)


def single(*blocks, parts=1):
    moments = fastcca.Moments(precision="single")
    for batch in zip(*(np.array_split(block, parts) for block in blocks), strict=True):
        moments.update(*batch)
    return moments


# --- the bound ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kappa", [1.0, 3.0, 10.0, 14.0])
@pytest.mark.parametrize(("n", "p"), [(60, 5), (300, 12), (5000, 40)])
@pytest.mark.parametrize("offset", [0.0, 30.0])
@pytest.mark.parametrize("seed", range(3))
def test_known_cosines_are_within_the_bound(kappa, n, p, offset, seed):
    x, y = known_correlations(RHO, n=n, p=p, q=4, kappa=kappa, offset=offset, seed=seed)
    found = fastcca.cca(x, y, precision="single", weights=False)
    assert found.condition == pytest.approx(kappa, rel=0.02)
    assert found.error_bound == pytest.approx(40 * found.condition**2 * EPS32)
    assert found.method == "moments"
    np.testing.assert_allclose(found.correlations, RHO, rtol=0, atol=found.error_bound)


def few_values(seed):
    """Samples of a few distinct values: their products round to the same side again and again."""
    rng = np.random.default_rng(seed)
    n, p, levels = rng.choice([100, 128, 256, 1000]), rng.integers(1, 4), rng.integers(2, 5)
    values = rng.normal(size=levels) * rng.choice([1, 10]) + rng.normal()
    x = values[rng.choice(levels, p=rng.dirichlet(np.ones(levels)), size=(n, p))]
    noisy = rng.uniform(size=(n, 1)) < rng.uniform(0, 0.5)
    return x, np.where(noisy, rng.permutation(x), x) * rng.normal() + rng.normal()


def test_samples_that_are_alike_are_within_the_bound_and_not_far_below_it():
    ratios = []
    for seed in range(600):
        x, y = few_values(seed)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = fastcca.cca(x, y, precision="single", weights=False)
                wanted = fastcca.cca(x, y, weights=False)
        except ValueError:
            continue
        assert (found.x_rank, found.y_rank) == (wanted.x_rank, wanted.y_rank)
        if wanted.correlations.size:
            error = np.abs(found.correlations - wanted.correlations).max()
            ratios.append(error / found.error_bound)
    assert len(ratios) > 200
    assert 0.05 < max(ratios) < 1.0


@pytest.mark.parametrize("n", [32, 64, 100, 256])
@pytest.mark.parametrize("outlier", [0, 1, 20])
def test_one_sample_that_differs_from_all_others_is_within_the_bound(n, outlier):
    """All products after that sample's own are added to a large sum, and round to one side."""
    ratios = []
    for seed in range(50):
        usual, other, slope = np.random.default_rng(seed).normal(size=3)
        x = np.full((n, 1), usual)
        x[outlier] = other
        found = fastcca.cca(x, slope * x, precision="single", weights=False)
        ratios.append(abs(found.correlations[0] - 1) / found.error_bound)
    assert max(ratios) < 1.0


@pytest.mark.parametrize("method", ["moments", "qr"])
def test_bounds_of_double_precision(pair, method):
    found = fastcca.cca(*pair, method=method)
    kappa = found.condition
    expected = 10 * (kappa**2 if method == "moments" else kappa) * EPS
    assert found.error_bound == pytest.approx(max(expected, 1e-14))


@pytest.mark.parametrize("method", ["moments", "qr"])
def test_no_bound_of_double_precision_is_below_what_a_decomposition_loses(method):
    x, y = np.random.default_rng(5).standard_normal((2, 500, 3))
    found = fastcca.cca(x, y, method=method)
    assert 10 * found.condition**2 * EPS < 1e-14
    assert found.error_bound == 1e-14


def test_bounds_of_the_others(pair):
    kept = fastcca.svcca(*pair, precision="single")
    assert kept.error_bound == pytest.approx(40 * kept.condition**2 * EPS32)
    weighted = fastcca.pwcca(*pair, precision="single")
    assert weighted.error_bound == fastcca.cca(*pair, precision="single").error_bound
    double = fastcca.pwcca(*pair)
    assert abs(weighted.value - double.value) < weighted.error_bound
    assert double.error_bound < 1e-13 < weighted.error_bound


def test_a_ridge_lifts_the_condition_of_the_bound(pair):
    found = fastcca.cca(*pair, ridge=1.0, precision="single")
    assert found.error_bound == pytest.approx(40 / (1 / found.condition**2 + 1) * EPS32)


def test_numpy_computes_in_double(pair):
    found = fastcca.cca(*pair, precision="single", backend="numpy")
    assert found.error_bound < 1e-13
    with pytest.raises(ValueError, match="does not take moments of precision='single'"):
        fastcca.cca(single(*pair), backend="numpy")


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize("function", [fastcca.cca, fastcca.pwcca])
def test_a_condition_that_leaves_no_answer_is_refused(function):
    x, y = known_correlations(RHO, n=700, p=6, q=4, kappa=50.0)
    message = (
        r"precision='single' cannot answer for data of condition 50: the error may be 1\.2e-02, "
        r"and 0\.001 is the most; use precision='double'"
    )
    with pytest.raises(ValueError, match=message):
        function(x, y, precision="single")
    with pytest.raises(ValueError, match=message):
        function(single(x, y))
    assert function(x, y, precision="double").error_bound < 1e-11


def test_regression_of_such_moments_is_refused_as_well():
    moments = single(*known_correlations(RHO, n=700, p=6, q=4, kappa=50.0))
    with pytest.raises(ValueError, match="precision='single' cannot answer"):
        fastcca.linear_regression_r2(moments)


def test_components_of_little_variance_need_not_be_kept():
    x, y = known_correlations(RHO, n=700, p=6, q=4, kappa=200.0)
    found = fastcca.svcca(x, y, keep=2, precision="single")
    wanted = fastcca.svcca(x, y, keep=2)
    np.testing.assert_allclose(
        found.correlations, wanted.correlations, rtol=0, atol=found.error_bound
    )


@pytest.mark.parametrize("n", [100, 3000])
def test_directions_below_the_rounding_are_neither_kept_nor_left_out_in_silence(n):
    x, latent = rank_deficient(n, 24, 8)
    message = "precision='single' cannot tell 16 directions from rounding; use precision='double'"
    with pytest.raises(ValueError, match=message):
        fastcca.cca(x, latent, precision="single")
    for given in ((single(x, latent),), (x, latent)):
        options = {} if len(given) == 1 else {"method": "moments", "precision": "single"}
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            found = fastcca.cca(*given, **options)
        assert found.x_rank == 8
        assert any("cannot tell 16 directions from rounding" in str(w.message) for w in caught)
        np.testing.assert_allclose(found.correlations, np.ones(8), atol=found.error_bound)


@pytest.mark.parametrize("function", [fastcca.cca, fastcca.svcca, fastcca.pwcca])
def test_unknown_and_contradictory_options(pair, function):
    with pytest.raises(ValueError, match=r"precision='half' is unknown; .*'double', 'single'"):
        function(*pair, precision="half")
    for state in (fastcca.Moments, fastcca.QRFactor):
        accumulated = state()
        accumulated.update(*pair)
        with pytest.raises(ValueError, match=f"too late for a {state.__name__} of double"):
            function(accumulated, precision="single")
    function(single(*pair), precision="single")


def test_single_is_for_moments(pair):
    with pytest.raises(ValueError, match="precision='half' is unknown"):
        fastcca.Moments(precision="half")
    with pytest.raises(ValueError, match="precision='single' is for moments; method='qr'"):
        fastcca.cca(*pair, precision="single", method="qr")


# --- states ---------------------------------------------------------------------------------------


def test_batches_and_arrays_say_the_same(pair):
    whole = fastcca.cca(*pair, precision="single")
    np.testing.assert_array_equal(whole.correlations, fastcca.cca(single(*pair)).correlations)
    in_parts = fastcca.cca(single(*pair, parts=7))
    np.testing.assert_allclose(
        in_parts.correlations, whole.correlations, rtol=0, atol=whole.error_bound
    )


def test_a_state_remembers(pair):
    moments = single(*pair)
    assert moments.precision == "single"
    assert repr(moments).endswith("precision='single')")
    double = fastcca.Moments()
    double.update(*pair)
    assert double.precision == "double"
    assert "precision" not in repr(double)
    for same in (moments.copy(), pickle.loads(pickle.dumps(moments)), moments.pair("y", "x")):
        assert same.precision == "single"
    assert moments.pair("y", "x").copy().precision == "single"
    for mixed in (moments + double, double + moments, double.copy() + single(*pair)):
        assert mixed.precision == "single"
        assert fastcca.cca(mixed).error_bound > 1e-7
    assert (double + double).precision == "double"
    stored = pickle.loads(pickle.dumps(moments))
    np.testing.assert_array_equal(stored.covariance("x", "y"), moments.covariance("x", "y"))


def test_pickles_of_format_1_are_double(pair):
    double = fastcca.Moments()
    double.update(*pair)
    restore, (content,) = double.__reduce__()
    assert content["format"] == 3
    newer = ("precision", "pairs")
    old = {key: value for key, value in content.items() if key not in newer} | {"format": 1}
    assert restore(old).precision == "double"
    with pytest.raises(ValueError, match="precision='half' is unknown"):
        restore({**content, "precision": "half"})


def test_the_same_bits_on_any_number_of_threads():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3000, 300)).astype(np.float32)
    found = []
    for threads in (1, 2, 3):
        fastcca.set_num_threads(threads)
        found.append(single(x, x[:, ::2]).covariance("x", "y"))
    fastcca.set_num_threads(0)
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


def test_maps_and_scales(pair):
    x, y = pair
    maps = fastcca.cca(
        x.reshape(7, 10, 10, 6), y.reshape(7, 10, 10, 4), layout="NHWC", precision="single"
    )
    plain = fastcca.cca(x, y, precision="single")
    np.testing.assert_allclose(
        maps.correlations, plain.correlations, rtol=0, atol=plain.error_bound
    )
    far = fastcca.cca(x.astype(float) * 1e-200, y.astype(float) * 1e200, precision="single")
    assert far.error_bound == pytest.approx(plain.error_bound, rel=1e-3)
    np.testing.assert_allclose(far.correlations, plain.correlations, rtol=0, atol=far.error_bound)


def test_complex_samples(pair):
    x, y = pair
    found = fastcca.cca(x[:, :3] + 1j * x[:, 3:], y.astype(complex), precision="single")
    wanted = fastcca.cca(x[:, :3] + 1j * x[:, 3:], y.astype(complex))
    np.testing.assert_allclose(
        found.correlations, wanted.correlations, rtol=0, atol=found.error_bound
    )
