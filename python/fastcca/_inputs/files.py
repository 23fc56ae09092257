"""Data sets in files that are read some rows at a time: zarr, HDF5, safetensors."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from fastcca._inputs.arrays import AnyArray, as_numbers, as_real, as_samples
from fastcca._inputs.layouts import LayoutOrPair, Maps, Size, check_equal, check_rows, lay_out

BATCH_BYTES = 64 * 2**20
"""What the rows of a batch may take together, but at least one chunk of the file."""


def is_stored(value: object) -> bool:
    """Whether a value is a data set that has to be read, and not an array in memory.

    By what it can do: it has axes, takes slices, and knows how its file is divided (h5py's
    ``Dataset``, ``zarr.Array``), or it is a slice of safetensors. A memory map is an array, and so
    is what has an attribute ``chunks`` that says nothing, but for h5py's contiguous data sets.
    """
    if isinstance(value, np.ndarray | type) or not hasattr(value, "__getitem__"):
        return False
    if hasattr(value, "get_shape") and hasattr(value, "get_dtype"):
        return True
    if not (hasattr(value, "shape") and hasattr(value, "dtype") and hasattr(value, "chunks")):
        return False
    # dask's arrays have a tuple of chunks for each axis.
    chunks = value.chunks
    if chunks is None:
        return type(value).__module__.partition(".")[0] == "h5py"
    return all(isinstance(extent, int | np.integer) for extent in chunks)


_PLAIN = {np.ndarray}


def any_stored(values: Collection[object]) -> bool:
    """Whether any of some values has to be read."""
    # Most are arrays, whose type alone says that they are none.
    return set(map(type, values)) != _PLAIN and any(is_stored(value) for value in values)


def check_shapes(
    blocks: Mapping[str, tuple[tuple[int, ...], np.dtype[Any]]],
    *,
    layout: LayoutOrPair = None,
    spatial: str | None = None,
    size: Size = None,
    layers: bool = False,
) -> tuple[list[int], Maps | None]:
    """Check shapes and dtypes against each other and the layout, without data.

    Returns
    -------
    tuple
        The axis of samples of each, and how maps would be laid out; None for the latter where
        all are (n_samples, features).

    Raises
    ------
    TypeError, ValueError
        As with arrays of these shapes.
    """
    # What can be said of zeros of a shape, which take no memory, holds for data of that shape.
    zeros = {
        name: np.broadcast_to(np.zeros((), dtype), shape) for name, (shape, dtype) in blocks.items()
    }
    if layout is not None or spatial is not None or size is not None:
        maps = lay_out(zeros, layout=layout, spatial=spatial, size=size, layers=layers)
        return [source.axes.index("N") for source in maps.sources], maps
    shapes = [as_numbers(array, name).shape for name, array in zeros.items()]
    if layers:
        check_equal({n: shape[0] for n, shape in zip(zeros, shapes, strict=True)}, "samples")
    check_rows(tuple(zeros), shapes)
    return [0] * len(zeros), None


class Files:
    """Blocks over the same samples, at least one of them in a file; a `Source`.

    Parameters
    ----------
    sources : mapping of str to data set or array_like
        (n_samples, features), or maps, by the names that errors use.
    layout, spatial, size
        As in `fastcca._inputs.layouts.lay_out`.
    real : bool
        Whether complex numbers are refused; with a layout they are.
    layers : bool
        As in `fastcca._inputs.source.source_of`.

    Raises
    ------
    TypeError, ValueError
        For what the shapes and the first sample tell, as with arrays.
    """

    def __init__(
        self,
        sources: Mapping[str, object],
        *,
        layout: LayoutOrPair = None,
        spatial: str | None = None,
        size: Size = None,
        real: bool = False,
        layers: bool = False,
    ) -> None:
        self._options: dict[str, Any] = {"layout": layout, "spatial": spatial, "size": size}
        self._has_layout = any(option is not None for option in self._options.values())
        self._real = real or layers
        self.names = tuple(sources)
        self._sources: dict[str, Any] = {
            name: value if is_stored(value) else self._checked(value, name)
            for name, value in sources.items()
        }
        self._axes, maps = check_shapes(
            {name: (_shape_of(source), np.dtype(float)) for name, source in self._sources.items()},
            **self._options,
            layers=layers,
        )
        shapes = [_shape_of(source) for source in self._sources.values()]
        self.n_units = shapes[0][self._axes[0]]
        self.n_samples = self.n_units if maps is None else maps.n_samples
        self.feature_counts = (
            tuple(shape[1] for shape in shapes) if maps is None else maps.feature_counts
        )
        self.grid = () if maps is None else maps.grid
        self._grid: dict[str, int] = {}  # that all are resized to
        if maps is not None and maps.spatial == "resize":
            self._grid = dict(zip(maps.sources[0].positions, maps.grid, strict=True))
            self._options["size"] = maps.grid
        first = self._read(slice(0, 1))
        self.dtypes = tuple(array.dtype for array in first.values())
        self.rounded_as = self.dtypes if self._has_layout else None
        self._laid_out(first)
        self._step = self._rows_of_a_batch(sum(array.nbytes for array in first.values()))
        self._place: slice | None = None

    def select(self, names: Sequence[str], called: Sequence[str] | None = None) -> Files:
        """Return some of the blocks, in that order, on the grid of all."""
        options = dict(self._options)
        layout = options["layout"]
        if layout is not None and not isinstance(layout, str):
            layout = options["layout"] = [layout[self.names.index(name)] for name in names]
        if self._grid:
            # A size has the order of the first layout.
            first = layout if isinstance(layout, str) else layout[0]
            options["size"] = [self._grid[axis] for axis in first if axis in self._grid]
        chosen = [self._sources[name] for name in names]
        titles = names if called is None else called
        return Files(dict(zip(titles, chosen, strict=True)), **options, real=self._real)

    def take(self, *units: npt.NDArray[np.intp]) -> NoReturn:
        """Refuse, as `check_any_order`."""
        self.check_any_order()

    def in_any_order(self) -> NoReturn:
        """Refuse, as `check_any_order`."""
        self.check_any_order()

    def check_any_order(self) -> NoReturn:
        """Refuse: files are read from the first sample to the last."""
        raise TypeError(
            "samples are taken in another order here, which a file does not allow: read them "
            "into memory, x[:] and y[:]"
        )

    def batches(self) -> Iterator[tuple[AnyArray, ...]]:
        """Read the blocks a batch at a time, chunks of the file whole; each call is a new pass.

        Yields
        ------
        tuple of ndarray, (samples, features), with layout up to (samples, lines, pixels, features)
            As `Maps.batches` and of about 64 MiB of the file, but at least one chunk.
        """
        for start in range(0, self.n_units, self._step):
            rows = slice(start, min(start + self._step, self.n_units))
            with _told_where(rows):
                laid_out = self._laid_out(self._read(rows))
            self._place = rows
            if isinstance(laid_out, Maps):
                parts = laid_out.batches()
                while True:
                    with _told_where(rows):
                        blocks = next(parts, None)
                    if blocks is None:
                        break
                    yield blocks
                    del blocks
                del parts
            else:
                yield laid_out
            del laid_out  # before the next batch is read
        self._place = None

    @contextmanager
    def told_where(self) -> Iterator[None]:
        """Add to an error about a batch which rows of the file it holds."""
        if self._place is None:
            yield
        else:
            with _told_where(self._place):
                yield

    # -- reading -----------------------------------------------------------------------------

    def _read(self, rows: slice) -> dict[str, AnyArray]:
        out = {}
        for (name, source), axis in zip(self._sources.items(), self._axes, strict=True):
            try:
                part = source[(slice(None),) * axis + (rows,)]
            except TypeError as error:
                if getattr(source, "get_dtype", str)() != "BF16":
                    raise
                raise TypeError(
                    f"{name} is bfloat16, which safetensors does not give to numpy; open the file "
                    "with safe_open(..., framework='pt')"
                ) from error
            out[name] = self._checked(part, name)
        return out

    def _laid_out(self, arrays: dict[str, AnyArray]) -> Maps | tuple[AnyArray, ...]:
        return lay_out(arrays, **self._options) if self._has_layout else tuple(arrays.values())

    def _checked(self, value: object, name: str) -> AnyArray:
        if self._has_layout:
            return as_real(value, name)
        return as_samples(value, name) if self._real else as_numbers(value, name)

    def _rows_of_a_batch(self, row_bytes: int) -> int:
        """Return as many rows as fit, in whole chunks of every file where that is possible."""
        most = max(1, BATCH_BYTES // row_bytes)
        chunks = [
            _rows_of_a_chunk(source, axis)
            for source, axis in zip(self._sources.values(), self._axes, strict=True)
        ]
        unit = math.lcm(*chunks)
        if unit > most:  # chunks of the others are then read more than once
            unit = max(chunks)
        return max(unit, most // unit * unit)


def _shape_of(source: Any) -> tuple[int, ...]:
    """Return the shape of an array or a data set."""
    return tuple(source.get_shape() if hasattr(source, "get_shape") else source.shape)


def _rows_of_a_chunk(source: Any, axis: int) -> int:
    chunks = getattr(source, "chunks", None)
    return 1 if chunks is None or isinstance(source, np.ndarray) else max(1, int(chunks[axis]))


@contextmanager
def _told_where(rows: slice) -> Iterator[None]:
    try:
        yield
    except (TypeError, ValueError) as error:
        error.add_note(f"in the batch that starts at sample {rows.start} of the file")
        raise
