"""fastcca.compat.cca_core against google/svcca's own answers, and what it must not keep."""

import inspect
import logging

import numpy as np
import pytest

import fastcca
from cases import google_logits, rank_deficient
from fastcca.compat import cca_core


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def activations(rng, p=6, q=4, n=300):
    shared = rng.normal(size=(3, n))
    return (
        rng.normal(size=(p, 3)) @ shared + rng.normal(size=(p, n)) + 1.0,
        rng.normal(size=(q, 3)) @ shared + rng.normal(size=(q, n)) - 2.0,
    )


# --- google's numbers -----------------------------------------------------------------------------


@pytest.mark.parametrize(("epsilon", "key"), [(0.0, "google_eps0"), (1e-10, "google_eps1e-10")])
def test_google_logits(epsilon, key):
    stored = google_logits()
    found = cca_core.get_cca_similarity(
        stored["x"], stored["y"], epsilon=epsilon, compute_dirns=True
    )
    for side in ("cca_coef1", "cca_coef2"):
        np.testing.assert_allclose(found[side], stored[f"{key}_cca_coef1"], rtol=0, atol=1e-10)
    np.testing.assert_allclose(found["mean"], [stored[f"{key}_mean_thr098"]] * 2, atol=1e-10)
    np.testing.assert_allclose(found["sum"], [stored[f"{key}_sum"]] * 2, atol=1e-9)
    for side in "12":
        # google stored them at epsilon 0; they hardly differ at 1e-10.
        expected = stored[f"google_eps0_dirns{side}_first3"]
        means = found[f"neuron_means{side}"][:3]
        centred = found[f"cca_dirns{side}"][:3] - means
        target = expected - means
        signs = np.sign(np.sum(centred * target, axis=1, keepdims=True))
        np.testing.assert_allclose(
            centred * signs, target, rtol=0, atol=1e-5 * np.max(np.abs(expected))
        )


def recipe(acts1, acts2, epsilon):
    """What google/svcca's documentation promises, in textbook numpy."""
    p = len(acts1)
    cov = np.cov(acts1.astype(float), acts2.astype(float))
    xx, xy, yy = cov[:p, :p], cov[:p, p:], cov[p:, p:]
    x_scale, y_scale = np.abs(xx).max(), np.abs(yy).max()
    xx, yy, xy = xx / x_scale, yy / y_scale, xy / np.sqrt(x_scale * y_scale)
    kept = np.diag(xx) >= epsilon, np.diag(yy) >= epsilon
    roots = []
    for side, mask in ((xx, kept[0]), (yy, kept[1])):
        values, vectors = np.linalg.eigh(side[np.ix_(mask, mask)] + epsilon * np.eye(mask.sum()))
        roots.append(vectors / np.sqrt(values) @ vectors.T)
    return np.linalg.svd(roots[0] @ xy[np.ix_(*kept)] @ roots[1]), roots, kept


@pytest.mark.parametrize("epsilon", [0.0, 1e-10, 1e-3])
@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (5, 5), (1, 3)])
def test_against_the_recipe(rng, epsilon, shape):
    acts1, acts2 = activations(rng, *shape)
    (u, s, v), roots, _ = recipe(acts1, acts2, epsilon)
    found = cca_core.get_cca_similarity(acts1, acts2, epsilon=epsilon)
    k = min(shape)
    np.testing.assert_allclose(found["cca_coef1"], s, atol=1e-12)
    np.testing.assert_allclose(found["invsqrt_xx"], roots[0], atol=1e-10)
    np.testing.assert_allclose(found["invsqrt_yy"], roots[1], atol=1e-10)
    signs = np.sign(np.sum(found["coef_x"][:k] * u.T[:k], axis=1, keepdims=True))
    np.testing.assert_allclose(found["coef_x"][:k] * signs, u.T[:k], atol=1e-8)
    np.testing.assert_allclose(found["coef_y"][:k] * signs, v[:k], atol=1e-8)
    np.testing.assert_allclose(found["coef_x"] @ found["coef_x"].T, np.eye(shape[0]), atol=1e-12)


