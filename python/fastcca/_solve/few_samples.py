"""Measures of blocks with more features than samples, through the coordinates of the samples.

Each side that is wide is replaced by its scores (see `fastcca._solve.sample_space`); what the
solver of narrow blocks says of the scores is carried back to the features. First by the Gram
matrix, which is fast, and where that has lost digits by a decomposition of the data.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import numpy as np
from scipy import linalg

from fastcca._inputs.arrays import AnyArray
from fastcca._solve.accuracy import loses_digits
from fastcca._solve.kept_components import Keep
from fastcca._solve.pair import Floats, Pair
from fastcca._solve.sample_space import Features, SampleSpace
from fastcca._solve.solutions import AxesParts, CcaParts, PlsParts, RegressionParts

__all__ = ["cca", "cka", "linear_regression", "pca", "pls", "procrustes"]

Solver = Callable[..., CcaParts]
Decomposition = Callable[[Features, float], SampleSpace]


def _samples(pair: Pair) -> tuple[AnyArray, ...]:
    samples = pair.samples()
    assert samples is not None  # a pair is wide only where its samples are there
    return samples


def _is_wide(array: AnyArray) -> bool:
    return bool(array.shape[0] < array.shape[1])


def cca(
    pair: Pair,
    solve: Solver,
    *,
    method: str,
    weights: bool,
    ridge: float,
    keep: tuple[Keep, Keep] | None,
    rank_tolerance: float,
) -> CcaParts:
    """CCA; of the leading principal axes where `keep` is given, by `solve` for narrow blocks."""
    if keep is None:
        return _plain_cca(pair, method, weights, ridge, rank_tolerance)
    arrays = _samples(pair)
    features = [
        Features(array, name, unit_scale=False) if _is_wide(array) else None
        for array, name in zip(arrays, pair.names, strict=True)
    ]

    def solved_by(decompose: Decomposition) -> tuple[CcaParts, bool]:
        spaces = [None if f is None else decompose(f, rank_tolerance) for f in features]
        scores = [
            array if space is None else space.scores(real_only=True)
            for array, space in zip(arrays, spaces, strict=True)
        ]
        parts = solve(
            pair.of_arrays(scores),
            method=method,
            weights=weights,
            keep=keep,
            rank_tolerance=rank_tolerance,
        )
        lost = False
        for side, space, wanted in zip("xy", spaces, keep, strict=True):
            if space is not None:
                condition = _carry_back(cast("dict[str, object]", parts), side, space)
                lost |= space.undecided and wanted.wants_more(space.rank)
                lost |= loses_digits(condition, space.features.epsilon)
        return parts, lost

    if method != "qr":
        parts, lost = solved_by(SampleSpace.by_gram)
        if not lost:
            return parts
    parts, _ = solved_by(SampleSpace.of_data)
    parts["method"] = "qr"
    return parts


def _carry_back(parts: dict[str, object], side: str, space: SampleSpace) -> float:
    """Put what belongs to features in the place of what belongs to scores; the condition kept."""
    for kind, carry in (("weights", space.weights), ("loadings", space.loadings)):
        of_scores = cast("Floats | None", parts[f"{side}_{kind}"])
        if of_scores is not None:
            parts[f"{side}_{kind}"] = carry(of_scores[: space.rank])
    parts[f"{side}_mean"] = space.features.mean
    parts[f"{side}_dead"] = space.features.dead
    parts[f"{side}_rank"] = space.rank
    return cast(float, parts[f"{side}_condition"])


def _plain_cca(
    pair: Pair, method: str, weights: bool, ridge: float, rank_tolerance: float
) -> CcaParts:
    """CCA between orthonormal bases (Bjorck & Golub 1973) of the unit-scaled blocks."""
    spaces = []
    route = "qr" if method == "qr" else "moments"
    for array, name in zip(_samples(pair), pair.names, strict=True):
        features = Features(array, name, unit_scale=True)
        if _is_wide(array) and method != "qr":
            space = SampleSpace.by_gram(features, rank_tolerance)
            if not space.undecided and not loses_digits(space.condition, features.epsilon):
                spaces.append(space)
                continue
            route = "qr"
        spaces.append(SampleSpace.of_data(features, rank_tolerance))
    n_samples = spaces[0].features.n_samples
    degrees = n_samples - 1
    # Of unit variance, or less with a ridge.
    deviations = [space.singular[space.real] / np.sqrt(degrees) for space in spaces]
    roots = [np.sqrt(d**2 + ridge) for d in deviations]
    bases = [
        space.left[:, space.real] * (d / root)
        for space, d, root in zip(spaces, deviations, roots, strict=True)
    ]
    u, correlations, vt = linalg.svd(bases[0].T @ bases[1], full_matrices=False, check_finite=False)
    parts: dict[str, object] = {
        "correlations": np.clip(correlations, 0.0, 1.0),
        "n_samples": n_samples,
        "method": route,
        "digits": None,
        "undecided": 0,
        "single": False,
    }
    for side, space, turn, d, root in zip("xy", spaces, (u, vt.T), deviations, roots, strict=True):
        # Scores over their roots have covariance d^2 / root^2 with the variates.
        of_weights = turn / root[:, np.newaxis]
        parts |= {
            f"{side}_weights": space.weights(of_weights) if weights else None,
            f"{side}_loadings": space.loadings(d[:, np.newaxis] ** 2 * of_weights)
            if weights
            else None,
            f"{side}_rank": space.rank,
            f"{side}_kept": space.rank,
            f"{side}_condition": space.condition,
            f"{side}_dead": space.features.dead,
            f"{side}_mean": space.features.mean,
        }
    return cast(CcaParts, parts)


def _complete(features: Features) -> SampleSpace:
    """All directions of a block, none of them lost."""
    space = SampleSpace.by_gram(features)
    if loses_digits(space.complete_condition, 2.0**-52):
        space = SampleSpace.of_data(features)
    return space


def pls(pair: Pair) -> PlsParts:
    """SVD of the cross-covariance, ``min(n, p, q)`` pairs of directions."""
    sides: list[tuple[Floats, Floats, SampleSpace | None]] = []
    for array, name in zip(_samples(pair), pair.names, strict=True):
        features = Features(array, name, unit_scale=False)
        if _is_wide(array):
            space = SampleSpace.of_data(features)
            sides.append((space.scores(real_only=False), features.mean, space))
        else:
            sides.append((features.centred(), features.mean, None))
    (x, x_mean, x_space), (y, y_mean, y_space) = sides
    u, singular, vt = linalg.svd(
        x.T @ y / (x.shape[0] - 1), full_matrices=False, check_finite=False
    )
    return PlsParts(
        singular_values=singular,
        x_weights=u if x_space is None else x_space.directions(u, real_only=False),
        y_weights=vt.T if y_space is None else y_space.directions(vt.T, real_only=False),
        x_mean=x_mean,
        y_mean=y_mean,
        n_samples=x.shape[0],
    )


def pca(single: Pair, rank_tolerance: float) -> AxesParts:
    """Principal axes of one block, as many as samples; the last one is of no variance."""
    (array,) = _samples(single)
    features = Features(array, single.names[0], unit_scale=False)
    space = SampleSpace.of_data(features, rank_tolerance)
    assert space.right is not None
    return AxesParts(
        variances=space.singular**2 / (features.n_samples - 1),
        axes=space.right,
        rank=int(space.real.sum()),
        mean=features.mean,
        n_samples=features.n_samples,
    )


def cka(pair: Pair) -> float:
    """Linear CKA: the cosine between the two Gram matrices."""
    x, y = (
        Features(array, name, unit_scale=False)
        for array, name in zip(_samples(pair), pair.names, strict=True)
    )
    if not (x.live.any() and y.live.any()):
        return 0.0
    k, m = x.gram(), y.gram()
    cosine = np.sum((k / np.linalg.norm(k)) * (m / np.linalg.norm(m)))
    return float(np.clip(cosine, 0.0, 1.0))


def procrustes(pair: Pair) -> float:
    """Nuclear norm of the cross-covariance over the roots of both traces."""
    sides = []
    for array, name in zip(_samples(pair), pair.names, strict=True):
        features = Features(array, name, unit_scale=False)
        if not features.live.any():
            return 0.0
        block = (
            _complete(features).scores(real_only=False) if _is_wide(array) else features.centred()
        )
        sides.append(block / np.sqrt(features.total * (features.n_samples - 1)))
    nuclear = linalg.svdvals(sides[0].T @ sides[1], check_finite=False).sum()
    return float(np.clip(nuclear, 0.0, 1.0))


def linear_regression(
    pair: Pair, solve: Callable[..., RegressionParts], rank_tolerance: float
) -> RegressionParts:
    """Share of y's variance that x explains, by `solve` for narrow blocks.

    A wide x is a basis of its directions, unit-scaled; a wide y may be turned as a whole.
    """
    x, y = _samples(pair)
    if _is_wide(x):
        features = Features(x, pair.names[0], unit_scale=True)
        space = SampleSpace.by_gram(features, rank_tolerance)
        if space.undecided or loses_digits(space.condition, features.epsilon):
            space = SampleSpace.of_data(features, rank_tolerance)
        x = space.scores(real_only=True)
    if _is_wide(y):
        y = _complete(Features(y, pair.names[1], unit_scale=False)).scores(real_only=False)
    return solve(pair.of_arrays([x, y]), rank_tolerance)
