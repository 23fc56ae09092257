"""Pairs of blocks of one state, solved together: every block is decomposed once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastcca._measures.measure import Named, Valued, mean_square
from fastcca._runtime.compiled import module_of
from fastcca._runtime.threads import threads_for_many
from fastcca._solve.by_core import parts_of_moments, parts_of_regression
from fastcca._solve.kept_components import Keep
from fastcca._solve.pair import Pair
from fastcca._states.moments import Moments

__all__ = ["PreparedPairs"]

Names = tuple[str, str]

_OF_TWO = {"cka": "linear_cka_of_pairs", "procrustes": "procrustes_of_pairs"}


class PreparedPairs:
    """One measure of many pairs of real blocks, on the compiled core.

    Parameters
    ----------
    moments : Moments
        Of at least 2 samples; not to be changed while pairs are solved.
    pairs : sequence of (str, str)
        All pairs that will be asked for.
    chosen : Named
        Any but "pls".
    """

    def __init__(
        self,
        moments: Moments,
        pairs: Sequence[Names],
        chosen: Named,
    ) -> None:
        self._moments = moments
        self._chosen = chosen
        self._entries: list[dict[str, int]] = [{}, {}]
        if chosen.measure in _OF_TWO or not pairs:
            return
        blocks: list[int] = []
        keeps: list[tuple[str, float] | None] = []
        known: dict[tuple[str, Keep | None], int] = {}
        _ = Pair(
            pairs[0], moments.pair(*pairs[0]), place=moments._place
        ).state  # an error with fewer than 2 samples
        for pair in pairs:
            for side, name in enumerate(pair):
                cut = None if chosen.keep is None else chosen.keep[side]
                if (name, cut) not in known:
                    known[name, cut] = len(blocks)
                    blocks.append(moments._index(name))
                    keeps.append(None if cut is None else cut.as_core())
                self._entries[side][name] = known[name, cut]
        with threads_for_many() as threads:
            self._prepared = module_of(moments._state).PreparedBlocks(
                moments._state, blocks, keeps, chosen.ridge, chosen.rank_tolerance, threads
            )

    def solve(self, pairs: Sequence[Names]) -> list[Valued]:
        """Values of some of the pairs, on all cores: what `Named.of` says for moments alone."""
        chosen, moments = self._chosen, self._moments
        state = moments._state
        with threads_for_many() as threads:
            if chosen.measure in _OF_TWO:
                indices = [(moments._index(x), moments._index(y)) for x, y in pairs]
                of_pairs = getattr(module_of(state), _OF_TWO[chosen.measure])
                return [Valued(v) for v in of_pairs(state, indices, threads)]
            entries = [(self._entries[0][x], self._entries[1][y]) for x, y in pairs]
            if chosen.measure == "linear_regression_r2":
                solved = self._prepared.linear_regression(state, entries, threads)
            else:
                solved = self._prepared.cca(state, entries, chosen.wanted, threads)
        return [self._valued(one) for one in solved]

    def _valued(self, solved: dict[str, Any]) -> Valued:
        if self._chosen.measure == "linear_regression_r2":
            regression = parts_of_regression(solved)
            return Valued(regression["r2"], regression=regression)
        squares = solved.pop("sum_of_squares")
        parts = parts_of_moments(solved, self._chosen.ridge)
        if self._chosen.measure == "r2_cca":
            return Valued(mean_square(squares, parts), parts=parts)
        return Valued(self._chosen.of_parts(parts), parts=parts)
