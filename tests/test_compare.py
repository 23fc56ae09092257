"""fastcca.compare: the numbers of the single functions, from one pass."""

import warnings

import numpy as np
import pytest

import fastcca
from cases import BACKENDS, COMPILED, google_logits

both_backends = pytest.mark.parametrize("backend", BACKENDS)
ALL = ("cca", "r2_cca", "svcca", "pwcca", "cka", "procrustes", "linear_regression_r2")


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def blocks(rng, n=200, p=6, q=4):
    shared = rng.normal(size=(n, 3))
    x = shared @ rng.normal(size=(3, p)) + rng.normal(size=(n, p)) + 2.0
    y = shared @ rng.normal(size=(3, q)) + rng.normal(size=(n, q)) - 1.0
    return x, y


def one_by_one(*pair, **options):
    cca = fastcca.cca(*pair, **options)
    return {
        "cca": cca.mean,
        "r2_cca": cca.mean_squared,
        "svcca": fastcca.svcca(*pair, **options).mean,
        "pwcca": fastcca.pwcca(*pair, **options).value,
        "cka": fastcca.cka(*pair, **options),
        "procrustes": fastcca.procrustes(*pair, **options),
        "linear_regression_r2": fastcca.linear_regression_r2(*pair, **options),
    }


# --- values -------------------------------------------------------------------------------------


@both_backends
def test_google_logits(backend):
    stored = google_logits()

    found = fastcca.compare(stored["x"].T, stored["y"].T, ALL, backend=backend)

    expected = {
        "cca": stored["ref_mean_cca"],
        "r2_cca": stored["ref_mean_cca_sq"],
        "svcca": np.mean(stored["ref_svcca99_variance_coef"]),
        "pwcca": stored["ref_pwcca_x"],
        "cka": stored["ref_cka_linear"],
        "procrustes": stored["ref_procrustes_cos"],
        "linear_regression_r2": stored["ref_linreg_y_from_x"],
    }
    assert list(found) == list(ALL)
    for name, value in expected.items():
        assert found[name] == pytest.approx(float(value), abs=1e-9), name


@both_backends
@pytest.mark.parametrize(
    "names", [(name,) for name in ALL] + [ALL, ALL[::-1], ("cka", "pwcca"), ["svcca", "cca"]]
)
def test_any_selection_has_the_numbers_of_the_single_functions(rng, backend, names):
    x, y = blocks(rng)
    expected = one_by_one(x, y, backend=backend)

    found = fastcca.compare(x, y, names, backend=backend)

    assert list(found) == list(names)
    for name in names:
        assert type(found[name]) is float
        assert found[name] == pytest.approx(expected[name], abs=1e-13)


def test_the_default_measures(rng):
    x, y = blocks(rng)
    assert list(fastcca.compare(x, y)) == ["cca", "svcca", "pwcca", "cka"]


def test_one_name_twice_or_alone_or_none(rng):
    x, y = blocks(rng)
    value = fastcca.cka(x, y)
    assert fastcca.compare(x, y, "cka") == {"cka": value}
    assert fastcca.compare(x, y, ["cka", "cka"]) == {"cka": value}
    assert fastcca.compare(x, y, []) == {}


@both_backends
def test_directions_are_those_of_the_arguments(rng, backend):
    x, y = blocks(rng)
    names = ("pwcca", "linear_regression_r2")
    found = fastcca.compare(y, x, names, backend=backend)
    assert found["pwcca"] == pytest.approx(fastcca.pwcca(y, x).value, abs=1e-12)
    assert found["linear_regression_r2"] == pytest.approx(fastcca.linear_regression_r2(y, x))
    back = fastcca.compare(x, y, names, backend=backend)
    assert all(abs(found[name] - back[name]) > 1e-3 for name in names)


# --- one pass -----------------------------------------------------------------------------------


@pytest.fixture
def batches_read(monkeypatch):
    """Shapes of the batches that are accumulated."""
    seen = []
    plain = fastcca.Moments._update

    def counted(self, batch, *rest):
        seen.append(tuple(block.shape for block in batch.values()))
        return plain(self, batch, *rest)

    monkeypatch.setattr(fastcca.Moments, "_update", counted)
    return seen


def test_the_data_are_read_once(rng, batches_read):
    x, y = blocks(rng)
    fastcca.compare(x, y, ALL, backend=COMPILED)
    assert batches_read == [((200, 6), (200, 4))]


def test_maps_are_read_once(rng, batches_read, monkeypatch):
    monkeypatch.setattr("fastcca._inputs.layouts.BLOCK_BYTES", 1000)
    x, y = rng.normal(size=(50, 4, 4, 5)), rng.normal(size=(50, 4, 4, 3))
    fastcca.compare(x, y, ALL, layout="NHWC", spatial="pool", backend=COMPILED)
    assert len(batches_read) > 1
    assert sum(shapes[0][0] for shapes in batches_read) == 50


