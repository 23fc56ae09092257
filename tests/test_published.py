"""`fastcca.cca` against what R, SAS, MATLAB, UCLA and google/svcca printed, to every digit."""

import json
from typing import Any

import numpy as np
import pytest
from scipy import stats

import fastcca
from cases import BACKENDS, DATA, PublishedCase, assert_printed, google_logits, published_case

NAMES = ("carbig", "frets", "lifecyclesavings", "linnerud", "mmreg")


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    if request.param not in fastcca.backends():
        pytest.skip(f"backend {request.param} cannot run here")
    return str(request.param)


@pytest.fixture(params=NAMES)
def each_case(request: pytest.FixtureRequest) -> PublishedCase:
    return published_case(request.param)


def signs(actual: np.ndarray, printed: Any) -> np.ndarray:
    """+1 or -1 for each column: the sign of a pair of canonical weights is arbitrary."""
    target = np.array(printed).astype(np.float64)
    return np.where(np.sum(actual * target, axis=0) < 0.0, -1.0, 1.0)


def test_thirty_digits(each_case, backend):
    found = fastcca.cca(each_case.x, each_case.y, backend=backend)

    np.testing.assert_allclose(found.correlations, each_case.truth, rtol=0, atol=1e-12)
    assert found.n_samples == each_case.x.shape[0]
    assert (found.x_rank, found.y_rank) == (each_case.x.shape[1], each_case.y.shape[1])


# --- weights and centres ----------------------------------------------------------------------


def test_r_cancor(backend):
    case = published_case("lifecyclesavings")

    found = fastcca.cca(case.x, case.y, backend=backend)

    assert_printed(found.correlations, case.published["cancor"])
    assert_printed(found.x_mean, case.published["xcenter"])
    assert_printed(found.y_mean, case.published["ycenter"])
    # R's variates have unit norm, not unit variance; its third column of ycoef is no canonical
    # weight but completes the basis
    to_unit_norm = 1.0 / np.sqrt(found.n_samples - 1)
    xcoef = case.published["xcoef_up_to_sign"]
    ycoef = [row[:2] for row in case.published["ycoef_up_to_sign"]]
    sign = signs(found.x_weights, xcoef)
    assert_printed(found.x_weights * to_unit_norm * sign, xcoef)
    assert_printed(found.y_weights * to_unit_norm * sign, ycoef)


@pytest.mark.parametrize("name", ["linnerud", "mmreg"])
def test_sas_and_ucla_weights(name, backend):
    case = published_case(name)

    found = fastcca.cca(case.x, case.y, backend=backend)

    assert_printed(found.correlations, case.published["cancor"])
    sign = signs(found.x_weights, case.published["xcoef_up_to_sign"])
    assert_printed(found.x_weights * sign, case.published["xcoef_up_to_sign"])
    assert_printed(found.y_weights * sign, case.published["ycoef_up_to_sign"])


def test_ucla_weights_of_single_precision_data(backend):
    # The rounding of the data shows in the last digits, so this fails if the data are read in
    # anything but their own precision.
    case = published_case("mmreg")
    printed = case.raw["published_float32"]

    found = fastcca.cca(case.x.astype(np.float32), case.y.astype(np.float32), backend=backend)

    sign = signs(found.x_weights, printed["xcoef_up_to_sign"])
    assert_printed(found.x_weights * sign, printed["xcoef_up_to_sign"])
    assert_printed(found.y_weights * sign, printed["ycoef_up_to_sign"])


def test_matlab_canoncorr(backend):
    case = published_case("carbig")

    found = fastcca.cca(case.x, case.y, backend=backend)

    printed = case.published["A_up_to_sign"]
    assert_printed(found.x_weights * signs(found.x_weights, printed), printed)


def test_mardia_head_sizes(backend):
    case = published_case("frets")

    found = fastcca.cca(case.x, case.y, backend=backend)

    assert_printed(found.correlations, case.published["cancor"])
    assert_printed(found.correlations, ["0.7885", "0.0537"])  # the book's


# --- test statistics that follow from the correlations ----------------------------------------


