"""CKA, Procrustes and linear regression against published values, loops, SciPy and lstsq."""

import itertools
import tracemalloc

import numpy as np
import pytest
from scipy import linalg

import fastcca
from cases import BACKENDS, DTYPES, assert_printed, google_logits, rank_deficient, small_integers
from fastcca import reference

both_backends = pytest.mark.parametrize("backend", BACKENDS)
MEASURES = {
    "cka": fastcca.cka,
    "debiased": lambda *pair, **options: fastcca.cka(*pair, debiased=True, **options),
    "procrustes": fastcca.procrustes,
    "linear_regression_r2": fastcca.linear_regression_r2,
}
every_measure = pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES)


@pytest.fixture
def rng():
    return np.random.default_rng(1905)


def blocks(rng, n=60, p=4, q=3):
    shared = rng.normal(size=(n, 2))
    x = shared @ rng.normal(size=(2, p)) + rng.normal(size=(n, p)) * rng.uniform(0.3, 2, p) + 3.0
    y = shared @ rng.normal(size=(2, q)) + rng.normal(size=(n, q)) * rng.uniform(0.3, 2, q) - 1.0
    return x, y


def centred(a):
    wide = np.asarray(a, dtype=np.float64)
    return wide - wide.mean(axis=0)


# --- google's activations -----------------------------------------------------------------------


@both_backends
def test_google_logits(backend):
    stored = google_logits()
    x, y = stored["x"].T, stored["y"].T

    cka = fastcca.cka(x, y, backend=backend)
    procrustes = fastcca.procrustes(x, y, backend=backend)
    y_from_x = fastcca.linear_regression_r2(x, y, backend=backend)
    x_from_y = fastcca.linear_regression_r2(y, x, backend=backend)

    assert_printed(
        [cka, procrustes, y_from_x, x_from_y], ["0.4374523124", "0.70769", "0.73107", "0.74667"]
    )
    assert cka == pytest.approx(float(stored["ref_cka_linear"]), abs=1e-12)
    assert procrustes == pytest.approx(float(stored["ref_procrustes_cos"]), abs=1e-12)
    assert y_from_x == pytest.approx(float(stored["ref_linreg_y_from_x"]), abs=1e-12)
    assert x_from_y == pytest.approx(float(stored["ref_linreg_x_from_y"]), abs=1e-12)
    assert all(isinstance(value, float) for value in (cka, procrustes, y_from_x))


def test_google_logits_debiased():
    stored = google_logits()
    x, y = stored["x"].T[::10], stored["y"].T[::10]
    expected = reference.cka(x, y, debiased=True)
    assert fastcca.cka(x, y, debiased=True) == pytest.approx(expected, abs=1e-12)
    assert abs(expected - fastcca.cka(x, y)) > 1e-4


# --- CKA ----------------------------------------------------------------------------------------


def centred_grams(x, y):
    """Gram matrices, centred by rows and by columns, written out."""
    n = len(x)
    centring = np.eye(n) - np.full((n, n), 1.0 / n)
    for a in (x, y):
        gram = np.array([[sum(u * v) for v in a] for u in a])
        yield centring @ gram @ centring


@both_backends
@pytest.mark.parametrize(("n", "p", "q"), [(12, 3, 5), (6, 9, 2), (9, 1, 1)])
def test_cka_is_the_alignment_of_gram_matrices(rng, backend, n, p, q):
    x, y = blocks(rng, n, p, q)
    k, m = centred_grams(x, y)
    expected = np.trace(k @ m) / np.sqrt(np.trace(k @ k) * np.trace(m @ m))
    assert fastcca.cka(x, y, backend=backend) == pytest.approx(expected, abs=1e-13)


def u_statistic(x, y):
    """HSIC by its definition: a mean over ordered quadruples of distinct samples."""
    k, m = x @ x.T, y @ y.T
    values = [
        k[i, j] * (m[i, j] + m[q, r] - 2.0 * m[i, q])
        for i, j, q, r in itertools.permutations(range(len(x)), 4)
    ]
    return sum(values) / len(values)


