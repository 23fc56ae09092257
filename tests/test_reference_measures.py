"""The numpy reference of every measure against loops, closed forms and published values.

The measures are the oracles of the compiled ones, so none is checked here against itself: sums
are written out as loops, spectra come from eigenvalues of covariances, complex data from their
real embedding.
"""

import itertools
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import linalg

from cases import (
    DATA,
    DTYPES,
    google_logits,
    published_case,
    rank_deficient,
    small_integers,
)
from fastcca import reference
from oracle import exact_cca


@pytest.fixture(scope="module")
def logits() -> dict[str, np.ndarray]:
    stored = google_logits()
    return {**stored, "x": stored["x"].T, "y": stored["y"].T}


def related(n: int, p: int, q: int, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two blocks that share two signals, with means and unequal scales."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(n, 2))
    x = shared @ rng.normal(size=(2, p)) + rng.normal(size=(n, p)) * rng.uniform(0.3, 2.0, p) + 3.0
    y = shared @ rng.normal(size=(2, q)) + rng.normal(size=(n, q)) * rng.uniform(0.3, 2.0, q) - 1.0
    return x, y


def rotation(p: int, *, seed: int = 0) -> np.ndarray:
    out: np.ndarray = linalg.qr(np.random.default_rng(seed).normal(size=(p, p)))[0]
    return out


def orthonormal(n: int, m: int, *, seed: int = 0) -> np.ndarray:
    """Columns of mean zero and norm one (n, m), orthogonal to each other."""
    gaussian = np.random.default_rng(seed).normal(size=(n, m))
    out: np.ndarray = linalg.qr(gaussian - gaussian.mean(axis=0), mode="economic")[0]
    return out


# --- centring ---------------------------------------------------------------------------------


def test_means_that_leave_six_bits_for_the_data_do_no_harm():
    x, y = small_integers(50, 3, seed=1), small_integers(50, 2, seed=2)
    y += x[:, :2]
    far_x, far_y = x + 2.0**46, y - 2.0**46  # exact, but no float64 is near their means

    found = reference.cca(far_x, far_y).correlations

    assert np.all(far_x - 2.0**46 == x)
    np.testing.assert_allclose(found, exact_cca(x, y).correlations, rtol=0, atol=1e-12)
    assert reference.cka(far_x, far_y) == pytest.approx(reference.cka(x, y), abs=1e-12)
    assert reference.procrustes(far_x, far_y) == pytest.approx(
        reference.procrustes(x, y), abs=1e-12
    )


# --- SVCCA ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("criterion", "dims", "coefficients"),
    [
        ("variance", (8, 8), "ref_svcca99_variance_coef"),
        ("singular_values", (10, 10), "ref_svcca99_singular_coef"),
    ],
)
def test_svcca_on_google_activations(logits, criterion, dims, coefficients):
    found = reference.svcca(logits["x"], logits["y"], criterion=criterion)

    assert (found.x_kept, found.y_kept) == dims
    assert (found.x_rank, found.y_rank) == (10, 10)
    np.testing.assert_allclose(found.correlations, logits[coefficients], rtol=0, atol=1e-12)


SPECTRUM = [4.0, 2.0, 1.0, 0.9]  # sum 7.9; sum of squares 21.81


@pytest.mark.parametrize(
    ("criterion", "keep", "kept"),
    [
        ("variance", 0.01, 1),
        ("variance", 0.73, 1),  # 16 / 21.81 = 0.7336
        ("variance", 0.74, 2),
        ("variance", 0.91, 2),  # 20 / 21.81 = 0.9170
        ("variance", 0.92, 3),
        ("variance", 0.962, 3),  # 21 / 21.81 = 0.9629
        ("variance", 0.97, 4),
        ("variance", 1.0, 4),
        ("singular_values", 0.5, 1),  # 4 / 7.9 = 0.5063
        ("singular_values", 0.51, 2),
        ("singular_values", 0.75, 2),  # 6 / 7.9 = 0.7595
        ("singular_values", 0.76, 3),
        ("singular_values", 0.88, 3),  # 7 / 7.9 = 0.8861
        ("singular_values", 0.89, 4),
        ("singular_values", 1.0, 4),
        ("variance", 1, 1),
        ("variance", 3, 3),
        ("singular_values", np.int64(2), 2),
        ("variance", 9, 4),
    ],
)
def test_the_component_that_crosses_the_threshold_is_kept(criterion, keep, kept):
    x = orthonormal(30, 4) * SPECTRUM @ rotation(4) + 2.0
    y = np.random.default_rng(1).normal(size=(30, 5))

    found = reference.svcca(x, y, keep=(keep, 1.0), criterion=criterion)
    swapped = reference.svcca(y, x, keep=(1.0, keep), criterion=criterion)

    assert (found.x_kept, found.y_kept) == (kept, 5)
    assert (swapped.x_kept, swapped.y_kept) == (5, kept)
    assert found.correlations.shape == (kept,)
    assert (found.x_rank, found.y_rank) == (4, 5)
    assert found.x_condition == pytest.approx(SPECTRUM[0] / SPECTRUM[kept - 1], rel=1e-12)


@pytest.mark.parametrize("kept", [(1, 1), (2, 3), (4, 2), (4, 5)])
def test_svcca_is_the_cca_of_the_leading_principal_axes(kept):
    x_axes, y_axes = orthonormal(40, 4, seed=1), orthonormal(40, 5, seed=2)
    y_axes = linalg.qr(y_axes + 0.7 * np.roll(np.pad(x_axes, ((0, 0), (0, 1))), 1, axis=1))[0]
    y_axes = y_axes[:, :5]
    y_axes -= y_axes.mean(axis=0)
    x = x_axes * [5.0, 3.0, 1.0, 0.2] @ rotation(4, seed=3) + 7.0
    y = y_axes * [9.0, 2.0, 1.5, 0.8, 0.1] @ rotation(5, seed=4)
    angles = linalg.subspace_angles(x_axes[:, : kept[0]], y_axes[:, : kept[1]])

    found = reference.svcca(x, y, keep=kept)

    assert (found.x_kept, found.y_kept) == kept
    np.testing.assert_allclose(found.correlations, np.cos(angles)[::-1], rtol=0, atol=1e-12)
    u = (x - found.x_mean) @ found.x_weights
    v = (y - found.y_mean) @ found.y_weights
    k = min(kept)
    np.testing.assert_allclose(u.T @ u / 39, np.eye(k), atol=1e-12)
    np.testing.assert_allclose(v.T @ v / 39, np.eye(k), atol=1e-12)
    np.testing.assert_allclose(u.T @ v / 39, np.diag(found.correlations), atol=1e-12)
    np.testing.assert_allclose(x_axes[:, kept[0] :].T @ u, 0.0, atol=1e-12)  # nothing dropped is in
    np.testing.assert_allclose(y_axes[:, kept[1] :].T @ v, 0.0, atol=1e-12)
    if kept == (4, 5):
        np.testing.assert_allclose(
            found.correlations, reference.cca(x, y).correlations, rtol=0, atol=1e-12
        )


