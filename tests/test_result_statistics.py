"""The statistics that a CCA result offers, against what SAS printed and the laws of null data."""

import numpy as np
import pytest
from scipy import stats

import fastcca
from cases import BACKENDS, assert_printed, published_case

both_backends = pytest.mark.parametrize("backend", BACKENDS)


@both_backends
def test_sas_on_linnerud(backend):
    case = published_case("linnerud")

    found = fastcca.cca(case.x, case.y, backend=backend).tests

    assert_printed(
        [found.wilks.statistic, found.pillai.statistic, found.hotelling_lawley.statistic],
        [case.published["wilks"][0], case.published["pillai"], case.published["hotelling_lawley"]],
    )
    assert_printed([found.roy.statistic], [case.published["roy"]])
    assert_printed([found.wilks.f], [case.published["wilks_F"][0]])
    assert_printed([found.wilks.df1, found.wilks.df2], ["9", case.published["wilks_df2"][0]])
    assert_printed([found.wilks.p_value], [case.published["wilks_p"][0]])


@both_backends
def test_bartlett_on_linnerud(backend):
    case = published_case("linnerud")
    n, p, q = 20, 3, 3
    rest = [np.prod(1.0 - case.truth[i:] ** 2) for i in range(3)]

    found = fastcca.cca(case.x, case.y, backend=backend).bartlett_test()

    expected = [-(n - 1 - (p + q + 1) / 2) * np.log(value) for value in rest]
    np.testing.assert_allclose(found.chi2, expected, rtol=1e-10)
    np.testing.assert_array_equal(found.df, [9, 4, 1])
    np.testing.assert_allclose(found.p_values, stats.chi2.sf(expected, [9, 4, 1]), rtol=1e-9)
    # R's CCP and SAS agree with the first to the decimals of the F test only
    assert found.p_values[0] == pytest.approx(0.0635, abs=0.01)


@both_backends
def test_ranks_and_not_features_are_the_degrees_of_freedom(backend):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(50, 3)), rng.normal(size=(50, 2))
    plain = fastcca.cca(x, y, backend=backend)
    spoiled = fastcca.cca(
        np.column_stack([x, x[:, 0], np.full(50, 0.1)]), np.column_stack([y, y[:, 1]]),
        backend=backend,
    )  # fmt: skip
    assert spoiled.tests.wilks.df1 == plain.tests.wilks.df1 == 6
    assert spoiled.tests.wilks.p_value == pytest.approx(plain.tests.wilks.p_value, rel=1e-9)
    np.testing.assert_array_equal(spoiled.bartlett_test().df, [6, 2])


def test_p_values_of_independent_data_are_uniform():
    rng = np.random.default_rng(1)
    results = [fastcca.cca(rng.normal(size=(60, 3)), rng.normal(size=(60, 4))) for _ in range(200)]
    for values in (
        [r.tests.wilks.p_value for r in results],
        [r.bartlett_test().p_values[0] for r in results],
    ):
        assert stats.kstest(values, "uniform").pvalue > 1e-3


def test_mean_squared_of_independent_data_is_that_of_null_cca():
    rng = np.random.default_rng(2)
    chance = fastcca.null_cca(60, 5, 8).mean_squared
    draws = [
        fastcca.cca(rng.normal(size=(60, 5)), rng.normal(size=(60, 8)), weights=False).mean_squared
        for _ in range(300)
    ]
    assert chance == 8 / 59
    assert np.mean(draws) == pytest.approx(chance, abs=4 * np.std(draws) / np.sqrt(300))


def test_svcca_is_tested_by_its_correlations():
    """k correlations from ranks above k: the tests are of the components kept."""
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(80, 6)), rng.normal(size=(80, 5))
    found = fastcca.svcca(x, y, keep=(4, 3))
    scores = [fastcca.pca(a).components[:k] @ a.T for a, k in ((x, 4), (y, 3))]
    expected = fastcca.cca(scores[0].T, scores[1].T)
    assert found.tests.wilks.p_value == pytest.approx(expected.tests.wilks.p_value, rel=1e-9)
    np.testing.assert_array_equal(found.bartlett_test().df, [12, 6, 2])


def test_what_cannot_be_tested():
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(40, 3)), rng.normal(size=(40, 4))
    for result in (fastcca.cca(x * 1j, y), fastcca.cca(x, y + 1j)):
        with pytest.raises(ValueError, match="real data"):
            _ = result.tests
        with pytest.raises(ValueError, match="real data"):
            result.bartlett_test()
    with pytest.warns(fastcca.RankWarning):
        few = fastcca.cca(x[:8], y[:8])
    with pytest.raises(ValueError, match="n_samples=8 are too few"):
        _ = few.tests
    with pytest.warns(fastcca.RankWarning):
        dead = fastcca.cca(x, np.zeros((40, 2)))
    with pytest.raises(ValueError, match="no correlation to test"):
        dead.bartlett_test()