@both_backends
@pytest.mark.parametrize(("n", "p", "q"), [(4, 2, 3), (6, 3, 5), (8, 12, 2)])
def test_debiased_cka_is_of_u_statistics(rng, backend, n, p, q):
    x, y = blocks(rng, n, p, q)
    expected = u_statistic(x, y) / np.sqrt(u_statistic(x, x) * u_statistic(y, y))
    found = fastcca.cka(x, y, debiased=True, backend=backend)
    assert found == pytest.approx(expected, abs=1e-11)


@pytest.mark.parametrize("offset", [0.0, 1e4])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int16])
def test_debiased_cka_agrees_with_the_reference(rng, dtype, offset):
    if dtype == np.float16:
        offset /= 1000
    x, y = ((10 * a + offset).astype(dtype) for a in blocks(rng, 700, 12, 9))
    expected = reference.cka(x, y, debiased=True)
    assert fastcca.cka(x, y, debiased=True) == pytest.approx(expected, abs=1e-12)


def test_debiased_cka_of_independent_data_is_zero_on_average(rng):
    draws = 200
    pairs = [(rng.normal(size=(30, 20)), rng.normal(size=(30, 10))) for _ in range(draws)]
    values = np.array([fastcca.cka(x, y, debiased=True) for x, y in pairs])
    assert abs(values.mean()) < 4 * values.std() / np.sqrt(draws)
    assert np.any(values < 0.0)
    assert np.mean([fastcca.cka(x, y) for x, y in pairs]) > 0.2


@both_backends
def test_cka_of_a_subspace(rng, backend):
    """Closed form: y is r of the d equal uncorrelated units of x; CKA is sqrt(r / d)."""
    basis, _ = np.linalg.qr(centred(rng.normal(size=(50, 9))))
    found = fastcca.cka(7.0 * basis, basis[:, :4] - 1.0, backend=backend)
    assert found == pytest.approx(np.sqrt(4 / 9), abs=1e-13)


@both_backends
def test_debiased_cka_needs_samples(rng, backend):
    x, y = blocks(rng)
    moments = fastcca.Moments()
    moments.update(x, y)
    with pytest.raises(ValueError, match="needs the samples themselves"):
        fastcca.cka(moments, debiased=True, backend=backend)
    for n in (2, 3):
        with pytest.raises(ValueError, match=f"at least 4 samples, but there are {n}"):
            fastcca.cka(x[:n], y[:n], debiased=True, backend=backend)


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
def test_debiased_cka_of_folded_maps_is_made_in_pieces(rng, layout):
    shape = {"N": 60, "H": 24, "W": 20, "C": 24}
    x, y = (rng.normal(size=[shape[a] for a in layout]).astype(np.float32) for _ in "xy")
    order = [layout.index(a) for a in "NHWC"]
    flat = [a.transpose(order).reshape(-1, 24) for a in (x, y)]
    expected = fastcca.cka(*flat, debiased=True)
    tracemalloc.start()
    found = fastcca.cka(x, y, debiased=True, layout=layout, spatial="fold")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == pytest.approx(expected, abs=1e-13)
    assert peak < 16 * 2**20  # a float64 copy of one side alone has 5 MiB, of n^2 many GiB


# --- Procrustes ---------------------------------------------------------------------------------


@both_backends
@pytest.mark.parametrize(("n", "p", "q"), [(40, 4, 4), (40, 3, 6), (40, 6, 3), (5, 9, 8)])
def test_procrustes_is_what_scipy_s_rotation_reaches(rng, backend, n, p, q):
    x, y = blocks(rng, n, p, q)
    wide = max(p, q)
    a, b = (np.pad(centred(z), [(0, 0), (0, wide - z.shape[1])]) for z in (x, y))
    rotation, nuclear = linalg.orthogonal_procrustes(a, b)
    reached = np.sum((a @ rotation) * b)
    norms = np.linalg.norm(a) * np.linalg.norm(b)

    found = fastcca.procrustes(x, y, backend=backend)

    assert found == pytest.approx(nuclear / norms, abs=1e-12)
    assert found == pytest.approx(reached / norms, abs=1e-12)


