"""A dictionary that computes some of its values when they are first read."""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterator, ValuesView
from typing import Any


class _Later:
    """Stands for a value that nobody has read."""

    __slots__ = ("compute",)

    def __init__(self, compute: Callable[[], Any]) -> None:
        self.compute = compute


class LazyDict(dict[str, Any]):
    """As a dict for all that reads it by its methods; copies, pickles and unions are dicts."""

    def defer(self, key: str, compute: Callable[[], Any]) -> None:
        """Set a key to what `compute` returns, called when the value is first read."""
        super().__setitem__(key, _Later(compute))

    def _complete(self) -> None:
        for key in self:
            self[key]

    def __getitem__(self, key: str) -> Any:
        value = super().__getitem__(key)
        if isinstance(value, _Later):
            value = value.compute()
            super().__setitem__(key, value)
        return value

    def get(self, key: str, default: Any = None) -> Any:
        return self[key] if key in self else default  # noqa: SIM401 - it is what get is made of

    # dict(d), {**d} and f(**d) copy the entries as they are, placeholders and all, where a dict has
    # the iterator of dicts; with one of its own they read d[key].
    def __iter__(self) -> Iterator[str]:
        return super().__iter__()

    def values(self) -> ValuesView[Any]:  # type: ignore[override]
        self._complete()
        return super().values()

    def items(self) -> ItemsView[str, Any]:  # type: ignore[override]
        self._complete()
        return super().items()

    def setdefault(self, key: str, default: Any = None) -> Any:
        return self[key] if key in self else super().setdefault(key, default)

    def pop(self, key: str, *default: Any) -> Any:
        if key in self:
            self[key]
        return super().pop(key, *default)

    def popitem(self) -> tuple[str, Any]:
        self._complete()
        return super().popitem()

    def copy(self) -> dict[str, Any]:
        return dict(self)

    def __or__(self, other: Any) -> Any:
        return dict(self) | other

    def __ror__(self, other: Any) -> Any:
        return other | dict(self)

    def __eq__(self, other: object) -> bool:
        for side in (self, other):
            if isinstance(side, LazyDict):
                side._complete()
        return super().__eq__(other)

    def __ne__(self, other: object) -> bool:  # that of dict would not ask the one above
        return not self == other

    __hash__ = None

    def __repr__(self) -> str:
        return repr(dict(self))

    def __reduce__(self) -> tuple[type[dict[str, Any]], tuple[dict[str, Any]]]:
        return dict, (dict(self),)
