"""From ``with`` to its end: every batch that the networks see goes into a state."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from fastcca._inputs.activations import SPATIAL, Activation, as_blocks
from fastcca._inputs.arrays import as_real
from fastcca._runtime.device_array import DeviceArray, on_host
from fastcca._states.moments import Moments
from fastcca._states.qr_factor import QRFactor
from fastcca._states.state import check_precision
from fastcca.torch import _find, _hooks

Select = Callable[[Any], Any]


def record(
    models: Any,
    layers: Any,
    *,
    layouts: str | Mapping[str, str] | None = None,
    spatial: str | Mapping[str, str] = "fold",
    select: Select | Mapping[str, Select] | None = None,
    copy: bool = False,
    precision: str | None = None,
    state: Moments | QRFactor | None = None,
) -> Recording:
    """Record the outputs of layers while networks run, batch by batch, into `Moments`.

    Use it in a ``with`` statement. Inside, pass every batch to `Recording.step`, or call each model
    once on it; the batch is added when all models have run. Train or eval mode, gradients, autocast
    and the outputs stay as they are.

    Parameters
    ----------
    models : Module, or mapping of str to Module
        One network, or several that see the same inputs. A model must be called itself, not parts
        of it: a layer that runs outside of its model is not recorded.
    layers : str, Module, sequence of these, or mapping of str to these
        Which layers: names as in ``named_modules()``, patterns with ``*``, ``?`` and ``[]``, where
        ``*`` stands for dots as well, or modules themselves. For several models the same for each,
        or a mapping with an entry for every model. The model itself stands for what it returns,
        under the name "output". Blocks have the names of layers, with several models "model/layer".
    layouts : str or mapping of str to str, optional
        Axes of outputs, as in `fastcca.cca`, where they are not: 2 axes (n_samples, features), 3
        "NTC", or "NCT" of one-dimensional convolutions, pooling and batch norm and "TNC" of layers
        with ``batch_first=False``, 4 "NCHW", or "NHWC" of linear layers and layer norm, 5 "NCDHW".
        This and the next two take one value for all layers, or a mapping by names of layers or
        blocks, or patterns, of which the first that fits counts.
    spatial : {"fold", "pool", "flatten"} or mapping
        What becomes of positions, as in `fastcca.cca`. With a mapping, "fold" for the rest.
    select : callable or mapping, optional
        Takes the output of a layer that is no tensor (an LSTM, attention) and returns the tensor.
    copy : bool
        Copy outputs when layers return them. Only needed where later operations of the network
        change them in place (``ReLU(inplace=True)``, ``out += identity``), which is an error
        otherwise.
    precision : {"double", "single"}, optional
        Of the `Moments`.
    state : Moments or QRFactor, optional
        Goes on with a state, in place of new `Moments`.

    Returns
    -------
    Recording

    Raises
    ------
    ValueError
        If a layer is not found, a name fits nothing, or arguments do not fit each other.
    TypeError
        If a model or layer is of the wrong kind, or cannot be recorded: DataParallel, compiled or
        scripted modules.

    Notes
    -----
    Tensors are read in place, of any strides and memory format, float16, bfloat16, float32, float64
    or integers, and are let go after the batch. Memory is that of the state, with the outputs of
    one batch. Those on a GPU are read there where `fastcca.backends` has "cuda", and new `Moments`
    are kept there; ``spatial="pool"`` and what strides cannot express is computed on the CPU, and
    then the whole batch goes there. Layers on several devices are copied to that of the batch's
    first output, or where the state is. Without "cuda", and from devices of other makers, outputs
    are copied to the CPU, layer by layer. None of this has been run on a GPU with PyTorch.

    Outputs that are changed in place before the batch is complete are noticed: by PyTorch's version
    counters, or, in inference mode, which has none, by their sums, so that a change that leaves the
    sum as it was to the last bit goes unnoticed. So do changes through ``.data``, which counts no
    version.

    Examples
    --------
    >>> import torch
    >>> import fastcca
    >>> import fastcca.torch
    >>> _ = torch.manual_seed(0)
    >>> nets = {name: torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.Tanh()) for name in "ab"}
    >>> with torch.inference_mode(), fastcca.torch.record(nets, "1") as recording:
    ...     for _ in range(10):
    ...         _ = recording.step(torch.randn(32, 5))
    >>> recording.moments
    Moments(n_samples=320, blocks={'a/1': 4, 'b/1': 4})
    """
    if state is None:
        state = Moments(precision=check_precision("double" if precision is None else precision))
    elif not isinstance(state, Moments | QRFactor):
        raise TypeError(f"state must be Moments or a QRFactor, not {type(state).__name__}")
    elif precision is not None:
        raise ValueError(f"precision={precision!r} is the state's own affair: leave it out")
    state._check_not_a_view("record into")
    found = _find.find(_find.named_models(models), layers)
    ways = _find.by_layer(spatial, "spatial", found, "fold")
    for way in ways.values():
        if way not in SPATIAL:
            raise ValueError(f"spatial={way!r} is unknown; it must be one of {SPATIAL}")
    options = _Options(
        _find.by_layer(layouts, "layouts", found, None),
        ways,
        _find.by_layer(select, "select", found, None),
        copy,
    )
    return Recording(found, options, state)


@dataclass(frozen=True, slots=True)
class _Options:
    """What the caller said, block by block."""

    layouts: Mapping[str, str | None]
    spatial: Mapping[str, str]
    select: Mapping[str, Select | None]
    copy: bool


class Recording:
    """Hooks on layers, from ``with`` to its end. Made by `record`."""

    def __init__(
        self, layers: Sequence[_hooks.Layer], options: _Options, state: Moments | QRFactor
    ) -> None:
        self._layers = tuple(layers)
        self._options = options
        self._state = state
        self._models = tuple(dict.fromkeys(layer.model for layer in layers))
        self._hooks: list[Any] = []
        self._n_batches = 0
        self._place = "cpu"  # of the outputs of a batch
        self._forget()

    @property
    def moments(self) -> Moments | QRFactor:
        """The state: new `Moments`, or what was passed as ``state``."""
        return self._state

    @property
    def block_names(self) -> tuple[str, ...]:
        """Names of the blocks, in the order of models and of their layers."""
        return tuple(layer.block for layer in self._layers)

    def __repr__(self) -> str:
        """Say how many batches went in."""
        return f"Recording(n_batches={self._n_batches}, blocks={self.block_names})"

    def step(self, /, *args: Any, **kwargs: Any) -> Any:
        """Run every model on one batch, with these arguments.

        Returns
        -------
        Any
            What the model returns; of several models, a dict by their names.

        Raises
        ------
        RuntimeError
            Outside of ``with``.
        ValueError
            If a layer did not run or ran twice, its output is no tensor, was changed in place, or
            does not fit the other layers or the batches before. The state is then what it was.
        """
        if not self._hooks:
            raise RuntimeError("this recording is not on: call step inside its with statement")
        try:
            outputs = {model.name: model.module(*args, **kwargs) for model in self._models}
        except BaseException:  # interrupts too, which no hook sees
            self._forget()
            raise
        return outputs[""] if list(outputs) == [""] else outputs

    def __enter__(self) -> Recording:
        """Put the hooks on."""
        if self._hooks:
            raise RuntimeError("this recording is on already")
        self._forget()
        self._n_batches = 0
        try:
            for model in self._models:
                self._hooks.append(model.on_start(self._start))
            for layer in self._layers:
                self._hooks.append(layer.on_output(self._take))
            for model in self._models:
                self._hooks += model.on_end(self._end, self._abandon)
        except BaseException:
            self._remove_hooks()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Take the hooks off; ValueError if no batch, or only a part of the last, was seen."""
        self._remove_hooks()
        waiting = [model for model in self._models if model not in self._done]
        incomplete = bool(self._done)
        self._forget()
        if error is not None:
            return
        if not self._n_batches:
            raise ValueError(
                f"nothing was recorded of {', '.join(self.block_names)}: "
                f"{', '.join(model.title for model in waiting)} did not run; pass batches to "
                "step, or call the model itself, which calls its layers"
            )
        if incomplete:
            raise ValueError(
                f"the last batch is incomplete and was left out: "
                f"{', '.join(model.title for model in waiting)} did not run on it"
            )

    # -- hooks -------------------------------------------------------------------------------

    def _start(self, model: _hooks.Model) -> None:
        if not self._hooks:  # in compiled code, hooks may outlive their removal
            return
        if model in self._done:
            others = [other.title for other in self._models if other not in self._done]
            self._forget()
            raise ValueError(
                f"{model.title} ran twice before {', '.join(others)}: every model must run once on "
                "each batch, as step does; the batch was left out"
            )
        self._forget_model(model)
        self._running.add(model)

    def _take(self, layer: _hooks.Layer, output: Any) -> None:
        # Outside of its model, a layer may run again: when checkpointed activations are recomputed.
        if layer.model not in self._running:
            return
        if layer.block in self._taken:
            raise ValueError(
                f"{layer.title} ran twice in one call of the model: give each use a module of its "
                "own, such as torch.nn.Identity(), and record those"
            )
        choose = self._options.select[layer.block]
        tensor = layer.tensor(output if choose is None else choose(output), chosen=bool(choose))
        if not self._taken:
            self._place = self._state._place_to_read(tensor, layer.block)
        here = _hooks.brought_to(self._place, tensor, copy=self._options.copy)
        layout = self._options.layouts[layer.block] or layer.layout(here.ndim)
        array = as_real(here, layer.block)
        kept = Activation(array, layout, self._options.spatial[layer.block])
        self._taken[layer.block] = (kept, None if here is not tensor else _hooks.Unchanged(here))

    def _end(self, model: _hooks.Model) -> None:
        if model not in self._running:
            return
        missing = [
            layer.title
            for layer in self._layers
            if layer.model is model and layer.block not in self._taken
        ]
        if missing:
            raise ValueError(
                f"{', '.join(missing)} did not run when the model did: every layer must run once "
                "on each batch; leave it out, or pass as a model the module that was called"
            )
        self._running.discard(model)
        self._done.add(model)
        if len(self._done) < len(self._models):
            return
        taken = self._taken
        self._forget()
        for layer in self._layers:
            unchanged = taken[layer.block][1]
            if unchanged is not None and not unchanged:
                raise ValueError(
                    f"the output of {layer.title} was changed in place after the layer had "
                    "returned it: record the layer that changed it, or pass copy=True"
                )
        blocks, dtypes = as_blocks({layer.block: taken[layer.block][0] for layer in self._layers})
        if not all(isinstance(block, DeviceArray) for block in blocks.values()):
            blocks = {name: on_host(block) for name, block in blocks.items()}
        self._state._follow(blocks)
        self._state._update(blocks, dtypes)
        self._n_batches += 1

    def _abandon(self, model: _hooks.Model) -> None:
        """Leave out the batch where a model raised an exception."""
        if model in self._running:
            self._forget()

    # -- the batch that is under way ---------------------------------------------------------

    def _forget(self) -> None:
        self._taken: dict[str, tuple[Activation, _hooks.Unchanged | None]] = {}
        self._running: set[_hooks.Model] = set()
        self._done: set[_hooks.Model] = set()

    def _forget_model(self, model: _hooks.Model) -> None:
        for layer in self._layers:
            if layer.model is model:
                self._taken.pop(layer.block, None)

    def _remove_hooks(self) -> None:
        while self._hooks:
            self._hooks.pop().remove()
