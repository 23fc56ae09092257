"""Many layers against each other, or against those of another network."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from fastcca._inputs.layouts import Size
from fastcca._layers.all_pairs import PreparedPairs
from fastcca._layers.caveats import Notes, warn_of
from fastcca._layers.layers import Layers, Layout, layers_of
from fastcca._layers.pairwise_result import PairwiseResult
from fastcca._measures.measure import MEASURES, Chosen, Valued, chosen
from fastcca._measures.options import check_options
from fastcca._runtime.compiled import ScaleError
from fastcca._runtime.progress import Progress, progress_of
from fastcca._solve.kept_components import keep_of
from fastcca._solve.pair import Pair
from fastcca._solve.solutions import CcaSolution
from fastcca._warnings import SAMPLES_PER_FEATURE

# Pairs that are solved between two reports of progress.
_TOGETHER = 32


def pairwise(
    xs: object,
    ys: object = None,
    *,
    measure: str = "svcca",
    keep: object = 0.99,
    criterion: str = "variance",
    ridge: float = 0.0,
    rank_tolerance: float = 0.0,
    progress: Progress = False,
    layout: Layout = None,
    spatial: str | None = None,
    size: Size = None,
    backend: str | None = None,
) -> PairwiseResult:
    """One similarity of every pair of layers, with one pass over the data.

    Parameters
    ----------
    xs, ys : layers
        A dict or list of arrays (n_samples, features) over the same samples, as `cca` takes them,
        real, data sets in files read some rows at a time; those of a list are named "0", "1",
        ... . Without `ys`, xs against itself. In place of both, an iterator of batches, each a
        dict or a pair ``(xs, ys)`` of dicts, or a `Moments` or `QRFactor`, all of whose blocks are
        compared with each other; of a pair that moments do not keep the value is NaN. With
        `layout`, maps.
    measure : str
        "cca" (mean correlation), "r2_cca" (mean squared), "svcca" (mean correlation of the
        components kept), "pwcca" (weights from the row), "pls" (sum of the singular values),
        "cka", "cka_debiased" (of samples alone), "procrustes", or "linear_regression_r2" (of the
        column from the row).
    keep, criterion
        For "svcca", as there; a pair is one for the rows and one for the columns.
    ridge
        For "cca" and "r2_cca", as in `cca`.
    rank_tolerance
        As in `cca` and `svcca`.
    progress : bool or callable
        Called as ``progress(done, total)`` after every pair; with True, a bar by rich or tqdm,
        whichever is installed.
    layout : str or sequence of str, optional
        As in `cca`; a sequence has one for each layer, those of ys after those of xs.
    spatial, backend
        As in `cca`.
    size : tuple of int, optional
        The grid that "resize" brings all layers to, so that every pair is compared at the same
        positions: per axis the smallest of all layers if not given. `cca` of two of them with
        this ``size`` has the same number.

    Returns
    -------
    PairwiseResult

    Raises
    ------
    ValueError, TypeError
        As the measure of one pair, and for layers that do not fit each other.
    ImportError
        For ``progress=True`` with neither rich nor tqdm.

    Warns
    -----
    RankWarning, AccuracyWarning
        As the measure of one pair, once for all pairs.

    Notes
    -----
    The values are those of the single measures. Symmetric measures of xs against itself are
    computed once for both triangles. The samples are read once for all pairs, every block is
    decomposed once, and pairs are spread over the cores. Where the moments have lost digits that
    the samples hold, or a layer has more features than samples, its pairs go back to the samples;
    where squares of any layer leave the range of float64, all do, each pair by its own measure.
    """
    found, notes = compared(
        xs,
        ys,
        measure=measure,
        keep=keep,
        criterion=criterion,
        ridge=ridge,
        rank_tolerance=rank_tolerance,
        progress=progress,
        layout=layout,
        spatial=spatial,
        size=size,
        backend=backend,
    )
    warn_of([notes])
    return found


def compared(
    xs: object,
    ys: object,
    *,
    measure: str,
    keep: object,
    criterion: str,
    ridge: float,
    rank_tolerance: float,
    progress: Progress,
    layout: Layout,
    spatial: str | None,
    size: Size,
    backend: str | None,
) -> tuple[PairwiseResult, Notes]:
    """Do what `pairwise` does, and return what there is to warn of."""
    if measure not in MEASURES:
        raise ValueError(f"measure={measure!r} is unknown; there are {', '.join(MEASURES)}")
    check_options(ridge=ridge, rank_tolerance=rank_tolerance)
    keep_of(keep, criterion)
    takes = MEASURES[measure].options
    if ridge and "ridge" not in takes:
        raise ValueError(f"ridge={ridge} is for measure='cca' and 'r2_cca', not {measure!r}")
    given = {"keep": keep, "criterion": criterion, "ridge": ridge, "rank_tolerance": rank_tolerance}
    asked = chosen(measure, {name: value for name, value in given.items() if name in takes})
    layers = layers_of(xs, ys, layout=layout, spatial=spatial, size=size, backend=backend)
    return _compare_all(layers, _Question(asked), progress)


def _compare_all(
    layers: Layers, question: _Question, progress: Progress
) -> tuple[PairwiseResult, Notes]:
    asked = question.asked
    both_ways = (
        layers.x_blocks == layers.y_blocks
        and asked.measure.symmetric
        and (asked.keep is None or asked.keep[0] == asked.keep[1])
    )
    wanted = [
        (i, j)
        for i in range(len(layers.x_blocks))
        for j in range(i if both_ways else 0, len(layers.y_blocks))
    ]
    by_name = [(layers.x_blocks[i], layers.y_blocks[j]) for i, j in wanted]
    together = _Together(layers, asked, by_name)
    values = np.full((len(layers.x_blocks), len(layers.y_blocks)), np.nan)
    with progress_of(progress, len(wanted), "pairs") as report:
        for done, ((i, j), (x, y)) in enumerate(zip(wanted, by_name, strict=True), 1):
            routes = _routes(layers, x, y, asked)
            if routes:
                names = layers.x_names[i], layers.y_names[j]
                there, back = question.answer(routes, *names, together.take(x, y))
                values[i, j] = there
                if both_ways:
                    values[j, i] = back
            report(done)
    found = PairwiseResult(values, layers.x_names, layers.y_names, asked.measure.name)
    return found, question.notes


def _routes(layers: Layers, x: str, y: str, asked: Chosen) -> list[Pair]:
    """Return the pair by its state, then by its samples, as far as either is there."""
    of_samples = layers.of_samples(x, y)
    of_state = layers.of_state(x, y)
    if asked.measure.needs_samples and of_samples is not None:
        of_state = None
    return [pair for pair in (of_state, of_samples) if pair is not None]


class _Together:
    """Pairs of one state whose blocks are decomposed once, some of them solved at a time."""

    def __init__(self, layers: Layers, asked: Chosen, pairs: list[tuple[str, str]]) -> None:
        self._waiting: list[tuple[str, str]] = []
        self._solved: dict[tuple[str, str], Valued] = {}
        if asked.measure.of_pairs is None:
            return
        held = [pair for pair in pairs if layers.moments_of(*pair) is not None]
        if not held:
            return
        moments = layers.moments_of(*held[0])
        assert moments is not None
        try:
            self._prepared = PreparedPairs(moments, held, asked)
        except ScaleError:
            return
        self._waiting = held

    def take(self, x: str, y: str) -> Valued | None:
        """Return the answer for a pair, in the order of the pairs; None where there is none."""
        if not self._solved and self._waiting:
            some, self._waiting = self._waiting[:_TOGETHER], self._waiting[_TOGETHER:]
            self._solved = dict(zip(some, self._prepared.solve(some), strict=True))
        return self._solved.pop((x, y), None)


@dataclass(slots=True)
class _Question:
    """The measure to ask of every pair, and what there is to warn of."""

    asked: Chosen
    notes: Notes = field(default_factory=Notes)

    def answer(
        self, routes: list[Pair], x_name: str, y_name: str, solved: Valued | None
    ) -> tuple[float, float]:
        """Return the value, and that of y to x, by the first route that keeps the digits.

        `solved` is the answer of the first route, where it is known.
        """
        for route, pair in enumerate(routes):
            known = solved if route == 0 else None
            valued = self.asked.of(pair) if known is None else known
            if not valued.lost:
                break
            if route + 1 == len(routes):
                self.notes.lost.update((x_name, y_name))
        if valued.cca is None:
            return valued.value, valued.value
        self._look_at(valued.cca, x_name, y_name)
        if not self.asked.measure.weighted:  # all others are symmetric
            return valued.value, valued.value
        return valued.value, self.asked.read(valued.cca.swapped()).value

    def _look_at(self, solution: CcaSolution, x_name: str, y_name: str) -> None:
        """Take note of what there is to warn of."""
        notes = self.notes
        notes.n_samples = solution.n_samples
        for name, side in ((x_name, solution.x), (y_name, solution.y)):
            features = side.mean.size if self.asked.keep is None else side.kept
            if side.kept == 0:
                notes.constant.add(name)
            elif notes.n_samples < SAMPLES_PER_FEATURE * features:
                notes.few.add(name)
                notes.features = max(notes.features, features)