@both_backends
def test_procrustes_is_a_distance_of_shapes_of_unit_size(rng, backend):
    x, y = blocks(rng, p=4, q=4)
    a, b = (centred(z) / np.linalg.norm(centred(z)) for z in (x, y))
    rotation, _ = linalg.orthogonal_procrustes(a, b)
    squared_distance = np.sum((a @ rotation - b) ** 2)
    found = fastcca.procrustes(x, y, backend=backend)
    assert 2.0 - 2.0 * found == pytest.approx(squared_distance, abs=1e-12)


# --- linear regression --------------------------------------------------------------------------


@both_backends
@pytest.mark.parametrize(("n", "p", "q"), [(50, 3, 5), (50, 5, 3), (50, 1, 1), (10, 20, 4)])
def test_regression_is_what_least_squares_explains(rng, backend, n, p, q):
    x, y = blocks(rng, n, p, q)
    a, b = centred(x), centred(y)
    coefficients, _, _, _ = np.linalg.lstsq(a, b, rcond=None)
    expected = 1.0 - np.sum((b - a @ coefficients) ** 2) / np.sum(b**2)

    found = fastcca.linear_regression_r2(x, y, backend=backend)

    assert found == pytest.approx(expected, abs=1e-12)


@both_backends
@pytest.mark.parametrize("offset", [0.0, 100.0])
def test_regression_on_a_rank_deficient_layer(backend, offset):
    x, latent = rank_deficient(500, 20, 5, offset=offset)
    y = latent[:, :2] + np.random.default_rng(1).normal(size=(500, 2))
    a, b = centred(latent), centred(y)
    coefficients, _, _, _ = np.linalg.lstsq(a, b, rcond=None)
    expected = 1.0 - np.sum((b - a @ coefficients) ** 2) / np.sum(b**2)

    found = fastcca.linear_regression_r2(x, y, backend=backend)

    # the junk of 15 directions more would explain 15 / 499 of the rest
    assert found == pytest.approx(expected, abs=1e-3)


@both_backends
def test_regression_is_not_symmetric(rng, backend):
    x, y = blocks(rng)
    both = fastcca.linear_regression_r2(x, np.hstack([x, y]), backend=backend)
    back = fastcca.linear_regression_r2(np.hstack([x, y]), x, backend=backend)
    assert back == pytest.approx(1.0, abs=1e-12)
    assert both < 0.999


# --- all of them --------------------------------------------------------------------------------


@both_backends
def test_what_linear_maps_change(rng, backend):
    x, y = blocks(rng)
    stretched = x * [100.0, 1.0, 1.0, 1.0]
    for name, measure in MEASURES.items():
        x_change = measure(stretched, y, backend=backend) - measure(x, y, backend=backend)
        y_change = measure(y, stretched, backend=backend) - measure(y, x, backend=backend)
        if name == "linear_regression_r2":
            assert abs(x_change) < 1e-12
        else:
            assert abs(x_change) > 1e-3
            assert x_change == pytest.approx(y_change, abs=1e-12)  # these are symmetric
        assert abs(y_change) > 1e-3


@both_backends
@every_measure
def test_a_layer_agrees_with_itself(rng, backend, measure):
    x, _ = blocks(rng, 100, 7)
    assert measure(x, x, backend=backend) == pytest.approx(1.0, abs=1e-13)
    rotation, _ = np.linalg.qr(rng.normal(size=(7, 7)))
    assert measure(x, x @ rotation * 3.0, backend=backend) == pytest.approx(1.0, abs=1e-12)


