"""Every measure of a pair on the numpy reference: of the samples, or of moments alone.

This is the one module of the package that calls `fastcca.reference`.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from fastcca import reference
from fastcca._inputs.arrays import AnyArray
from fastcca._inputs.bfloat16 import with_numbers
from fastcca._inputs.dtypes import input_epsilon
from fastcca._inputs.source import samples_of
from fastcca._solve.accuracy import digits_left
from fastcca._solve.options import CcaOptions
from fastcca._solve.pair import Pair
from fastcca._solve.solutions import (
    AxesSolution,
    CcaSolution,
    PlsSolution,
    RegressionSolution,
    Side,
)
from fastcca.reference import BlockMoments


def cca(pair: Pair, options: CcaOptions) -> CcaSolution:
    """CCA, of the leading principal axes where `keep` is given; all matrices are numpy's."""
    samples = None if options.method == "moments" else pair.samples()
    asked: dict[str, Any] = {"weights": options.weights, "rank_tolerance": options.rank_tolerance}
    if options.keep is None:
        asked["ridge"] = options.ridge
    else:
        asked["keep"] = (options.keep[0].value, options.keep[1].value)
        asked["criterion"] = options.keep[0].criterion
    if samples is not None:
        solve = reference.cca if options.keep is None else reference.svcca
        return _solution(solve(*samples, **asked), samples, "qr")
    x, y, cross = _block_moments(pair)
    found: reference.Solution
    if options.keep is None:
        found = reference.cca_from_moments(
            n_samples=x.n_samples,
            x_mean=x.mean,
            y_mean=y.mean,
            x_scatter=x.scatter,
            y_scatter=y.scatter,
            cross_scatter=cross,
            x_epsilon=x.epsilon,
            y_epsilon=y.epsilon,
            **asked,
        )
    else:
        found = reference.svcca_from_moments(x, y, cross, **asked)
    solution = _solution(found, (x, y), "moments")
    solution.digits = digits_left(solution.condition, max(x.epsilon, y.epsilon), options.ridge)
    return solution


def _solution(
    found: reference.Solution, blocks: tuple[AnyArray | BlockMoments, ...], method: str
) -> CcaSolution:
    sides = [
        Side(
            weights=weights,
            loadings=None if weights is None else _loadings(block, mean, weights, dead),
            mean=mean,
            rank=rank,
            kept=kept,
            condition=condition,
            dead=dead,
        )
        for block, weights, mean, rank, kept, condition, dead in (
            (
                blocks[0],
                found.x_weights,
                found.x_mean,
                found.x_rank,
                getattr(found, "x_kept", found.x_rank),
                found.x_condition,
                found.x_dead,
            ),
            (
                blocks[1],
                found.y_weights,
                found.y_mean,
                found.y_rank,
                getattr(found, "y_kept", found.y_rank),
                found.y_condition,
                found.y_dead,
            ),
        )
    ]
    return CcaSolution(found.correlations, sides[0], sides[1], found.n_samples, method)


def _loadings(
    block: AnyArray | BlockMoments, mean: AnyArray, weights: AnyArray, dead: AnyArray
) -> AnyArray:
    """Covariances of the units with the variates; zero for dead units, which hold rounding."""
    out: AnyArray
    if isinstance(block, BlockMoments):
        out = block.scatter @ weights / (block.n_samples - 1)
    else:
        centred = with_numbers(block) - mean
        out = centred.conj().T @ (centred @ weights) / (block.shape[0] - 1)
    out[dead] = 0.0
    return out


def _block_moments(pair: Pair) -> tuple[BlockMoments, BlockMoments, AnyArray]:
    """Moments of both blocks and the (p, q) scatter between them."""
    x, y = _own_moments(pair)
    moments = pair.moments
    return x, y, moments._scatter(*[block.name for block in pair.blocks]).conj()


