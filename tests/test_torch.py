"""Recording live networks: the numbers of activations that were stored, and nothing is kept."""

import copy
import doctest
import gc
import pickle
import tracemalloc
import weakref
from pathlib import Path

import numpy as np
import pytest

import fastcca

torch = pytest.importorskip(
    "torch", reason='PyTorch is not installed: pip install "fastcca[torch]"'
)
from torch import nn  # noqa: E402

import fastcca.torch  # noqa: E402
from fastcca.torch import _recording, record  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::fastcca.RankWarning")


class ConvNet(nn.Module):
    """Two convolutions of the same grid and two linear layers."""

    def __init__(self, seed, width=6):
        super().__init__()
        torch.manual_seed(seed)
        self.conv1 = nn.Conv2d(3, width, 3, padding=1)
        self.norm = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, 8, 3, padding=1)
        self.fc1 = nn.Linear(8, 7)
        self.fc2 = nn.Linear(7, 4)

    def forward(self, images):
        maps = torch.tanh(self.norm(self.conv1(images)))
        maps = torch.relu(self.conv2(maps))
        return self.fc2(torch.tanh(self.fc1(maps.mean((2, 3)))))


def images(n=60, seed=0):
    return torch.randn(n, 3, 5, 4, generator=torch.Generator().manual_seed(seed))


def loader(data, seed=0):
    """Batches of drawn sizes."""
    cuts = np.random.default_rng(seed).choice(np.arange(1, len(data)), size=5, replace=False)
    return torch.tensor_split(data, sorted(cuts.tolist()))


def stored(net, names, data):
    """Outputs for all data, as hooks that keep everything find them, channels last."""
    kept = {}
    hooks = [
        net.get_submodule(name).register_forward_hook(
            lambda _, __, out, name=name: kept.update({name: out.detach().clone()})
        )
        for name in names
    ]
    with torch.no_grad():
        net(data)
    for hook in hooks:
        hook.remove()
    return {name: np.moveaxis(out.numpy(), 1, -1) for name, out in kept.items()}


def resident():
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * 4096 if statm.exists() else 0


def n_hooks(*nets):
    parts = [part for net in nets for part in net.modules()]
    return sum(len(part._forward_hooks) + len(part._forward_pre_hooks) for part in parts)


@pytest.fixture
def nets():
    return {"a": ConvNet(1).eval(), "b": ConvNet(2, width=5).eval()}


# --- the same numbers -------------------------------------------------------------------------


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode, torch.enable_grad])
def test_two_networks_give_the_matrix_of_stored_activations(nets, mode, channels_last):
    data = images()
    if channels_last:
        data = data.to(memory_format=torch.channels_last)
        nets = {name: net.to(memory_format=torch.channels_last) for name, net in nets.items()}
    names = ["conv1", "conv2"]
    whole = {name: stored(net, names, data) for name, net in nets.items()}

    with mode(), record(nets, ["conv*"]) as recording:
        batches = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(data), batch_size=13)
        for (batch,) in batches:
            recording.step(batch)

    moments = recording.moments
    assert moments.block_names == ("a/conv1", "a/conv2", "b/conv1", "b/conv2")
    assert moments.n_samples == 60 * 5 * 4
    for first in names:
        for second in names:
            pair = moments.pair(f"a/{first}", f"b/{second}")
            x, y = whole["a"][first], whole["b"][second]
            expected = fastcca.svcca(x, y, layout="NHWC").correlations
            # float32 outputs differ in their last bits between sizes of batches
            np.testing.assert_allclose(fastcca.svcca(pair).correlations, expected, atol=1e-5)
            assert fastcca.cka(pair) == pytest.approx(fastcca.cka(x, y, layout="NHWC"), abs=1e-6)


