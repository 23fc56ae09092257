"""fastcca.compat.dft_ccas: the script of google/svcca that could not be imported."""

import builtins
import inspect
import itertools
import logging

import numpy as np
import pytest

import fastcca
from fastcca.compat import cca_core, dft_ccas

pytest.importorskip("pandas")


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def layers(rng, n=80, first=(4, 5), second=(4, 5), p=2, q=3):
    height, width = (max(sizes) for sizes in zip(first, second, strict=True))
    images = rng.normal(size=(n, height, width, 3))
    return tuple(
        images[:, : grid[0], : grid[1]] @ rng.normal(size=(3, c))
        + rng.normal(size=(n, *grid, c))
        + 1.0
        for grid, c in ((first, p), (second, q))
    )


def common(size, smaller):
    """Places of the frequencies in [-smaller/2, smaller/2) in a transform of `size`."""
    frequencies = [k if k < (size + 1) // 2 else k - size for k in range(size)]
    return [i for i, k in enumerate(frequencies) if -smaller / 2 <= k < smaller / 2]


def test_signatures_are_google_s():
    expected = {
        "fft_resize": "images resize=False new_size=None",
        "fourier_ccas": "conv_acts1 conv_acts2 return_coefs=False compute_dirns=False "
        "verbose=False",
    }
    for name, parameters in expected.items():
        found = inspect.signature(getattr(dft_ccas, name)).parameters.values()
        texts = [p.name if p.default is p.empty else f"{p.name}={p.default!r}" for p in found]
        assert texts == parameters.split(), name


# --- fft_resize -----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8])
def test_transform(rng, dtype):
    images = (20 * rng.uniform(size=(6, 4, 5, 2))).astype(dtype)
    found = dft_ccas.fft_resize(images)
    assert found.dtype == np.complex64
    expected = np.fft.fft2(images.astype(np.float64), axes=(1, 2))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)
    # `new_size` without `resize` means nothing, as in the original
    np.testing.assert_array_equal(dft_ccas.fft_resize(images, new_size=(2, 2)), found)


@pytest.mark.parametrize("size", [(6, 6), (7, 7), (6, 9), (5, 4)])
@pytest.mark.parametrize("new", [(4, 4), (3, 3), (5, 4), (1, 2), (2, 1)])
def test_kept_frequencies(rng, size, new):
    images = rng.normal(size=(3, *size, 2))
    found = dft_ccas.fft_resize(images, resize=True, new_size=new)
    full = np.fft.fft2(images, axes=(1, 2))
    rows, cols = (common(s, n) for s, n in zip(size, new, strict=True))
    assert found.shape == (3, *new, 2)
    np.testing.assert_allclose(found, full[:, rows][:, :, cols], rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("images", "options", "message"),
    [
        (np.ones((3, 4, 4)), {}, r"images has shape \(3, 4, 4\)"),
        (np.ones((3, 4, 4, 1)), {"resize": True}, "new_size=None"),
        (np.ones((3, 4, 4, 1)), {"resize": True, "new_size": (2,)}, r"new_size=\(2,\)"),
        (np.ones((3, 4, 4, 1)), {"resize": True, "new_size": (5, 4)}, "height 5.*between 1 and 4"),
        (np.ones((3, 4, 4, 1)), {"resize": True, "new_size": (4, 0)}, "width 0"),
    ],
)
def test_images_and_sizes_that_do_not_fit(images, options, message):
    with pytest.raises(ValueError, match=message):
        dft_ccas.fft_resize(images, **options)
    with pytest.raises(TypeError, match="images has dtype complex128"):
        dft_ccas.fft_resize(np.ones((3, 4, 4, 1), complex))


