"""Measures of one side against the rearranged samples of the other.

Everything that belongs to a side alone (its rank, its whitening, its scale) does not change when
its samples are rearranged, so it is computed once. What is left of a permutation is one product of
the two sides, and singular values or a norm of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from fastcca import _core
from fastcca._bfloat16 import with_numbers
from fastcca._by_name import Named, Valued
from fastcca._maps import slices
from fastcca._memory import check_memory
from fastcca._pair import Floats, Pair
from fastcca._parts import CcaParts
from fastcca._pwcca import projection_weights
from fastcca._resampling import Index
from fastcca._rescale import in_range
from fastcca._solvers import Solvers

__all__ = ["Permuted", "PermutedGrams", "permuted_in_range"]

# Rearranged samples that a thread copies at a time: in cache, and enough for a long product.
_BLOCK_BYTES = 2**20


@dataclass(frozen=True, eq=False, slots=True)
class Permuted:
    """Both sides in coordinates of their own, samples of a unit one after the other.

    Attributes
    ----------
    x, y : ndarray, (units, samples of a unit, k_x) and (units, samples of a unit, k_y), float64
    statistic : callable
        Of their product (k_x, k_y), the measure.
    largest : float
        What the measure is at most, for any data of these scales.
    """

    x: Floats
    y: Floats
    statistic: Callable[[Floats], float]
    largest: float

    def of(self, order: npt.NDArray[np.intp]) -> float:
        """Measure x against the units of y in another order, (units,)."""
        out = np.zeros((self.x.shape[2], self.y.shape[2]))
        if out.size == 0:
            return 0.0
        product = np.empty_like(out)
        for units in slices(len(order), self.y[0].nbytes, _BLOCK_BYTES):
            rows = self.x[units].reshape(-1, out.shape[0])
            others = self.y.take(order[units], axis=0).reshape(-1, out.shape[1])
            np.matmul(rows.T, others, out=product)
            out += product
        return self.statistic(out)


@dataclass(frozen=True, eq=False, slots=True)
class PermutedGrams:
    """CKA of fewer samples than features: inner products of n x n matrices, no product of them.

    Attributes
    ----------
    x, y : ndarray, (n, n), float64
        Inner products of the samples, of norm 1, samples of a unit one after the other.
    unit_size : int
        Samples of a unit.
    """

    x: Floats
    y: Floats
    unit_size: int
    largest: float = 1.0

    def of(self, order: npt.NDArray[np.intp]) -> float:
        """Measure x against the units of y in another order, (units,)."""
        within = np.arange(self.unit_size)
        samples = (order[:, np.newaxis] * self.unit_size + within).ravel()
        total = 0.0
        for rows in slices(len(samples), self.x[0].nbytes, _BLOCK_BYTES):
            others = self.y.take(samples[rows], axis=0).take(samples, axis=1)
            total += float(np.vdot(self.x[rows], others))
        return total


def permuted_in_range(
    pair: Pair, solvers: Solvers, chosen: Named, valued: Valued, members: list[Index]
) -> Permuted | PermutedGrams:
    """Bring both sides into their coordinates, whatever the scale of the samples.

    Parameters, and what is raised, are those of `_permuted`.
    """
    if chosen.measure in ("cka", "procrustes"):  # of no scale
        return in_range(lambda p: _permuted(p, solvers, chosen, valued, members), pair)
    if chosen.measure != "pls":  # correlations have scales of their own
        return _permuted(pair, solvers, chosen, valued, members)

    def with_unit(p: Pair) -> dict[str, Any]:
        # One singular value of 1, which is brought back to the units of the caller.
        return {
            "permuted": _permuted(p, solvers, chosen, valued, members),
            "singular_values": np.ones(1),
        }

    found = in_range(with_unit, pair)
    scaled: Permuted = found["permuted"]
    unit = float(found["singular_values"][0])
    return replace(
        scaled,
        statistic=lambda product: unit * scaled.statistic(product),
        largest=unit * scaled.largest,
    )


def _permuted(
    pair: Pair, solvers: Solvers, chosen: Named, valued: Valued, members: list[Index]
) -> Permuted | PermutedGrams:
    """Bring both sides into their coordinates.

    Parameters
    ----------
    pair : Pair
        With samples.
    solvers : Solvers
    chosen : Named
    valued : Valued
        What `chosen` is of the pair as given, with weights.
    members : list of ndarray, int
        Samples of each unit, all of one length.

    Raises
    ------
    MemoryError
        If the two sides in float64 do not fit.
    """
    if chosen.of_correlations:
        x_white, y_white = (_whitening(pair, solvers, chosen, valued.parts, i) for i in range(2))
        _check(pair, x_white.dimensions, y_white.dimensions)
        sides = [_variates(pair, 0, x_white), _variates(pair, 1, y_white)]
        statistic, largest = _of_correlations(chosen, x_white.loadings, y_white.loadings), 1.0
    elif chosen.measure == "linear_regression_r2":
        x_white = _whitening(pair, solvers, chosen, None, 0)
        _check(pair, x_white.dimensions, min(pair.n_samples, pair.feature_counts[1]))
        y, y_norm, _ = _scores(pair, 1)
        y /= y_norm
        sides = [_variates(pair, 0, x_white), y]
        statistic, largest = _squares, 1.0
    else:
        _check(pair, *(min(pair.n_samples, count) for count in pair.feature_counts))
        if chosen.measure == "cka" and pair.n_samples < min(pair.feature_counts):
            return _grams(pair, members)
        (x, x_norm, x_square), (y, y_norm, y_square) = (_scores(pair, i) for i in range(2))
        largest = 1.0
        if chosen.measure == "cka":
            statistic, x_scale, y_scale = _squares, np.sqrt(x_square), np.sqrt(y_square)
        elif chosen.measure == "procrustes":
            statistic, x_scale, y_scale = _nuclear, x_norm, y_norm
        else:
            statistic, x_scale, y_scale = _nuclear, *[np.sqrt(pair.n_samples - 1)] * 2
            largest = float((x_norm / x_scale) * (y_norm / y_scale))
        x /= x_scale
        y /= y_scale
        sides = [x, y]
    arranged = [_by_unit(side, members) for side in sides]
    return Permuted(arranged[0], arranged[1], statistic, largest)


def _check(pair: Pair, x_dimensions: int, y_dimensions: int) -> None:
    check_memory(
        # The samples in their coordinates, and once more while they are put in order.
        16 * pair.n_samples * max(x_dimensions + y_dimensions, 1),
        f"{pair.n_samples} samples in {x_dimensions} and {y_dimensions} dimensions",
        "Take fewer samples, keep fewer components (measure='svcca'), or pool maps.",
    )


@dataclass(frozen=True, eq=False, slots=True)
class _Whitening:
    """Means (p,), weights and loadings (p, k) that whiten all dimensions of a side."""

    mean: Floats
    weights: Floats
    loadings: Floats

    @property
    def dimensions(self) -> int:
        return int(self.weights.shape[1])


def _whitening(
    pair: Pair, solvers: Solvers, chosen: Named, parts: CcaParts | None, i: int
) -> _Whitening:
    """Whiten all dimensions of a side.

    A CCA has weights for as many dimensions as its smaller side has; those of the larger side come
    from a CCA of the side with itself, with the same rank rule, ridge and components kept.
    """
    if parts is not None:
        found = _of_x(parts) if i == 0 else _of_y(parts)
        if found.dimensions == (parts["x_kept"] if i == 0 else parts["y_kept"]):
            return found
    keep = None if chosen.keep is None else (chosen.keep[i], chosen.keep[i])
    alone = replace(chosen, keep=keep)
    return _of_x(alone.solve_cca(pair.with_itself(i), solvers, weights=True))


def _of_x(parts: CcaParts) -> _Whitening:
    assert parts["x_weights"] is not None
    assert parts["x_loadings"] is not None
    return _Whitening(parts["x_mean"], parts["x_weights"], parts["x_loadings"])


def _of_y(parts: CcaParts) -> _Whitening:
    assert parts["y_weights"] is not None
    assert parts["y_loadings"] is not None
    return _Whitening(parts["y_mean"], parts["y_weights"], parts["y_loadings"])


def _variates(pair: Pair, i: int, white: _Whitening) -> Floats:
    """Whitened samples (n_samples, k), of squared column sums 1 (less with a ridge)."""
    n = pair.n_samples
    weights = white.weights / np.sqrt(n - 1)
    out = np.empty((n, white.dimensions))
    done = 0
    for batch in pair.batches():
        block = batch[i]
        for rows in slices(len(block), 8 * block[0].size, _BLOCK_BYTES):
            samples = with_numbers(block[rows]).reshape(-1, white.mean.size) - white.mean
            np.matmul(samples, weights, out=out[done : done + len(samples)])
            done += len(samples)
    return out


def _scores(pair: Pair, i: int) -> tuple[Floats, float, float]:
    """Centred samples (n_samples, k), rotated to fewer dimensions where the block is wide.

    Also the root of the sum of their squares, and the norm of their scatter; 1 where those vanish.
    """
    samples = pair.samples()
    assert samples is not None
    scores = np.ascontiguousarray(_core.scores_of_samples([pair.names[i]], [samples[i]], None))
    scatter = scores.T @ scores
    return scores, float(np.sqrt(np.trace(scatter))) or 1.0, float(np.linalg.norm(scatter)) or 1.0


def _grams(pair: Pair, members: list[Index]) -> PermutedGrams:
    """Inner products of the centred samples of both sides, in the order of the units."""
    samples = pair.samples()
    assert samples is not None
    order = np.concatenate(members)
    positions = pair.n_samples // order.size
    rows = (order[:, np.newaxis] * positions + np.arange(positions)).ravel()
    grams = []
    for array, name in zip(samples, pair.names, strict=True):
        gram = _core.gram_of_samples([name], [array], None)
        gram /= np.linalg.norm(gram) or 1.0
        grams.append(np.ascontiguousarray(gram[np.ix_(rows, rows)]))
    return PermutedGrams(grams[0], grams[1], len(members[0]) * positions)


def _by_unit(side: Floats, members: list[Index]) -> Floats:
    """Put the samples of each unit together: (units, samples of a unit, k)."""
    order = np.concatenate(members)
    positions = len(side) // order.size  # those of a map stay together, in their order
    k = side.shape[1]
    if not np.array_equal(order, np.arange(order.size)):
        side = side.reshape(order.size, positions * k)[order]
    return side.reshape(len(members), members[0].size * positions, k)


def _of_correlations(
    chosen: Named, x_loadings: Floats, y_loadings: Floats
) -> Callable[[Floats], float]:
    if chosen.measure == "r2_cca":
        return lambda product: _squares(product) / min(product.shape)
    if chosen.measure != "pwcca":
        return lambda product: _nuclear(product) / min(product.shape)

    def weighted(product: Floats) -> float:
        k = min(product.shape)
        if chosen.variant == "symmetric":
            u, rho, vt = np.linalg.svd(product, full_matrices=False)
            shares = projection_weights(x_loadings @ u, rho)
            shares = (shares + projection_weights(y_loadings @ vt.T, rho)) / 2
        else:
            squares, vectors = np.linalg.eigh(product @ product.T)
            rho = np.sqrt(np.maximum(squares[::-1][:k], 0.0))
            shares = projection_weights(x_loadings @ vectors[:, ::-1][:, :k], rho)
        return float(np.sum(shares * rho))

    return weighted


def _squares(product: Floats) -> float:
    return float(np.vdot(product, product))


def _nuclear(product: Floats) -> float:
    """Sum of singular values, by roots of eigenvalues: each to 1e-8 of the first, in half the time.

    That is far below the spacing of a null distribution; ties are taken for ties up to this.
    """
    few = product if product.shape[0] <= product.shape[1] else product.T
    return float(np.sqrt(np.maximum(np.linalg.eigvalsh(few @ few.T), 0.0)).sum())
