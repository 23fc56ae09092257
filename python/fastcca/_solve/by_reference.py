"""Every measure of a pair on the numpy reference: of the samples, or of moments alone."""

from __future__ import annotations

from functools import partial
from typing import Any, cast

from fastcca import reference
from fastcca._inputs.arrays import AnyArray
from fastcca._inputs.bfloat16 import with_numbers
from fastcca._runtime.compiled import CoreMoments
from fastcca._solve.accuracy import digits_left
from fastcca._solve.kept_components import Keep
from fastcca._solve.pair import Pair
from fastcca._solve.solutions import AxesParts, CcaParts, PlsParts, RegressionParts, SymmetricParts
from fastcca.reference import BlockMoments

__all__ = [
    "cca",
    "cka",
    "linear_regression",
    "pca",
    "pls",
    "procrustes",
    "symmetric_cca",
]


def cca(
    pair: Pair,
    *,
    method: str,
    weights: bool,
    ridge: float = 0.0,
    keep: tuple[Keep, Keep] | None = None,
    rank_tolerance: float = 0.0,
    in_place: bool = False,
) -> CcaParts:
    """CCA, of the leading principal axes where `keep` is given.

    `in_place` is for what computes on a device: here all matrices are numpy's.
    """
    samples = None if method == "moments" else pair.samples()
    if samples is not None:
        x, y = samples
        if keep is None:
            of_samples = reference.cca(
                x, y, ridge=ridge, weights=weights, rank_tolerance=rank_tolerance
            )
            return _parts(of_samples, samples, "qr")
        return _parts(
            reference.svcca(
                x,
                y,
                keep=(keep[0].value, keep[1].value),
                criterion=keep[0].criterion,
                weights=weights,
                rank_tolerance=rank_tolerance,
            ),
            samples,
            "qr",
        )
    x_block, y_block, cross = _block_moments(pair)
    if keep is None:
        solution: reference.Solution = reference.cca_from_moments(
            n_samples=x_block.n_samples,
            x_mean=x_block.mean,
            y_mean=y_block.mean,
            x_scatter=x_block.scatter,
            y_scatter=y_block.scatter,
            cross_scatter=cross,
            x_epsilon=x_block.epsilon,
            y_epsilon=y_block.epsilon,
            ridge=ridge,
            weights=weights,
            rank_tolerance=rank_tolerance,
        )
    else:
        solution = reference.svcca_from_moments(
            x_block,
            y_block,
            cross,
            keep=(keep[0].value, keep[1].value),
            criterion=keep[0].criterion,
            weights=weights,
            rank_tolerance=rank_tolerance,
        )
    parts = _parts(solution, (x_block, y_block), "moments")
    condition = max(parts["x_condition"], parts["y_condition"])
    parts["digits"] = digits_left(condition, max(x_block.epsilon, y_block.epsilon), ridge)
    return parts


def _block_moments(pair: Pair) -> tuple[BlockMoments, BlockMoments, AnyArray]:
    """Moments of both blocks and the (p, q) scatter between them."""
    state, moments = _double_state(pair), pair.moments
    x, y = (
        BlockMoments(
            state.n_samples,
            moments.mean(name),
            moments._scatter(name, name).conj(),
            reference.input_epsilon(state.precision(moments._index(name))),
        )
        for name in pair.blocks
    )
    return x, y, moments._scatter(*pair.blocks).conj()


def _double_state(pair: Pair) -> CoreMoments:
    """Return the compiled state, which the formulas take for one of double precision."""
    state = pair.state
    if state.single:
        raise ValueError(
            "backend='numpy' does not take moments of precision='single'; use backend='cpu'"
        )
    return state


def _parts(
    solution: reference.Solution, blocks: tuple[AnyArray | BlockMoments, ...], method: str
) -> CcaParts:
    loadings = [
        None if weights is None else _loadings(block, mean, weights, dead)
        for block, mean, weights, dead in zip(
            blocks,
            (solution.x_mean, solution.y_mean),
            (solution.x_weights, solution.y_weights),
            (solution.x_dead, solution.y_dead),
            strict=True,
        )
    ]
    return CcaParts(
        correlations=solution.correlations,
        x_weights=solution.x_weights,
        y_weights=solution.y_weights,
        x_loadings=loadings[0],
        y_loadings=loadings[1],
        x_rank=solution.x_rank,
        y_rank=solution.y_rank,
        x_kept=getattr(solution, "x_kept", solution.x_rank),
        y_kept=getattr(solution, "y_kept", solution.y_rank),
        x_condition=solution.x_condition,
        y_condition=solution.y_condition,
        x_dead=solution.x_dead,
        y_dead=solution.y_dead,
        x_mean=solution.x_mean,
        y_mean=solution.y_mean,
        n_samples=solution.n_samples,
        method=method,
        single=False,
        digits=None,
        undecided=0,
    )


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


