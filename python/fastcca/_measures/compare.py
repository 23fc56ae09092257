"""Many measures of one pair, with one pass over the data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

from fastcca._inputs.layouts import LayoutOrPair, Size
from fastcca._measures.caveats import warn_about_accuracy, warn_about_solution
from fastcca._measures.measure import MEASURES, Chosen, chosen
from fastcca._solve.pair import Pair, pair_of
from fastcca._states.moments import Moments


class Comparison:
    """Some measures of one pair, sharing the solutions they are read from.

    Parameters
    ----------
    pair : Pair
    names : sequence of str
        Of the table, with their default options.
    """

    def __init__(self, pair: Pair, names: Sequence[str]) -> None:
        self._pair = pair
        self._asked = {name: chosen(name, {}) for name in names}
        self._solutions: dict[Any, Any] = {}

    def values(self) -> dict[str, float]:
        """Compute every measure, in the order asked for."""
        return {name: asked.read(self.solution(asked)).value for name, asked in self._asked.items()}

    def solution(self, asked: Chosen) -> Any:
        """Return what a measure is read from, with weights only where any of them needs these."""
        key = (asked.measure.solve, asked.keep)
        if key not in self._solutions:
            weights = any(
                other.measure.weighted and (other.measure.solve, other.keep) == key
                for other in self._asked.values()
            )
            self._solutions[key] = asked.measure.solve(self._pair, asked, weights)
        return self._solutions[key]

    def warn(self) -> None:
        """Warn of what there is to say of the solutions, of few samples once."""
        told = False
        for (_, keep), solution in sorted(
            self._solutions.items(), key=lambda item: item[0][1] is not None
        ):
            if keep is not None and told:
                warn_about_accuracy(solution)
            else:
                warn_about_solution(solution, truncated=keep is not None)
                told = told or hasattr(solution, "correlations")


def compare(
    x: npt.ArrayLike | Moments,
    y: npt.ArrayLike | None = None,
    measures: Sequence[str] = ("cca", "svcca", "pwcca", "cka"),
    *,
    layout: LayoutOrPair = None,
    spatial: str | None = None,
    size: Size = None,
    backend: str | None = None,
) -> dict[str, float]:
    """Several similarities of two blocks, with one pass over the data.

    Parameters
    ----------
    x, y : array_like, (n_samples, p) and (n_samples, q)
        As in `cca`, real. In place of both, a `Moments` of two blocks.
    measures : sequence of str, or "all"
        Any of "cca" (mean correlation), "r2_cca" (mean squared), "svcca" (mean correlation at
        99 % of the variance), "pwcca" (weights from x), "pls" (sum of the singular values), "cka",
        "cka_debiased" (of samples alone), "procrustes", "linear_regression_r2" (of y from x);
        "all" are those that can be told of what is given.
    layout, spatial, size, backend
        As in `cca`.

    Returns
    -------
    dict of str to float
        In the order asked for.

    Raises
    ------
    ValueError, TypeError
        As `cca`, and for an unknown measure.

    Warns
    -----
    RankWarning, AccuracyWarning
        As `cca`, if a measure of correlations is asked for.
    """
    everything = isinstance(measures, str) and measures == "all"
    names = [measures] if isinstance(measures, str) else list(measures)
    for name in names:
        if name not in MEASURES and not everything:
            raise ValueError(f"the measure {name!r} is unknown; there are {', '.join(MEASURES)}")
    pair = pair_of(x, y, layout=layout, spatial=spatial, size=size, backend=backend)
    if everything:
        has_samples = pair.source is not None
        names = [m.name for m in MEASURES.values() if has_samples or not m.needs_samples]
    comparison = Comparison(pair, names)
    values = comparison.values()
    comparison.warn()
    return values
