"""What permutations and bootstrap share: what is asked, units of samples, seeds, many runs."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fastcca._inputs.layouts import LayoutOrPair, Size
from fastcca._measures.caveats import warn_about_solution
from fastcca._measures.measure import Chosen, Valued, chosen
from fastcca._runtime.progress import Progress, progress_of
from fastcca._runtime.threads import threads_for_many
from fastcca._solve.pair import Pair, pair_of

Seed = int | np.random.SeedSequence | np.random.Generator | None
Index = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False, slots=True)
class Resampled:
    """A measure of two real blocks of samples, checked, and the seeds of the runs.

    Attributes
    ----------
    chosen : Chosen
    pair : Pair
        With samples that can be taken in any order.
    members : list of ndarray, int
        Samples of each unit.
    seeds : list of SeedSequence
        One for each run.
    """

    chosen: Chosen
    pair: Pair
    members: list[Index]
    seeds: list[np.random.SeedSequence]

    def as_given(self, *, weights: bool = False) -> Valued:
        """Measure the samples as given, and warn of what there is to say of them."""
        valued = self.chosen.of(self.pair, weights=weights)
        warn_about_solution(valued.solution, truncated=self.chosen.keep is not None)
        return valued


def resampled(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    measure: str,
    options: Mapping[str, Any],
    count: int,
    seed: Seed,
    groups: npt.ArrayLike | None,
    layout: LayoutOrPair,
    spatial: str | None,
    size: Size,
    backend: str | None,
) -> Resampled:
    """Check the arguments that `permutation_test` and `bootstrap` have in common."""
    asked = chosen(measure, options)
    seeds = generators(seed, count)
    pair = pair_of(x, y, layout=layout, spatial=spatial, size=size, backend=backend)
    members = members_of(groups, pair.with_samples().n_units)
    pair.with_samples().check_any_order()
    return Resampled(asked, pair, members, seeds)


def members_of(groups: npt.ArrayLike | None, n: int) -> list[Index]:
    """Return the samples of each unit that stays together: one each without `groups`.

    Parameters
    ----------
    groups : array_like, (n,), or None
        A label for every sample.
    n : int
        Samples along N.

    Raises
    ------
    ValueError
        If there is not one label for each sample, or fewer than two units.
    """
    if groups is None:
        members = [np.array([i]) for i in range(n)]
    else:
        labels = np.asarray(groups)
        if labels.shape != (n,):
            raise ValueError(
                f"groups has shape {labels.shape}, but must have one label for each of the {n} "
                f"samples, shape ({n},)"
            )
        _, which = np.unique(labels, return_inverse=True)
        order = np.argsort(which, kind="stable")
        members = np.split(order, np.cumsum(np.bincount(which))[:-1])
    if len(members) < 2:
        raise ValueError(
            f"there {'is' if len(members) == 1 else 'are'} {len(members)} "
            f"{'group' if groups is not None else 'sample'}; at least 2 are needed to rearrange"
        )
    return members


def generators(seed: Seed, count: int) -> list[np.random.SeedSequence]:
    """Return independent seeds, one for each run, whichever thread it falls to.

    Raises
    ------
    TypeError
        If `seed` is none of what numpy takes.
    """
    if isinstance(seed, np.random.Generator):
        seed = int(seed.integers(2**63))
    if not isinstance(seed, np.random.SeedSequence):
        if seed is not None:
            try:
                seed = operator.index(seed)
            except TypeError:
                raise TypeError(
                    f"seed={seed!r} must be None, an integer, a SeedSequence or a Generator"
                ) from None
            if seed < 0:
                raise ValueError(f"seed={seed} must be 0 or more")
        seed = np.random.SeedSequence(seed)
    # As spawn does, but without counting what was spawned before: twice the same for one seed.
    return [
        np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, i)) for i in range(count)
    ]


def checked_count(count: int, name: str) -> int:
    """Return a number of runs, at least 1."""
    count = operator.index(count)
    if count < 1:
        raise ValueError(f"{name}={count} must be at least 1")
    return count


def run_many(
    solve: Callable[[np.random.SeedSequence], float],
    seeds: list[np.random.SeedSequence],
    progress: Progress,
    what: str,
) -> npt.NDArray[np.float64]:
    """Call `solve` for every seed, on as many threads as there may be; results in order.

    Ctrl-C, and an exception of `progress`, end it when the runs that were begun have ended.
    """
    out = np.empty(len(seeds))
    with progress_of(progress, len(seeds), what) as report, threads_for_many() as threads:
        if threads == 1:
            for i, seed in enumerate(seeds):
                out[i] = solve(seed)
                report(i + 1)
            return out
        with ThreadPoolExecutor(threads) as pool:
            try:
                futures = [pool.submit(solve, seed) for seed in seeds]
                for i, future in enumerate(futures):
                    out[i] = future.result()
                    report(i + 1)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    return out
