"""Pairs of blocks of one state, solved together: every block is decomposed once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastcca._measures.measure import Chosen, Valued
from fastcca._runtime.compiled import module_of
from fastcca._runtime.threads import threads_for_many
from fastcca._solve.by_core import of_moments, regression_of
from fastcca._solve.kept_components import Keep
from fastcca._solve.pair import Pair
from fastcca._states.moments import Moments

Names = tuple[str, str]


class PreparedPairs:
    """One measure of many pairs of real blocks, on the compiled core.

    Parameters
    ----------
    moments : Moments
        Of at least 2 samples; not to be changed while pairs are solved.
    pairs : sequence of (str, str)
        All pairs that will be asked for.
    asked : Chosen
        A measure that the core answers for many pairs.
    """

    def __init__(self, moments: Moments, pairs: Sequence[Names], asked: Chosen) -> None:
        self._moments = moments
        self._asked = asked
        self._entries: list[dict[str, int]] = [{}, {}]
        if self._of_two:
            return
        blocks: list[int] = []
        keeps: list[tuple[str, float] | None] = []
        known: dict[tuple[str, Keep | None], int] = {}
        # With fewer than 2 samples that is an error.
        _ = Pair(pairs[0], state=moments.pair(*pairs[0]), place=moments._place).core_moments
        for pair in pairs:
            for side, name in enumerate(pair):
                cut = None if asked.keep is None else asked.keep[side]
                if (name, cut) not in known:
                    known[name, cut] = len(blocks)
                    blocks.append(moments._block(name).real)
                    keeps.append(None if cut is None else cut.as_core())
                self._entries[side][name] = known[name, cut]
        with threads_for_many() as threads:
            self._prepared = module_of(moments._state).PreparedBlocks(
                moments._state, blocks, keeps, asked.ridge, asked.rank_tolerance, threads
            )

    @property
    def _of_two(self) -> bool:
        """Whether the measure is of two blocks as they are, with nothing to prepare."""
        return str(self._asked.measure.of_pairs).endswith("_of_pairs")

    def solve(self, pairs: Sequence[Names]) -> list[Valued]:
        """Values of some of the pairs, on all cores: what `Chosen.of` says for moments alone."""
        state, wanted = self._moments._state, self._asked.measure.of_pairs
        with threads_for_many() as threads:
            if self._of_two:
                block = self._moments._block
                indices = [(block(x).real, block(y).real) for x, y in pairs]
                of_pairs = getattr(module_of(state), str(wanted))
                return [Valued(v, v) for v in of_pairs(state, indices, threads)]
            entries = [(self._entries[0][x], self._entries[1][y]) for x, y in pairs]
            if wanted == "linear_regression":
                solved = self._prepared.linear_regression(state, entries, threads)
            else:
                solved = self._prepared.cca(state, entries, wanted, threads)
        return [self._valued(one) for one in solved]

    def _valued(self, solved: dict[str, Any]) -> Valued:
        wanted = self._asked.measure.of_pairs
        if wanted == "linear_regression":
            return self._asked.read(regression_of(solved))
        solution = of_moments(solved, self._asked.ridge)
        if wanted != "sum_of_squares":
            return self._asked.read(solution)
        # The sum of all squared correlations takes no decomposition.
        count = min(solution.x.kept, solution.y.kept)
        return Valued(solved["sum_of_squares"] / count if count else 0.0, solution)