# --- fourier_ccas ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second"),
    [((4, 5), (4, 5)), ((4, 4), (4, 4)), ((6, 6), (4, 4)), ((3, 3), (5, 5)), ((6, 3), (4, 5)),
     ((1, 1), (4, 4))],
)  # fmt: skip
def test_every_location_is_a_cca_of_its_own(rng, first, second):
    acts = layers(rng, first=first, second=second)
    height, width = (min(sizes) for sizes in zip(first, second, strict=True))
    expected = []
    for a in acts:
        full = np.fft.fft2(a, axes=(1, 2))
        rows, cols = common(a.shape[1], height), common(a.shape[2], width)
        expected.append(full[:, rows][:, :, cols])

    found = dft_ccas.fourier_ccas(*acts)

    assert len(found) == height * width
    places = list(itertools.product(range(height), range(width)))
    assert list(found["location"]) == places
    for (i, j), coefficients in zip(places, found["cca_coef1"], strict=True):
        bases = [np.linalg.qr(t[:, i, j] - t[:, i, j].mean(axis=0))[0] for t in expected]
        rho = np.linalg.svd(bases[0].conj().T @ bases[1], compute_uv=False)
        np.testing.assert_allclose(coefficients, rho, rtol=0, atol=1e-6)


def test_agrees_with_dft_cca(rng):
    acts = layers(rng)
    fast = fastcca.dft_cca(*acts)
    found = dft_ccas.fourier_ccas(*acts).set_index("location")
    for (i, j), rho in zip(fast.frequencies.tolist(), fast.correlations, strict=True):
        np.testing.assert_allclose(found.loc[[(i % 4, j % 5)], "cca_coef1"].iloc[0], rho, atol=1e-6)
    every = np.concatenate(list(found["cca_coef1"]))
    assert fast.mean == pytest.approx(every.mean(), abs=1e-6)


SUMMARY = {"cca_coef1", "cca_coef2", "x_idxs", "y_idxs", "mean", "sum", "location"}
COEFFICIENTS = {
    "coef_x", "invsqrt_xx", "full_coef_x", "full_invsqrt_xx", "neuron_means1",
    "coef_y", "invsqrt_yy", "full_coef_y", "full_invsqrt_yy", "neuron_means2",
}  # fmt: skip
DIRECTIONS = {"cca_dirns1", "cca_dirns2"}


@pytest.mark.parametrize("return_coefs", [False, True])
@pytest.mark.parametrize("compute_dirns", [False, True])
def test_columns(rng, return_coefs, compute_dirns):
    """There: keys that do not exist, and compute_dirns passed as epsilon."""
    acts = layers(rng)
    found = dft_ccas.fourier_ccas(*acts, return_coefs, compute_dirns)
    expected = SUMMARY | (COEFFICIENTS if return_coefs else set())
    assert set(found.columns) == expected | (DIRECTIONS if compute_dirns else set())
    plain = dft_ccas.fourier_ccas(*acts)
    for one, other in zip(found["cca_coef1"], plain["cca_coef1"], strict=True):
        np.testing.assert_array_equal(one, other)
    assert plain["mean"].iloc[0][0] == pytest.approx(np.mean(plain["cca_coef1"].iloc[0]), abs=1e-6)


def test_directions_and_coefficients_belong_together(rng):
    """Complex ones, at every frequency."""
    acts = layers(rng)
    found = dft_ccas.fourier_ccas(*acts, return_coefs=True, compute_dirns=True)
    spectra = [dft_ccas.fft_resize(a).astype(np.complex128) for a in acts]
    for _, row in found.iterrows():
        i, j = row["location"]
        bins = [s[:, i, j].T for s in spectra]
        scores = []
        for number, letter, values in zip("12", "xy", bins, strict=True):
            means = values.mean(axis=1, keepdims=True)
            np.testing.assert_allclose(row[f"neuron_means{number}"], means, rtol=1e-9, atol=1e-9)
            by_hand = row[f"full_coef_{letter}"] @ row[f"full_invsqrt_{letter * 2}"]
            by_hand = by_hand @ (values - means)
            directions = row[f"cca_dirns{number}"] - means
            np.testing.assert_allclose(directions, by_hand, rtol=0, atol=1e-8)
            scores.append(directions[:2])
        # in units of the largest variance, as there
        scales = [np.var(v, axis=1, ddof=1).max() for v in bins]
        cross = scores[0] @ scores[1].conj().T / 79 / np.sqrt(scales[0] * scales[1])
        np.testing.assert_allclose(cross, np.diag(row["cca_coef1"]), rtol=0, atol=1e-9)


