"""What google/svcca's four tutorials do, in our own words, with only the import line changed.

The fourth has no code. The first works on two networks' MNIST layers, the second on convolutional
layers of SVHN networks, the third on projections. Here the logits of the first are google's own,
and the rest are small networks of random weights.
"""

import numpy as np
import pytest
from scipy import ndimage

import fastcca
from cases import google_logits
from fastcca.compat import cca_core, numpy_pca, numpy_pls, pwcca

RETURNED = {
    "cca_coef1", "cca_coef2", "coef_x", "coef_y", "full_coef_x", "full_coef_y", "invsqrt_xx",
    "invsqrt_yy", "full_invsqrt_xx", "full_invsqrt_yy", "neuron_means1", "neuron_means2",
    "x_idxs", "y_idxs", "mean", "sum",
}  # fmt: skip


@pytest.fixture
def rng():
    return np.random.default_rng(2018)


def dense_layers(rng, datapoints=2000, width=40):
    """Two ReLU layers of different weights on the same inputs, (neurons, datapoints), float32."""
    inputs = rng.normal(size=(12, datapoints))
    layers = []
    for _ in range(2):
        hidden = np.maximum(rng.normal(size=(width, 12)) @ inputs + 0.2, 0.0)
        layers.append(np.maximum(rng.normal(size=(width, width)) @ hidden / 6.0, 0.0))
    return tuple(layer.astype(np.float32) for layer in layers)


def conv_layers(rng, images=300):
    """An early and a late layer of a convolutional network, (images, h, w, channels)."""
    pixels = rng.normal(size=(images, 8, 8, 3))

    def convolved(maps, channels):
        out = sum(
            np.roll(maps, shift, axis=(1, 2)) @ rng.normal(size=(maps.shape[3], channels))
            for shift in ((0, 0), (0, 1), (1, 0))
        )
        return np.maximum(out, 0.0)

    early = convolved(pixels, 6)
    pooled = early.reshape(images, 4, 2, 4, 2, 6).max(axis=(2, 4))
    return early.astype(np.float32), convolved(pooled, 5).astype(np.float32)


# --- 1: introduction ----------------------------------------------------------------------------


def test_toy_example(rng, capsys):
    a_fake = rng.normal(size=(100, 2000))
    b_fake = rng.normal(size=(50, 2000))

    results = cca_core.get_cca_similarity(a_fake, b_fake, verbose=True)

    assert set(results) == RETURNED
    assert capsys.readouterr().out == ""
    assert results["cca_coef1"].shape == (50,)
    np.testing.assert_array_equal(results["cca_coef1"], results["cca_coef2"])
    chance = fastcca.null_cca(2000, 100, 50)
    assert np.mean(results["cca_coef1"]) == pytest.approx(chance.mean, abs=0.01)
    assert np.mean(results["cca_coef1"] ** 2) == pytest.approx(chance.mean_squared, abs=0.005)
    assert results["mean"][0] > np.mean(results["cca_coef1"])


def test_transformed_neurons_are_the_same_layer(rng):
    a_fake = rng.normal(size=(20, 2000))
    transformed = rng.normal(size=(20, 20)) @ a_fake
    results = cca_core.get_cca_similarity(a_fake, transformed, verbose=False)
    np.testing.assert_allclose(results["cca_coef1"], 1.0, rtol=0, atol=1e-9)
    assert results["sum"] == pytest.approx((20.0, 20.0))


def test_too_few_datapoints_make_anything_similar(rng):
    a_fake, b_fake = rng.normal(size=(100, 2000)), rng.normal(size=(50, 2000))
    means = [
        np.mean(cca_core.get_cca_similarity(a_fake[:, :n], b_fake[:, :n])["cca_coef1"])
        for n in (120, 300, 2000)
    ]
    assert means[0] > 0.85
    assert means == sorted(means, reverse=True)
    assert means[2] < 0.25


def test_trailing_zeros_of_layers_of_low_rank(rng):
    """Why there is a threshold: shared directions, then noise."""
    shared = rng.normal(size=(10, 2000))
    a_fake = np.vstack([shared, rng.normal(size=(30, 2000))])
    b_fake = np.vstack([shared, rng.normal(size=(30, 2000))])
    results = cca_core.get_cca_similarity(a_fake, b_fake, threshold=0.7, verbose=False)
    kept = cca_core.sum_threshold(results["cca_coef1"], 0.7)
    assert results["mean"][0] == pytest.approx(np.mean(results["cca_coef1"][:kept]), abs=1e-15)
    np.testing.assert_allclose(results["cca_coef1"][:10], 1.0, atol=1e-12)
    assert results["mean"][0] > np.mean(results["cca_coef1"])


def test_mnist_logits():
    stored = google_logits()
    acts1, acts2 = stored["x"], stored["y"]

    results = cca_core.get_cca_similarity(acts1, acts2, epsilon=1e-10, verbose=False)

    np.testing.assert_allclose(
        results["cca_coef1"], stored["google_eps1e-10_cca_coef1"], rtol=0, atol=1e-10
    )
    assert np.mean(results["cca_coef1"]) == pytest.approx(0.7057263, abs=1e-7)