def _own_moments(pair: Pair) -> list[BlockMoments]:
    """Moments of every block, of double precision, for which the formulas take them."""
    state, moments = pair.core_moments, pair.moments
    if state.single:
        raise ValueError(
            "backend='numpy' does not take moments of precision='single'; use backend='cpu'"
        )
    return [
        BlockMoments(
            state.n_samples,
            moments.mean(block.name),
            moments._scatter(block.name, block.name).conj(),
            input_epsilon(state.precision(block.real)),
        )
        for block in pair.blocks
    ]


def pls(pair: Pair, in_place: bool = False) -> PlsSolution:
    """SVD of the cross-covariance; all matrices are numpy's."""
    samples = pair.samples()
    if samples is None:
        x, y, cross = _block_moments(pair)
        x_mean, y_mean, n = x.mean, y.mean, x.n_samples
        found = reference.pls_from_moments(x, y, cross)
    else:
        x_mean, y_mean = (reference.centre(block).mean for block in samples)
        n = len(samples[0])
        found = reference.pls(*samples)
    return PlsSolution(found.singular_values, found.x_weights, found.y_weights, x_mean, y_mean, n)


def pca(single: Pair, rank_tolerance: float, in_place: bool = False) -> AxesSolution:
    """Principal axes of one block; all matrices are numpy's."""
    samples = single.samples()
    if samples is not None:
        found = reference.pca(samples[0], rank_tolerance=rank_tolerance)
        return AxesSolution(
            found.explained_variance, found.components.T, found.rank, found.mean, len(samples[0])
        )
    (block,) = _own_moments(single)
    variances, axes, real = reference.principal_axes_from_moments(
        block, rank_tolerance=rank_tolerance
    )
    return AxesSolution(variances, axes, int(real.sum()), block.mean, block.n_samples)


def cka(pair: Pair) -> float:
    """Linear CKA."""
    return _number(pair, reference.cka, reference.cka_from_moments)


def procrustes(pair: Pair) -> float:
    """Nuclear norm of the cross-covariance over the roots of both traces."""
    return _number(pair, reference.procrustes, reference.procrustes_from_moments)


def linear_regression(pair: Pair, rank_tolerance: float) -> RegressionSolution:
    """Share of y's variance that x explains."""
    r2 = _number(
        pair,
        partial(reference.linear_regression_r2, rank_tolerance=rank_tolerance),
        partial(reference.linear_regression_r2_from_moments, rank_tolerance=rank_tolerance),
    )
    if pair.source is not None:
        return RegressionSolution(r2, 1.0)
    block = _own_moments(pair)[0]
    condition = reference.condition_from_moments(block, rank_tolerance=rank_tolerance)
    return RegressionSolution(r2, condition, digits_left(condition, block.epsilon))


def _number(pair: Pair, of_samples: Any, of_moments: Any) -> float:
    samples = pair.samples()
    return float(of_moments(*_block_moments(pair)) if samples is None else of_samples(*samples))


def debiased_cka(pair: Pair) -> float:
    """CKA by the unbiased estimator of HSIC."""
    samples = samples_of(pair.with_samples())
    return reference.cka(*samples, debiased=True)


def google_cca(pair: Pair, epsilon: float, energies: tuple[Any, Any]) -> reference.GoogleSolution:
    """CCA of google/svcca's ``get_cca_similarity``."""
    return reference.google_cca(*_block_moments(pair), epsilon=epsilon, energies=energies)


def google_cca_of_covariances(
    x_cov: AnyArray, y_cov: AnyArray, cross_cov: AnyArray, epsilon: float, place: str
) -> reference.GoogleSolution:
    """Do the same for covariances as they are given."""
    return reference.google_cca_of_covariances(x_cov, y_cov, cross_cov, epsilon=epsilon)


def google_weights(pair: Pair, epsilon: float) -> tuple[AnyArray, AnyArray]:
    """Correlations and weights (k,) of google/svcca's ``compute_pwcca``."""
    return reference.google_weights(*_block_moments(pair), epsilon=epsilon)
