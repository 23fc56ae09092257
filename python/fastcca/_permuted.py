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

from fastcca._by_name import Named, Valued
from fastcca._compiled import device_at, module_at
from fastcca._memory import check_memory
from fastcca._pair import Floats, Pair
from fastcca._parts import CcaParts
from fastcca._resampling import Index
from fastcca._rescale import in_range
from fastcca._sample_space import Features, SampleSpace
from fastcca._solvers import Solvers

__all__ = ["Permuted", "permuted_in_range"]


@dataclass(frozen=True, eq=False, slots=True)
class Permuted:
    """A measure of x against the units of y in any order, which threads may ask for at once.

    Attributes
    ----------
    statistic : callable
        Of an order (units,), what the compiled core finds.
    factor : float
        What the measure is in units of that.
    largest : float
        What the measure is at most, for any data of these scales.
    """

    statistic: Callable[[Index], float]
    factor: float = 1.0
    largest: float = 1.0

    def of(self, order: Index) -> float:
        """Measure x against the units of y in another order, (units,)."""
        return self.factor * self.statistic(order)


def permuted_in_range(
    pair: Pair, solvers: Solvers, chosen: Named, valued: Valued, members: list[Index]
) -> Permuted:
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
    return replace(scaled, factor=unit * scaled.factor, largest=unit * scaled.largest)


def _permuted(
    pair: Pair, solvers: Solvers, chosen: Named, valued: Valued, members: list[Index]
) -> Permuted:
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
    module = module_at(pair.place)
    units = _units(pair, members)
    unit_variance = float(1.0 / np.sqrt(pair.n_samples - 1))
    if chosen.of_correlations:
        x_white, y_white = (_whitening(pair, solvers, chosen, valued.parts, i) for i in range(2))
        _check(pair, x_white.dimensions, y_white.dimensions)
        sides = [_variates(pair, 0, x_white), _variates(pair, 1, y_white)]
        factor = 1.0 / max(min(x_white.dimensions, y_white.dimensions), 1)
        statistic, loadings = "nuclear_norm", []
        if chosen.measure == "r2_cca":
            statistic = "sum_of_squares"
        elif chosen.measure == "pwcca":
            statistic = "weighted_by_both" if chosen.variant == "symmetric" else "weighted_by_x"
            loadings, factor = [x_white.loadings, y_white.loadings], 1.0
        scales = (unit_variance, unit_variance)
        products = module.PermutedProducts(*sides, *units, statistic, scales, loadings)
        return Permuted(products.value, factor)
    if chosen.measure == "linear_regression_r2":
        x_white = _whitening(pair, solvers, chosen, None, 0)
        _check(pair, x_white.dimensions, min(pair.n_samples, pair.feature_counts[1]))
        sides = [_variates(pair, 0, x_white), _scores(pair, 1)]
        scales = (unit_variance, 1.0 / (sides[1].norms()[0] or 1.0))
        return Permuted(module.PermutedProducts(*sides, *units, "sum_of_squares", scales).value)
    _check(pair, *(min(pair.n_samples, count) for count in pair.feature_counts))
    if chosen.measure == "cka" and pair.n_samples < min(pair.feature_counts):
        return Permuted(module.PermutedGrams(*_grams(pair), *units, device_at(pair.place)).value)
    sides = [_scores(pair, 0), _scores(pair, 1)]
    (x_norm, x_square), (y_norm, y_square) = (side.norms() for side in sides)
    statistic, largest = "nuclear_norm", 1.0
    if chosen.measure == "cka":
        statistic = "sum_of_squares"
        scales = (float(1.0 / np.sqrt(x_square or 1.0)), float(1.0 / np.sqrt(y_square or 1.0)))
    elif chosen.measure == "procrustes":
        scales = (1.0 / (x_norm or 1.0), 1.0 / (y_norm or 1.0))
    else:
        scales = (unit_variance, unit_variance)
        largest = (x_norm or 1.0) * unit_variance * ((y_norm or 1.0) * unit_variance)
    products = module.PermutedProducts(*sides, *units, statistic, scales)
    return Permuted(products.value, 1.0, largest)


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


def _variates(pair: Pair, i: int, white: _Whitening) -> Any:
    """Whitened samples, of variance 1 (less with a ridge)."""
    out = module_at(pair.place).SampleCoordinates(
        pair.n_samples, white.mean, white.weights, device_at(pair.place)
    )
    for batch in pair.batches():
        out.add(batch[i])
    return out


def _scores(pair: Pair, i: int) -> Any:
    """Centred samples, rotated to fewer dimensions where the block is wide."""
    module = module_at(pair.place)
    if pair.n_samples < pair.feature_counts[i]:
        samples = pair.samples()
        assert samples is not None
        # Directions under 1e-8 of the first are lost here; no singular value depends on them.
        features = Features(samples[i], pair.names[i], unit_scale=False)
        scores = SampleSpace.by_gram(features).scores(real_only=False)
        return module.SampleCoordinates.as_given(scores, device_at(pair.place))
    alone = pair.alone(i)
    out = module.SampleCoordinates.centred(alone.state, alone.indices[0])
    for (block,) in alone.batches():
        out.add(block)
    return out


def _grams(pair: Pair) -> list[Floats]:
    """Inner products of the centred samples of both sides."""
    samples = pair.samples()
    assert samples is not None
    return [
        Features(array, name, unit_scale=False).gram()
        for array, name in zip(samples, pair.names, strict=True)
    ]


def _units(pair: Pair, members: list[Index]) -> tuple[Index, int]:
    """Return the samples in the order of their units, and how many there are of each."""
    order = np.concatenate(members)
    positions = pair.n_samples // order.size  # those of a map stay together, in their order
    samples = (order[:, np.newaxis] * positions + np.arange(positions)).ravel()
    return samples, len(members[0]) * positions
