"""Whether two blocks have anything in common: a permutation test of any measure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from fastcca._inputs.layouts import LayoutOrPair, Size
from fastcca._resampling.permuted_statistic import permuted
from fastcca._resampling.runs import Seed, checked_count, resampled, run_many
from fastcca._runtime.progress import Progress

# Values this close, as a share of the largest one possible, count as equal: roots of eigenvalues
# are that accurate.
_TIE = 1e-8


@dataclass(frozen=True, eq=False, slots=True)
class PermutationTest:
    """A measure, and what it is of the same samples paired at random.

    Attributes
    ----------
    value : float
        The measure of the samples as given, the same number as from its own function.
    p_value : float
        ``(1 + b) / (1 + n_permutations)`` for b values of `null` that reach `value`: never 0.
    calibrated : float
        ``(value - m) / (largest - m)`` for the mean m of `null`, at least 0; see `largest`.
    null : ndarray, (n_permutations,), float64
        The measure of each permutation, in the order of the seeds.
    largest : float
        The most that the measure can be: 1, and of PLS the root of the product of both total
        variances.
    measure : str
        As asked for.
    n_units : int
        What was permuted: samples, maps or groups.
    """

    value: float
    p_value: float
    calibrated: float
    null: npt.NDArray[np.float64] = field(repr=False)
    largest: float
    measure: str
    n_units: int

    def threshold(self, level: float = 0.05) -> float:
        """Value that unrelated samples reach with at most this probability.

        Parameters
        ----------
        level : float
            In (0, 1]. Where it is below ``1 / (1 + n_permutations)``, no value is unlikely enough,
            and the answer is infinity.

        Returns
        -------
        float
            ``p_value <= level`` where `value` exceeds it.
        """
        if not 0.0 < level <= 1.0:
            raise ValueError(f"level={level} must lie above 0 and be at most 1")
        allowed = int(np.floor(level * (1 + self.null.size) * (1.0 + 1e-12))) - 1
        if allowed < 0:
            return float("inf")
        descending = np.sort(self.null)[::-1]
        return float(descending[allowed]) if allowed < self.null.size else float("-inf")


def permutation_test(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    measure: str = "cca",
    n_permutations: int = 1000,
    seed: Seed = None,
    groups: npt.ArrayLike | None = None,
    layout: LayoutOrPair = None,
    spatial: str | None = None,
    size: Size = None,
    backend: str | None = None,
    progress: Progress = False,
    **options: Any,
) -> PermutationTest:
    """Test whether two blocks are related, by pairing their samples at random (Fisher 1935).

    Parameters
    ----------
    x, y : array_like, (n_samples, p) and (n_samples, q)
        As in `cca`, real. With `layout`, maps.
    measure : str
        "cca" (mean correlation), "r2_cca" (mean squared), "svcca" (mean correlation), "pwcca",
        "pls" (sum of the singular values), "cka", "cka_debiased", "procrustes" or
        "linear_regression_r2" (of y from x).
    n_permutations : int
        At least 1. The smallest p-value is ``1 / (1 + n_permutations)``.
    seed : None, int, SeedSequence or Generator
        Every permutation has a seed of its own, so the same seed gives the same null on any number
        of threads, to the bit where threadpoolctl is installed.
    groups : array_like, (n_samples,), optional
        A label for every sample along N. Samples of one label are not independent (positions of a
        map that was folded by hand, frames of one film, crops of one photo): whole groups change
        places, and within a group the order stays. All must have the same number of samples.
    layout, spatial, size, backend
        As in `cca`. With "fold" and "resize" whole maps change places, never single positions.
    progress : bool or callable
        Called as ``progress(done, n_permutations)`` now and then, in the caller's thread; what it
        raises ends the test. With True, a bar as in `pairwise`.
    **options
        Of the measure: `ridge` and `rank_tolerance` ("cca", "r2_cca"), `keep`, `criterion` and
        `rank_tolerance` ("svcca"), `variant` and `rank_tolerance` ("pwcca"; not google's),
        `rank_tolerance` ("linear_regression_r2"), as in those functions.

    Returns
    -------
    PermutationTest

    Raises
    ------
    ValueError, TypeError
        As `cca`, for an unknown measure, options that it does not have, unusable `groups` or
        `seed`, and where only moments are given.
    MemoryError
        If the samples of both sides in float64 do not fit.

    Warns
    -----
    RankWarning, AccuracyWarning
        As the measure.

    Notes
    -----
    Both sides are whitened (or centred) once, which takes up to two more comparisons of one side
    with itself; of a permutation there is left one product of the two sides and the singular
    values or the norm of it. Singular values are roots of eigenvalues, each accurate to 1e-8 of the
    first; values within 1e-8 of the largest possible one count as ties, and ties count against the
    finding (Phipson and Smyth 2010). `value` itself is as accurate as its own function.

    Memory: ``8 n (k_x + k_y)`` bytes for k_x and k_y dimensions that are kept, twice that while
    they are put in order, and for every thread about 1 MiB and some matrices of (k_x, k_y). For
    fewer samples than features there are n dimensions.

    Permutations run one per core where threadpoolctl is installed, which limits the BLAS of the
    process to one thread meanwhile, and one after the other where it is not.

    The null says that samples of y could come in any order: it supposes exchangeable units. Series
    in time are not; give `groups` that are long against their memory. Where ``x_rank`` and
    ``y_rank`` add up to n - 1 or more, correlations are 1 whatever the order, and there is nothing
    to test: the p-value of data without free correlations is 1.

    References
    ----------
    Phipson, Smyth (2010), "Permutation p-values should never be zero", Stat. Appl. Genet. Mol.
    Biol. 9, article 39. Winkler et al. (2014), NeuroImage 92 (whole groups).

    Examples
    --------
    >>> import numpy as np
    >>> import fastcca
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(size=(200, 10)), rng.normal(size=(200, 10))
    >>> test = fastcca.permutation_test(x, y, n_permutations=99, seed=0)
    >>> bool(test.p_value > 0.05), bool(test.calibrated < 0.1)
    (True, True)
    """
    count = checked_count(n_permutations, "n_permutations")
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
    members = asked.members
    sizes = [len(unit) for unit in members]
    if min(sizes) != max(sizes):
        raise ValueError(
            f"groups has between {min(sizes)} and {max(sizes)} samples of a label, but groups can "
            "only change places whole: leave samples out until all have the same number, or "
            "average each group"
        )

    valued = asked.as_given(weights=True)
    prepared = permuted(asked.pair, asked.chosen, valued, members)

    def one(of: np.random.SeedSequence) -> float:
        return prepared.of(np.random.default_rng(of).permutation(len(members)))

    # By the same arithmetic as the null, so that what ties does so here.
    observed = prepared.of(np.arange(len(members)))
    null = run_many(one, asked.seeds, progress, "permutations")
    reached = int(np.count_nonzero(null >= observed - _TIE * prepared.largest))
    return PermutationTest(
        value=valued.value,
        p_value=(1 + reached) / (1 + count),
        calibrated=_calibrated(valued.value, float(null.mean()), prepared.largest),
        null=null,
        largest=prepared.largest,
        measure=measure,
        n_units=len(members),
    )


def _calibrated(value: float, chance: float, largest: float) -> float:
    """Share of what chance leaves to be had (Hubert and Arabie 1985); 0 where it leaves nothing."""
    room = largest - chance
    if room <= _TIE * largest:
        return 0.0
    return max(0.0, (value - chance) / room)
