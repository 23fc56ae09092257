"""Moments of dask arrays: partial states on the workers, merged in a tree.

>>> import fastcca.dask                                             # doctest: +SKIP
>>> moments = fastcca.dask.moments(x, y).compute()                  # doctest: +SKIP
>>> fastcca.cca(moments).mean                                       # doctest: +SKIP

Merges move states alone between workers: 4 to 8 bytes for each pair of features, however many
samples there are. A chunk of samples moves where dask has made the chunks of two blocks, over the
same samples, on different workers.
"""

from __future__ import annotations

import operator
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fastcca._inputs.files import check_shapes
from fastcca._inputs.layouts import LayoutOrPair, Size
from fastcca._inputs.source import source_of
from fastcca._runtime.threads import get_num_threads, set_num_threads
from fastcca._states.blocks import named_batch
from fastcca._states.kept_pairs import PairsLike, pairs_of
from fastcca._states.moments import Moments
from fastcca._states.state import check_precision, feed

try:
    import dask
    import dask.array
    from dask.delayed import Delayed, delayed
    from dask.sizeof import sizeof
except ModuleNotFoundError as error:
    raise ImportError(
        f'fastcca.dask needs {error.name}; install with: pip install "fastcca[dask]"'
    ) from error

if TYPE_CHECKING:
    from dask.array import Array

__all__ = ["moments"]


def moments(
    *blocks: Array,
    precision: str = "double",
    pairs: PairsLike = "all",
    layout: LayoutOrPair = None,
    spatial: str | None = None,
    size: Size = None,
    split_every: int | None = None,
    threads: int = 1,
    **named_blocks: Array,
) -> Delayed:
    """Describe the moments of dask arrays over the same samples; nothing is computed yet.

    Parameters
    ----------
    *blocks : dask.array.Array, (n_samples, features)
        One or two blocks, named "x" and "y", of any dtype that `Moments.update` takes.
    **named_blocks : dask.array.Array, (n_samples, features)
        Further blocks under names of their own; the names of options are taken.
    precision, pairs
        As in `Moments`.
    layout, spatial, size
        As in `cca`: with `layout`, blocks are maps. One string for all blocks, or one for each in
        their order.
    split_every : int, optional
        States that one merge takes, 2 or more; None takes dask's setting ``split_every``, or 4.
    threads : int
        Threads of the compiled core for one chunk. dask runs as many tasks at a time as a worker
        has threads, so 1, the default, fills it; where workers have one thread and several cores
        each, give the number of cores. 0 leaves the limits of the process as they are.

    Returns
    -------
    dask.delayed.Delayed
        Of a `Moments`. ``.compute()`` gives the state.

    Raises
    ------
    ImportError
        On import of this module, where dask is missing.
    TypeError
        If a block is no dask array.
    ValueError
        If samples do not match, sizes of chunks are unknown, or an option is. Where a chunk holds
        NaN or infinity, on computing; a note says which samples the chunk holds.

    Notes
    -----
    Samples are divided where any block is, so that no chunks are joined; features and positions
    that lie in several chunks are brought together. Each chunk makes a state, and every
    `split_every` neighbours are merged (Chan, Golub and LeVeque 1979), level by level:
    ``ceil(log(chunks, split_every))`` levels. The order is fixed by the chunks, so the result has
    the same bits on every scheduler and any number of workers, but not for other chunks.

    While a task runs with `threads`, that limit holds for the whole process it runs in.
    """
    check_precision(precision)
    fan_in = _checked_split(split_every)
    limit = operator.index(threads)
    if not 0 <= limit <= 4096:
        raise ValueError(f"threads={threads} must lie between 0 (no limit) and 4096")
    batch = named_batch(blocks, named_blocks)
    if not batch:
        raise TypeError("moments needs at least one block: moments(x, y), or moments(layer1=x)")
    names = tuple(batch)
    rule = pairs_of(pairs)
    rule.among(names)  # an error here, and not on the workers
    sample_axes = _checked_blocks(batch, layout, spatial, size)
    arrays = _aligned(list(batch.values()), sample_axes)
    options = {
        "names": names,
        "precision": precision,
        "pairs": rule.given(),
        "layout": layout,
        "spatial": spatial,
        "size": None if size is None else tuple(size),
        "threads": limit,
    }
    # Optimizing fuses what blocks have in common into each of them, to be computed several times.
    chunks = [array.to_delayed(optimize_graph=False).ravel() for array in arrays]
    of_chunk = delayed(_of_chunk, pure=True)
    states = []
    start = 0
    for count, *parts in zip(arrays[0].chunks[sample_axes[0]], *chunks, strict=True):
        states.append(of_chunk(parts, start, int(count), options))
        start += int(count)
    return _tree(states, fan_in)