def test_svcca_depends_on_the_scale_of_units_and_not_on_rotation_offset_or_unit_of_measurement():
    x, y = related(60, 5, 4)

    plain = reference.svcca(x, y, keep=2).correlations
    turned = reference.svcca(x @ rotation(5) * 1e-3 + 9.0, y @ rotation(4), keep=2).correlations
    scaled = reference.svcca(x * [1.0, 1.0, 50.0, 1.0, 1.0], y, keep=2).correlations

    np.testing.assert_allclose(turned, plain, rtol=0, atol=1e-12)
    assert np.abs(scaled - plain).max() > 0.01


@pytest.mark.parametrize("scale", [1e-200, 1e200])
@pytest.mark.parametrize("criterion", ["variance", "singular_values"])
def test_svcca_in_extreme_units(criterion, scale):
    x, y = related(60, 5, 4)
    plain = reference.svcca(x, y, keep=0.9, criterion=criterion)

    found = reference.svcca(x * scale, y, keep=0.9, criterion=criterion)

    assert found.x_kept == plain.x_kept
    np.testing.assert_allclose(found.correlations, plain.correlations, rtol=0, atol=1e-12)


@pytest.mark.parametrize("offset", [0.0, 100.0])
@pytest.mark.parametrize("keep", [1.0, 30, 0.999999999])
@pytest.mark.parametrize("criterion", ["variance", "singular_values"])
def test_svcca_never_keeps_rounding(criterion, keep, offset):
    x, latent = rank_deficient(500, 40, 8, offset=offset)
    assert np.linalg.matrix_rank(x.astype(np.float64) - x.mean(axis=0)) > 8

    found = reference.svcca(x, latent, keep=keep, criterion=criterion)

    assert (found.x_rank, found.x_kept, found.y_kept) == (8, 8, 8)
    assert found.correlations.min() > 0.9999


def test_rounding_larger_than_real_units_does_not_hide_them():
    rng = np.random.default_rng(0)
    small = rng.normal(size=(5000, 3)) * 1e-3
    # a dead unit and a pair of equal units whose rounding is above the small units' variation
    wobble = 1e6 + 0.0625 * rng.integers(0, 2, size=5000)
    twin = 1e6 + 1e4 * rng.normal(size=5000)
    x = np.column_stack([wobble, small, twin, twin + rng.normal(size=5000) * 0.01])
    x = x.astype(np.float32)
    noise = np.std(x[:, 4] - x[:, 5].astype(np.float64))
    assert x[:, 0].std() > 10 * small.std()
    assert noise > small.std()

    found = reference.svcca(x, small, keep=1.0)

    assert (found.x_rank, found.x_kept) == (4, 4)
    np.testing.assert_array_equal(found.x_dead, [0])
    assert found.correlations.min() > 0.999
    np.testing.assert_array_equal(found.x_weights[0], 0.0)
    assert found.x_condition == pytest.approx(np.hypot(*x[:, 4:].std(axis=0)) / 1e-3, rel=0.05)
    u = (x - found.x_mean) @ found.x_weights
    np.testing.assert_allclose(np.cov(u, rowvar=False), np.eye(3), atol=1e-6)


def test_svcca_of_a_block_that_does_not_vary():
    x, y = np.full((20, 3), 0.1), np.random.default_rng(0).normal(size=(20, 2))

    found = reference.svcca(x, y)

    assert found.correlations.shape == (0,)
    assert (found.x_rank, found.x_kept, found.x_condition) == (0, 0, 1.0)
    assert found.x_weights.shape == (3, 0)
    np.testing.assert_array_equal(found.x_dead, [0, 1, 2])


def test_svcca_with_more_units_than_samples():
    x, y = related(30, 80, 50)

    found = reference.svcca(x, y, keep=(5, 0.5))

    assert (found.x_rank, found.y_rank) == (29, 29)
    assert found.x_kept == 5
    assert found.x_weights.shape == (80, min(5, found.y_kept))
    assert found.correlations.max() < 1.0 - 1e-6
    assert reference.svcca(x, y, keep=1.0).x_kept == 29


def test_svcca_without_weights():
    x, y = related(30, 4, 3)

    found = reference.svcca(x, y, weights=False)

    assert found.x_weights is None
    assert found.y_weights is None
    np.testing.assert_array_equal(found.correlations, reference.svcca(x, y).correlations)


@pytest.mark.parametrize("keep", [0.0, -0.5, 1.5, np.nan, 0, -2, True, (0.9, 0), (2.0, 0.9)])
def test_svcca_refuses_to_keep(keep):
    x, y = related(30, 4, 3)

    with pytest.raises(ValueError, match="must be a share in"):
        reference.svcca(x, y, keep=keep)


def test_svcca_refuses_an_unknown_criterion():
    x, y = related(30, 4, 3)

    with pytest.raises(ValueError, match="criterion='energy' is unknown"):
        reference.svcca(x, y, criterion="energy")


# --- PWCCA ------------------------------------------------------------------------------------