def pls(pair: Pair, in_place: bool = False) -> PlsParts:
    """SVD of the cross-covariance; `in_place` as of `cca`."""
    samples = pair.samples()
    solution = (
        reference.pls_from_moments(*_block_moments(pair))
        if samples is None
        else reference.pls(*samples)
    )
    blocks = _block_moments(pair)[:2] if samples is None else [reference.centre(s) for s in samples]
    return PlsParts(
        singular_values=solution.singular_values,
        x_weights=solution.x_weights,
        y_weights=solution.y_weights,
        x_mean=blocks[0].mean,
        y_mean=blocks[1].mean,
        n_samples=pair.moments.n_samples if samples is None else samples[0].shape[0],
    )


def pca(single: Pair, rank_tolerance: float = 0.0, in_place: bool = False) -> AxesParts:
    """Principal axes of one block; `in_place` as of `cca`."""
    samples = single.samples()
    if samples is not None:
        of_samples = reference.pca(samples[0], rank_tolerance=rank_tolerance)
        return AxesParts(
            variances=of_samples.explained_variance,
            axes=of_samples.components.T,
            rank=of_samples.rank,
            mean=of_samples.mean,
            n_samples=samples[0].shape[0],
        )
    state, (name,) = _double_state(single), single.blocks
    block = BlockMoments(
        state.n_samples,
        single.moments.mean(name),
        single.moments._scatter(name, name),
        reference.input_epsilon(state.precision(single.moments._index(name))),
    )
    variances, axes, real = reference.principal_axes_from_moments(
        block, rank_tolerance=rank_tolerance
    )
    return AxesParts(
        variances=variances,
        axes=axes,
        rank=int(real.sum()),
        mean=block.mean,
        n_samples=block.n_samples,
    )


def cka(pair: Pair) -> float:
    """Linear CKA."""
    return _number(pair, reference.cka, reference.cka_from_moments)


def procrustes(pair: Pair) -> float:
    """Nuclear norm of the cross-covariance over the roots of both traces."""
    return _number(pair, reference.procrustes, reference.procrustes_from_moments)


def linear_regression(pair: Pair, rank_tolerance: float = 0.0) -> RegressionParts:
    """Share of y's variance that x explains."""
    r2 = _number(
        pair,
        partial(reference.linear_regression_r2, rank_tolerance=rank_tolerance),
        partial(reference.linear_regression_r2_from_moments, rank_tolerance=rank_tolerance),
    )
    if pair.has_samples:
        return RegressionParts(r2=r2, x_condition=1.0, digits=None, undecided=0)
    block = _block_moments(pair)[0]
    condition = reference.condition_from_moments(block, rank_tolerance=rank_tolerance)
    return RegressionParts(
        r2=r2, x_condition=condition, digits=digits_left(condition, block.epsilon), undecided=0
    )


def _number(pair: Pair, of_samples: Any, of_moments: Any) -> float:
    samples = pair.samples()
    return float(of_moments(*_block_moments(pair)) if samples is None else of_samples(*samples))


def symmetric_cca(
    *,
    x_cov: Any,
    x_mean: Any,
    x_epsilon: float,
    y_cov: Any,
    y_mean: Any,
    y_epsilon: float,
    cross_cov: Any,
    epsilon: float,
    place: str,
) -> SymmetricParts:
    """CCA of given covariances by symmetric inverse square roots."""
    solution = reference.symmetric_cca(
        x_cov=x_cov,
        x_mean=x_mean,
        x_epsilon=x_epsilon,
        y_cov=y_cov,
        y_mean=y_mean,
        y_epsilon=y_epsilon,
        cross_cov=cross_cov,
        epsilon=epsilon,
    )
    names = SymmetricParts.__required_keys__
    return cast(SymmetricParts, {name: getattr(solution, name) for name in names})