@both_backends
def test_moments_need_no_data_at_all(rng, backend, batches_read):
    x, y = blocks(rng)
    expected = one_by_one(x, y)
    moments = fastcca.Moments()
    moments.update(b=y, other=x**2, a=x)
    batches_read.clear()

    found = fastcca.compare(moments.pair("a", "b"), measures=ALL, backend=backend)

    assert batches_read == []
    assert found == {name: pytest.approx(value, abs=1e-11) for name, value in expected.items()}


@pytest.mark.parametrize("spatial", ["fold", "pool", "flatten", "resize"])
def test_maps(rng, spatial):
    x = rng.normal(size=(120, 3, 4, 3))
    y = rng.normal(size=(120, 3, 2 if spatial == "resize" else 4, 2))
    options = {"layout": "NHWC", "spatial": spatial}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fastcca.RankWarning)  # for "flatten"
        expected = one_by_one(x, y, **options)
        found = fastcca.compare(x, y, ALL, **options)
    assert found == {name: pytest.approx(value, abs=1e-12) for name, value in expected.items()}


# --- warnings and errors ------------------------------------------------------------------------


@both_backends
@pytest.mark.parametrize("names", [("cca",), ("r2_cca", "svcca"), ("pwcca",), ALL])
def test_few_samples_warn_once_at_the_caller(rng, backend, names):
    x, y = blocks(rng, n=25)
    with pytest.warns(fastcca.RankWarning, match="25 samples for 6 features") as caught:
        fastcca.compare(x, y, names, backend=backend)
    assert [record.filename for record in caught] == [__file__]


@both_backends
def test_measures_that_are_sound_with_few_samples_do_not_warn(rng, backend):
    x, y = blocks(rng, n=10)
    found = fastcca.compare(x, y, ("cka", "procrustes", "linear_regression_r2"), backend=backend)
    assert len(found) == 3


@both_backends
def test_svcca_alone_warns_by_what_it_keeps(rng, backend):
    x = rng.normal(size=(40, 1)) @ rng.normal(size=(1, 20)) + 0.01 * rng.normal(size=(40, 20))
    y = x[:, :15] + 0.01 * rng.normal(size=(40, 15))
    assert fastcca.compare(x, y, "svcca", backend=backend)["svcca"] > 0.9
    with pytest.warns(fastcca.RankWarning, match="40 samples for 20 features"):
        fastcca.compare(x, y, ("svcca", "cca"), backend=backend)


@pytest.mark.cpu_only("the reference takes the samples")
@pytest.mark.parametrize("names", [("svcca",), ("cka", "svcca"), ("svcca", "linear_regression_r2")])
def test_svcca_of_moments_warns_of_the_digits_that_they_have_lost(rng, names):
    # One strong direction, and so many weak ones that a share of them belongs to 99 %.
    _, y = blocks(rng, n=1000)
    columns = rng.normal(size=(1000, 900))
    x, _ = np.linalg.qr(columns - columns.mean(axis=0))
    x[:, 1:] *= np.sqrt(1.5e-5)
    moments = fastcca.Moments()
    moments.update(x, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fastcca.RankWarning)
        with pytest.warns(fastcca.AccuracyWarning, match="have lost digits") as of_svcca:
            fastcca.svcca(moments)
        with pytest.warns(fastcca.AccuracyWarning, match="have lost digits") as caught:
            fastcca.compare(moments, measures=names)
    assert str(of_svcca[0].message) in [str(warning.message) for warning in caught]


@both_backends
def test_a_side_that_does_not_vary(rng, backend):
    x, _ = blocks(rng)
    with pytest.warns(fastcca.RankWarning, match="no feature of y varies"):
        found = fastcca.compare(x, np.full((200, 3), 0.1), ALL, backend=backend)
    assert found == dict.fromkeys(ALL, 0.0)


@both_backends
def test_unusable_input(rng, backend):
    x, y = blocks(rng)
    with pytest.raises(ValueError, match=r"'rsa' is unknown; there are cca, r2_cca, svcca, pwcca"):
        fastcca.compare(x, y, ("cca", "rsa"), backend=backend)
    spoiled = x.copy()
    spoiled[3, 1] = np.nan
    with pytest.raises(ValueError, match=r"x has 1 value.*sample 3, feature 1"):
        fastcca.compare(spoiled, y, ALL, backend=backend)
    with pytest.raises(ValueError, match="x has 199 samples and y has 200"):
        fastcca.compare(x[1:], y, backend=backend)
    with pytest.raises(TypeError, match="y is missing"):
        fastcca.compare(x, backend=backend)
    with pytest.raises(ValueError, match="'gpu' is unknown"):
        fastcca.compare(x, y, backend="gpu")
