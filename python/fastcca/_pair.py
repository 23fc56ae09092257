"""Two blocks to compare, given as arrays, as maps or as moments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from fastcca import _core
from fastcca._accuracy import check_precision
from fastcca._arrays import AnyArray, check_finite, precision_name
from fastcca._blocks import Located
from fastcca._compiled import new_moments
from fastcca._device import on_host
from fastcca._factor import QRFactor
from fastcca._layouts import Maps
from fastcca._moments import Moments
from fastcca._stored import Stored

__all__ = ["Pair"]

Floats = npt.NDArray[np.float64]


class Pair:
    """Blocks over the same samples, checked; one block where there is nothing to pair with.

    Parameters
    ----------
    names : tuple of str
        What errors call the blocks.
    given : Moments or QRFactor or list of ndarray or Maps or Stored
        A state, or where the samples come from.
    precision : str
        Of the moments that are made of samples.
    place : str
        Where states are made and solved: "cpu", "numpy", or a CUDA device such as "cuda:0". A state
        that is given stays where it is by default.
    """

    def __init__(
        self,
        names: tuple[str, ...],
        given: Moments | QRFactor | list[AnyArray] | Maps | Stored,
        precision: str = "double",
        place: str | None = None,
    ) -> None:
        self.names = names
        self.precision = precision
        if isinstance(given, Moments | QRFactor):
            place = given._place if place is None else place
            given = given._moved_to(place)
        self.place = "cpu" if place is None else place
        self._given = given
        self._factor: QRFactor | None = given if isinstance(given, QRFactor) else None
        self._moments: Moments | None = given if isinstance(given, Moments) else None
        self._located: tuple[Located, ...] | None = None

    def of_arrays(self, arrays: list[AnyArray]) -> Pair:
        """Pair other samples under the same names, in the same precision and place."""
        return Pair(self.names, arrays, self.precision, self.place)

    @property
    def moments(self) -> Moments:
        """The moments of the blocks, accumulated on first use."""
        if self._moments is None:
            if isinstance(self._given, QRFactor):
                moments = Moments._of(self._given._state.moments())
                moments._selection = self._given._selection
            else:
                single = check_precision(self.precision) == "single"
                moments = Moments._of(new_moments(self.place, single=single))
                self._feed(moments)
            self._moments = moments  # only when no batch was refused
        return self._moments

    def _feed(self, state: Moments | QRFactor) -> None:
        """Add all samples to an empty state."""
        for batch in self.batches():
            blocks = dict(zip(self.names, batch, strict=True))
            if isinstance(self._given, Stored):
                with self._given.told_where():
                    state._update(blocks, self._dtypes)
            else:
                state._update(blocks, self._dtypes)
            del batch, blocks  # a file's next batch takes their place in memory

    @property
    def _dtypes(self) -> tuple[np.dtype[Any], ...] | None:
        """Dtypes of maps as given, where blocks may be computed from them."""
        if isinstance(self._given, Stored) and not self._given.has_layout:
            return None
        return self._given.dtypes if isinstance(self._given, Maps | Stored) else None

    @property
    def has_samples(self) -> bool:
        """Whether the samples themselves are there, and not only a state of them."""
        return not isinstance(self._given, Moments | QRFactor)

    @property
    def is_wide(self) -> bool:
        """Whether the samples are there, are real, and fewer than the features of a block.

        In single precision there is no other route than the moments.
        """
        if self.precision == "single":
            return False
        if isinstance(self._given, Maps | Stored):
            few = self._given.n_samples < max(self._given.feature_counts)
            return few and not self.is_complex
        if not isinstance(self._given, list):
            return False
        few = self._given[0].shape[0] < max([array.shape[1] for array in self._given])
        return few and not self.is_complex

    @property
    def is_factor(self) -> bool:
        """Whether a factor was given."""
        return isinstance(self._given, QRFactor)

    @property
    def factor(self) -> QRFactor:
        """The triangular factor of the blocks, accumulated on first use; real samples only."""
        if self._factor is None:
            if isinstance(self._given, Moments):
                raise ValueError(
                    "method='qr' needs the samples themselves, or a QRFactor: a Moments has lost "
                    "the digits that it would keep"
                )
            if self.is_complex:
                raise TypeError(
                    "method='qr' is for real samples; for complex ones use method='auto' or "
                    "backend='numpy'"
                )
            factor = QRFactor(backend=self.place)
            self._feed(factor)
            self._factor = factor
        return self._factor

    @property
    def factor_indices(self) -> tuple[int, ...]:
        """Positions of the blocks within the compiled factor."""
        return self.factor._compared(len(self.names))

    @property
    def state(self) -> _core.Moments:
        """The compiled state of the moments, of at least 2 samples."""
        state = self.moments._state
        if state.n_samples < 2:
            raise ValueError(
                f"a comparison needs at least 2 samples, but {self._said_to_have()} "
                f"{state.n_samples}"
            )
        return state

    def _said_to_have(self) -> str:
        return f"{' and '.join(self.names)} {'have' if len(self.names) > 1 else 'has'}"

    @property
    def located(self) -> tuple[Located, ...]:
        """Where the blocks are within the moments."""
        if self._located is None:
            self._located = self.moments._compared(len(self.names))
        return self._located

    @property
    def blocks(self) -> tuple[str, ...]:
        """Names of the blocks within the moments."""
        return tuple([block.name for block in self.located])

    @property
    def is_complex(self) -> bool:
        """Whether any block holds complex numbers."""
        if isinstance(self._given, list):
            return "c" in [array.dtype.kind for array in self._given]
        if isinstance(self._given, Maps):
            return False  # maps are real
        if isinstance(self._given, Stored):
            return any(bool(dtype.kind == "c") for dtype in self._given.dtypes)
        return any(block.imaginary is not None for block in self.located)

    def require_real(self) -> None:
        """Raise TypeError where a block is complex."""
        for i, name in enumerate(self.names):
            if isinstance(self._given, list):
                is_complex = self._given[i].dtype.kind == "c"
            elif isinstance(self._given, Stored):
                is_complex = self._given.dtypes[i].kind == "c"
            else:  # maps are real
                is_complex = (
                    isinstance(self._given, Moments) and self.located[i].imaginary is not None
                )
            if is_complex:
                raise TypeError(f"{name} is complex; of the measures only cca takes that")

    @property
    def indices(self) -> tuple[int, ...]:
        """Positions of the blocks, or of their real parts, within the compiled state."""
        return tuple([block.real for block in self.located])

    @property
    def n_units(self) -> int:
        """Samples as given, along N: a map is one, with all its positions."""
        given = self._in_memory()
        return len(given.sources[0].view if isinstance(given, Maps) else given[0])

    @property
    def n_samples(self) -> int:
        """Samples that are compared: with "fold" and "resize" every position of every map."""
        given = self._in_memory()
        return given.n_samples if isinstance(given, Maps) else len(given[0])

    @property
    def feature_counts(self) -> tuple[int, ...]:
        """Features of each block of samples."""
        given = self._in_memory()
        if isinstance(given, Maps):
            return given.feature_counts
        return tuple(array.shape[1] for array in given)

    def with_itself(self, i: int) -> Pair:
        """Pair the samples of one block with themselves."""
        given = self._in_memory()
        if isinstance(given, Maps):
            maps = Maps((given.sources[i],) * 2, given.spatial, given.grid)
            return Pair(self.names, maps, place=self.place)
        return Pair(self.names, [given[i]] * 2, place=self.place)

    def alone(self, i: int) -> Pair:
        """Take the samples of one block without the other."""
        given = self._in_memory()
        if isinstance(given, Maps):
            maps = Maps((given.sources[i],), given.spatial, given.grid)
            return Pair(self.names[i : i + 1], maps, place=self.place)
        return Pair(self.names[i : i + 1], [given[i]], place=self.place)

    def take(self, units: npt.NDArray[np.intp]) -> Pair:
        """Copy some samples as given, along N, into a pair of their own."""
        given = self._on_host
        if isinstance(given, Maps):
            sources = tuple(replace(source, view=source.view[units]) for source in given.sources)
            return Pair(self.names, replace(given, sources=sources), place=self.place)
        return Pair(self.names, [array[units] for array in given], place=self.place)

    @cached_property
    def _on_host(self) -> list[AnyArray] | Maps:
        """The samples, once copied there where they lie on a device."""
        given = self._in_memory()
        if isinstance(given, Maps):
            sources = tuple(replace(s, view=on_host(s.view)) for s in given.sources)
            return replace(given, sources=sources)
        return [on_host(array) for array in given]

    def _in_memory(self) -> list[AnyArray] | Maps:
        given = self._with_samples()
        if isinstance(given, Stored):
            raise TypeError(
                "samples are taken in another order here, which a file does not allow: read them "
                "into memory, x[:] and y[:]"
            )
        return given

    def _with_samples(self) -> list[AnyArray] | Maps | Stored:
        if isinstance(self._given, Moments | QRFactor):
            raise ValueError(
                "this measure needs the samples themselves: pass x and y in place of their "
                f"{type(self._given).__name__}"
            )
        return self._given

    def samples(self) -> tuple[AnyArray, ...] | None:
        """All samples as finite arrays (n_samples, features) on the host.

        Maps are copied into that shape, and what lies on a device is copied from there.
        None where only moments are there.
        """
        if not self.has_samples:
            return None
        batches = [
            [np.reshape(on_host(block), (-1, block.shape[-1])) for block in batch]
            for batch in self.batches()
        ]
        arrays = tuple(
            parts[0] if len(parts) == 1 else np.concatenate(parts)
            for parts in zip(*batches, strict=True)
        )
        dtypes = self._dtypes
        if dtypes is not None:
            # Values computed from float32 are no better than that, and the rank rule must know.
            arrays = tuple(
                array
                if array.dtype == dtype or precision_name(dtype) == "float64"
                else array.astype(np.float32)
                for array, dtype in zip(arrays, dtypes, strict=True)
            )
        for name, array in zip(self.names, arrays, strict=True):
            check_finite(array, name)
        if arrays[0].shape[0] < 2:
            raise ValueError(f"a comparison needs at least 2 samples, but {self._said_to_have()} 1")
        return arrays

    def batches(self) -> Iterator[tuple[AnyArray, ...]]:
        """Blocks of the samples, one batch after the other; the last axis is features.

        Raises
        ------
        ValueError
            If there are only moments.
        """
        given = self._with_samples()
        if isinstance(given, Maps | Stored):
            yield from given.batches()
        else:
            yield tuple(given)