def test_signatures_are_google_s():
    expected = {
        "positivedef_matrix_sqrt": "array",
        "remove_small": "sigma_xx sigma_xy sigma_yx sigma_yy epsilon",
        "compute_ccas": "sigma_xx sigma_xy sigma_yx sigma_yy epsilon verbose=True",
        "sum_threshold": "array threshold",
        "create_zero_dict": "compute_dirns dimension",
        "get_cca_similarity": "acts1 acts2 epsilon=0.0 threshold=0.98 compute_coefs=True "
        "compute_dirns=False verbose=True",
        "robust_cca_similarity": "acts1 acts2 threshold=0.98 epsilon=1e-06 compute_dirns=True",
    }
    for name, parameters in expected.items():
        found = inspect.signature(getattr(cca_core, name)).parameters.values()
        texts = [p.name if p.default is p.empty else f"{p.name}={p.default!r}" for p in found]
        assert texts == parameters.split(), name


def test_keys_and_shapes(rng):
    acts1, acts2 = activations(rng)
    found = cca_core.get_cca_similarity(acts1, acts2, compute_dirns=True)
    shapes = {
        "coef_x": (6, 6), "invsqrt_xx": (6, 6), "full_coef_x": (6, 6), "full_invsqrt_xx": (6, 6),
        "coef_y": (4, 4), "invsqrt_yy": (4, 4), "full_coef_y": (4, 4), "full_invsqrt_yy": (4, 4),
        "neuron_means1": (6, 1), "neuron_means2": (4, 1), "cca_coef1": (4,), "cca_coef2": (4,),
        "x_idxs": (6,), "y_idxs": (4,), "mean": (2,), "sum": (2,),
        "cca_dirns1": (6, 300), "cca_dirns2": (4, 300),
    }  # fmt: skip
    assert {key: np.shape(value) for key, value in found.items()} == shapes
    assert found["x_idxs"].dtype == bool
    coefficients = set(shapes) - {"cca_dirns1", "cca_dirns2"}
    assert set(cca_core.get_cca_similarity(acts1, acts2)) == coefficients
    summary = {"cca_coef1", "cca_coef2", "x_idxs", "y_idxs", "mean", "sum"}
    assert set(cca_core.get_cca_similarity(acts1, acts2, compute_coefs=False)) == summary


def test_directions_follow_from_the_coefficients(rng):
    acts1, acts2 = activations(rng)
    found = cca_core.get_cca_similarity(acts1, acts2, compute_dirns=True)
    means = found["neuron_means1"]
    np.testing.assert_allclose(means[:, 0], acts1.mean(axis=1))
    by_hand = found["full_coef_x"] @ found["full_invsqrt_xx"] @ (acts1 - means) + means
    np.testing.assert_allclose(found["cca_dirns1"], by_hand, atol=1e-11)
    correlation = np.corrcoef(found["cca_dirns1"][:4], found["cca_dirns2"])[:4, 4:]
    np.testing.assert_allclose(np.abs(np.diag(correlation)), found["cca_coef1"], atol=1e-12)


def test_epsilon_drops_small_neurons(rng):
    acts1, acts2 = activations(rng)
    acts1[2] *= 1e-4
    (_, s, _), _, kept = recipe(acts1, acts2, 1e-3)
    found = cca_core.get_cca_similarity(acts1, acts2, epsilon=1e-3)
    np.testing.assert_array_equal(found["x_idxs"], [True, True, False, True, True, True])
    np.testing.assert_array_equal(found["x_idxs"], kept[0])
    np.testing.assert_allclose(found["cca_coef1"], s, atol=1e-12)
    assert found["coef_x"].shape == (5, 5)
    assert found["full_coef_x"].shape == (6, 6)
    for key in ("full_coef_x", "full_invsqrt_xx"):
        np.testing.assert_array_equal(found[key][2], 0.0)
        np.testing.assert_array_equal(found[key][:, 2], 0.0)
        np.testing.assert_array_equal(
            np.delete(np.delete(found[key], 2, 0), 2, 1), found[key.removeprefix("full_")]
        )


