"""The state of one pass over the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from fastcca._inputs.arrays import AnyArray
from fastcca._inputs.dtypes import precision_name
from fastcca._runtime.backend import state_place
from fastcca._runtime.compiled import CoreMoments, device_at, module_at, new_moments
from fastcca._runtime.memory import SMALL, check_memory
from fastcca._states.blocks import Located, index_pairs, located, real_blocks
from fastcca._states.kept_pairs import ALL, PairsLike, check_same_kept, pairs_of
from fastcca._states.state import State, check_format, check_precision, check_stored


class Moments(State):
    """Counts, means and centred second moments of blocks of features, over the same samples.

    Feed batches with `update`, add up the states of several workers with `merge`, and pass the
    result to a measure in place of the data. Every batch is read once, in place, on all cores.

    Parameters
    ----------
    precision : {"double", "single"}
        What products of samples are computed in. "single" takes about two thirds of the time:
        float32 values and products, each feature scaled by a power of two, added up in float32 for
        256 samples and in float64 from there on. Correlations lose digits by it, as `cca` says. A
        batch whose values float32 cannot hold is computed in double.
    backend : {None, "cpu", "cuda"}
        Where the state is kept. "cuda" reads arrays of the CPU too, through pinned memory; several
        devices are "cuda:0" and so on. None takes FASTCCA_BACKEND, or where the first batch lies.
    pairs : {"all", "same-name"} or list of pairs
        Which pairs of blocks are accumulated and kept, besides every block with itself; the rest
        cost neither time nor memory, and cannot be compared. "same-name" are blocks whose names are
        the same after the first "/", as ``"a/conv1"`` and ``"b/conv1"`` of two networks that
        `fastcca.torch.record` records. In a list, a pair is ``(first, second)``, each the name of
        a block, a pattern, or a list of these, all of which are paired with all of the other side:
        ``[("a/*", "b/*")]`` keeps the pairs between two networks.

    Notes
    -----
    Sums are float64 whatever the input. A batch is shifted by the mean of some of its samples and
    joined to the state by the update of Chan, Golub and LeVeque (1979), so that means far larger
    than the spread cost no digits. The result has the same bits on any number of threads, but not
    for another division into batches, nor where it is read between other batches.

    Small batches on the CPU are checked and copied, and accumulated together once there are some
    thousands of samples, or when the state is read: ``update`` has no more use for the arrays that
    it was given. `n_samples` counts them, and nothing that reads the state misses them.

    Memory is 8 bytes for each pair of features of two blocks that are kept, and of a block with
    itself: with all pairs of many blocks, ``4 * P**2`` bytes for ``P`` features in all. During
    `update` it is three times that. Small batches that wait take up to 8 MiB and a quarter of the
    state besides, until the state is read.

    Examples
    --------
    >>> import numpy as np
    >>> import fastcca
    >>> rng = np.random.default_rng(0)
    >>> moments = fastcca.Moments()
    >>> for _ in range(10):
    ...     batch = rng.normal(size=(100, 3))
    ...     moments.update(batch, batch @ rng.normal(size=(3, 2)))
    >>> moments
    Moments(n_samples=1000, blocks={'x': 3, 'y': 2})
    """

    __slots__ = ("_pairs",)

    _state: CoreMoments
    _noun = "moments"
    _these = "these moments hold"
    _real_only = False
    _keeps_digits = False

    def __init__(
        self,
        *,
        precision: str = "double",
        pairs: PairsLike = "all",
        backend: str | None = None,
    ) -> None:
        single = check_precision(precision) == "single"
        self._pairs = pairs_of(pairs)
        self._state = new_moments(state_place(backend), single=single)
        self._follows_data = backend is None
        self._selection = None

    # -- accumulation ------------------------------------------------------------------------

    def update(self, /, *blocks: npt.ArrayLike, **named_blocks: npt.ArrayLike) -> None:
        """Add a batch of samples.

        Parameters
        ----------
        *blocks : array_like, (n_samples, features)
            One or two blocks, named "x" and "y". Real or complex numbers of any precision,
            bfloat16 too, strides and byte order, arrays or tensors, read in place. All on the CPU,
            or all on the CUDA device of the state.
            Data sets of h5py, zarr and safetensors are read some rows at a time.
        **named_blocks : array_like, (n_samples, features)
            Further blocks under names of their own. The first batch fixes names, order and
            numbers of features.

        Raises
        ------
        ValueError
            If shapes do not fit each other or the batches before, a value is NaN or infinite,
            `pairs` speaks of blocks that there are not, or of two names one is the other with
            ".imag". The state is then what it was.
        TypeError
            If a block is no array of numbers.
        MemoryError
            If there are so many features that the state would not fit in memory.
        """
        self._add(blocks, named_blocks)

    def merge(self, other: Moments) -> None:
        """Add the samples of another state over the same blocks, exactly as if seen here.

        Parameters
        ----------
        other : Moments
            Left as it is. Same block names, order, features and pairs; an empty one fits any.

        Raises
        ------
        ValueError
            If the blocks or the pairs differ. The state is then what it was.
        """
        self._check_not_a_view("merge into")
        if not isinstance(other, Moments):
            raise TypeError(f"can only merge Moments, not {type(other).__name__}")
        added = other._own_state(self._place)
        if other.pairs != self.pairs:
            added = added.clone()  # may grow in another thread, after the check
            if added.block_names and not self._state.block_names:
                other = Moments._of(added)
                check_same_kept(self._pairs, other.block_names, other._keeps)
        self._state.merge(added)

    def copy(self) -> Moments:
        """Return an independent state with the same content."""
        copy = Moments._of(self._own_state().clone())
        copy._pairs = pairs_of(self.pairs)
        return copy

    # -- reading -----------------------------------------------------------------------------

    @property
    def precision(self) -> str:
        """What products were computed in: "single" where any of them were."""
        return "single" if self._state.single else "double"

    @property
    def pairs(self) -> PairsLike:
        """Which pairs of blocks are kept, as the argument says; "all" of a view of two blocks."""
        return (self._pairs if self._selection is None else ALL).given()

    def mean(self, name: str) -> npt.NDArray[Any]:
        """Mean of every feature of a block, (features,), float64 or complex128."""
        block = self._block(name)
        mean = self._state.mean(block.real)
        if block.imaginary is None:
            return mean
        return mean + 1j * self._state.mean(block.imaginary)

    def covariance(self, first: str, second: str) -> npt.NDArray[Any]:
        """Sample covariance of two blocks, (features of first, features of second).

        float64, or complex128 if a block is complex: then, as in `numpy.cov`, the features of the
        second block are conjugated. The divisor is ``n_samples - 1``.

        Raises
        ------
        ValueError
            With fewer than 2 samples.
        KeyError
            If there is no block of that name, or the pair is not kept.
        """
        self._check_enough_for_covariance()
        self._check_kept(self._block(first), self._block(second))
        scatter = self._scatter(first, second)
        scatter /= self.n_samples - 1
        return scatter

    def _scatter(self, first: str, second: str) -> npt.NDArray[Any]:
        def part(i: int | None, j: int | None) -> npt.NDArray[np.float64] | float:
            return 0.0 if i is None or j is None else self._state.scatter(i, j)

        _, i, i_imaginary = self._block(first)
        _, j, j_imaginary = self._block(second)
        real = self._state.scatter(i, j)
        if i_imaginary is None and j_imaginary is None:
            return real
        return (real + part(i_imaginary, j_imaginary)) + 1j * (
            part(i_imaginary, j) - part(i, j_imaginary)
        )

    def pair(self, first: str, second: str) -> Moments:
        """Return a view of two blocks, to be compared. It shares the state and cannot be updated.

        Raises
        ------
        KeyError
            If there is no block of that name, or the pair is not kept.
        """
        self._check_kept(self._block(first), self._block(second))
        return self._view(first, second)

    def __repr__(self) -> str:
        blocks = {name: self.mean(name).size for name in self.block_names}
        precision = ", precision='single'" if self._state.single else ""
        pairs = "" if self.pairs == "all" else f", pairs={self.pairs!r}"
        return f"Moments(n_samples={self.n_samples}, blocks={blocks}{precision}{pairs})"

    # -- storage -----------------------------------------------------------------------------

    def __reduce__(self) -> tuple[Any, ...]:
        state = self._own_state()
        count = len(state.block_names)
        content = {
            "format": CoreMoments.format_version,
            "precision": self.precision,
            "n_samples": state.n_samples,
            "names": state.block_names,
            "means": [state.mean(i) for i in range(count)],
            "precisions": [state.precision(i) for i in range(count)],
            "pairs": self.pairs,
            "scatter": [
                [state.scatter(i, j) if state.keeps(i, j) else None for j in range(i + 1)]
                for i in range(count)
            ],
        }
        return (Moments._restored, (content,))

    @classmethod
    def _restored(cls, content: dict[str, Any]) -> Moments:
        check_format(content, CoreMoments.format_version, "these moments were")
        tiles = [tile for row in content["scatter"] for tile in row if tile is not None]
        check_stored("moments", [*content["means"], *tiles])
        moments = cls._of(
            CoreMoments.restore(
                content["n_samples"],
                content["names"],
                content["means"],
                content["precisions"],
                content["scatter"],
                # Format 1 knew no other.
                check_precision(content.get("precision", "double")) == "single",
            )
        )
        moments._pairs = pairs_of(content.get("pairs", "all"))  # formats 1 and 2 knew no other
        return moments

    # -- inside the package ------------------------------------------------------------------

    @classmethod
    def _of(cls, state: CoreMoments) -> Moments:
        moments = super()._of(state)
        moments._pairs = ALL
        return moments

    @classmethod
    def _at(cls, place: str, precision: str) -> Moments:
        """Return moments without samples at a place."""
        moments = cls.__new__(cls)
        moments._state = new_moments(place, single=check_precision(precision) == "single")
        moments._pairs, moments._selection, moments._follows_data = ALL, None, False
        return moments

    def _empty_at(self, place: str) -> CoreMoments:
        return new_moments(place, single=self._state.single)

    def _empty_like(self) -> Moments:
        return Moments(precision=self.precision, pairs=self.pairs, backend=self._place)

    def _update(
        self, batch: Mapping[str, AnyArray], dtypes: Sequence[np.dtype[Any]] | None = None
    ) -> None:
        precisions = None if dtypes is None else [precision_name(dtype) for dtype in dtypes]
        names, arrays = real_blocks(batch)
        kept = self._pairs.among(tuple(batch))
        _check_size(batch, kept, self._place)
        pairs = None if kept is None else index_pairs(tuple(names), kept)
        self._state.update(names, arrays, precisions, pairs)

    def _as_moments(self) -> Moments:
        return self

    def _as_factor(self) -> NoReturn:
        raise ValueError(
            "method='qr' needs the samples themselves, or a QRFactor: a Moments has lost "
            "the digits that it would keep"
        )

    def _moved_to(self, place: str) -> Moments:
        if place in ("numpy", self._place):  # the reference reads any
            return self
        moved = Moments._of(_copied_to(place, self._state, range(len(self._state.block_names))))
        moved._pairs, moved._selection = self._pairs, self._selection
        return moved

    def _blocks(self) -> Mapping[str, Located]:
        return located(tuple(self._state.block_names))

    def _is_complex(self, name: str) -> bool:
        return self._block(name).imaginary is not None

    def _compared(self, count: int) -> tuple[Located, ...]:
        chosen = super()._compared(count)
        if count == 2:
            self._check_kept(*chosen)
        return chosen

    def _keeps(self, first: str, second: str) -> bool:
        return self._state.keeps(self._block(first).real, self._block(second).real)

    def _check_kept(self, first: Located, second: Located) -> None:
        if not self._state.keeps(first.real, second.real):
            raise KeyError(
                f"these moments keep no pair of {first.name!r} and {second.name!r}, for "
                f"pairs={self._pairs.given()!r}; accumulate Moments(pairs=...) that name it, or all"
            )

    def _bytes(self) -> int:
        """Bytes that the matrices of this state take."""
        sizes = {name: self.mean(name).size for name in self.block_names}
        return 8 * sum(
            sizes[first] * sizes[second]
            for i, first in enumerate(sizes)
            for second in list(sizes)[: i + 1]
            if self._keeps(first, second)
        )

    def _own_state(self, place: str | None = None) -> CoreMoments:
        """Return a state of exactly the visible blocks: the shared one where all are visible."""
        place = self._place if place is None else place
        if self._selection is None:
            return self._moved_to(place)._state
        # The order of blocks may differ from the stored one, and a block may be paired with itself.
        chosen: list[int] = []
        for name in self._selection:
            _, index, imaginary = self._block(name)
            chosen += [index] if imaginary is None else [index, imaginary]
        return _copied_to(place, self._state, chosen)


def _copied_to(place: str, state: CoreMoments, chosen: Sequence[int]) -> CoreMoments:
    """Copy some blocks of a state to a place."""
    names = state.block_names
    copy: CoreMoments = module_at(place).Moments.restore(
        state.n_samples,
        [names[i] for i in chosen],
        [state.mean(i) for i in chosen],
        [state.precision(i) for i in chosen],
        [
            [state.scatter(i, j) if state.keeps(i, j) else None for j in chosen[: row + 1]]
            for row, i in enumerate(chosen)
        ],
        state.single,
        device_at(place),
    )
    return copy


def _check_size(
    batch: Mapping[str, AnyArray], kept: frozenset[tuple[str, str]] | None, place: str
) -> None:
    """Raise MemoryError where `update` would not find room: state, batch and products."""
    most = 2 * sum([array.shape[-1] for array in batch.values()])
    if 3 * 8 * most**2 < SMALL:  # every batch of a stream asks
        return
    sizes = {
        name: array.shape[-1] * (2 if array.dtype.kind == "c" else 1)
        for name, array in batch.items()
    }
    names = list(sizes)
    cells = sum(
        sizes[first] * sizes[second]
        for i, first in enumerate(names)
        for second in names[: i + 1]
        if kept is None or first == second or (first, second) in kept
    )
    check_memory(
        3 * 8 * cells,
        f"moments of {sum(sizes.values())} features in all, three states of float64 during update,",
        "Reduce the features first (spatial='pool', a random projection, principal components), "
        "or keep fewer pairs of blocks (pairs=...). Fewer samples than features need no such "
        "matrix, if they are passed as arrays.",
        place,
    )
