"""Progress of long calls: a function of the caller, or a bar."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Progress = bool | Callable[[int, int], object]


@contextmanager
def progress_of(progress: Progress, total: int, what: str) -> Iterator[Callable[[int], object]]:
    """Yield what to call with the number of steps done, of which there are `total`."""
    if callable(progress):
        told = progress
        yield lambda done: told(done, total)
        return
    if not progress:
        yield lambda done: None
        return
    try:
        from rich.progress import Progress as Bar
    except ImportError:
        pass
    else:
        with Bar() as bar:
            task = bar.add_task(what, total=total)
            yield lambda done: bar.update(task, completed=done)
        return
    try:
        from tqdm import tqdm
    except ImportError:
        raise ImportError(
            "progress=True needs rich or tqdm (pip install rich); or pass a function of "
            "(done, total)"
        ) from None
    with tqdm(total=total, desc=what) as bar:
        yield lambda done: bar.update(1)