# --- where google's code fails --------------------------------------------------------------------


def test_collinear_duplicated_and_dead_neurons(rng):
    acts1, acts2 = activations(rng)
    expected = cca_core.get_cca_similarity(acts1, acts2)
    spoiled = np.vstack([acts1, acts1[:1], acts1[1] + acts1[2], np.zeros(300), np.full(300, 0.1)])
    found = cca_core.get_cca_similarity(spoiled, acts2, compute_dirns=True)
    np.testing.assert_allclose(found["cca_coef1"], expected["cca_coef1"], atol=1e-12)
    assert found["coef_x"].shape == (10, 10)
    assert all(np.isfinite(value).all() for value in found.values())


def test_rank_deficient_float32_layers():
    acts1, latent = rank_deficient(2000, 24, 8)
    acts2 = (latent @ np.random.default_rng(3).normal(size=(8, 12))).astype(np.float32)
    found = cca_core.get_cca_similarity(acts1.T, acts2.T)
    np.testing.assert_allclose(found["cca_coef1"][:8], np.ones(8), atol=1e-5)
    np.testing.assert_array_equal(found["cca_coef1"][8:], 0.0)
    assert found["mean"][0] == pytest.approx(1.0, abs=1e-5)


def test_scales_far_apart(rng):
    """Eigenvalues of such a covariance lose their digits; its factor's singular values do not."""
    acts1, acts2 = activations(rng)
    expected = cca_core.get_cca_similarity(acts1, acts2)["cca_coef1"]
    scale = 10.0 ** np.array([0, -2, -4, -6, -3, -1])[:, np.newaxis]
    found = cca_core.get_cca_similarity(acts1 * scale, acts2)
    np.testing.assert_allclose(found["cca_coef1"], expected, atol=1e-8)


@pytest.mark.parametrize("dead", [np.zeros((3, 50)), np.full((3, 50), 0.1)])
@pytest.mark.parametrize("epsilon", [0.0, 1e-6])
def test_a_layer_without_a_live_neuron(rng, dead, epsilon):
    alive = rng.normal(size=(4, 50))
    for pair in ((dead, alive), (alive, dead)):
        found = cca_core.get_cca_similarity(*pair, epsilon=epsilon, compute_dirns=True)
        assert found["mean"] == (0, 0)
        assert found["sum"] == (0, 0)
        assert found["cca_coef1"] == 0
        assert found["cca_dirns1"].shape == (1, 50)


def test_directions_without_coefficients(rng):
    acts1, acts2 = activations(rng)
    found = cca_core.get_cca_similarity(acts1, acts2, compute_coefs=False, compute_dirns=True)
    expected = cca_core.get_cca_similarity(acts1, acts2, compute_dirns=True)
    np.testing.assert_array_equal(found["cca_dirns2"], expected["cca_dirns2"])
    assert "coef_x" not in found


@pytest.mark.parametrize(
    ("acts1", "acts2", "error", "message"),
    [
        (np.ones((3, 9)), np.ones((3, 8)), ValueError, "acts1 has 9 datapoints and acts2 8"),
        (np.ones((9, 3)), np.ones((2, 3)), ValueError, r"acts1 has shape \(9, 3\)"),
        (np.ones((2, 3)), np.ones((3, 3)), ValueError, r"acts2 has shape \(3, 3\)"),
        (np.ones(3), np.ones((3, 3)), ValueError, r"acts1 has shape \(3,\).*\(neurons, datapoints"),
        (np.full((2, 3), np.nan), np.ones((2, 3)), ValueError, "acts1 has 6 values"),
        (np.ones((2, 3)), np.ones((2, 3), object), TypeError, "acts2 has dtype object"),
    ],
)
def test_bad_activations(acts1, acts2, error, message):
    with pytest.raises(error, match=message):
        cca_core.get_cca_similarity(acts1, acts2)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"epsilon": -1e-3}, "epsilon=-0.001"), ({"epsilon": np.nan}, "epsilon=nan"),
     ({"threshold": 0.0}, "threshold=0.0"), ({"threshold": 2}, "threshold=2")],
)  # fmt: skip
def test_bad_options(rng, options, message):
    with pytest.raises(ValueError, match=message):
        cca_core.get_cca_similarity(*activations(rng), **options)