def test_svcca_by_a_decomposition_and_cca_of_what_is_left():
    stored = google_logits()
    acts1, acts2 = stored["x"], stored["y"]
    k = int(stored["google_tutorial_svcca_k"])

    cacts1 = acts1 - np.mean(acts1, axis=1, keepdims=True)
    cacts2 = acts2 - np.mean(acts2, axis=1, keepdims=True)
    _, s1, v1 = np.linalg.svd(cacts1, full_matrices=False)
    _, s2, v2 = np.linalg.svd(cacts2, full_matrices=False)
    svacts1 = np.dot(s1[:k] * np.eye(k), v1[:k])
    svacts2 = np.dot(s2[:k] * np.eye(k), v2[:k])
    results = cca_core.get_cca_similarity(svacts1, svacts2, epsilon=1e-10, verbose=False)

    np.testing.assert_allclose(
        results["cca_coef1"], stored["google_tutorial_svcca_coef"], rtol=0, atol=1e-6
    )
    in_one_call = fastcca.svcca(acts1.T, acts2.T, keep=k)
    np.testing.assert_allclose(results["cca_coef1"], in_one_call.correlations, rtol=0, atol=1e-6)


def test_layers_are_more_alike_than_noise_of_their_shape(rng):
    acts1, acts2 = dense_layers(rng)
    k = 10

    def svcca(first, second):
        reduced = []
        for acts in (first, second):
            centred = acts - np.mean(acts, axis=1, keepdims=True)
            _, s, v = np.linalg.svd(centred, full_matrices=False)
            reduced.append(np.dot(s[:k] * np.eye(k), v[:k]))
        return cca_core.get_cca_similarity(*reduced, epsilon=1e-10, verbose=False)

    results = svcca(acts1, acts2)
    baseline = svcca(rng.normal(size=acts1.shape), rng.normal(size=acts2.shape))

    assert np.mean(results["cca_coef1"]) > 4 * np.mean(baseline["cca_coef1"])
    value, weights, _ = pwcca.compute_pwcca(acts1, acts2, epsilon=1e-10)
    assert weights.shape == (40,)
    assert 0.0 < value < 1.0


# --- 2: convolutional layers --------------------------------------------------------------------


def test_average_pooling(rng):
    acts1, acts2 = conv_layers(rng)

    avg_acts1 = np.mean(acts1, axis=(1, 2))
    avg_acts2 = np.mean(acts2, axis=(1, 2))
    results = cca_core.get_cca_similarity(avg_acts1.T, avg_acts2.T, epsilon=1e-10, verbose=False)

    in_one_call = fastcca.cca(acts1, acts2, layout="NHWC", spatial="pool")
    assert results["cca_coef1"].shape == (5,)
    np.testing.assert_allclose(results["cca_coef1"], in_one_call.correlations, rtol=0, atol=1e-5)


def test_every_position_as_a_datapoint(rng):
    first, _ = conv_layers(rng)
    second, _ = conv_layers(np.random.default_rng(2018))  # the same network
    other, _ = conv_layers(np.random.default_rng(1))

    num_datapoints, h, w, channels = first.shape
    f_acts1 = first.reshape((num_datapoints * h * w, channels))
    f_acts2 = second.reshape((num_datapoints * h * w, channels))
    f_results = cca_core.get_cca_similarity(f_acts1.T, f_acts2.T, epsilon=1e-10, verbose=False)

    np.testing.assert_allclose(f_results["cca_coef1"], 1.0, rtol=0, atol=1e-6)
    f_other = other.reshape((num_datapoints * h * w, channels))
    g_results = cca_core.get_cca_similarity(f_acts1.T, f_other.T, epsilon=1e-10, verbose=False)
    in_one_call = fastcca.cca(first, other, layout="NHWC", spatial="fold")
    np.testing.assert_allclose(g_results["cca_coef1"], in_one_call.correlations, rtol=0, atol=1e-8)
    assert g_results["mean"][0] < 0.5


def test_interpolation_of_the_smaller_layer(rng):
    acts1, acts2 = conv_layers(rng)
    num_d, h, w, _ = acts1.shape
    num_c = acts2.shape[-1]

    # linear along both axes, centres of pixels half a pixel from the edges
    places = np.meshgrid(*((np.arange(m) + 0.5) / 2 - 0.5 for m in (h, w)), indexing="ij")
    acts2_interp = np.zeros((num_d, h, w, num_c))
    for d in range(num_d):
        for c in range(num_c):
            acts2_interp[d, :, :, c] = ndimage.map_coordinates(
                acts2[d, :, :, c].astype(np.float64), places, order=1, mode="nearest"
            )
    f_acts1 = acts1.reshape((num_d * h * w, -1))
    f_acts2 = acts2_interp.reshape((num_d * h * w, -1))
    results = cca_core.get_cca_similarity(f_acts1.T, f_acts2.T, verbose=False)

    in_one_call = fastcca.cca(acts1, acts2, layout="NHWC", spatial="resize", size=(h, w))
    assert results["cca_coef1"].shape == (5,)
    np.testing.assert_allclose(results["cca_coef1"], in_one_call.correlations, rtol=0, atol=1e-6)