def test_any_batches_and_ways_for_each_layer(nets):
    data = images()
    net = nets["a"]
    spatial = {"conv1": "pool", "c*": "flatten"}
    with torch.no_grad(), record(net, ["conv*", "fc1", "fc2"], spatial=spatial) as recording:
        for batch in loader(data):
            net(batch)  # without step: batches end where the model does
    whole = stored(net, ["conv1", "conv2", "fc1", "fc2"], data)
    blocks = {
        "conv1": whole["conv1"].mean((1, 2), dtype=np.float64),
        "conv2": whole["conv2"].reshape(60, -1),
        "fc1": whole["fc1"],
        "fc2": whole["fc2"],
    }
    moments = recording.moments
    assert moments.block_names == tuple(blocks)
    for name, block in blocks.items():
        np.testing.assert_allclose(moments.mean(name), block.mean(0), atol=1e-6)
        expected = np.cov(block.T, blocks["fc2"].T)[: block.shape[1], block.shape[1] :]
        np.testing.assert_allclose(moments.covariance(name, "fc2"), expected, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_precisions_are_read_in_place_and_known(dtype):
    net = nn.Sequential(nn.Linear(5, 4), nn.Linear(4, 3)).to(dtype)
    data = torch.randn(50, 5, dtype=dtype)
    with torch.no_grad(), record(net, "*") as recording:
        outputs = recording.step(data)
    assert outputs.dtype == dtype
    with torch.no_grad():
        hidden = net[0](data)
        expected = fastcca.cca(hidden, net(data))
    found = fastcca.cca(recording.moments)
    np.testing.assert_allclose(found.correlations, expected.correlations, atol=1e-12)
    assert found.x_rank == expected.x_rank


def test_autocast_is_recorded_as_it_computes():
    net = nn.Sequential(nn.Linear(5, 4), nn.Linear(4, 3))
    with torch.autocast("cpu", dtype=torch.bfloat16), record(net, "*") as recording:
        output = recording.step(torch.randn(40, 5))
    assert output.dtype == torch.bfloat16
    assert recording.moments._state.precision(0) == "bfloat16"


def test_outputs_are_read_without_a_copy(monkeypatch):
    seen = {}

    class Peeping(fastcca.Moments):
        def _update(self, batch, dtypes=None):
            seen.update({name: block.ctypes.data for name, block in batch.items()})
            super()._update(batch, dtypes)

    net = ConvNet(1).eval()
    where = {}
    net.conv1.register_forward_hook(lambda _, __, out: where.update(conv1=out.data_ptr()))
    with torch.no_grad(), record(net, "conv1", state=Peeping()) as recording:
        recording.step(images())
    assert seen == where


def test_state_may_be_a_factor_or_go_on(nets):
    data = images()
    factor, moments = fastcca.QRFactor(), fastcca.Moments()
    with torch.no_grad():
        for state in (factor, moments):
            for batch in loader(data):
                with record(nets, "fc*", state=state) as recording:
                    recording.step(batch)
                assert recording.moments is state
    assert factor.n_samples == moments.n_samples == 60
    found, expected = (fastcca.cca(s.pair("a/fc1", "b/fc1")) for s in (factor, moments))
    assert found.method == "qr"
    np.testing.assert_allclose(found.correlations, expected.correlations, atol=1e-9)


def test_precision_passes_on(nets):
    with torch.no_grad(), record(nets, "fc1", precision="single") as recording:
        recording.step(images())
    assert recording.moments.precision == "single"
    assert pickle.loads(pickle.dumps(recording.moments)).n_samples == 60


# --- which layers, and which axes -------------------------------------------------------------


def test_layers_by_name_pattern_and_module(nets):
    net = nets["a"]
    assert record(net, [net.fc2, "conv1"]).block_names == ("conv1", "fc2")
    assert record(net, "*[12]").block_names == ("conv1", "conv2", "fc1", "fc2")
    assert record(nets, {"a": "fc1", "b": [nets["b"].fc2]}).block_names == ("a/fc1", "b/fc2")
    assert record(net, ["fc2", net]).block_names == ("output", "fc2")
    assert record(nets, [net.fc2, nets["b"].fc1]).block_names == ("a/fc2", "b/fc1")


def test_what_the_model_returns(nets):
    data, net = images(), nets["a"]
    with torch.no_grad(), record(net, [net, "fc2"]) as recording:
        recording.step(data)
    moments = recording.moments
    np.testing.assert_array_equal(moments.mean("output"), moments.mean("fc2"))


def test_tokens_and_sequences():
    torch.manual_seed(0)
    data = torch.randn(9, 6, 5)  # samples, tokens, features
    net = nn.Sequential(nn.Linear(5, 4), nn.LayerNorm(4), nn.GELU())
    with torch.no_grad(), record(net, "*") as recording:
        out = recording.step(data)
    assert recording.moments.n_samples == 9 * 6
    np.testing.assert_allclose(recording.moments.mean("2"), out.mean((0, 1)), atol=1e-6)

    conv = nn.Sequential(nn.Conv1d(6, 3, 3), nn.ReLU())  # (samples, channels, positions)
    with torch.no_grad(), record(conv, "*", layouts={"1": "NCT"}) as recording:
        out = recording.step(data)
    assert recording.moments.n_samples == 9 * 3
    np.testing.assert_allclose(recording.moments.mean("1"), out.mean((0, 2)), atol=1e-6)
    with (
        pytest.raises(ValueError, match=r"1 gives 3 axes.*layouts=\{'1': 'NTC'\}"),
        torch.no_grad(),
        record(conv, "1") as recording,
    ):
        recording.step(data)


@pytest.mark.parametrize("batch_first", [True, False])
def test_outputs_that_are_tuples(batch_first):
    torch.manual_seed(0)
    net = nn.Sequential(nn.LSTM(5, 4, batch_first=batch_first))
    data = torch.randn(9, 6, 5)
    options = {"select": {"0": lambda output: output[0]}, "spatial": "pool"}
    with torch.no_grad(), record(net, "0", **options) as recording:
        outputs = [recording.step(data), recording.step(data + 1)]
    pooled = torch.cat([out[0].mean(1 if batch_first else 0) for out in outputs])
    assert recording.moments.n_samples == len(pooled)
    np.testing.assert_allclose(recording.moments.mean("0"), pooled.mean(0), atol=1e-6)
    for select, message in (
        (None, r"layer '0' returned a tuple of 2.*select=\{'0'"),
        (lambda output: output[1], "select returned a tuple of 2 for the layer '0'"),
    ):
        with pytest.raises(TypeError, match=message), record(net, "0", select=select) as again:
            again.step(data)
        assert n_hooks(net) == 0


# --- hooks come off, networks stay as they are --------------------------------------------------


@pytest.mark.parametrize("training", [True, False])
def test_modes_and_gradients_stay_as_they_are(training):
    data = images()
    plain, recorded = ConvNet(1).train(training), ConvNet(1).train(training)
    with record(recorded, ["norm", "conv2"]) as recording:
        loss = recording.step(data).square().sum()
    loss.backward()
    plain(data).square().sum().backward()
    assert torch.is_grad_enabled()
    assert not torch.is_inference_mode_enabled()
    assert recorded.training == training
    assert n_hooks(recorded) == 0
    for (name, mine), other in zip(recorded.named_parameters(), plain.parameters(), strict=True):
        assert torch.equal(mine.grad, other.grad), name
    assert torch.equal(recorded.norm.running_mean, plain.norm.running_mean)


def test_recomputed_activations_are_not_recorded_twice():
    from torch.utils.checkpoint import checkpoint

    class Checkpointed(ConvNet):
        def forward(self, data):
            return self.fc2(checkpoint(self.part, data, use_reentrant=False))

        def part(self, data):
            return self.fc1(self.conv2(self.conv1(data)).mean((2, 3)))

    net = Checkpointed(1)
    ran = []
    net.conv1.register_forward_hook(lambda *_: ran.append(1))
    with record(net, "conv*") as recording:
        for batch in loader(images()):
            recording.step(batch).sum().backward()
            net.conv1(batch)
    assert len(ran) == 3 * 6
    assert recording.moments.n_samples == 60 * 20


def failing(net, at, error):
    def hook(*_):
        raise error

    return net.get_submodule(at).register_forward_hook(hook)


@pytest.mark.parametrize("kind", [RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("which", ["a", "b"])
def test_a_run_that_fails_leaves_the_state_and_no_hook(nets, which, kind):
    error = kind("boom")  # of this test alone: its traceback keeps the recording
    with torch.no_grad(), record(nets, ["fc1"]) as recording:
        recording.step(images())
        before = pickle.dumps(recording.moments)
        handle = failing(nets[which], "fc2", error)
        with pytest.raises(kind):
            recording.step(images(7))
        assert pickle.dumps(recording.moments) == before
        handle.remove()
        recording.step(images(7))  # goes on with the next batch
    assert recording.moments.n_samples == 67
    assert n_hooks(*nets.values()) == 0

    handle = failing(nets[which], "fc2", error)
    with pytest.raises(kind), record(nets, ["fc1"]) as recording:
        recording.step(images())
    handle.remove()
    assert recording.moments.n_samples == 0
    assert n_hooks(*nets.values()) == 0


def test_models_called_by_hand_go_on_after_a_failure(nets):
    with torch.no_grad(), record(nets, ["fc1"]) as recording:
        handle = failing(nets["b"], "fc2", RuntimeError("boom"))
        nets["a"](images())
        with pytest.raises(RuntimeError, match="boom"):
            nets["b"](images())
        handle.remove()
        for net in nets.values():
            net(images(9))
    assert recording.moments.n_samples == 9


def test_a_batch_that_does_not_fit_leaves_the_state(nets):
    net = nets["a"]
    with torch.no_grad(), record(net, "conv*") as recording:
        recording.step(images())
        before = pickle.dumps(recording.moments)
        bad = images(5)
        bad[3, 1, 2, 1] = float("nan")
        with pytest.raises(ValueError, match=r"conv1 has .* not finite"):
            recording.step(bad)
        assert pickle.dumps(recording.moments) == before
        recording.step(images(5))
    assert recording.moments.n_samples == 65 * 20


# --- what cannot be recorded says so ------------------------------------------------------------


class Wrong(nn.Module):
    def __init__(self, inplace=False):
        super().__init__()
        self.shared = nn.Linear(5, 5)
        self.act = nn.ReLU(inplace=inplace)
        self.idle = nn.Linear(5, 5)

    def forward(self, x, twice=False):
        x = self.act(self.shared(x))
        return self.shared(x) if twice else x


def test_layers_that_run_twice_or_never():
    net = Wrong()
    twice = pytest.raises(ValueError, match=r"layer 'shared' ran twice.*Identity")
    with twice, record(net, "shared") as recording:
        recording.step(torch.randn(9, 5), twice=True)
    never = pytest.raises(ValueError, match="layer 'idle' did not run")
    with never, record(net, ["shared", "idle"]) as recording:
        recording.step(torch.randn(9, 5))
    assert n_hooks(net) == 0


def run_in_turn(recording, *calls):
    with torch.no_grad(), recording:
        for module, data in calls:
            module(data)


def test_batches_that_are_incomplete(nets):
    a, b = nets.values()
    with pytest.raises(ValueError, match=r"nothing was recorded of fc1: the model did not run"):
        run_in_turn(record(a, "fc1"), (a.conv1, images()))
    recording = record(nets, "fc1")
    with pytest.raises(ValueError, match=r"last batch is incomplete.*model 'b' did not run"):
        run_in_turn(recording, (a, images()), (b, images()), (a, images()))
    assert recording.moments.n_samples == 60
    with pytest.raises(ValueError, match=r"model 'a' ran twice before the model 'b'"):
        run_in_turn(record(nets, "fc1"), (a, images()), (a, images()))
    assert n_hooks(a, b) == 0


def test_models_of_different_inputs(nets):
    a, b = nets.values()
    with pytest.raises(ValueError, match="a/fc1 has 60 samples in this batch and b/fc1 has 9"):
        run_in_turn(record(nets, "fc1"), (a, images()), (b, images(9)))


def test_layers_of_different_samples(nets):
    with pytest.raises(ValueError, match=r"conv1 \(H=5 x W=4\), fc1 \(one .*spatial='pool'"):
        run_in_turn(record(nets["a"], ["conv1", "fc1"]), (nets["a"], images()))


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode, torch.enable_grad])
def test_outputs_changed_in_place(mode):
    net = Wrong(inplace=True)
    data = torch.randn(30, 5)
    with mode():
        changed = pytest.raises(ValueError, match=r"'shared' was changed in place.*copy=True")
        with changed, record(net, ["shared", "act"]) as recording:
            recording.step(data)
        assert recording.moments.n_samples == 0
        with record(net, ["shared", "act"], copy=True) as recording:
            recording.step(data)
    expected = nn.functional.linear(data, net.shared.weight, net.shared.bias).detach()
    np.testing.assert_allclose(recording.moments.mean("shared"), expected.mean(0), atol=1e-6)
    np.testing.assert_allclose(recording.moments.mean("act"), expected.relu().mean(0), atol=1e-6)


def test_data_parallel_is_refused(nets):
    with pytest.raises(TypeError, match=r"DataParallel.*\.module"):
        record(nn.DataParallel(nets["a"]), "*")
    with pytest.raises(TypeError, match="has, at '0', a module in DataParallel"):
        record(nn.Sequential(nn.DataParallel(nets["a"])), "*")


def test_replicas_are_noticed():
    net = nn.Sequential(nn.Linear(5, 4))
    with record(net, "0") as recording:
        recording.step(torch.randn(9, 5))
        for part in (net[0], net):
            replica = part._replicate_for_data_parallel()
            vars(replica).update(net[0].named_parameters())
            with pytest.raises(RuntimeError, match=r"a copy of the .* ran, as in DataParallel"):
                replica(torch.randn(9, 5))
        with pytest.raises(RuntimeError, match="a copy of the model ran"):
            copy.deepcopy(net)(torch.randn(9, 5))
    assert recording.moments.n_samples == 9


def test_compiled_modules_are_refused():
    net = nn.Sequential(nn.Linear(5, 4))
    compiled = torch.compile(net, backend="eager")
    with pytest.raises(TypeError, match=r"compiled.*_orig_mod"):
        record(compiled, "*")
    with torch.no_grad(), record(compiled._orig_mod, "0") as recording:
        recording.step(torch.randn(9, 5))
    assert recording.moments.n_samples == 9
    compiled(torch.randn(9, 5))
    assert recording.moments.n_samples == 9
    net.compile(backend="eager")
    with pytest.raises(TypeError, match=r"compiled"):
        record(net, "*")


def test_running_compiled_code_is_recorded_or_said_not_to_be():
    net = nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 3))
    compiled = torch.compile(net, backend="eager")
    data = torch.randn(20, 5)
    with torch.no_grad(), record(net, ["0", "2"]) as recording:
        for _ in range(3):
            compiled(data)
        assert recording.moments.n_samples == 60
        np.testing.assert_allclose(recording.moments.mean("2"), net(data).mean(0), atol=1e-6)
    with torch.no_grad():
        compiled(data)
    assert recording.moments.n_samples == 80

    torch.compiler.reset()
    with torch.no_grad():
        compiled(data)
        with pytest.raises(ValueError, match="nothing was recorded"), record(net, "0"):
            compiled(data)


