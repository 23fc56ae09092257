"""Measures of blocks with more features than samples, through the coordinates of the samples.

Each side that is wide is replaced by its scores (see `fastcca._solve.sample_space`); what the
solver of narrow blocks says of the scores is carried back to the features. First by the Gram
matrix, which is fast, and where that has lost digits by a decomposition of the data.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy import linalg

from fastcca._inputs.arrays import AnyArray
from fastcca._solve import by_core
from fastcca._solve.accuracy import loses_digits
from fastcca._solve.options import CcaOptions
from fastcca._solve.pair import Floats, Pair
from fastcca._solve.sample_space import Features, SampleSpace
from fastcca._solve.solutions import (
    AxesSolution,
    CcaSolution,
    PlsSolution,
    RegressionSolution,
    Side,
)

__all__ = ["cca", "cka", "linear_regression", "pca", "pls", "procrustes"]

Decomposition = Callable[[Features, float], SampleSpace]


def _samples(pair: Pair) -> tuple[AnyArray, ...]:
    samples = pair.samples()
    assert samples is not None  # a pair has few samples only where they are there
    return samples


def _is_wide(array: AnyArray) -> bool:
    return bool(array.shape[0] < array.shape[1])


def cca(pair: Pair, options: CcaOptions) -> CcaSolution:
    """CCA; of the leading principal axes where `keep` is given."""
    keep = options.keep
    if keep is None:
        return _plain_cca(pair, options)
    arrays = _samples(pair)
    features = [
        Features(array, name, unit_scale=False) if _is_wide(array) else None
        for array, name in zip(arrays, pair.names, strict=True)
    ]

    def solved_by(decompose: Decomposition) -> tuple[CcaSolution, bool]:
        spaces = [None if f is None else decompose(f, options.rank_tolerance) for f in features]
        scores = [
            array if space is None else space.scores(real_only=True)
            for array, space in zip(arrays, spaces, strict=True)
        ]
        narrow = pair.of_arrays(scores)
        asked = replace(options, in_place=False)
        solution = by_core.cca_of_moments(narrow, asked)
        if options.method == "qr" or (solution.lost and options.method == "auto"):
            solution = by_core.cca_of_factor(narrow, asked)
        lost = False
        for side, space, wanted in zip((solution.x, solution.y), spaces, keep, strict=True):
            if space is not None:
                _carry_back(side, space)
                lost |= space.undecided and wanted.wants_more(space.rank)
                lost |= loses_digits(side.condition, space.features.epsilon)
        return solution, lost

    if options.method != "qr":
        solution, lost = solved_by(SampleSpace.by_gram)
        if not lost:
            return solution
    solution, _ = solved_by(SampleSpace.of_data)
    solution.method = "qr"
    return solution


def _carry_back(side: Side, space: SampleSpace) -> None:
    """Put what belongs to features in the place of what belongs to scores."""
    if side.weights is not None and side.loadings is not None:
        side.weights = space.weights(side.weights[: space.rank])
        side.loadings = space.loadings(side.loadings[: space.rank])
    side.mean = space.features.mean
    side.dead = space.features.dead
    side.rank = space.rank


def _plain_cca(pair: Pair, options: CcaOptions) -> CcaSolution:
    """CCA between orthonormal bases (Bjorck & Golub 1973) of the unit-scaled blocks."""
    spaces = []
    route = "qr" if options.method == "qr" else "moments"
    for array, name in zip(_samples(pair), pair.names, strict=True):
        features = Features(array, name, unit_scale=True)
        if _is_wide(array) and options.method != "qr":
            space = SampleSpace.by_gram(features, options.rank_tolerance)
            if not space.undecided and not loses_digits(space.condition, features.epsilon):
                spaces.append(space)
                continue
            route = "qr"
        spaces.append(SampleSpace.of_data(features, options.rank_tolerance))
    n_samples = spaces[0].features.n_samples
    degrees = n_samples - 1
    # Of unit variance, or less with a ridge.
    deviations = [space.singular[space.real] / np.sqrt(degrees) for space in spaces]
    roots = [np.sqrt(d**2 + options.ridge) for d in deviations]
    bases = [
        space.left[:, space.real] * (d / root)
        for space, d, root in zip(spaces, deviations, roots, strict=True)
    ]
    u, correlations, vt = linalg.svd(bases[0].T @ bases[1], full_matrices=False, check_finite=False)
    sides = []
    for space, turn, d, root in zip(spaces, (u, vt.T), deviations, roots, strict=True):
        # Scores over their roots have covariance d^2 / root^2 with the variates.
        of_weights = turn / root[:, np.newaxis]
        sides.append(
            Side(
                weights=space.weights(of_weights) if options.weights else None,
                loadings=space.loadings(d[:, np.newaxis] ** 2 * of_weights)
                if options.weights
                else None,
                mean=space.features.mean,
                rank=space.rank,
                kept=space.rank,
                condition=space.condition,
                dead=space.features.dead,
            )
        )
    return CcaSolution(np.clip(correlations, 0.0, 1.0), sides[0], sides[1], n_samples, route)


def _complete(features: Features) -> SampleSpace:
    """All directions of a block, none of them lost."""
    space = SampleSpace.by_gram(features)
    if loses_digits(space.complete_condition, 2.0**-52):
        space = SampleSpace.of_data(features)
    return space


def pls(pair: Pair, in_place: bool = False) -> PlsSolution:
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
    return PlsSolution(
        singular_values=singular,
        x_weights=u if x_space is None else x_space.directions(u, real_only=False),
        y_weights=vt.T if y_space is None else y_space.directions(vt.T, real_only=False),
        x_mean=x_mean,
        y_mean=y_mean,
        n_samples=x.shape[0],
    )


def pca(single: Pair, rank_tolerance: float, in_place: bool = False) -> AxesSolution:
    """Principal axes of one block, as many as samples; the last one is of no variance."""
    (array,) = _samples(single)
    features = Features(array, single.names[0], unit_scale=False)
    space = SampleSpace.of_data(features, rank_tolerance)
    assert space.right is not None
    return AxesSolution(
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


def linear_regression(pair: Pair, rank_tolerance: float) -> RegressionSolution:
    """Share of y's variance that x explains.

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
    narrow = pair.of_arrays([x, y])
    solution = by_core.linear_regression_of_moments(narrow, rank_tolerance)
    if solution.lost:
        solution = by_core.linear_regression_of_factor(narrow, rank_tolerance)
    return solution
