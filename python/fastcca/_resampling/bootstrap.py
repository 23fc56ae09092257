"""How much a measure depends on the samples that happened to be drawn."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fastcca._inputs.layouts import LayoutOrPair, Size
from fastcca._resampling.runs import Seed, checked_count, resampled, run_many
from fastcca._runtime.progress import Progress

_METHODS = ("basic", "percentile")


class ConfidenceInterval(NamedTuple):
    """An interval, in the words of SciPy."""

    low: float
    high: float


@dataclass(frozen=True, eq=False, slots=True)
class BootstrapResult:
    """A measure, and what it is of samples drawn from the samples.

    Attributes
    ----------
    value : float
        The measure of the samples as given.
    confidence_interval : ConfidenceInterval
        `low` and `high`.
    standard_error : float
        Standard deviation of `bootstrap_distribution`.
    bootstrap_distribution : ndarray, (n_resamples,), float64
        The measure of each resample, in the order of the seeds.
    measure : str
        As asked for.
    n_units : int
        What was drawn from: samples, maps or groups.
    """

    value: float
    confidence_interval: ConfidenceInterval
    standard_error: float
    bootstrap_distribution: npt.NDArray[np.float64] = field(repr=False)
    measure: str
    n_units: int

    @property
    def bias(self) -> float:
        """By how much the resamples exceed `value` on average: positive for CCA."""
        return float(self.bootstrap_distribution.mean()) - self.value


def bootstrap(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    measure: str = "cca",
    n_resamples: int = 1000,
    confidence_level: float = 0.95,
    method: str = "basic",
    seed: Seed = None,
    groups: npt.ArrayLike | None = None,
    layout: LayoutOrPair = None,
    spatial: str | None = None,
    size: Size = None,
    backend: str | None = None,
    progress: Progress = False,
    **options: Any,
) -> BootstrapResult:
    """Confidence interval of a measure, by drawing samples with replacement (Efron 1979).

    Parameters
    ----------
    x, y : array_like, (n_samples, p) and (n_samples, q)
        As in `cca`, real. With `layout`, maps.
    measure : str
        As in `permutation_test`.
    n_resamples : int
        At least 2.
    confidence_level : float
        Between 0 and 1.
    method : {"basic", "percentile"}
        "percentile": quantiles of the resamples. "basic": these mirrored at `value`, which takes
        the bias of the resamples off twice, once for themselves and once for `value`.
    seed : None, int, SeedSequence or Generator
        As in `permutation_test`.
    groups : array_like, (n_samples,), optional
        A label for every sample along N: whole groups are drawn, of any size.
    layout, spatial, size, backend
        As in `cca`. With "fold" and "resize" whole maps are drawn, never single positions.
    progress : bool or callable
        Called as ``progress(done, n_resamples)``, as in `permutation_test`.
    **options
        Of the measure, as in `permutation_test`.

    Returns
    -------
    BootstrapResult

    Raises
    ------
    ValueError, TypeError
        As `permutation_test`, and for unusable arguments.

    Warns
    -----
    RankWarning, AccuracyWarning
        As the measure, of the samples as given.

    Notes
    -----
    A resample of n samples has about 0.63 n different ones. Measures that grow by chance when
    samples are few (CCA and its kin, linear regression, CKA) are larger for it, and a percentile
    interval may lie above the value itself: it is no interval for the relation that holds beyond
    these samples. The basic interval corrects that to first order, well only where there are many
    samples per feature (docs/significance.md has figures). With fewer than about 5 samples per
    feature take neither; `permutation_test` is exact there.

    Every resample is a comparison of its own of copied samples, so that each thread holds one copy
    of the data; the whole takes `n_resamples` times as long as the measure.

    References
    ----------
    Efron (1979), Ann. Stat. 7, 1-26; Davison and Hinkley (1997), "Bootstrap Methods and their
    Application", chapter 5.
    """
    count = checked_count(n_resamples, "n_resamples")
    if count < 2:
        raise ValueError(f"n_resamples={count} have no spread; at least 2 are needed")
    if not 0.0 < confidence_level < 1.0:
        raise ValueError(f"confidence_level={confidence_level} must lie between 0 and 1")
    if method not in _METHODS:
        raise ValueError(f"method={method!r} is unknown; it must be one of {_METHODS}")
    asked = resampled(
        x,
        y,
        measure=measure,
        options=options,
        count=count,
        seed=seed,
        groups=groups,
        layout=layout,
        spatial=spatial,
        size=size,
        backend=backend,
    )
    valued = asked.as_given()
    members = asked.members

    def one(of: np.random.SeedSequence) -> float:
        drawn = np.random.default_rng(of).integers(len(members), size=len(members))
        pair = asked.pair.take(np.concatenate([members[i] for i in drawn]))
        return asked.chosen.of(pair).value

    values = run_many(one, asked.seeds, progress, "resamples")
    tail = (1.0 - confidence_level) / 2.0
    low, high = (float(v) for v in np.quantile(values, [tail, 1.0 - tail]))
    if method == "basic":
        low, high = 2.0 * valued.value - high, 2.0 * valued.value - low
        # What no measure can be: both ends, which may lie on the same side of the range.
        most = 1.0 if asked.chosen.measure.bounded else math.inf
        low, high = (min(max(end, 0.0), most) for end in (low, high))
    return BootstrapResult(
        value=valued.value,
        confidence_interval=ConfidenceInterval(low, high),
        standard_error=float(values.std(ddof=1)),
        bootstrap_distribution=values,
        measure=measure,
        n_units=len(members),
    )
