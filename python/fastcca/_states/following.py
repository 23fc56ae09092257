"""States that are kept where their first batch lies."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from fastcca._runtime import cuda as _cuda_module
from fastcca._runtime.backend import check_one_memory, chosen_by_environment, state_place
from fastcca._runtime.compiled import place_of
from fastcca._runtime.device_array import device_of

__all__ = ["FollowsData"]

# Of all states: it is held for an assignment.
_moving = threading.Lock()


class FollowsData:
    """Moments or a factor; where they are kept."""

    __slots__ = ("_follows_data", "_state")

    _state: Any
    _follows_data: bool

    def _empty_at(self, place: str) -> Any:
        """Return a compiled state without samples, like this one."""
        raise NotImplementedError  # every kind of state has its own

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
        return "cpu" if _cuda_module.unusable() else f"cuda:{device}"

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