@pytest.mark.parametrize("offset", [0.0, 100.0])
def test_rounding_is_in_proportion_to_the_whole_map(rng, offset):
    """Noise of a float32 transform is no coefficient, whatever the mean of the bin."""
    a, b, c = rng.normal(size=(3, 300, 4, 4))
    acts1 = (np.stack([a, b, a + b], axis=-1) + offset).astype(np.float32)
    acts2 = np.stack([a + c, b, c + 2 * a], axis=-1)
    found = dft_ccas.fourier_ccas(acts1, acts2)
    assert all(coefficients[2] == 0.0 for coefficients in found["cca_coef1"])
    assert all(coefficients[1] > 0.1 for coefficients in found["cca_coef1"])


def test_a_layer_without_variation_at_some_frequencies(rng):
    _, acts2 = layers(rng)
    flat = np.broadcast_to(rng.normal(size=(80, 1, 1, 2)), (80, 4, 5, 2))
    found = dft_ccas.fourier_ccas(flat, acts2, compute_dirns=True)
    assert len(found) == 20
    assert np.shape(found["cca_coef1"][0]) == (2,)
    assert all(np.all(value == 0) for value in found["cca_coef1"][1:])
    assert all(value == (0, 0) for value in found["mean"][1:])
    assert found["cca_dirns1"][1].shape == (1, 80)


def test_activations_that_do_not_fit(rng):
    acts1, acts2 = layers(rng)
    spoiled = acts2.copy()
    spoiled[7, 1, 2, 0] = np.nan
    for pair, error, message in (
        ((acts1[..., 0], acts2), ValueError, r"conv_acts1 has shape \(80, 4, 5\)"),
        ((acts1, acts2[0]), ValueError, r"conv_acts2 has shape \(4, 5, 3\)"),
        ((acts1, spoiled), ValueError, r"conv_acts2 .*nan at index \(7, 1, 2, 0\)"),
        ((acts1[1:], acts2), ValueError, "79 datapoints and acts2 80"),
        ((acts1[:3], acts2[:3]), ValueError, "fewer neurons than datapoints"),
        ((acts1 * 1j, acts2), TypeError, "conv_acts1 has dtype complex128"),
    ):
        with pytest.raises(error, match=message):
            dft_ccas.fourier_ccas(*pair)


def test_verbose_logs_and_does_not_print(rng, caplog, capsys):
    acts = layers(rng, first=(2, 2), second=(2, 2))
    with caplog.at_level(logging.INFO, logger="fastcca"):
        dft_ccas.fourier_ccas(*acts)
        assert not caplog.text
        dft_ccas.fourier_ccas(*acts, verbose=True)
    assert len(caplog.records) == 4
    assert capsys.readouterr() == ("", "")


def test_without_pandas(rng, monkeypatch):
    plain = builtins.__import__

    def refuse(name, *rest, **options):
        if name == "pandas":
            raise ImportError(name)
        return plain(name, *rest, **options)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ImportError, match=r'pip install "fastcca\[pandas\]"'):
        dft_ccas.fourier_ccas(*layers(rng))


# --- complex activations in cca_core --------------------------------------------------------------


def complex_activations(rng, p=5, q=3, n=200):
    def gaussian(*shape):
        return rng.normal(size=shape) + 1j * rng.normal(size=shape)

    shared = gaussian(2, n)
    return (
        gaussian(p, 2) @ shared + gaussian(p, n) + (2.0 - 1.0j),
        gaussian(q, 2) @ shared + gaussian(q, n) + 1j,
    )


