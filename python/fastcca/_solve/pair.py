"""Two blocks to compare, or one to decompose: their samples, or a state of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastcca._inputs.arrays import AnyArray
from fastcca._inputs.layouts import LayoutOrPair, Size
from fastcca._inputs.source import (
    Arrays,
    Source,
    has_few_samples,
    is_complex,
    samples_of,
    source_of,
)
from fastcca._runtime.backend import resolve
from fastcca._runtime.compiled import CoreFactor, CoreMoments
from fastcca._states.blocks import Located
from fastcca._states.moments import Moments
from fastcca._states.qr_factor import QRFactor
from fastcca._states.state import State, feed

Floats = npt.NDArray[np.float64]


def pair_of(
    x: object,
    y: object,
    *,
    layout: LayoutOrPair = None,
    spatial: str | None = None,
    size: Size = None,
    precision: str = "double",
    backend: str | None = None,
    real: bool = True,
) -> Pair:
    """Check two blocks of samples, or a state of both in place of x.

    Raises
    ------
    TypeError
        For missing or superfluous arguments, arrays that do not hold numbers, or complex ones where
        `real` ones are wanted.
    ValueError
        For shapes that do not fit each other or the layout, or a backend that cannot run.
    """
    place = resolve(backend, x=x, y=y)
    if isinstance(x, State):
        _check_nothing_else(x, y, layout, spatial, size)
        if precision == "single" and x.precision != "single":
            raise ValueError(
                f"precision='single' is too late for a {type(x).__name__} of double precision: "
                "accumulate a Moments(precision='single')"
            )
        pair = Pair(("x", "y"), state=x, place=place)
    elif y is None:
        raise TypeError("y is missing: pass two arrays, or a Moments of two blocks")
    else:
        source = source_of({"x": x, "y": y}, layout=layout, spatial=spatial, size=size)
        pair = Pair(("x", "y"), source=source, precision=precision, place=place)
    if real:
        pair.require_real()
    return pair


def single_of(
    x: object,
    *,
    layout: LayoutOrPair = None,
    spatial: str | None = None,
    size: Size = None,
    backend: str | None = None,
) -> Pair:
    """Check one real block of samples, or a state of one; raises as `pair_of`."""
    place = resolve(backend, x=x)
    if isinstance(x, State):
        _check_nothing_else(x, None, layout, spatial, size)
        single = Pair(("x",), state=x, place=place)
    else:
        source = source_of({"x": x}, layout=layout, spatial=spatial, size=size)
        single = Pair(("x",), source=source, place=place)
    single.require_real()
    return single


def _check_nothing_else(state: State, y: object, *map_options: Any) -> None:
    kind = type(state).__name__
    if y is not None:
        raise TypeError(f"x is a {kind} and holds both blocks; leave y out")
    if any(option is not None for option in map_options):
        raise TypeError(
            f"x is a {kind}, whose samples are accumulated already; layout, spatial and size are "
            "for arrays"
        )


class Pair:
    """Blocks over the same samples, checked; one block where there is nothing to pair with.

    Parameters
    ----------
    names : tuple of str
        What errors call the blocks.
    source : Source, optional
        The samples.
    state : Moments or QRFactor, optional
        In place of the samples.
    precision : str
        Of the moments that are made of samples.
    place : str, optional
        Where states are made and solved: "cpu", "numpy", or a CUDA device such as "cuda:0". A state
        that is given stays where it is by default.

    Attributes
    ----------
    source : Source or None
        None where there is only a state.
    has_factor : bool
        Whether the state that was given keeps what a covariance loses.
    """

    def __init__(
        self,
        names: tuple[str, ...],
        *,
        source: Source | None = None,
        state: State | None = None,
        precision: str = "double",
        place: str | None = None,
    ) -> None:
        self.names = names
        self.source = source
        self.precision = precision
        self.has_factor = state is not None and state._keeps_digits
        if state is not None:
            place = state._place if place is None else place
            state = state._moved_to(place)
        self.place = "cpu" if place is None else place
        self._state = state
        self._moments: Moments | None = None
        self._factor: QRFactor | None = None
        self._blocks: tuple[Located, ...] | None = None
        self._in_any_order: Pair | None = None

    def of_arrays(self, arrays: list[AnyArray]) -> Pair:
        """Pair other samples under the same names, in the same precision and place."""
        return self._of(Arrays(self.names, arrays))

    def _of(self, source: Source) -> Pair:
        return Pair(self.names, source=source, precision=self.precision, place=self.place)

    # -- states --------------------------------------------------------------------------------

    # Kept by hand: functools.cached_property takes a lock, and small problems would feel it.

    @property
    def moments(self) -> Moments:
        """The moments of the blocks, accumulated on first use."""
        if self._moments is None:
            if self._state is not None:
                self._moments = self._state._as_moments()
            else:
                moments = Moments._at(self.place, self.precision)
                feed(moments, self.with_samples())
                self._moments = moments  # only when no batch was refused
        return self._moments

    @property
    def factor(self) -> QRFactor:
        """The triangular factor of the blocks, accumulated on first use; real samples only."""
        if self._factor is None:
            if self._state is not None:
                self._factor = self._state._as_factor()
            elif self.is_complex:
                raise TypeError(
                    "method='qr' is for real samples; for complex ones use method='auto' or "
                    "backend='numpy'"
                )
            else:
                factor = QRFactor(backend=self.place)
                feed(factor, self.with_samples())
                self._factor = factor
        return self._factor

    @property
    def blocks(self) -> tuple[Located, ...]:
        """Where the blocks are within the moments."""
        if self._blocks is None:
            self._blocks = self.moments._compared(len(self.names))
        return self._blocks

    @property
    def core_moments(self) -> CoreMoments:
        """The compiled state of the moments, of at least 2 samples."""
        state: CoreMoments = self.moments._state
        self.check_enough(state.n_samples)
        return state

    def of_moments(self) -> tuple[CoreMoments, list[int]]:
        """Return the compiled moments, and the positions in them of blocks of real numbers."""
        return self.core_moments, [block.real for block in self.blocks]

    def of_factor(self) -> tuple[CoreFactor, list[int]]:
        """Return the compiled factor, and the positions of the blocks in it."""
        blocks = self.factor._compared(len(self.names))
        return self.factor._state, [block.real for block in blocks]

    def check_enough(self, n: int) -> None:
        """Raise ValueError for fewer than 2 samples."""
        if n < 2:
            have = f"{' and '.join(self.names)} {'have' if len(self.names) > 1 else 'has'}"
            raise ValueError(f"a comparison needs at least 2 samples, but {have} {n}")

    # -- what is known without a look at the samples --------------------------------------------

    @property
    def is_complex(self) -> bool:
        """Whether any block holds complex numbers."""
        if self.source is not None:
            return is_complex(self.source)
        return any(block.imaginary is not None for block in self.blocks)

    def require_real(self) -> None:
        """Raise TypeError where a block is complex."""
        if self.source is not None:
            complex_blocks = [dtype.kind == "c" for dtype in self.source.dtypes]
        elif self.has_factor:
            return
        else:
            complex_blocks = [block.imaginary is not None for block in self.blocks]
        if True in complex_blocks:
            name = self.names[complex_blocks.index(True)]
            raise TypeError(f"{name} is complex; of the measures only cca takes that")

    @property
    def has_few_samples(self) -> bool:
        """Whether the samples are there, and fewer than the features of a block.

        In single precision there is no other route than the moments.
        """
        if self.source is None or self.precision == "single":
            return False
        return has_few_samples(self.source)

    # -- samples -------------------------------------------------------------------------------

    def with_samples(self) -> Source:
        """Return the samples; ValueError where there is only a state."""
        if self.source is None:
            raise ValueError(
                "this measure needs the samples themselves: pass x and y in place of their "
                f"{type(self._state).__name__}"
            )
        return self.source

    def samples(self) -> tuple[AnyArray, ...] | None:
        """All samples as finite arrays (n_samples, features) on the host, at least 2.

        None where there is only a state.
        """
        if self.source is None:
            return None
        arrays = samples_of(self.source)
        self.check_enough(len(arrays[0]))
        return arrays

    @property
    def in_any_order(self) -> Pair:
        """The same samples, once copied to the host where they lie on a device."""
        if self._in_any_order is None:
            self._in_any_order = self._of(self.with_samples().in_any_order())
        return self._in_any_order

    def with_itself(self, i: int) -> Pair:
        """Pair the samples of one block with themselves."""
        source = self.with_samples()
        return self._of(source.select([source.names[i]] * 2, called=self.names))

    def alone(self, i: int) -> Pair:
        """Take one block without the other."""
        source = self.with_samples().select([self.names[i]])
        return Pair(self.names[i : i + 1], source=source, place=self.place)

    def take(self, *units: npt.NDArray[np.intp]) -> Pair:
        """Copy some samples as given, along N, into a pair of their own; see `Source.take`."""
        return self._of(self.in_any_order.with_samples().take(*units))