def test_pwcca_on_google_activations(logits):
    x, y = logits["x"], logits["y"]

    forth, back = reference.pwcca(x, y), reference.pwcca(y, x)
    both = reference.pwcca(x, y, variant="symmetric")

    assert forth.value == pytest.approx(0.8074449348, abs=5e-11)
    assert back.value == pytest.approx(0.7989551161, abs=5e-11)
    assert forth.value == pytest.approx(float(logits["ref_pwcca_x"]), abs=1e-13)
    assert back.value == pytest.approx(float(logits["ref_pwcca_y"]), abs=1e-13)
    assert both.value == pytest.approx((forth.value + back.value) / 2, abs=1e-15)
    np.testing.assert_array_equal(both.weights, forth.weights)
    np.testing.assert_allclose(forth.correlations, logits["ref_cca"], rtol=0, atol=1e-12)


@pytest.mark.parametrize(("p", "q"), [(3, 5), (5, 3), (4, 4), (1, 3), (3, 1)])
def test_pwcca_is_the_sum_over_units_written_out(p, q):
    x, y = related(25, p, q, seed=p)
    truth = exact_cca(x, y)
    alpha = []
    for i in range(min(p, q)):
        total = 0.0
        for unit in range(p):
            inner = 0.0
            for sample in range(25):
                variate = sum(
                    (x[sample, j] - truth.x_mean[j]) * truth.x_weights[j, i] for j in range(p)
                )
                inner += variate * (x[sample, unit] - truth.x_mean[unit])
            total += abs(inner)
        alpha.append(total)

    found = reference.pwcca(x, y)

    np.testing.assert_allclose(found.weights, np.array(alpha) / sum(alpha), rtol=1e-10)
    expected = sum(a * r for a, r in zip(alpha, truth.correlations, strict=True)) / sum(alpha)
    assert found.value == pytest.approx(expected, rel=1e-11)
    np.testing.assert_allclose(found.correlations, truth.correlations, rtol=0, atol=1e-13)
    # and the closed form without samples: ||Sxx a||_1
    closed = np.abs(np.cov(x, rowvar=False).reshape(p, p) @ truth.x_weights).sum(axis=0)
    np.testing.assert_allclose(found.weights, closed / closed.sum(), rtol=1e-10)


def test_pwcca_depends_on_the_units_of_x_and_on_nothing_of_y_but_its_span():
    x, y = related(60, 4, 5)
    plain = reference.pwcca(x, y).value

    def value(a: np.ndarray, b: np.ndarray) -> float:
        return reference.pwcca(a, b).value

    assert value(x * 1e-3 + 9.0, y) == pytest.approx(plain, abs=1e-13)
    assert value(x[:, ::-1], y) == pytest.approx(plain, abs=1e-13)
    mixing = np.random.default_rng(0).normal(size=(5, 5))
    assert value(x, y @ mixing - 4.0) == pytest.approx(plain, abs=1e-12)
    assert abs(value(x * [1.0, 30.0, 1.0, 1.0], y) - plain) > 1e-3
    assert abs(value(x @ rotation(4), y) - plain) > 1e-4


def test_pwcca_of_a_block_with_itself_is_one():
    x, _ = related(60, 4, 5)

    assert reference.pwcca(x, x @ rotation(4) + 1.0).value == pytest.approx(1.0, abs=1e-13)
    assert reference.pwcca(x, x).value <= 1.0


def test_dead_units_have_no_say_in_pwcca():
    x, y = related(60, 4, 5)
    x, y = x.astype(np.float32), y.astype(np.float32)
    wobble = np.float32(1e8) + np.float32(8) * np.random.default_rng(0).integers(0, 2, 60)
    with_dead = np.column_stack([x[:, :2], wobble.astype(np.float32), x[:, 2:]])
    assert np.ptp(with_dead[:, 2]) == 8.0  # its rounding outweighs all other units
    plain = reference.pwcca(x, y)

    found = reference.pwcca(with_dead, y)

    np.testing.assert_allclose(found.weights, plain.weights, rtol=1e-12)
    assert found.value == pytest.approx(plain.value, rel=1e-12)


@pytest.mark.parametrize("variant", ["paper", "symmetric"])
def test_pwcca_of_a_block_that_does_not_vary_is_zero(variant):
    x, y = np.full((20, 3), 0.1), np.random.default_rng(0).normal(size=(20, 2))

    for found in (reference.pwcca(x, y, variant=variant), reference.pwcca(y, x, variant=variant)):
        assert found.value == 0.0
        assert found.weights.shape == found.correlations.shape == (0,)


def test_pwcca_refuses_an_unknown_variant():
    x, y = related(30, 4, 3)

    with pytest.raises(ValueError, match="variant='google' is unknown"):
        reference.pwcca(x, y, variant="google")


# --- PLS --------------------------------------------------------------------------------------


def test_pls_of_linnerud_as_published():
    printed = json.loads((DATA / "pls_linnerud.json").read_text(encoding="utf-8"))
    case = published_case("linnerud")
    exercise, body = case.y, case.x  # the sides are exchanged there

    found = reference.pls(exercise / exercise.std(axis=0, ddof=1), body / body.std(axis=0, ddof=1))

    # five decimals: the published values come from an iteration of tolerance 1e-6
    weight = np.array(printed["published"]["first_x_weight_abs"]).astype(np.float64)
    np.testing.assert_allclose(np.abs(found.x_weights[:, 0]), weight, rtol=0, atol=2e-6)
    np.testing.assert_allclose(
        found.singular_values,
        printed["derived"]["singular_values_of_cross_correlation"],
        rtol=1e-12,
    )


def test_pls_on_google_activations(logits):
    found = reference.pls(logits["x"], logits["y"])

    np.testing.assert_allclose(found.singular_values, logits["google_pls_eigenvals"], rtol=1e-12)


@pytest.mark.parametrize(("n", "p", "q"), [(40, 3, 5), (40, 5, 3), (40, 4, 4), (6, 9, 8)])
def test_pls_weights_diagonalise_the_covariance(n, p, q):
    x, y = related(n, p, q, seed=n)
    k = min(n, p, q)
    joint = np.cov(x, y, rowvar=False)  # of both blocks, stacked
    cross = joint[:p, p:]

    found = reference.pls(x, y)

    squares = np.sort(np.linalg.eigvalsh(cross @ cross.T))[::-1][:k]
    np.testing.assert_allclose(found.singular_values**2, squares, rtol=1e-8, atol=1e-12)
    assert np.all(np.diff(found.singular_values) <= 0.0)
    assert (found.x_weights.shape, found.y_weights.shape) == ((p, k), (q, k))
    np.testing.assert_allclose(found.x_weights.T @ found.x_weights, np.eye(k), atol=1e-13)
    np.testing.assert_allclose(found.y_weights.T @ found.y_weights, np.eye(k), atol=1e-13)
    scores_covariance = found.x_weights.T @ cross @ found.y_weights
    np.testing.assert_allclose(scores_covariance, np.diag(found.singular_values), atol=1e-12)


