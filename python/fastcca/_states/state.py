"""What every state of one pass over the data is: blocks by name, kept somewhere, merged, stored."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from fastcca._inputs.arrays import AnyArray, as_numbers, as_samples
from fastcca._inputs.files import Files, any_stored
from fastcca._inputs.source import Source
from fastcca._runtime import cuda
from fastcca._runtime.backend import check_one_memory, chosen_by_environment, state_place
from fastcca._runtime.compiled import place_of
from fastcca._runtime.device_array import device_of
from fastcca._states.blocks import Located, check_count, named_batch

PRECISIONS = ("double", "single")

# Of all states: it is held for an assignment.
_moving = threading.Lock()


def check_precision(precision: str) -> str:
    """Return the precision, or raise ValueError."""
    if precision not in PRECISIONS:
        raise ValueError(f"precision={precision!r} is unknown; it must be one of {PRECISIONS}")
    return precision


def feed(state: State, source: Source) -> None:
    """Add all samples of a source to a state: the one loop over samples.

    A batch that is refused leaves what was added before it.
    """
    for batch in source.batches():
        with source.told_where():
            state._update(dict(zip(source.names, batch, strict=True)), source.rounded_as)
        del batch  # a file's next batch takes its place in memory


class State:
    """`fastcca.Moments` or a `fastcca.QRFactor`, or a view of two of its blocks."""

    __slots__ = ("_follows_data", "_selection", "_state")

    _state: Any  # compiled
    _follows_data: bool  # whether it is to be kept where its first batch lies
    # Names of the visible blocks; None means all, and that this is not a view.
    _selection: tuple[str, ...] | None

    # What errors call a state: "these moments hold 3 blocks", "a view of ...; use the moments".
    _noun: ClassVar[str]
    _these: ClassVar[str]
    # Whether samples are real numbers, and whether it keeps what a covariance loses.
    _real_only: ClassVar[bool]
    _keeps_digits: ClassVar[bool]

    # -- what the kinds of state differ in -----------------------------------------------------

    def _empty_at(self, place: str) -> Any:
        """Return a compiled state without samples, like this one."""
        raise NotImplementedError  # every kind of state has its own

    def _empty_like(self) -> Self:
        """Return a state without samples at the place of this one, with the same options."""
        raise NotImplementedError  # every kind of state has its own

    def _update(
        self, batch: Mapping[str, AnyArray], dtypes: Sequence[np.dtype[Any]] | None = None
    ) -> None:
        """Add checked arrays whose last axis is features and whose others are samples.

        `dtypes`, one for each block, where real values were computed from coarser ones.
        """
        raise NotImplementedError  # every kind of state has its own

    def pair(self, first: str, second: str) -> Self:
        """Return a view of two blocks."""
        raise NotImplementedError  # every kind of state has its own

    def merge(self, other: Self) -> None:
        """Add the samples of another state."""
        raise NotImplementedError  # every kind of state has its own

    def copy(self) -> Self:
        """Return an independent state with the same content."""
        raise NotImplementedError  # every kind of state has its own

    def _moved_to(self, place: str) -> Self:
        """Return a state of the same content at a place: this one where it is there already."""
        raise NotImplementedError  # every kind of state has its own

    def _blocks(self) -> Mapping[str, Located]:
        """All blocks of the state, those that a view hides included."""
        raise NotImplementedError  # every kind of state has its own

    def _as_moments(self) -> Any:
        """Return moments of the same samples, which may be this state."""
        raise NotImplementedError  # every kind of state has its own

    def _as_factor(self) -> Any:
        """Return a factor of the same samples; ValueError where its digits are lost."""
        raise NotImplementedError  # every kind of state has its own

    @property
    def precision(self) -> str:
        """What products were computed in."""
        return "double"

    # -- accumulation --------------------------------------------------------------------------

    def _add(self, blocks: Sequence[npt.ArrayLike], named: Mapping[str, npt.ArrayLike]) -> None:
        """Add the arguments of `update`."""
        self._check_not_a_view("update")
        batch = named_batch(blocks, named)
        self._follow(batch)
        if not any_stored(batch.values()):
            checked = as_samples if self._real_only else as_numbers
            self._update({name: checked(block, name) for name, block in batch.items()})
            return
        # In a state of their own, so that an error in the middle leaves this one as it was.
        added = self._empty_like()
        feed(added, Files(batch, real=self._real_only))
        self._state.merge(added._state)

    def __add__(self, other: Self) -> Self:
        if not isinstance(other, type(self)):
            return NotImplemented
        total = self.copy()
        total.merge(other)
        return total

    def __radd__(self, other: object) -> Self:
        # sum() starts from 0.
        return self.copy() if other == 0 else NotImplemented

    # -- reading -------------------------------------------------------------------------------

    @property
    def n_samples(self) -> int:
        """Samples seen so far."""
        return int(self._state.n_samples)

    @property
    def block_names(self) -> tuple[str, ...]:
        """Names of the blocks, in their order."""
        return tuple(self._blocks()) if self._selection is None else self._selection

    def _check_enough_for_covariance(self) -> None:
        if self.n_samples < 2:
            raise ValueError(f"a covariance needs at least 2 samples, not {self.n_samples}")

    def _view(self, first: str, second: str) -> Self:
        """Return a view of two blocks, which exist."""
        view = self._of(self._state)
        view._selection = (first, second)
        return view

    @classmethod
    def _of(cls, state: Any) -> Self:
        """Return what has a compiled state."""
        out = cls.__new__(cls)
        out._state = state
        out._selection = None
        out._follows_data = False
        return out

    def _block(self, name: str) -> Located:
        blocks = self._blocks()
        if name not in (blocks if self._selection is None else self._selection):
            raise KeyError(f"there is no block {name!r}; the blocks are {self.block_names}")
        return blocks[name]

    def _compared(self, count: int) -> tuple[Located, ...]:
        """Blocks of a measure that takes `count` of them."""
        blocks = self._blocks()
        names = tuple(blocks) if self._selection is None else self._selection
        check_count(names, count, self._these)
        return tuple([blocks[name] for name in names])

    def _check_not_a_view(self, action: str) -> None:
        if self._selection is not None:
            raise ValueError(
                f"cannot {action} a view of two blocks; use the {self._noun} it came from"
            )

    # -- where it is kept ----------------------------------------------------------------------

    @property
    def _place(self) -> str:
        return place_of(self._state)

    def _place_to_read(self, first: object, name: str) -> str:
        """Return where all arrays of a batch are to lie, by the first of them.

        Where it lies, if that is the CPU or the state is kept there or can be; else where the state
        is kept.
        """
        device = device_of(first, name)
        if device is None:
            return "cpu"
        if not self._follows_data or self._state.n_samples or chosen_by_environment():
            return self._place
        return "cpu" if cuda.unusable() else f"cuda:{device}"

    def _follow(self, batch: Mapping[str, object]) -> None:
        """Keep the state where its first batch lies, unless a place was asked for."""
        check_one_memory(batch)
        if not self._follows_data:
            return
        if self._state.block_names:
            self._follows_data = False  # and later batches need not ask
            return
        place = state_place(None, **batch)
        with _moving:  # a state that another thread has begun to fill must not be replaced
            if place != self._place and not self._state.block_names:
                self._state = self._empty_at(place)


def check_format(content: Mapping[str, Any], newest: int, noun: str) -> None:
    """Raise ValueError where a state was stored by a version after this one."""
    version = content["format"]
    if version > newest:
        raise ValueError(
            f"{noun} stored in format {version}, but this version of fastcca reads up "
            f"to {newest}: upgrade fastcca"
        )


def check_stored(what: str, arrays: Sequence[AnyArray]) -> None:
    """Raise ValueError where a stored state has been damaged."""
    if not all(np.isfinite(array).all() for array in arrays):
        raise ValueError(f"the stored {what} hold values that are not finite: they are damaged")