def statistics_of_the_rest(rho: np.ndarray, n: int, p: int, q: int) -> dict[str, np.ndarray]:
    """Statistics of the hypotheses that all correlations from the k-th on are zero.

    Rao's F approximation to Wilks' lambda (Rao 1951; Mardia, Kent & Bibby 1979, section 10.2.2).
    """
    rows = []
    for k in range(rho.size):
        rest = rho[k:] ** 2
        pk, qk = p - k, q - k
        wilks = np.prod(1.0 - rest)
        between = pk**2 + qk**2 - 5
        s = np.sqrt((pk**2 * qk**2 - 4) / between) if between > 0 else 1.0
        df1 = pk * qk
        df2 = (n - 1.5 - (p + q) / 2) * s - df1 / 2 + 1
        root = wilks ** (1 / s)
        f = (1 - root) / root * df2 / df1
        rows.append(
            (wilks, f, df1, df2, stats.f.sf(f, df1, df2), np.sum(rest), np.sum(rest / (1 - rest)))
        )
    names = ("wilks", "wilks_F", "wilks_df1", "wilks_df2", "wilks_p", "pillai", "hotelling_lawley")
    return dict(zip(names, np.array(rows).T, strict=True))


@pytest.mark.parametrize("name", ["frets", "linnerud", "mmreg"])
def test_multivariate_statistics(name, backend):
    case = published_case(name)
    n, p = case.x.shape
    q = case.y.shape[1]

    found = fastcca.cca(case.x, case.y, weights=False, backend=backend)

    computed = statistics_of_the_rest(found.correlations, n, p, q)
    compared = 0
    for statistic, values in computed.items():
        printed = case.published.get(statistic)
        if printed is None:
            continue
        one_number = isinstance(printed, str)  # SAS prints some for all correlations alone
        assert_printed(values[:1] if one_number else values, [printed] if one_number else printed)
        compared += 1
    assert compared == len(computed)


def test_sas_roy(backend):
    case = published_case("linnerud")

    found = fastcca.cca(case.x, case.y, weights=False, backend=backend)

    largest = found.correlations[0] ** 2
    assert_printed([largest / (1.0 - largest)], [case.published["roy"]])


# --- principal angles -------------------------------------------------------------------------


@pytest.mark.parametrize("index", range(4))
def test_matlab_subspace(index, backend):
    case = json.loads((DATA / "subspace.json").read_text(encoding="utf-8"))
    matrix = np.array(case["matrix"])
    pair = case["published"][index]
    # The angles are between uncentred column spaces. A and -A below each other have mean zero
    # and the same inner products, doubled; copies only add samples.
    symmetric = np.tile(np.concatenate([matrix, -matrix]), (4, 1))

    found = fastcca.cca(symmetric[:, pair["a_cols"]], symmetric[:, pair["b_cols"]], backend=backend)

    if "angles" in pair:
        np.testing.assert_allclose(
            found.correlations[::-1], np.cos(pair["angles"]), rtol=0, atol=1e-12
        )
    else:
        assert np.arccos(found.correlations[-1]) == pytest.approx(
            pair["largest_angle"], rel=case["rtol"]
        )


# --- google's activations ---------------------------------------------------------------------


def test_google_mnist_logits(backend):
    stored = google_logits()
    x, y = stored["x"].T, stored["y"].T  # stored as neurons x datapoints

    found = fastcca.cca(x, y, backend=backend)

    np.testing.assert_allclose(
        found.correlations, stored["truth_longdouble_cca"], rtol=0, atol=1e-12
    )
    assert (found.x_rank, found.y_rank, found.n_samples) == (10, 10, 10_000)
    assert found.mean == pytest.approx(float(stored["ref_mean_cca"]), abs=1e-12)
    assert_printed([found.mean], ["0.70572631"])
    assert found.mean_squared == pytest.approx(float(stored["ref_mean_cca_sq"]), abs=1e-12)
    # google's own threshold of 0.98 and its coefficients, in which it centres in float32
    assert found.thresholded_mean(0.98) == pytest.approx(
        float(stored["google_eps0_mean_thr098"]), abs=1e-7
    )
    np.testing.assert_allclose(
        found.correlations, stored["google_eps0_cca_coef1"], rtol=0, atol=1e-8
    )
