"""The measure that is asked of rearranged samples, and of the samples as given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fastcca._inputs.layouts import LayoutOrPair, Size
from fastcca._measures.caveats import warn_about_accuracy, warn_about_rank
from fastcca._measures.measure import Named, Valued, named
from fastcca._measures.similarity import warn_about_regression
from fastcca._resampling.runs import Index, Seed, generators, members_of
from fastcca._runtime import backend as _backend
from fastcca._solve.pair import Pair
from fastcca._solve.pair_of import pair_of
from fastcca._solve.routes import Solvers, solvers_at

__all__ = ["Resampled", "resampled"]


@dataclass(frozen=True, eq=False, slots=True)
class Resampled:
    """A measure of two real blocks of samples, checked, and the seeds of the runs.

    Attributes
    ----------
    chosen : Named
    solvers : Solvers
    pair : Pair
    members : list of ndarray, int
        Samples of each unit.
    seeds : list of SeedSequence
        One for each run.
    """

    chosen: Named
    solvers: Solvers
    pair: Pair
    members: list[Index]
    seeds: list[np.random.SeedSequence]

    def as_given(self, *, weights: bool = False) -> Valued:
        """Measure the samples as given, and warn the caller of a public function of them."""
        valued = self.chosen.of(self.pair, self.solvers, weights=weights)
        if valued.parts is not None:
            result, dimensions = valued.result()
            warn_about_rank(result, *dimensions, stacklevel=4)
            warn_about_accuracy(valued.parts, stacklevel=4)
        elif valued.regression is not None:
            warn_about_regression(valued.regression, stacklevel=4)
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
    chosen = named(measure, options)
    seeds = generators(seed, count)
    place = _backend.resolve(backend, x=x, y=y)
    pair = pair_of(x, y, layout=layout, spatial=spatial, size=size, place=place)
    pair.require_real()
    return Resampled(chosen, solvers_at(place), pair, members_of(groups, pair.n_units), seeds)