def test_pls_names_the_covariance_that_overflows():
    x, y = related(30, 3, 2)

    with pytest.raises(ValueError, match="feature 1 of x and feature 0 of y overflows"):
        reference.pls(x * [1.0, 1e200, 1.0], y * [1e150, 1.0])


# --- PCA --------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", ["x", "y"])
def test_pca_on_google_activations(logits, side):
    found = reference.pca(logits[side])

    # google's code centres in single precision
    np.testing.assert_allclose(
        found.singular_values, logits[f"google_pca_{side}_eigenvals"], rtol=1e-7
    )


@pytest.mark.parametrize(("n", "p"), [(40, 5), (6, 9), (8, 8), (20, 1), (2, 3)])
def test_pca_is_the_spectrum_of_the_covariance(n, p):
    x, _ = related(n, p, 2, seed=n)
    covariance = np.cov(x, rowvar=False).reshape(p, p)
    k = min(n, p)

    found = reference.pca(x)

    eigenvalues = np.linalg.eigvalsh(covariance)[::-1][:k]
    np.testing.assert_allclose(found.explained_variance, eigenvalues, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(
        found.singular_values, np.sqrt((n - 1) * found.explained_variance), rtol=1e-14
    )
    np.testing.assert_allclose(found.mean, x.mean(axis=0), rtol=1e-14)
    assert found.components.shape == (k, p)
    np.testing.assert_allclose(found.components @ found.components.T, np.eye(k), atol=1e-13)
    np.testing.assert_allclose(
        covariance @ found.components.T, found.components.T * found.explained_variance, atol=1e-12
    )
    assert found.rank == min(n - 1, p)


@pytest.mark.parametrize("offset", [0.0, 1.0, 1000.0])
def test_pca_rank_of_float32_layers(offset):
    x, _ = rank_deficient(500, 32, 8, offset=offset)

    assert reference.pca(x).rank == 8
    assert reference.pca(x.astype(np.float64)).rank == 32  # as if all digits were data


def test_pca_of_a_block_that_does_not_vary():
    found = reference.pca(np.full((20, 3), 1.0 / 3.0))

    assert found.rank == 0
    np.testing.assert_allclose(found.explained_variance, 0.0, atol=1e-30)
    np.testing.assert_allclose(found.mean, 1.0 / 3.0, rtol=1e-15)


def test_pca_refuses_a_variance_that_overflows():
    x, _ = related(30, 3, 2)

    with pytest.raises(ValueError, match=r"largest variance.*overflows float64; divide"):
        reference.pca(x * 1e200)


# --- CKA --------------------------------------------------------------------------------------


def test_cka_on_google_activations(logits):
    found = reference.cka(logits["x"], logits["y"])

    assert found == pytest.approx(0.4374523124, abs=5e-11)
    assert found == pytest.approx(float(logits["ref_cka_linear"]), abs=1e-13)


def feature_space_cka(x: np.ndarray, y: np.ndarray) -> float:
    """||Sxy||^2 / (||Sxx|| ||Syy||): equation 4 of Kornblith et al., through covariances."""
    p = x.shape[1]
    joint = np.cov(x, y, rowvar=False)
    xx, yy, xy = joint[:p, :p], joint[p:, p:], joint[:p, p:]
    return float(np.sum(xy**2) / np.sqrt(np.sum(xx**2) * np.sum(yy**2)))


def u_statistic_hsic(k: np.ndarray, m: np.ndarray) -> float:
    """Equation 4 of Song et al. 2012: the mean over all ordered quadruples of distinct samples."""
    total, count = 0.0, 0
    for i, j, q, r in itertools.permutations(range(k.shape[0]), 4):
        total += k[i, j] * (m[i, j] + m[q, r] - 2.0 * m[i, q])
        count += 1
    return total / count


@pytest.mark.parametrize(("n", "p", "q"), [(40, 3, 5), (5, 9, 2), (700, 4, 3), (512, 2, 2)])
def test_cka_is_the_feature_space_formula(n, p, q):
    x, y = related(n, p, q, seed=n)

    assert reference.cka(x, y) == pytest.approx(feature_space_cka(x, y), abs=1e-13)


@pytest.mark.parametrize(("n", "p", "q"), [(4, 2, 3), (6, 3, 5), (8, 12, 2)])
def test_debiased_cka_is_the_u_statistic_written_out(n, p, q):
    x, y = related(n, p, q, seed=n)
    k, m = x @ x.T, y @ y.T  # the U-statistic needs no centring
    expected = u_statistic_hsic(k, m) / np.sqrt(u_statistic_hsic(k, k) * u_statistic_hsic(m, m))

    found = reference.cka(x, y, debiased=True)

    assert abs(expected) < 0.999
    assert found == pytest.approx(expected, abs=1e-11)


@pytest.mark.parametrize("n", [600, 513])
def test_debiased_cka_across_blocks_of_rows_is_song_equation_5(n):
    x, y = related(n, 4, 3)
    k, m = x @ x.T, y @ y.T
    np.fill_diagonal(k, 0.0)
    np.fill_diagonal(m, 0.0)

    def hsic(a: np.ndarray, b: np.ndarray) -> float:
        return float(
            np.trace(a @ b)
            + a.sum() * b.sum() / ((n - 1) * (n - 2))
            - 2.0 / (n - 2) * np.sum(a @ b)
        )

    found = reference.cka(x, y, debiased=True)

    assert found == pytest.approx(hsic(k, m) / np.sqrt(hsic(k, k) * hsic(m, m)), abs=1e-11)


def test_debiased_cka_of_independent_data_is_near_zero_where_cka_is_not():
    rng = np.random.default_rng(0)
    biased, debiased = [], []
    for _ in range(100):
        x, y = rng.normal(size=(20, 40)), rng.normal(size=(20, 30))
        biased.append(reference.cka(x, y))
        debiased.append(reference.cka(x, y, debiased=True))

    assert np.mean(biased) > 0.5
    assert abs(np.mean(debiased)) < 4.0 * np.std(debiased) / 10.0
    assert np.min(debiased) < 0.0


@pytest.mark.parametrize("debiased", [False, True])
def test_cka_is_invariant_to_rotation_scale_and_offset_alone(debiased):
    x, y = related(50, 4, 6)
    plain = reference.cka(x, y, debiased=debiased)

    def value(a: np.ndarray, b: np.ndarray) -> float:
        return reference.cka(a, b, debiased=debiased)

    assert value(y, x) == pytest.approx(plain, abs=1e-13)
    assert value(x @ rotation(4) * 1e-150 + 1e-149, y @ rotation(6) * 1e150) == pytest.approx(
        plain, abs=1e-12
    )
    assert value(x, -3.0 * x @ rotation(4) + 1.0) == pytest.approx(1.0, abs=1e-13)
    assert abs(value(x * [1.0, 5.0, 1.0, 1.0], y) - plain) > 1e-3
    assert value(x, x) <= 1.0


@pytest.mark.parametrize("n", [2, 3])
def test_debiased_cka_needs_four_samples(n):
    x, y = related(n, 2, 2)

    with pytest.raises(ValueError, match=f"at least 4 samples, but x and y have {n}"):
        reference.cka(x, y, debiased=True)
    assert 0.0 <= reference.cka(x, y) <= 1.0


# --- Procrustes and linear regression ---------------------------------------------------------


def test_procrustes_on_google_activations(logits):
    found = reference.procrustes(logits["x"], logits["y"])

    assert found == pytest.approx(float(logits["ref_procrustes_cos"]), abs=1e-13)


def test_procrustes_is_what_the_best_rotation_achieves():
    x, y = related(50, 4, 4)
    xc, yc = x - x.mean(axis=0), y - y.mean(axis=0)
    best, nuclear = linalg.orthogonal_procrustes(xc, yc)
    scaling = nuclear / np.sum(xc**2)
    residual = np.sum((scaling * xc @ best - yc) ** 2) / np.sum(yc**2)

    found = reference.procrustes(x, y)

    assert found == pytest.approx(nuclear / np.sqrt(np.sum(xc**2) * np.sum(yc**2)), rel=1e-12)
    assert 1.0 - found**2 == pytest.approx(residual, rel=1e-11)


def test_procrustes_is_invariant_to_rotation_scale_and_offset_alone():
    x, y = related(50, 3, 5)
    plain = reference.procrustes(x, y)

    assert 0.0 < plain < 0.99
    assert reference.procrustes(y, x) == pytest.approx(plain, abs=1e-13)
    turned = reference.procrustes(x @ rotation(3) * 1e-200, y @ rotation(5) * 1e200 + 1e199)
    assert turned == pytest.approx(plain, abs=1e-12)
    embedded = np.pad(x, ((0, 0), (0, 2))) @ rotation(5)
    assert reference.procrustes(x, embedded) == pytest.approx(1.0, abs=1e-13)
    assert abs(reference.procrustes(x * [1.0, 5.0, 1.0], y) - plain) > 1e-3


def test_regression_on_google_activations(logits):
    x, y = logits["x"], logits["y"]

    assert reference.linear_regression_r2(x, y) == pytest.approx(
        float(logits["ref_linreg_y_from_x"]), abs=1e-13
    )
    assert reference.linear_regression_r2(y, x) == pytest.approx(
        float(logits["ref_linreg_x_from_y"]), abs=1e-13
    )


@pytest.mark.parametrize(("p", "q"), [(3, 5), (5, 3), (1, 1)])
def test_regression_is_one_minus_the_residual_of_least_squares(p, q):
    x, y = related(40, p, q, seed=p)
    design = np.column_stack([np.ones(40), x])
    residual = y - design @ np.linalg.lstsq(design, y)[0]
    expected = 1.0 - np.sum(residual**2) / np.sum((y - y.mean(axis=0)) ** 2)

    assert reference.linear_regression_r2(x, y) == pytest.approx(expected, abs=1e-13)


def test_regression_depends_on_the_span_of_x_and_on_the_scale_of_y():
    x, y = related(50, 4, 3)
    plain = reference.linear_regression_r2(x, y)

    def value(a: np.ndarray, b: np.ndarray) -> float:
        return reference.linear_regression_r2(a, b)

    mixing = np.random.default_rng(0).normal(size=(4, 6))
    assert value(x @ mixing + 3.0, y @ rotation(3) * 7.0) == pytest.approx(plain, abs=1e-12)
    assert value(x, x @ mixing) == pytest.approx(1.0, abs=1e-13)
    assert abs(value(x, y * [1.0, 10.0, 1.0]) - plain) > 1e-3
    assert abs(value(y, x) - plain) > 1e-3
    doubled = np.column_stack([x, x[:, 0]]).astype(np.float32)  # collinear, in single precision
    assert value(doubled, y) == pytest.approx(plain, abs=1e-5)


# --- every measure of real data ---------------------------------------------------------------

NUMBERS: dict[str, Callable[..., float]] = {
    "svcca": lambda x, y: float(np.mean(reference.svcca(x, y, keep=2).correlations)),
    "pwcca": lambda x, y: reference.pwcca(x, y).value,
    "pwcca_symmetric": lambda x, y: reference.pwcca(x, y, variant="symmetric").value,
    "pls": lambda x, y: float(reference.pls(x, y).singular_values[0]),
    "pca": lambda x, _: float(reference.pca(x).explained_variance[0]),
    "cka": reference.cka,
    "cka_debiased": lambda x, y: reference.cka(x, y, debiased=True),
    "procrustes": reference.procrustes,
    "linear_regression_r2": reference.linear_regression_r2,
}


@pytest.mark.parametrize("measure", NUMBERS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_gives_the_same_answer_and_is_not_written_to(measure, dtype):
    x = small_integers(30, 4, seed=1)
    y = small_integers(30, 3, seed=2) + np.sign(x[:, :3])
    expected = NUMBERS[measure](x, y)
    stored = x.astype(dtype)
    stored.flags.writeable = False
    y.flags.writeable = False

    assert NUMBERS[measure](stored, y) == pytest.approx(expected, rel=1e-12)
    assert NUMBERS[measure](np.asfortranarray(stored), y) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("measure", ["cka", "cka_debiased", "procrustes", "linear_regression_r2"])
@pytest.mark.parametrize("constant", [0.0, 0.1, 1.0 / 3.0, 1e300])
def test_numbers_of_a_block_that_does_not_vary_are_zero(measure, constant):
    dead = np.full((20, 3), constant)
    live = np.random.default_rng(0).normal(size=(20, 2))

    assert NUMBERS[measure](dead, live) == 0.0
    assert NUMBERS[measure](live, dead) == 0.0
    assert NUMBERS[measure](dead, dead) == 0.0


@pytest.mark.parametrize("measure", ["cka", "cka_debiased", "procrustes", "linear_regression_r2"])
def test_a_block_that_only_wobbles_by_its_rounding_does_not_vary(measure):
    rng = np.random.default_rng(0)
    live = rng.normal(size=(50, 2)).astype(np.float32)
    spacings = rng.integers(0, 2, size=(50, 3)).astype(np.float32) * np.float32(2.0**-10)
    wobble = np.float32(1e4) + spacings
    assert np.all(np.ptp(wobble, axis=0) > 0.0)

    assert NUMBERS[measure](wobble, live) == 0.0
    assert NUMBERS[measure](live, wobble) == 0.0


# --- complex data -----------------------------------------------------------------------------


def complex_related(n: int, p: int, q: int, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Complex blocks with improper parts, that share two signals."""
    rng = np.random.default_rng(seed)

    def gaussian(*shape: int) -> np.ndarray:
        return rng.normal(size=shape) + 1j * rng.normal(size=shape)

    shared = gaussian(n, 2)
    x = shared @ gaussian(2, p) + gaussian(n, p) + 0.5 * rng.normal(size=(n, 1)) + (3.0 - 2.0j)
    y = shared @ gaussian(2, q) + gaussian(n, q) * 1.5 - 1.0j
    return x, y


def complex_moments(x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    x_wide, y_wide = x.astype(np.complex128), y.astype(np.complex128)
    x_mean, y_mean = x_wide.mean(axis=0), y_wide.mean(axis=0)
    xc, yc = x_wide - x_mean, y_wide - y_mean
    return {
        "n_samples": x.shape[0],
        "x_mean": x_mean,
        "y_mean": y_mean,
        "x_scatter": xc.conj().T @ xc,
        "y_scatter": yc.conj().T @ yc,
        "cross_scatter": xc.conj().T @ yc,
        "x_epsilon": reference.input_epsilon(x.dtype),
        "y_epsilon": reference.input_epsilon(y.dtype),
    }


def complex_by_moments(x: np.ndarray, y: np.ndarray) -> reference.Solution:
    return reference.cca_from_moments(**complex_moments(x, y))


both_complex_routes = pytest.mark.parametrize("solve", [reference.cca, complex_by_moments])


def real_embedding(z: np.ndarray) -> np.ndarray:
    """[[Re, -Im], [Im, Re]] (2n, 2p) of the centred z: every correlation of z, twice."""
    c = z - z.mean(axis=0)
    return np.block([[c.real, -c.imag], [c.imag, c.real]])


@both_complex_routes
@pytest.mark.parametrize(("p", "q"), [(3, 5), (4, 4), (5, 2), (1, 1)])
def test_complex_correlations_are_those_of_the_real_embedding(solve, p, q):
    x, y = complex_related(30, p, q, seed=p)
    truth = exact_cca(real_embedding(x), real_embedding(y)).correlations

    found = solve(x, y)

    assert (found.x_rank, found.y_rank) == (p, q)
    np.testing.assert_allclose(truth[::2], truth[1::2], rtol=0, atol=1e-14)
    np.testing.assert_allclose(found.correlations, truth[::2], rtol=0, atol=1e-13)
    assert found.correlations.dtype == np.float64


@both_complex_routes
def test_complex_weights_whiten_by_the_conjugate_transpose(solve):
    x, y = complex_related(40, 3, 5)

    found = solve(x, y)

    np.testing.assert_allclose(found.x_mean, x.mean(axis=0), rtol=1e-14)
    xc, yc = x - x.mean(axis=0), y - y.mean(axis=0)
    a, b = found.x_weights, found.y_weights
    assert a.dtype == b.dtype == np.complex128
    xx, yy, xy = (left.conj().T @ right / 39 for left, right in ((xc, xc), (yc, yc), (xc, yc)))
    np.testing.assert_allclose(a.conj().T @ xx @ a, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(b.conj().T @ yy @ b, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(a.conj().T @ xy @ b, np.diag(found.correlations), atol=1e-12)
    u, v = xc @ a, yc @ b
    np.testing.assert_allclose(u.conj().T @ v / 39, np.diag(found.correlations), atol=1e-12)


@both_complex_routes
def test_complex_correlations_ignore_complex_affine_maps(solve):
    x, y = complex_related(40, 3, 4)
    rng = np.random.default_rng(1)
    mixing = rng.normal(size=(3, 3)) + 1j * rng.normal(size=(3, 3))
    plain = solve(x, y).correlations

    np.testing.assert_allclose(
        solve(x @ mixing + (2.0 - 1.0j), 1j * y).correlations, plain, atol=1e-12
    )
    np.testing.assert_allclose(solve(x.conj(), y.conj()).correlations, plain, atol=1e-13)
    assert np.abs(solve(x, y.conj()).correlations - plain).max() > 0.05


@both_complex_routes
def test_a_rotating_phase_is_uncorrelated_with_its_conjugate(solve):
    phase = np.exp(2j * np.pi * np.arange(12) / 12)[:, np.newaxis]

    np.testing.assert_allclose(solve(phase, phase * (3.0 + 1.0j)).correlations, [1.0], atol=1e-14)
    np.testing.assert_allclose(solve(phase, phase.conj()).correlations, [0.0], atol=1e-14)


@both_complex_routes
def test_one_complex_unit_each_is_the_modulus_of_their_correlation(solve):
    x, y = complex_related(20, 1, 1)
    inner = xx = yy = 0.0
    for a, b in zip(x[:, 0] - x.mean(), y[:, 0] - y.mean(), strict=True):
        inner += a.conjugate() * b
        xx += abs(a) ** 2
        yy += abs(b) ** 2

    found = solve(x, y)

    np.testing.assert_allclose(found.correlations, [abs(inner) / np.sqrt(xx * yy)], rtol=1e-13)


def test_imaginary_units_are_alive():
    x, y = related(40, 3, 4)

    found = reference.cca(1j * x, y)

    assert found.x_rank == 3
    np.testing.assert_allclose(
        found.correlations, reference.cca(x, y).correlations, rtol=0, atol=1e-13
    )


def test_complex_against_real():
    x, _ = complex_related(40, 3, 4)
    y = x.real @ np.random.default_rng(2).normal(size=(3, 2)) + x.imag[:, :2]
    truth = exact_cca(real_embedding(x), real_embedding(y.astype(np.complex128))).correlations

    found = reference.cca(x, y)

    np.testing.assert_allclose(found.correlations, truth[::2], rtol=0, atol=1e-13)


@both_complex_routes
@pytest.mark.parametrize("offset", [0.0, 100.0])
def test_rank_of_complex_layers_follows_their_stored_precision(solve, offset):
    latent, _ = complex_related(300, 4, 1)
    rng = np.random.default_rng(3)
    mixing = rng.normal(size=(4, 9)) + 1j * rng.normal(size=(4, 9))
    x = latent @ mixing + offset * np.exp(1j * rng.uniform(0.0, 6.0, size=9))
    constant = np.full((300, 1), 0.3 - 0.1j)
    x = np.column_stack([constant, x]).astype(np.complex64)

    found = solve(x, latent)

    assert (found.x_rank, found.y_rank) == (4, 4)
    np.testing.assert_array_equal(found.x_dead, [0])
    np.testing.assert_array_equal(found.x_weights[0], 0.0)
    assert found.correlations.min() > 0.99999
    assert reference.cca(x.astype(np.complex128), latent).x_rank == 9


@pytest.mark.parametrize(("dtype", "epsilon"), [(np.complex64, 2.0**-23), (">c16", 2.0**-52)])
def test_input_epsilon_of_complex_data(dtype, epsilon):
    assert reference.input_epsilon(dtype) == epsilon


# --- Fourier CCA ------------------------------------------------------------------------------


def circular_layer(images: np.ndarray, channels: int, *, seed: int) -> np.ndarray:
    """A random 3 x 3 circular convolution of (n, h, w, c) and a rectifier."""
    rng = np.random.default_rng(seed)
    kernel = rng.normal(size=(3, 3, images.shape[3], channels))
    out = np.zeros((*images.shape[:3], channels))
    for i, j in itertools.product(range(3), range(3)):
        out += np.roll(images, (i, j), axis=(1, 2)) @ kernel[i, j]
    return np.maximum(out + 0.3, 0.0)


@pytest.mark.parametrize(("height", "width"), [(4, 5), (3, 3), (2, 4)])
def test_frequencies_together_are_the_flattened_layer_of_translated_images(height, width):
    originals = np.random.default_rng(0).normal(size=(9, height, width, 3))
    images = np.concatenate(
        [
            np.roll(originals, (i, j), axis=(1, 2))
            for i, j in itertools.product(range(height), range(width))
        ]
    )
    x, y = circular_layer(images, 2, seed=1), circular_layer(images, 3, seed=2)
    n = images.shape[0]
    flat = reference.cca(x.reshape(n, -1), y.reshape(n, -1))
    assert (flat.x_rank, flat.y_rank) == (2 * height * width, 3 * height * width)

    found = reference.dft_cca(x, y)

    assert len(found.correlations) == height * width
    together = np.sort(np.concatenate(found.correlations))[::-1]
    assert together[0] - together[-1] > 0.4
    np.testing.assert_allclose(together, flat.correlations, rtol=0, atol=1e-11)
    np.testing.assert_array_equal(found.ranks, np.tile([2, 3], (height * width, 1)))

    some = reference.dft_cca(x[: n // 2], y[: n // 2])  # not closed under translation any more
    flat = reference.cca(x[: n // 2].reshape(n // 2, -1), y[: n // 2].reshape(n // 2, -1))
    together = np.sort(np.concatenate(some.correlations))[::-1]
    assert np.abs(together[: flat.correlations.size] - flat.correlations).max() > 0.05


def test_every_frequency_is_the_cca_of_its_own_sum_of_waves():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 3, 4, 2)) + 1.0
    y = rng.normal(size=(40, 3, 4, 3)) + np.roll(x[..., :1], 1, axis=2)

    found = reference.dft_cca(x, y)

    expected = [(i, j) for i in (0, 1, -1) for j in (0, 1, -2, -1)]
    np.testing.assert_array_equal(found.frequencies, expected)
    assert np.issubdtype(found.frequencies.dtype, np.integer)
    for (u, v), correlations in zip(found.frequencies, found.correlations, strict=True):
        x_bin = np.zeros((40, 2), dtype=np.complex128)
        y_bin = np.zeros((40, 3), dtype=np.complex128)
        for i, j in itertools.product(range(3), range(4)):
            wave = np.exp(-2j * np.pi * (u * i / 3 + v * j / 4))
            x_bin += wave * x[:, i, j]
            y_bin += wave * y[:, i, j]
        real = (u, v) in ((0, 0), (0, -2))  # bins that are their own conjugates
        if real:
            truth = exact_cca(x_bin.real, y_bin.real).correlations
        else:
            truth = exact_cca(real_embedding(x_bin), real_embedding(y_bin)).correlations[::2]
        np.testing.assert_allclose(correlations, truth, rtol=0, atol=1e-13)


def test_conjugate_frequencies_have_the_same_correlations():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, 4, 5, 2)), rng.normal(size=(30, 4, 5, 3))

    found = reference.dft_cca(x, y)

    at = {tuple(f): c for f, c in zip(found.frequencies.tolist(), found.correlations, strict=True)}
    for (u, v), correlations in at.items():
        mirrored = at[(-u if u != -2 else -2, -v)]  # -2 of a height of 4 is its own mirror
        np.testing.assert_allclose(mirrored, correlations, rtol=0, atol=1e-13)
    assert np.abs(at[(1, 1)] - at[(1, -1)]).max() > 0.01


@pytest.mark.parametrize("offset", [0.0, 1000.0])
def test_the_rounding_of_a_bin_comes_from_the_whole_map(offset):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 200, 4, 4))
    x = (np.stack([a, b, a + b], axis=-1) + offset).astype(np.float32)
    bins = np.fft.fft2(x.astype(np.float64), axes=(1, 2))
    own_scale = [reference.cca(bins[:, i, j].astype(np.complex64), a[:, 0]).x_rank
                 for i, j in ((0, 1), (1, 1))]  # fmt: skip
    if offset:
        assert own_scale == [3, 3]  # a bin alone does not know how its values were rounded

    found = reference.dft_cca(x, np.stack([a, b], axis=-1))

    np.testing.assert_array_equal(found.ranks, np.full((16, 2), 2))
    assert min(c.min() for c in found.correlations) > 0.999


def test_bins_and_channels_without_variation():
    rng = np.random.default_rng(0)
    y = rng.normal(size=(30, 2, 2, 2))
    x = np.repeat(np.repeat(rng.normal(size=(30, 1, 1, 2)), 2, axis=1), 2, axis=2)  # flat maps
    x = np.concatenate([x, np.full((30, 2, 2, 1), 0.1)], axis=3)  # and a dead channel

    found = reference.dft_cca(x, y)

    np.testing.assert_array_equal(found.ranks, [[2, 2], [0, 2], [0, 2], [0, 2]])
    assert [c.size for c in found.correlations] == [2, 0, 0, 0]
    dc = reference.cca(x[:, 0, 0, :2], y.sum(axis=(1, 2)))
    np.testing.assert_allclose(found.correlations[0], dc.correlations, rtol=0, atol=1e-13)


def test_maps_of_one_pixel_are_plain_cca():
    x, y = related(40, 3, 2)

    found = reference.dft_cca(x[:, np.newaxis, np.newaxis], y[:, np.newaxis, np.newaxis])

    np.testing.assert_array_equal(found.frequencies, [[0, 0]])
    np.testing.assert_allclose(
        found.correlations[0], reference.cca(x, y).correlations, rtol=0, atol=1e-14
    )


def test_weights_of_a_frequency_whiten_its_bins():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 2, 3, 2)) + 1.0
    y = rng.normal(size=(40, 2, 3, 3)) + x[..., :1]
    x_bins, y_bins = np.fft.fft2(x, axes=(1, 2)), np.fft.fft2(y, axes=(1, 2))

    found = reference.dft_cca(x, y)

    for f, (i, j) in enumerate(found.frequencies):
        u = (x_bins[:, i, j] - x_bins[:, i, j].mean(axis=0)) @ found.x_weights[f]
        v = (y_bins[:, i, j] - y_bins[:, i, j].mean(axis=0)) @ found.y_weights[f]
        np.testing.assert_allclose(u.conj().T @ u / 39, np.eye(2), atol=1e-12)
        np.testing.assert_allclose(v.conj().T @ v / 39, np.eye(2), atol=1e-12)
        np.testing.assert_allclose(u.conj().T @ v / 39, np.diag(found.correlations[f]), atol=1e-12)


def test_chosen_frequencies_of_maps_of_different_sizes():
    rng = np.random.default_rng(0)
    waves = rng.normal(size=(60, 2, 2))  # amplitudes of two waves, (1, -2) and (0, 1)
    noise = 0.1 * rng.normal(size=(2, 60, 12, 12, 2))

    def maps(height: int, width: int, noise: np.ndarray) -> np.ndarray:
        i, j = np.meshgrid(np.arange(height), np.arange(width), indexing="ij")
        first = np.cos(2 * np.pi * (i / height - 2 * j / width))
        second = np.cos(2 * np.pi * j / width)
        clean = waves[:, np.newaxis, np.newaxis, :, 0] * first[..., np.newaxis]
        clean = clean + waves[:, np.newaxis, np.newaxis, :, 1] * second[..., np.newaxis]
        return clean + noise[:, :height, :width]

    x, y = maps(8, 12, noise[0]), maps(3, 5, noise[1])

    found = reference.dft_cca(x, y, frequencies=[(1, -2), (0, 1), (1, 2), (0, 0)])

    np.testing.assert_array_equal(found.frequencies, [(1, -2), (0, 1), (1, 2), (0, 0)])
    smallest = [c.min() for c in found.correlations]
    assert min(smallest[:2]) > 0.99
    assert max(smallest[2:]) < 0.5
    same = reference.dft_cca(x, x, frequencies=[(-4, -6)])
    np.testing.assert_allclose(same.correlations[0], 1.0, atol=1e-13)


def test_maps_that_do_not_fit_each_other():
    x, y = np.zeros((10, 4, 4, 2)), np.zeros((10, 4, 3, 2))

    with pytest.raises(ValueError, match=r"\(10, 4, 4, 2\).*\(10, 4, 3, 2\)"):
        reference.dft_cca(x, y)
    with pytest.raises(ValueError, match="samples must agree"):
        reference.dft_cca(x, x[:9], frequencies=[(0, 0)])
    with pytest.raises(ValueError, match=r"frequency \(0, -2\) is beyond the 4 x 3 maps of y"):
        reference.dft_cca(x, y, frequencies=[(0, -2)])
    with pytest.raises(ValueError, match=r"frequency \(2, 0\) is beyond the 4 x 4 maps of x"):
        reference.dft_cca(x, y, frequencies=[(2, 0)])


def test_float32_maps_are_transformed_in_double_precision():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 40, 4, 4, 2)).astype(np.float32)
    wide = reference.dft_cca(x.astype(np.float64), y.astype(np.float64))
    x.flags.writeable = y.flags.writeable = False

    found = reference.dft_cca(x, y)

    for a, b in zip(found.correlations, wide.correlations, strict=True):
        np.testing.assert_array_equal(a, b)