@pytest.mark.parametrize("epsilon", [0.0, 1e-10, 1e-2])
@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (2, 2)])
def test_complex_coefficients_by_the_formula(rng, epsilon, shape):
    """There: TypeError, against its documentation."""
    acts1, acts2 = complex_activations(rng, *shape)
    p = shape[0]
    cov = np.cov(acts1, acts2)  # the second factor conjugated
    xx, xy, yy = cov[:p, :p], cov[:p, p:], cov[p:, p:]
    scales = np.abs(xx).max(), np.abs(yy).max()
    roots = []
    for side, scale in ((xx, scales[0]), (yy, scales[1])):
        values, vectors = np.linalg.eigh(side / scale + epsilon * np.eye(len(side)))
        roots.append(vectors / np.sqrt(values) @ vectors.conj().T)
    _, s, _ = np.linalg.svd(roots[0] @ xy @ roots[1] / np.sqrt(scales[0] * scales[1]))

    found = cca_core.get_cca_similarity(acts1, acts2, epsilon=epsilon, compute_dirns=True)

    np.testing.assert_allclose(found["cca_coef1"], s, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found["invsqrt_xx"], roots[0], rtol=0, atol=1e-10)
    np.testing.assert_allclose(found["invsqrt_yy"], roots[1], rtol=0, atol=1e-10)
    assert found["cca_coef1"].dtype == np.float64
    assert found["full_coef_x"].dtype == found["cca_dirns2"].dtype == np.complex128
    scores = []
    for number, letter, acts in zip("12", "xy", (acts1, acts2), strict=True):
        means = acts.mean(axis=1, keepdims=True)
        np.testing.assert_allclose(found[f"neuron_means{number}"], means, rtol=1e-12)
        coef = found[f"coef_{letter}"]
        np.testing.assert_allclose(coef @ coef.conj().T, np.eye(len(coef)), atol=1e-12)
        directions = found[f"cca_dirns{number}"] - means
        by_hand = coef @ found[f"invsqrt_{letter * 2}"] @ (acts - means)
        np.testing.assert_allclose(directions, by_hand, rtol=0, atol=1e-10)
        scores.append(directions[: min(shape)])
    cross = scores[0] @ scores[1].conj().T / 199 / np.sqrt(scales[0] * scales[1])
    np.testing.assert_allclose(cross, np.diag(s), rtol=0, atol=1e-11)


def test_complex_ccas_of_covariances(rng):
    acts1, acts2 = complex_activations(rng)
    cov = np.cov(acts1, acts2)
    blocks = cov[:5, :5], cov[:5, 5:], cov[5:, :5], cov[5:, 5:]
    (u, s, v), root_x, root_y, _, _ = cca_core.compute_ccas(*blocks, epsilon=0.0)
    np.testing.assert_allclose(u[:, :3] * s @ v, root_x @ blocks[1] @ root_y, atol=1e-12)
    np.testing.assert_allclose(root_x @ blocks[0] @ root_x, np.eye(5), atol=1e-11)
    np.testing.assert_allclose(s, fastcca.cca(acts1.T, acts2.T).correlations, atol=1e-12)


def test_complex_layers_with_dead_and_collinear_neurons(rng):
    acts1, acts2 = complex_activations(rng)
    expected = cca_core.get_cca_similarity(acts1, acts2)["cca_coef1"]
    spoiled = np.vstack([acts1, 1j * acts1[:1] - acts1[1], np.full((1, 200), 0.1 + 0.3j)])
    found = cca_core.get_cca_similarity(spoiled, acts2)
    np.testing.assert_allclose(found["cca_coef1"], expected, rtol=0, atol=1e-11)
    dead = cca_core.get_cca_similarity(np.full((2, 200), 1j), acts2)
    assert dead["mean"] == (0, 0)