def test_verbose_logs_and_does_not_print(rng, caplog, capsys):
    with caplog.at_level(logging.INFO, logger="fastcca"):
        cca_core.get_cca_similarity(*activations(rng))
        assert "kept 6 of 6 and 4 of 4 neurons" in caplog.text
        caplog.clear()
        cca_core.get_cca_similarity(*activations(rng), verbose=False)
        assert not caplog.text
    assert capsys.readouterr() == ("", "")


# --- robust_cca_similarity ------------------------------------------------------------------------


def test_robust_is_the_plain_call_where_that_converges(rng):
    acts1, acts2 = activations(rng)
    found = cca_core.robust_cca_similarity(acts1, acts2, threshold=0.5)
    expected = cca_core.get_cca_similarity(acts1, acts2, threshold=0.5, compute_dirns=True)
    assert found["mean"] == expected["mean"]
    np.testing.assert_array_equal(found["cca_dirns1"], expected["cca_dirns1"])
    assert "cca_dirns1" not in cca_core.robust_cca_similarity(acts1, acts2, compute_dirns=False)


def test_robust_adds_noise_of_the_right_shapes_after_a_failure(rng, monkeypatch):
    acts1, acts2 = activations(rng)
    originals = acts1.copy(), acts2.copy()
    plain = cca_core.get_cca_similarity
    calls = []

    def failing(a, b, **options):
        calls.append((a, b))
        if len(calls) < 3:
            raise np.linalg.LinAlgError
        return plain(a, b, **options)

    monkeypatch.setattr(cca_core, "get_cca_similarity", failing)
    found = cca_core.robust_cca_similarity(acts1, acts2)
    assert len(calls) == 3
    np.testing.assert_allclose(calls[2][0], acts1 * 0.01, atol=1e-4)
    np.testing.assert_allclose(calls[2][1], acts2 * 0.01, atol=1e-4)
    assert not np.array_equal(calls[1][0], acts1 * 0.1)
    np.testing.assert_allclose(found["cca_coef1"], plain(acts1, acts2)["cca_coef1"], atol=1e-3)
    np.testing.assert_array_equal(acts1, originals[0])
    np.testing.assert_array_equal(acts2, originals[1])


def test_robust_gives_up_after_the_last_trial(rng, monkeypatch):
    calls = []

    def failing(*_, **__):
        calls.append(1)
        raise np.linalg.LinAlgError("no")

    monkeypatch.setattr(cca_core, "get_cca_similarity", failing)
    with pytest.raises(np.linalg.LinAlgError, match="no"):
        cca_core.robust_cca_similarity(*activations(rng))
    assert len(calls) == cca_core.num_cca_trials == 5


# --- the small functions --------------------------------------------------------------------------