def _tree(states: list[Delayed], fan_in: int) -> Delayed:
    merge = delayed(_merged, pure=True)
    while len(states) > 1:
        groups = [states[i : i + fan_in] for i in range(0, len(states), fan_in)]
        states = [merge(group) if len(group) > 1 else group[0] for group in groups]
    return states[0]


# -- checks ----------------------------------------------------------------------------------


def _checked_split(split_every: int | None) -> int:
    if split_every is None:
        split_every = dask.config.get("split_every", None) or 4
    fan_in = operator.index(split_every)
    if fan_in < 2:
        raise ValueError(f"split_every={split_every} must be at least 2")
    return fan_in


def _checked_blocks(
    batch: dict[str, Any], layout: LayoutOrPair, spatial: str | None, size: Size
) -> list[int]:
    """Check blocks against each other and the layout; return the axis of samples of each."""
    for name, block in batch.items():
        if not isinstance(block, dask.array.Array):
            raise TypeError(
                f"{name} is a {type(block).__name__}, not a dask array; make one with "
                "dask.array.from_array(..., chunks=...), or use fastcca.Moments"
            )
        if any(np.isnan(extent) for extent in block.shape):
            raise ValueError(
                f"{name} has chunks of unknown size (shape {block.shape}); call "
                f"{name}.compute_chunk_sizes() first"
            )
    axes, _ = check_shapes(
        {name: (block.shape, block.dtype) for name, block in batch.items()},
        layout=layout,
        spatial=spatial,
        size=size,
    )
    return axes


def _aligned(arrays: list[Array], sample_axes: list[int]) -> list[Array]:
    """Give all blocks the same chunks of samples, and one chunk along every other axis."""
    indexed: list[Any] = []
    for i, (array, at) in enumerate(zip(arrays, sample_axes, strict=True)):
        whole = array.rechunk({axis: -1 for axis in range(array.ndim) if axis != at})
        indexed += [whole, ["samples" if k == at else (i, k) for k in range(array.ndim)]]
    _, aligned = dask.array.unify_chunks(*indexed)
    return list(aligned)


# -- tasks -----------------------------------------------------------------------------------


def _of_chunk(
    parts: Sequence[npt.NDArray[Any]], start: int, count: int, options: dict[str, Any]
) -> Moments:
    """Return the state of one chunk of samples; an empty one where the chunk is empty."""
    state = Moments(precision=options["precision"], pairs=options["pairs"])
    if count == 0:
        return state
    batch = dict(zip(options["names"], parts, strict=True))
    try:
        with _limited_to(options["threads"]):
            maps = {key: options[key] for key in ("layout", "spatial", "size")}
            feed(state, source_of(batch, **maps))
    except (TypeError, ValueError) as error:
        error.add_note(f"in the chunk of samples {start} to {start + count - 1}, counted from 0")
        raise
    return state


def _merged(states: Sequence[Moments]) -> Moments:
    """Return the sum of states, in their order; dask may still need them as they are."""
    first, *others = states
    total = first.copy()
    for other in others:
        total.merge(other)
    return total


_limits = threading.Lock()
_running = 0
_limit_before = 0


@contextmanager
def _limited_to(threads: int) -> Iterator[None]:
    """Limit the core's threads while any task of this process runs; 0 leaves the limit alone."""
    global _running, _limit_before
    if threads == 0:
        yield
        return
    with _limits:
        if _running == 0:
            _limit_before = get_num_threads()
            set_num_threads(threads)
        _running += 1
    try:
        yield
    finally:
        with _limits:
            _running -= 1
            if _running == 0:
                set_num_threads(_limit_before)


def _size(state: Moments) -> int:
    """Bytes of a state, by which dask's workers decide what to keep and where to merge."""
    return state._bytes() + 1024


sizeof.register(Moments, _size)
