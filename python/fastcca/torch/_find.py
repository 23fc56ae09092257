"""Which layers of which PyTorch networks are meant: by name, by pattern or as modules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, TypeVar

import torch
from torch import nn

from fastcca.torch._hooks import Layer, Model

_T = TypeVar("_T")
_WHOLE = "output"


def named_models(models: Any) -> list[Model]:
    """Check networks and give them names."""
    if isinstance(models, nn.Module):
        named = {"": models}
    elif isinstance(models, Mapping):
        named = dict(models)
    else:
        raise TypeError(
            "models must be a torch.nn.Module or a mapping of names to them, not "
            f"{type(models).__name__}"
        )
    if not named:
        raise ValueError("models is empty: give at least one")
    for name, module in named.items():
        if not isinstance(name, str) or not isinstance(module, nn.Module):
            raise TypeError(
                f"models has the entry {name!r}: {type(module).__name__}; it must map names to "
                "torch.nn.Module"
            )
        _check_recordable(module, Model(name, module).title)
    if len({id(module) for module in named.values()}) < len(named):
        raise ValueError(f"two of the models {tuple(named)} are one object: give it once")
    return [Model(name, module) for name, module in named.items()]


def find(models: Sequence[Model], wanted: Any) -> list[Layer]:
    """Return the wanted layers of every model, in the order of the models' modules."""
    if isinstance(wanted, Mapping):
        if set(wanted) != {model.name for model in models}:
            raise ValueError(
                f"layers has entries for {tuple(wanted)}, but the models are "
                f"{tuple(model.name for model in models)}: give one entry for each"
            )
        return [layer for model in models for layer in _chosen([model], wanted[model.name])]
    return _chosen(models, wanted)


def _chosen(models: Sequence[Model], wanted: Any) -> list[Layer]:
    entries = [wanted] if isinstance(wanted, str | nn.Module) else wanted
    if not isinstance(entries, Iterable):
        raise TypeError(f"layers must be names, patterns or modules, not {wanted!r}")
    entries = list(entries)
    everything = {model: _layers_of(model) for model in models}
    names = {entry for entry in entries if isinstance(entry, str)}
    used: set[int] = set()
    found: list[Layer] = []
    for model, layers in everything.items():
        here = []
        for layer in layers:
            which = [i for i, entry in enumerate(entries) if _means(entry, layer)]
            if which:
                used.update(which)
                here.append(layer)
        modules = [layer.module for layer in here]
        for layer in here:
            first = here[modules.index(layer.module)].name
            if first != layer.name and {first, layer.name} <= names:
                raise ValueError(
                    f"{layer.name!r} is another name of the layer {first!r} of {model.title}: give "
                    "one of the two"
                )
        # A module with several names is taken once, under its first.
        here = [layer for i, layer in enumerate(here) if layer.module not in modules[:i]]
        if len({layer.name for layer in here}) < len(here):
            raise ValueError(f"{_WHOLE!r} is the name of a layer and of what {model.title} returns")
        found += here
    for i, entry in enumerate(entries):
        if i not in used:
            raise ValueError(_not_found(entry, everything))
    for model in models:
        if not any(layer.model is model for layer in found):
            raise ValueError(f"layers={wanted!r} fits no layer of {model.title}")
    return found


def _layers_of(model: Model) -> list[Layer]:
    named = model.module.named_modules(remove_duplicate=False)
    return [Layer(model, name or _WHOLE, module) for name, module in named]


def _means(entry: Any, layer: Layer) -> bool:
    if isinstance(entry, nn.Module):
        return entry is layer.module
    if not isinstance(entry, str):
        raise TypeError(f"layers must hold names, patterns or modules, not {entry!r}")
    # The whole model is meant by itself only: no pattern shall add it.
    return layer.module is not layer.model.module and (
        entry == layer.name or fnmatchcase(layer.name, entry)
    )


def _not_found(entry: Any, everything: Mapping[Model, Sequence[Layer]]) -> str:
    if isinstance(entry, nn.Module):
        return f"layers has a {type(entry).__name__} that is in none of the models"
    names = dict.fromkeys(
        layer.name
        for layers in everything.values()
        for layer in layers
        if layer.module is not layer.model.module
    )
    return f"layers has {entry!r}, which fits no layer; there are {', '.join(names) or 'none'}"


def _check_recordable(module: nn.Module, title: str) -> None:
    for name, part in module.named_modules():
        where = f"{title} has, at {name!r}, a module" if name else f"{title} is a module"
        if isinstance(part, nn.DataParallel):
            raise TypeError(
                f"{where} in DataParallel, which runs copies of layers on parts of a batch at the "
                "same time: take it out with .module, and run that"
            )
        if isinstance(part, torch.jit.ScriptModule):
            raise TypeError(
                f"{where} of TorchScript, whose layers call no hooks: record the "
                "module it was made from"
            )
        if hasattr(part, "_orig_mod") or getattr(part, "_compiled_call_impl", None) is not None:
            raise TypeError(
                f"{where} compiled by torch.compile, where hooks may not run: record the module "
                "that it was made from (._orig_mod), which has the same parameters, and run that"
            )


def by_layer(
    given: Any, argument: str, layers: Sequence[Layer], default: _T
) -> dict[str, Any | _T]:
    """Return what an argument says of each block."""
    if not isinstance(given, Mapping):
        return {layer.block: default if given is None else given for layer in layers}
    for pattern in given:
        if not any(layer.fits(pattern) for layer in layers):
            raise ValueError(
                f"{argument} has the entry {pattern!r}, which fits none of the layers "
                f"{', '.join(layer.block for layer in layers)}"
            )
    return {
        layer.block: next((value for key, value in given.items() if layer.fits(key)), default)
        for layer in layers
    }