def test_hooks_that_outlive_their_removal_do_nothing():
    net = nn.Sequential(nn.Linear(5, 4))
    data = torch.randn(20, 5)
    with torch.no_grad(), record(net, "0") as recording:
        output = recording.step(data)
        before, layer, end = (
            next(iter(hooks.values()))
            for hooks in (net._forward_pre_hooks, net[0]._forward_hooks, net._forward_hooks)
        )
        before(net, (data,))  # they do count while they are on
        layer(net[0], (data,), output)
        end(net, (data,), output)
    assert recording.moments.n_samples == 40
    before(net, (data,))
    layer(net[0], (data,), output)
    end(net, (data,), output)
    assert recording.moments.n_samples == 40


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_scripted_modules_are_refused():
    with pytest.raises(TypeError, match="TorchScript"):
        record(torch.jit.script(nn.Sequential(nn.Linear(5, 4))), "*")


def test_arguments_that_are_wrong(nets):
    net = nets["a"]
    for arguments, error, message in (
        ((net, "fc9"), ValueError, "'fc9', which fits no layer; there are conv1, norm, conv2"),
        ((net, [nn.Linear(1, 1)]), ValueError, "a Linear that is in none of the models"),
        ((net, [3]), TypeError, "names, patterns or modules, not 3"),
        ((net, None), TypeError, "names, patterns or modules, not None"),
        ((net, []), ValueError, r"layers=\[\] fits no layer of the model"),
        ((3, "fc1"), TypeError, "not int"),
        (({}, "fc1"), ValueError, "models is empty"),
        (({"a": net, "b": net}, "fc1"), ValueError, "are one object"),
        (({"a": net, "b": 3}, "fc1"), TypeError, "the entry 'b': int"),
        ((nets, {"a": "fc1"}), ValueError, "give one entry for each"),
        ((nets, [net.fc1]), ValueError, "fits no layer of the model 'b'"),
    ):
        with pytest.raises(error, match=message):
            record(*arguments)
    for options, error, message in (
        ({"spatial": "resize"}, ValueError, "spatial='resize' is unknown"),
        ({"spatial": {"conv1": "pool"}}, ValueError, "spatial has the entry 'conv1'"),
        ({"state": {}}, TypeError, "state must be Moments or a QRFactor, not dict"),
        ({"state": fastcca.Moments(), "precision": "single"}, ValueError, "leave it out"),
        ({"precision": "half"}, ValueError, "half"),
    ):
        with pytest.raises(error, match=message):
            record(net, "fc1", **options)
    recording = record(net, "fc1")
    with pytest.raises(RuntimeError, match="inside its with"):
        recording.step(images())
    with torch.no_grad(), recording:
        recording.step(images())
        with pytest.raises(RuntimeError, match="on already"), recording:
            pass
    state = fastcca.Moments()
    state.update(np.eye(4), np.eye(4))
    with pytest.raises(ValueError, match="view of two blocks"):
        record(net, "fc1", state=state.pair("x", "y"))