def test_positivedef_matrix_sqrt(rng):
    a = rng.normal(size=(5, 5)) + 1j * rng.normal(size=(5, 5))
    for matrix in (a @ a.conj().T, (a @ a.conj().T).real, np.diag([4.0, 0.0])):
        root = cca_core.positivedef_matrix_sqrt(matrix)
        np.testing.assert_allclose(root @ root, matrix, atol=1e-12)
        np.testing.assert_allclose(root, root.conj().T, atol=1e-13)
    singular = np.ones((3, 3))  # eigenvalues 3, 0, 0, the zeros rounded to either side
    np.testing.assert_allclose(cca_core.positivedef_matrix_sqrt(singular), singular / np.sqrt(3))


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (-np.eye(2), "negative eigenvalue -1"),
        (np.ones((2, 3)), "must be square"),
        (np.full((2, 2), np.nan), "NaN"),
        (np.ones(3), "must be a matrix"),
    ],
)
def test_matrices_without_a_root(matrix, message):
    with pytest.raises(ValueError, match=message):
        cca_core.positivedef_matrix_sqrt(matrix)


def test_remove_small(rng):
    cov = np.cov(rng.normal(size=(5, 100)))
    cov[0, 0] = 1e-9
    xx, xy, yx, yy = cov[:3, :3], cov[:3, 3:], cov[3:, :3], cov[3:, 3:]
    found = cca_core.remove_small(xx, xy, yx, yy, 1e-3)
    for result, expected in zip(
        found, (xx[1:, 1:], xy[1:], yx[:, 1:], yy, [False, True, True], [True, True]), strict=True
    ):
        np.testing.assert_array_equal(result, expected)
    found[0][...] = 7.0
    assert not np.any(cov == 7.0)


def test_compute_ccas(rng):
    acts1, acts2 = activations(rng)
    cov = np.cov(acts1, acts2)
    blocks = cov[:6, :6], cov[:6, 6:], cov[6:, :6], cov[6:, 6:]
    before = cov.copy()
    (u, s, v), root_x, root_y, x_idxs, y_idxs = cca_core.compute_ccas(*blocks, epsilon=1e-8)
    np.testing.assert_array_equal(cov, before)
    np.testing.assert_allclose(u[:, :4] * s @ v, root_x @ blocks[1] @ root_y, atol=1e-12)
    np.testing.assert_allclose(
        root_x @ (blocks[0] + 1e-8 * np.eye(6)) @ root_x, np.eye(6), atol=1e-12
    )
    np.testing.assert_allclose(s, fastcca.cca(acts1.T, acts2.T).correlations, atol=1e-6)
    assert x_idxs.all()
    assert y_idxs.all()


def test_compute_ccas_with_nothing_left():
    zero = np.zeros((2, 2))
    usv, root_x, root_y, x_idxs, y_idxs = cca_core.compute_ccas(
        zero, zero, zero, np.eye(2), epsilon=1e-3
    )
    assert usv == [0, 0, 0]
    assert (root_x.shape, root_y.shape) == ((0, 0), (2, 2))
    assert (x_idxs.tolist(), y_idxs.tolist()) == ([False, False], [True, True])


def test_compute_ccas_refuses_misfits():
    with pytest.raises(ValueError, match=r"\(2, 2\), \(3, 2\) and \(2, 2\)"):
        cca_core.compute_ccas(np.eye(2), np.ones((3, 2)), np.ones((2, 3)), np.eye(2), 0.0)
    with pytest.raises(TypeError, match="sigma_xx has dtype object"):
        cca_core.compute_ccas(*[np.eye(2).astype(object)] * 4, epsilon=0.0)


def test_sum_threshold():
    assert cca_core.sum_threshold([0.5, 0.3, 0.2], 0.5) == 1
    assert cca_core.sum_threshold([0.5, 0.3, 0.2], 0.99) is None
    with pytest.raises(ValueError, match="between 0 and 1"):
        cca_core.sum_threshold([1.0], 1.5)


def test_create_zero_dict():
    found = cca_core.create_zero_dict(compute_dirns=True, dimension=7)
    assert set(found) == {
        "mean", "sum", "cca_coef1", "cca_coef2", "idx1", "idx2", "cca_dirns1", "cca_dirns2",
    }  # fmt: skip
    assert found["cca_dirns2"].shape == (1, 7)
    assert "cca_dirns1" not in cca_core.create_zero_dict(compute_dirns=False, dimension=7)
