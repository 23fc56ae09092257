"""Pairs of blocks of one state, solved together: every block is decomposed once."""

from __future__ import annotations

from collections.abc import Sequence

from fastcca import _core
from fastcca._blas import threads_for_many
from fastcca._keep import Keep
from fastcca._moments import Moments
from fastcca._pair import Pair
from fastcca._parts import CcaParts, RegressionParts
from fastcca._solvers_cpu import parts_of_moments, parts_of_regression

__all__ = ["Answer", "PreparedPairs"]

Answer = CcaParts | RegressionParts | float
Names = tuple[str, str]

_OF_TWO = {"cka": _core.linear_cka_of_pairs, "procrustes": _core.procrustes_of_pairs}


class PreparedPairs:
    """One measure of many pairs of real blocks, on the compiled core.

    Parameters
    ----------
    moments : Moments
        Of at least 2 samples; not to be changed while pairs are solved.
    pairs : sequence of (str, str)
        All pairs that will be asked for.
    measure : str
        As `pairwise` names it.
    keep : pair of Keep
        Of the first and the second block of a pair, for "svcca".
    ridge, rank_tolerance : float
    """

    def __init__(
        self,
        moments: Moments,
        pairs: Sequence[Names],
        *,
        measure: str,
        keep: tuple[Keep, Keep],
        ridge: float,
        rank_tolerance: float,
    ) -> None:
        self._moments = moments
        self._measure = measure
        self._ridge = ridge
        self._entries: list[dict[str, int]] = [{}, {}]
        if measure in _OF_TWO or not pairs:
            return
        blocks: list[int] = []
        keeps: list[tuple[str, float] | None] = []
        known: dict[tuple[str, Keep | None], int] = {}
        for pair in pairs:
            assert Pair(pair, moments.pair(*pair)).state  # of 2 samples or more
            for side, name in enumerate(pair):
                cut = keep[side] if measure == "svcca" else None
                if (name, cut) not in known:
                    known[name, cut] = len(blocks)
                    blocks.append(moments._index(name))
                    keeps.append(None if cut is None else cut.as_core())
                self._entries[side][name] = known[name, cut]
        with threads_for_many() as threads:
            self._prepared = _core.PreparedBlocks(
                moments._state, blocks, keeps, ridge, rank_tolerance, threads
            )

    def solve(self, pairs: Sequence[Names]) -> list[Answer]:
        """Answers of some of the pairs, on all cores.

        What `fastcca._solvers_cpu` gives for moments alone: `digits` and `undecided` say where
        they are not enough.
        """
        state = self._moments._state
        with threads_for_many() as threads:
            if self._measure in _OF_TWO:
                indices = [(self._moments._index(x), self._moments._index(y)) for x, y in pairs]
                return [*_OF_TWO[self._measure](state, indices, threads)]
            entries = [(self._entries[0][x], self._entries[1][y]) for x, y in pairs]
            if self._measure == "linear_regression_r2":
                found = self._prepared.linear_regression(state, entries, threads)
                return [
                    parts_of_regression(self._moments, x, y, solved)
                    for (x, y), solved in zip(pairs, found, strict=True)
                ]
            weights = self._measure == "pwcca"
            found = self._prepared.cca(state, entries, weights, threads)
        return [
            parts_of_moments(self._moments, x, y, solved, self._ridge)
            for (x, y), solved in zip(pairs, found, strict=True)
        ]