# --- 3: projections -----------------------------------------------------------------------------


def test_projection_with_cca(rng):
    acts1, acts2 = dense_layers(rng)
    acts1[7] = 0.0  # a neuron that epsilon drops
    results = cca_core.get_cca_similarity(acts1, acts2, epsilon=1e-10, verbose=False)
    cacts1 = acts1 - np.mean(acts1, axis=1, keepdims=True)

    cca_proj1 = np.dot(
        np.dot(
            results["full_coef_x"].T, np.dot(results["full_coef_x"], results["full_invsqrt_xx"])
        ),
        cacts1,
    )

    assert cca_proj1.shape == acts1.shape
    assert not results["x_idxs"][7]
    np.testing.assert_array_equal(cca_proj1[7], 0.0)
    # All directions: what is left is the whitening.
    whitened = results["full_invsqrt_xx"] @ cacts1
    np.testing.assert_allclose(cca_proj1, whitened, rtol=0, atol=1e-9 * np.abs(whitened).max())
    top = results["full_coef_x"][:5]
    low_rank = top.T @ (top @ results["full_invsqrt_xx"] @ cacts1)
    assert np.linalg.matrix_rank(low_rank, tol=1e-6 * np.abs(low_rank).max()) == 5


def test_projection_with_pls(rng):
    acts1, acts2 = dense_layers(rng)
    pls_results = numpy_pls.get_pls_similarity(acts1, acts2)
    means = np.mean(acts1, axis=1, keepdims=True, dtype=np.float64)
    cacts1 = acts1 - means
    in_one_call = fastcca.pls(acts1.T, acts2.T)
    for k in (1, 10, 40):
        p = pls_results["neuron_coeffs1"][:k]
        pls_proj1 = np.dot(np.dot(p.T, p), cacts1)
        assert pls_proj1.shape == acts1.shape
        expected = in_one_call.project(acts1.T, k).T - means
        np.testing.assert_allclose(pls_proj1, expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(pls_proj1, cacts1, rtol=0, atol=1e-8)
    np.testing.assert_allclose(
        pls_results["pls_dirns1"], pls_results["neuron_coeffs1"] @ cacts1 + means, atol=1e-9
    )


def test_projection_with_pca(rng):
    acts1, _ = dense_layers(rng)
    pca_results = numpy_pca.get_pca(acts1, compute_dirns=True)
    means = np.mean(acts1, axis=1, keepdims=True, dtype=np.float64)
    cacts1 = acts1 - means
    in_one_call = fastcca.pca(acts1.T)
    for k in (1, 10, 40):
        p = pca_results["neuron_coefs"][:k]
        pca_proj1 = np.dot(np.dot(p.T, p), cacts1)
        expected = in_one_call.project(acts1.T, k).T - means
        np.testing.assert_allclose(pca_proj1, expected, rtol=0, atol=1e-6)
        left = np.sum(pca_results["eigenvals"][k:] ** 2)
        assert np.sum((cacts1 - pca_proj1) ** 2) == pytest.approx(left, rel=1e-6, abs=1e-9)
    assert pca_results["pca_dirns"].shape == acts1.shape


def test_compression(rng):
    """The next layer from a few directions: PCA keeps most of the layer, all keep it in the end."""
    acts1, acts2 = dense_layers(rng)
    weights = rng.normal(size=(40, 10))
    target = acts1.T @ weights
    methods = {
        "cca": fastcca.cca(acts1.T, acts2.T),
        "pls": fastcca.pls(acts1.T, acts2.T),
        "pca": fastcca.pca(acts1.T),
    }
    for result in methods.values():
        errors = [
            np.linalg.norm(result.project(acts1.T, k) @ weights - target) / np.linalg.norm(target)
            for k in (0, 5, 20, 40)
        ]
        assert errors[-1] < 1e-6
        assert errors[0] > 10 * errors[-1]
        assert errors == sorted(errors, reverse=True)


def test_conv_projection(rng):
    """A projection of channels, applied at every position."""
    acts1, acts2 = conv_layers(rng)
    avg1, avg2 = np.mean(acts1, axis=(1, 2)), np.mean(acts2, axis=(1, 2))
    results = cca_core.get_cca_similarity(avg1.T, avg2.T, epsilon=1e-10, verbose=False)
    p = results["full_coef_x"][:3]
    flat = acts1.reshape(-1, 6).T - np.mean(avg1.T, axis=1, keepdims=True)
    projected = (p.T @ (p @ results["full_invsqrt_xx"] @ flat)).T.reshape(acts1.shape)
    assert projected.shape == acts1.shape
    assert np.linalg.matrix_rank(projected.reshape(-1, 6), tol=1e-6) == 3
