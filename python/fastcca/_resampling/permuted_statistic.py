"""Measures of one side against the rearranged samples of the other.

Everything that belongs to a side alone (its rank, its whitening, its scale) does not change when
its samples are rearranged, so it is computed once. What is left of a permutation is one product of
the two sides, and singular values or a norm of it, by the compiled core.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fastcca._inputs.arrays import AnyArray
from fastcca._inputs.bfloat16 import with_numbers
from fastcca._inputs.source import whole_of
from fastcca._measures.measure import Chosen, Valued
from fastcca._resampling.runs import Index
from fastcca._runtime.compiled import device_at, module_at
from fastcca._runtime.memory import check_memory
from fastcca._solve.out_of_range import in_range
from fastcca._solve.pair import Floats, Pair
from fastcca._solve.solutions import CcaSolution, Powers, Side


@dataclass(frozen=True, eq=False, slots=True)
class Permuted:
    """A measure of x against the units of y in any order, which threads may ask for at once.

    Attributes
    ----------
    statistic : callable
        Of an order (units,).
    factor : float
        What the measure is in units of that.
    largest : float
        What the measure is at most, for any data of these scales.
    has_units : bool
        Whether it scales with the data.
    """

    statistic: Callable[[Index], float]
    factor: float = 1.0
    largest: float = 1.0
    has_units: bool = False

    def of(self, order: Index) -> float:
        """Measure x against the units of y in another order, (units,)."""
        return self.factor * self.statistic(order)

    def in_units(self, powers: list[Powers]) -> Permuted:
        """Return the same for features that were not multiplied by powers of 2."""
        if not self.has_units:
            return self
        unit = float(np.ldexp(1.0, -int(powers[0].flat[0] + powers[1].flat[0])))
        return replace(self, factor=unit * self.factor, largest=unit * self.largest)


def permuted(pair: Pair, asked: Chosen, valued: Valued, members: list[Index]) -> Permuted:
    """Bring both sides into their coordinates, whatever the scale of the samples.

    Parameters
    ----------
    pair : Pair
        With samples.
    asked : Chosen
    valued : Valued
        What `asked` is of the pair as given, with weights.
    members : list of ndarray, int
        Samples of each unit, all of one length.

    Raises
    ------
    MemoryError
        If the two sides in float64 do not fit.
    """
    prepare = _PREPARED.get(asked.measure.name)
    if prepare is None or pair.place == "numpy":
        return _one_by_one(pair, asked, valued, members)
    if asked.measure.of_correlations or not asked.measure.symmetric:
        # Correlations have scales of their own.
        return prepare(pair, asked, valued, members)
    return in_range(prepare, pair, asked, valued, members)


def _one_by_one(pair: Pair, asked: Chosen, valued: Valued, members: list[Index]) -> Permuted:
    """Compare the samples anew in every order: of the reference, and of what needs it."""
    first = np.concatenate(members)

    def statistic(order: Index) -> float:
        rearranged = pair.take(first, np.concatenate([members[i] for i in order]))
        return asked.of(rearranged).value

    if asked.measure.bounded:
        return Permuted(statistic)
    largest = float(np.prod([_deviation(block) for block in pair.samples() or ()]))
    return Permuted(statistic, largest=largest, has_units=True)


def _deviation(block: AnyArray) -> float:
    """Root of the total variance, in a scale in which no square leaves the range."""
    values = with_numbers(block).astype(np.float64)
    unit = float(np.abs(values).max()) or 1.0
    return unit * float(np.sqrt(np.var(values / unit, axis=0, ddof=1).sum()))


# -- the ways of the core --------------------------------------------------------------------------


def _of_correlations(pair: Pair, asked: Chosen, valued: Valued, members: list[Index]) -> Permuted:
    x, y = (_whitening(pair, asked, valued.cca, i) for i in range(2))
    _check(pair, x.dimensions, y.dimensions)
    few = max(min(x.dimensions, y.dimensions), 1)
    statistic, loadings, factor = "nuclear_norm", [], 1.0 / few
    if asked.measure.name == "r2_cca":
        statistic = "sum_of_squares"
    elif asked.measure.weighted:
        statistic = "weighted_by_both" if asked.variant == "symmetric" else "weighted_by_x"
        loadings, factor = [x.loadings, y.loadings], 1.0
    sides = [_variates(pair, 0, x), _variates(pair, 1, y)]
    scale = 1.0 / np.sqrt(pair.with_samples().n_samples - 1)
    return Permuted(_products(pair, members, sides, statistic, (scale, scale), loadings), factor)


def _of_regression(pair: Pair, asked: Chosen, valued: Valued, members: list[Index]) -> Permuted:
    samples = pair.with_samples()
    x = _whitening(pair, asked, None, 0)
    _check(pair, x.dimensions, min(samples.n_samples, samples.feature_counts[1]))
    sides = [_variates(pair, 0, x), _scores(pair, 1)]
    scales = (1.0 / np.sqrt(samples.n_samples - 1), 1.0 / (sides[1].norms()[0] or 1.0))
    return Permuted(_products(pair, members, sides, "sum_of_squares", scales))


def _of_samples(pair: Pair, asked: Chosen, valued: Valued, members: list[Index]) -> Permuted:
    samples = pair.with_samples()
    n = samples.n_samples
    _check(pair, *(min(n, count) for count in samples.feature_counts))
    name = asked.measure.name
    if name == "cka" and n < min(samples.feature_counts):
        grams = [_call("gram_of_samples", pair, i) for i in range(2)]
        found = module_at(pair.place).PermutedGrams(
            *grams, *_units(pair, members), device_at(pair.place)
        )
        return Permuted(found.value)
    sides = [_scores(pair, 0), _scores(pair, 1)]
    norms_of = [side.norms() for side in sides]
    norms, scatters = ([norm or 1.0 for norm in of] for of in zip(*norms_of, strict=True))
    if name == "cka":
        scales = [1.0 / np.sqrt(norm) for norm in scatters]
        return Permuted(_products(pair, members, sides, "sum_of_squares", scales))
    if name == "procrustes":
        scales = [1.0 / norm for norm in norms]
        return Permuted(_products(pair, members, sides, "nuclear_norm", scales))
    scales = [1.0 / np.sqrt(n - 1)] * 2
    products = _products(pair, members, sides, "nuclear_norm", scales)
    largest = float(norms[0] * scales[0] * norms[1] * scales[1])
    return Permuted(products, largest=largest, has_units=True)


_PREPARED = {
    "cca": _of_correlations,
    "r2_cca": _of_correlations,
    "svcca": _of_correlations,
    "pwcca": _of_correlations,
    "linear_regression_r2": _of_regression,
    "cka": _of_samples,
    "procrustes": _of_samples,
    "pls": _of_samples,
}
"""How a side is prepared; a measure that is not here is compared anew for every order."""


def _products(
    pair: Pair,
    members: list[Index],
    sides: list[Any],
    statistic: str,
    scales: Any,
    loadings: Any = (),
) -> Callable[[Index], float]:
    module = module_at(pair.place)
    units = _units(pair, members)
    products = module.PermutedProducts(*sides, *units, statistic, tuple(scales), list(loadings))
    value: Callable[[Index], float] = products.value
    return value


def _units(pair: Pair, members: list[Index]) -> tuple[Index, int]:
    """Return samples in the order of their units, maps whole, and how many a unit has."""
    order = np.concatenate(members)
    positions = pair.with_samples().n_samples // order.size
    samples = (order[:, np.newaxis] * positions + np.arange(positions)).ravel()
    return samples, len(members[0]) * positions


def _check(pair: Pair, x_dimensions: int, y_dimensions: int) -> None:
    n = pair.with_samples().n_samples
    check_memory(
        # The samples in their coordinates, and once more while they are put in order.
        16 * n * max(x_dimensions + y_dimensions, 1),
        f"{n} samples in {x_dimensions} and {y_dimensions} dimensions",
        "Take fewer samples, keep fewer components (measure='svcca'), or pool maps.",
    )


@dataclass(frozen=True, eq=False, slots=True)
class _Whitening:
    """Means (p,), weights and loadings (p, k) that whiten all dimensions of a side."""

    mean: Floats
    weights: Any
    loadings: Any

    @property
    def dimensions(self) -> int:
        return int(self.weights.shape[1])


def _whitening(pair: Pair, asked: Chosen, solution: CcaSolution | None, i: int) -> _Whitening:
    """Whiten all dimensions of a side.

    A CCA has weights for as many dimensions as its smaller side has; those of the larger side come
    from a CCA of the side with itself, with the same rank rule, ridge and components kept.
    """
    if solution is not None:
        side = solution.x if i == 0 else solution.y
        found = _of_side(side)
        if found.dimensions == side.kept:
            return found
    keep = None if asked.keep is None else (asked.keep[i], asked.keep[i])
    alone = replace(asked, keep=keep)
    return _of_side(alone.solve_cca(pair.with_itself(i), weights=True).x)


def _of_side(side: Side) -> _Whitening:
    assert side.weights is not None
    assert side.loadings is not None
    return _Whitening(side.mean, side.weights, side.loadings)


def _variates(pair: Pair, i: int, white: _Whitening) -> Any:
    """Whitened samples, of unit variance (less with a ridge)."""
    samples = pair.with_samples()
    out = module_at(pair.place).SampleCoordinates(
        samples.n_samples, white.mean, white.weights, device_at(pair.place)
    )
    for batch in samples.batches():
        out.add(batch[i])
    return out


def _scores(pair: Pair, i: int) -> Any:
    """Centred samples, rotated to fewer dimensions where the block is wide."""
    coordinates = module_at(pair.place).SampleCoordinates
    alone = pair.alone(i)
    if alone.has_few_samples:
        return coordinates.as_given(_call("scores_of_samples", pair, i), device_at(pair.place))
    state, (block,) = alone.of_moments()
    out = coordinates.centred(state, block)
    for (samples,) in alone.with_samples().batches():
        out.add(samples)
    return out


def _call(function: str, pair: Pair, i: int) -> Floats:
    """Call a function of the core that takes the samples of one block."""
    samples = whole_of(pair.alone(i).with_samples())
    call = getattr(module_at(pair.place), function)
    found: Floats = call(*samples, device=device_at(pair.place))
    return found
