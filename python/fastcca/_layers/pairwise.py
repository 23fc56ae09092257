"""Many layers against each other, or against those of another network."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fastcca._inputs.layouts import Size
from fastcca._layers.all_pairs import PreparedPairs
from fastcca._layers.caveats import Notes, warn_of
from fastcca._layers.layers import Layers
from fastcca._layers.layers_of import Layout, layers_of
from fastcca._layers.pairwise_result import PairwiseResult
from fastcca._measures.caveats import check_options
from fastcca._measures.compare import MEASURES
from fastcca._measures.measure import Named, Valued
from fastcca._runtime.compiled import ScaleError
from fastcca._runtime.progress import Progress, progress_of
from fastcca._solve.kept_components import keep_of
from fastcca._solve.pair import Pair
from fastcca._solve.routes import Solvers, solvers_at
from fastcca._solve.solutions import CcaParts
from fastcca._states.moments import Moments
from fastcca._warnings import SAMPLES_PER_FEATURE

__all__ = ["PairwiseResult", "Progress", "compared", "pairwise"]

# One decomposition says both directions: most are symmetric, PWCCA has weights of each side.
_BOTH_WAYS = ("cca", "r2_cca", "svcca", "pwcca", "cka", "procrustes")
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
        components kept), "pwcca" (weights from the row), "cka", "procrustes", or
        "linear_regression_r2" (of the column from the row).
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
    warn_of([notes], stacklevel=2)
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
    keeps = keep_of(keep, criterion)
    if ridge and measure not in ("cca", "r2_cca"):
        raise ValueError(f"ridge={ridge} is for measure='cca' and 'r2_cca', not {measure!r}")
    layers = layers_of(xs, ys, layout=layout, spatial=spatial, size=size, backend=backend)
    solvers = solvers_at(layers.place)
    numpy_backend = layers.place == "numpy"
    chosen = Named(
        measure,
        ridge=float(ridge),
        keep=keeps if measure == "svcca" else None,
        rank_tolerance=float(rank_tolerance),
    )
    ask = _Question(chosen, solvers)
    both_ways = (
        layers.x_blocks == layers.y_blocks
        and measure in _BOTH_WAYS
        and (chosen.keep is None or chosen.keep[0] == chosen.keep[1])
    )
    wanted = [
        (i, j)
        for i in range(len(layers.x_blocks))
        for j in range(i if both_ways else 0, len(layers.y_blocks))
    ]
    by_name = [(layers.x_blocks[i], layers.y_blocks[j]) for i, j in wanted]
    together = [pair for pair in by_name if not numpy_backend and layers.held(*pair)]
    values = np.full((len(layers.x_blocks), len(layers.y_blocks)), np.nan)
    with progress_of(progress, len(wanted), "pairs") as report:
        solved: dict[tuple[str, str], Valued] = {}
        prepared = ask.prepared(layers.moments, together)
        for done, ((i, j), pair) in enumerate(zip(wanted, by_name, strict=True), 1):
            if prepared and not solved and together:
                some, together = together[:_TOGETHER], together[_TOGETHER:]
                solved = dict(zip(some, prepared.solve(some), strict=True))
            routes = _routes(layers, *pair, numpy_backend)
            if routes:
                names = layers.x_names[i], layers.y_names[j]
                there, back = ask.answer(routes, *names, solved.pop(pair, None))
                values[i, j] = there
                if both_ways:
                    values[j, i] = back
            report(done)
    return PairwiseResult(values, layers.x_names, layers.y_names, measure), ask.notes


def _routes(layers: Layers, x: str, y: str, numpy_backend: bool) -> list[Pair]:
    """Return the pair by its moments, then by its samples; nothing where moments lack it."""
    try:
        of_samples = layers.pair(x, y)
    except KeyError:
        return []
    if not layers.sources:
        return [of_samples]
    # The reference computes from the samples whenever it has them.
    if numpy_backend or layers.moments is None or not layers.held(x, y):
        return [of_samples]
    return [Pair((x, y), layers.moments.pair(x, y), place=layers.place), of_samples]


@dataclass(slots=True)
class _Question:
    """The measure to ask of every pair, and what there is to warn of."""

    chosen: Named
    solvers: Solvers
    notes: Notes = field(default_factory=Notes)

    def prepared(
        self, moments: Moments | None, pairs: list[tuple[str, str]]
    ) -> PreparedPairs | None:
        """Return the pairs of moments, their blocks decomposed; None where there are none."""
        if moments is None or not pairs:
            return None
        try:
            return PreparedPairs(moments, pairs, self.chosen)
        except ScaleError:
            return None

    def answer(
        self, routes: list[Pair], x_name: str, y_name: str, solved: Valued | None
    ) -> tuple[float, float]:
        """Return the value, and that of y to x, by the first route that keeps the digits.

        `solved` is the answer of the first route, where it is known.
        """
        for route, pair in enumerate(routes):
            known = solved if route == 0 else None
            valued = self.chosen.of(pair, self.solvers) if known is None else known
            if not valued.lost:
                break
            if route + 1 == len(routes):
                self.notes.lost.update((x_name, y_name))
        if valued.parts is None:
            return valued.value, valued.value
        self._look_at(valued.parts, x_name, y_name)
        if self.chosen.measure != "pwcca":  # all others are symmetric
            return valued.value, valued.value
        return valued.value, self.chosen.of_parts(valued.parts, back=True)

    def _look_at(self, parts: CcaParts, x_name: str, y_name: str) -> None:
        """Take note of what there is to warn of."""
        truncated = self.chosen.keep is not None
        notes = self.notes
        notes.n_samples = parts["n_samples"]
        sides = ((x_name, "x"), (y_name, "y"))
        for name, side in sides:
            known: Any = parts
            features = known[f"{side}_kept"] if truncated else known[f"{side}_mean"].size
            if known[f"{side}_kept"] == 0:
                notes.constant.add(name)
            elif notes.n_samples < SAMPLES_PER_FEATURE * features:
                notes.few.add(name)
                notes.features = max(notes.features, features)
