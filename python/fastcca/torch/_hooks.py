"""Layers of PyTorch's networks: their hooks, and their outputs as arrays."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import nn

from fastcca._inputs.activations import layout_of

_OVER_SEQUENCES = (
    nn.Conv1d,
    nn.ConvTranspose1d,
    nn.MaxPool1d,
    nn.AvgPool1d,
    nn.AdaptiveAvgPool1d,
    nn.AdaptiveMaxPool1d,
)
# Of outputs of three axes, these keep the last for features, and say nothing of the other two.
_FEATURES_LAST = (nn.Linear, nn.LayerNorm, nn.Embedding, nn.RMSNorm)


@dataclass(frozen=True, eq=False, slots=True)
class Model:
    """A network under the caller's name, "" where it is the only one."""

    name: str
    module: nn.Module

    @property
    def title(self) -> str:
        """What errors call it."""
        return f"the model {self.name!r}" if self.name else "the model"

    def on_start(self, call: Callable[[Model], None]) -> Any:
        """Call before every run; returns a handle with ``remove()``."""

        def hook(module: nn.Module, _: Any) -> None:
            _check_no_replica(module, self.module, self.title)
            call(self)

        return self.module.register_forward_pre_hook(_not_compiled(hook))

    def on_end(
        self, call: Callable[[Model], None], cleanup: Callable[[Model], None]
    ) -> tuple[Any, Any]:
        """Call after every run that raised nothing, and clean up after every run."""

        def hook(*_: Any) -> None:
            call(self)

        def always(*_: Any) -> None:
            cleanup(self)

        return (
            self.module.register_forward_hook(_not_compiled(hook)),
            self.module.register_forward_hook(_not_compiled(always), always_call=True),
        )

    def time_first(self) -> bool:
        """Whether some layer puts time before samples."""
        return any(getattr(part, "batch_first", None) is False for part in self.module.modules())

    def over_sequences(self) -> bool:
        """Whether some layer of three axes puts channels before positions."""
        return any(isinstance(part, _OVER_SEQUENCES) for part in self.module.modules())


@dataclass(frozen=True, eq=False, slots=True)
class Layer:
    """A module of a model, and the block that its outputs go to."""

    model: Model
    name: str
    module: nn.Module

    @property
    def block(self) -> str:
        """Name of the block."""
        return f"{self.model.name}/{self.name}" if self.model.name else self.name

    @property
    def title(self) -> str:
        """What errors call it."""
        return f"the layer {self.block!r}"

    def fits(self, pattern: str) -> bool:
        """Whether a name or pattern means this layer."""
        return any(
            name == pattern or fnmatchcase(name, pattern) for name in (self.name, self.block)
        )

    def on_output(self, call: Callable[[Layer, Any], None]) -> Any:
        """Call with every output; returns a handle with ``remove()``."""

        def hook(module: nn.Module, _: Any, output: Any) -> None:
            _check_no_replica(module, self.module, self.title)
            call(self, output)

        return self.module.register_forward_hook(_not_compiled(hook))

    def tensor(self, output: Any, *, chosen: bool) -> torch.Tensor:
        """Return an output that is a tensor, without its history."""
        if isinstance(output, torch.Tensor):
            return output.detach()
        what = type(output).__name__
        if isinstance(output, Sequence | Mapping):
            what += f" of {len(output)}"
        if chosen:
            raise TypeError(f"select returned a {what} for {self.title}; it must return a tensor")
        raise TypeError(
            f"{self.title} returned a {what}, not a tensor: say which part to record, for instance "
            f"select={{{self.name!r}: lambda output: output[0]}}"
        )

    def layout(self, ndim: int) -> str:
        """Choose the layout of an output."""
        return layout_of(
            tuple(kind.__name__ for kind in type(self.module).__mro__),
            ndim,
            self.block,
            time_first=self._time_first() if ndim == 3 else False,
        )

    def _time_first(self) -> bool | None:
        said = {part.batch_first for part in self.module.modules() if hasattr(part, "batch_first")}
        if len(said) == 1:
            return not said.pop()
        if self.model.time_first():
            return None
        if self.model.over_sequences() and not isinstance(self.module, _FEATURES_LAST):
            return None
        return False


class Unchanged:
    """Tells whether a tensor has been changed in place: truth while it has not."""

    def __init__(self, tensor: torch.Tensor) -> None:
        self._tensor = tensor
        self._before = self._mark()

    def _mark(self) -> float:
        # Tensors of inference mode do not count their versions.
        if self._tensor.is_inference():
            return float(self._tensor.sum(dtype=torch.float64))
        return float(self._tensor._version)

    def __bool__(self) -> bool:
        now = self._mark()
        return now == self._before or (math.isnan(now) and math.isnan(self._before))


def brought_to(place: str, tensor: torch.Tensor, *, copy: bool) -> torch.Tensor:
    """Return a tensor that can be read at a place, "cpu" or "cuda:0" and so on: itself, or a copy.

    A tensor without memory ("meta") is left to the error of whoever reads it.
    """
    if tensor.device.type != "meta" and tensor.device != torch.device(place):
        return tensor.to(place)
    return tensor.clone() if copy else tensor


def _not_compiled(hook: Callable[..., None]) -> Callable[..., None]:
    """Keep a hook out of what torch.compile traces, if a program uses that at all.

    Only then, since it imports a compiler, which takes seconds.
    """
    if "torch._dynamo" not in sys.modules:
        return hook
    disable: Any = torch.compiler.disable  # has no types
    kept_out: Callable[..., None] = disable(hook)
    return kept_out


def _check_no_replica(module: nn.Module, expected: nn.Module, title: str) -> None:
    if module is not expected:
        raise RuntimeError(
            f"a copy of {title} ran, as in DataParallel: hooks are on the original; make copies "
            "after the recording, and run the model without DataParallel"
        )