# --- nothing is kept ----------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [torch.no_grad, torch.enable_grad])
def test_no_activation_outlives_its_batch(nets, mode):
    alive = []
    for net in nets.values():
        net.conv2.register_forward_hook(lambda _, __, out: alive.append(weakref.ref(out)))
    storages = []
    for net in nets.values():
        net.fc1.register_forward_hook(
            lambda _, __, out: storages.append(weakref.ref(out.untyped_storage()))
        )
    with mode(), record(nets, ["conv2", "fc1"], spatial="pool") as recording:
        for batch in loader(images()):
            recording.step(batch)
            gc.collect()
            assert [ref() for ref in (*alive, *storages)] == [None] * len(alive + storages)
    assert len(alive) == 12


def test_memory_does_not_grow_with_the_number_of_batches(nets):
    data = torch.randn(100, 3, 16, 16)
    batch_bytes = 100 * 16 * 16 * (6 + 8 + 5 + 8) * 4

    def sizes(batches):
        with torch.no_grad(), record(nets, ["conv*"]) as recording:
            recording.step(data)
            gc.collect()
            before = resident()
            tracemalloc.start()
            for _ in range(batches):
                recording.step(data)
            traced = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            return traced, resident() - before, len(pickle.dumps(recording.moments))

    sizes(5)  # what is made once
    few, many = sizes(5), sizes(50)
    # tracemalloc sees what Python and numpy take, and not what PyTorch does; the interpreter keeps
    # some hundred kilobytes of small objects for later.
    assert abs(many[0] - few[0]) < batch_bytes / 4
    assert many[1] < 10 * batch_bytes  # where 45 more batches are 45 batch_bytes, the rest is noise
    assert abs(many[2] - few[2]) < 16


def test_the_example_of_the_docstring():
    found = doctest.testmod(_recording)
    assert found.failed == 0
    assert found.attempted > 5


def test_two_names_of_one_layer_are_not_two_layers():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.f = nn.Linear(3, 2)
            self.g = self.f

        def forward(self, x):
            return self.f(x)

    with pytest.raises(ValueError, match=r"'g' is another name of the layer 'f'"):
        fastcca.torch.record(Twice(), ["f", "g"])
    with fastcca.torch.record(Twice(), "*") as recording:
        recording.step(torch.randn(5, 3))
    assert recording.block_names == ("f",)