@both_backends
@every_measure
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_gives_the_same_answer_and_is_not_written_to(backend, measure, dtype):
    x, y = small_integers(50, 4, seed=1), small_integers(50, 3, seed=2)
    expected = measure(x, y)
    given_x, given_y = x.astype(dtype), y.astype(dtype)
    given_x.flags.writeable = given_y.flags.writeable = False
    assert measure(given_x, given_y, backend=backend) == pytest.approx(expected, abs=1e-12)
    np.testing.assert_array_equal(given_x, x)


@both_backends
@every_measure
@pytest.mark.parametrize("constant", [0.0, 0.1, 1.0 / 3.0, 1e100])
def test_a_side_that_does_not_vary_gives_zero(rng, backend, measure, constant):
    x, _ = blocks(rng)
    dead = np.full((60, 2), constant)
    assert measure(x, dead, backend=backend) == 0.0
    assert measure(dead, x, backend=backend) == 0.0
    assert measure(dead, dead, backend=backend) == 0.0


@both_backends
@every_measure
def test_a_side_that_only_wobbles_by_its_rounding_gives_zero(rng, backend, measure):
    x, _ = blocks(rng)
    wobble = 1.0 + np.spacing(np.float32(1.0)) * rng.integers(0, 2, size=(60, 2))
    wobble = wobble.astype(np.float32)
    assert wobble.std() > 0.0
    assert measure(x, wobble, backend=backend) == 0.0
    assert measure(wobble, x, backend=backend) == 0.0


@both_backends
@every_measure
@pytest.mark.parametrize(("x_scale", "y_scale"), [(1e100, 1.0), (1e-100, 1e-100), (1.0, 1e120)])
def test_extreme_units(rng, backend, measure, x_scale, y_scale):
    x, y = blocks(rng)
    expected = measure(x, y, backend=backend)
    found = measure(x * x_scale, y * y_scale, backend=backend)
    assert found == pytest.approx(expected, abs=1e-12)


@both_backends
@pytest.mark.parametrize("measure", [m for name, m in MEASURES.items() if name != "debiased"])
def test_moments_in_place_of_the_samples(rng, backend, measure):
    x, y = blocks(rng)
    expected = measure(x, y)
    moments = fastcca.Moments()
    for rows in (slice(0, 25), slice(25, 60)):
        moments.update(b=y[rows], other=np.square(x[rows]), a=x[rows])
    assert measure(moments.pair("a", "b"), backend=backend) == pytest.approx(expected, abs=1e-12)
    with pytest.raises(TypeError, match="leave y out"):
        measure(moments.pair("a", "b"), y, backend=backend)
    with pytest.raises(ValueError, match="hold 3 blocks"):
        measure(moments, backend=backend)


@every_measure
@pytest.mark.parametrize(("n", "p", "q"), [(900, 70, 45), (600, 130, 3), (50, 90, 80)])
def test_many_shapes_agree_with_the_reference(rng, measure, n, p, q):
    x, y = (a.astype(np.float32) for a in blocks(rng, n, p, q))
    assert measure(x, y) == pytest.approx(measure(x, y, backend="numpy"), abs=1e-11)


@both_backends
@every_measure
def test_unusable_input(rng, backend, measure):
    x, y = blocks(rng)
    spoiled = y.copy()
    spoiled[7, 2] = np.nan
    with pytest.raises(ValueError, match=r"y has 1 value.*nan at sample 7, feature 2"):
        measure(x, spoiled, backend=backend)
    with pytest.raises(ValueError, match="x has 59 samples and y has 60"):
        measure(x[:59], y, backend=backend)
    with pytest.raises(ValueError, match="at least 2 samples"):
        measure(x[:1], y[:1], backend=backend)
    with pytest.raises(TypeError, match="y is missing"):
        measure(x, backend=backend)
    with pytest.raises(TypeError, match="x has dtype object"):
        measure(x.astype(object), y, backend=backend)
