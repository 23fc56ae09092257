"""Where outputs of layers are read: on their device where that can be, else on the CPU."""

import numpy as np
import pytest

import cuda_arrays
import fastcca
from fastcca._runtime import cuda as _cuda_module

torch = pytest.importorskip(
    "torch", reason='PyTorch is not installed: pip install "fastcca[torch]"'
)

from fastcca.torch import _hooks as _torch_layers  # noqa: E402
from fastcca.torch import record  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::fastcca.RankWarning")


class Elsewhere:
    """What is asked of a tensor before it is read, of one on a GPU; `moves` tells where it went."""

    def __init__(self, tensor, device=0):
        self.tensor = tensor
        self.device = torch.device("cuda", device)
        self.ndim = tensor.ndim
        self.moves = []
        self._version = 0

    def __dlpack_device__(self):
        return (2, self.device.index)

    def is_inference(self):
        return False

    def clone(self):
        self.moves.append("clone")
        return self

    def to(self, place):
        self.moves.append(str(place))
        return self.tensor if place == "cpu" else self


class OnDevice(Elsewhere):
    """The same with its values in the memory of the device of the tests."""

    def __init__(self, tensor, device=0):
        super().__init__(tensor, device)
        self.values = cuda_arrays.ByDlpack(tensor.numpy())

    def __dlpack__(self, **options):
        return self.values.__dlpack__(**options)


def test_where_a_batch_is_read(monkeypatch):
    monkeypatch.delenv("FASTCCA_BACKEND", raising=False)
    here, there = torch.zeros(3, 2), Elsewhere(torch.zeros(3, 2), 1)
    moments = fastcca.Moments(backend="cpu")
    fresh = fastcca.Moments.__new__(fastcca.Moments)
    fresh._state, fresh._follows_data = moments._state, True
    for reason, place in ((None, "cuda:1"), ("no driver", "cpu")):
        monkeypatch.setattr(_cuda_module, "unusable", lambda reason=reason: reason)
        assert fresh._place_to_read(there, "layer") == place
        assert fresh._place_to_read(here, "layer") == "cpu"
        assert moments._place_to_read(there, "layer") == "cpu"
    monkeypatch.setattr(_cuda_module, "unusable", lambda: None)
    monkeypatch.setenv("FASTCCA_BACKEND", "cpu")
    assert fresh._place_to_read(there, "layer") == "cpu"
    monkeypatch.delenv("FASTCCA_BACKEND")
    moments.update(np.eye(3))  # the two share a state, which does not move once it has samples
    assert fresh._place_to_read(there, "layer") == "cpu"


def test_what_is_copied():
    here, there = torch.zeros(3, 2), Elsewhere(torch.zeros(3, 2), 1)
    assert _torch_layers.brought_to("cpu", here, copy=False) is here
    assert _torch_layers.brought_to("cpu", here, copy=True) is not here
    assert _torch_layers.brought_to("cuda:1", there, copy=False) is there
    assert there.moves == []
    _torch_layers.brought_to("cuda:1", there, copy=True)
    _torch_layers.brought_to("cuda:0", there, copy=True)
    assert _torch_layers.brought_to("cpu", there, copy=True) is there.tensor
    assert there.moves == ["clone", "cuda:0", "cpu"]
    without_memory = torch.zeros(3, 2, device="meta")
    assert _torch_layers.brought_to("cpu", without_memory, copy=False) is without_memory


def recorded(monkeypatch, imitate, **options):
    """Three batches through a small network whose outputs `imitate` replaces."""
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 6, 1), torch.nn.Tanh(), torch.nn.Conv2d(6, 4, 1))
    tensors = []
    original = _torch_layers.Layer.tensor

    def tensor(self, output, *, chosen):
        tensors.append(imitate(original(self, output, chosen=chosen), self.name))
        return tensors[-1]

    with monkeypatch.context() as patched:
        patched.setattr(_torch_layers.Layer, "tensor", tensor)
        with torch.inference_mode(False), record(net, ["0", "2"], **options) as recording:
            for seed in range(3):
                draw = torch.Generator().manual_seed(seed)
                recording.step(torch.randn(8, 3, 5, 4, generator=draw))
    return recording.moments, tensors


def test_without_cuda_outputs_are_copied_to_the_cpu(monkeypatch):
    monkeypatch.delenv("FASTCCA_BACKEND", raising=False)
    monkeypatch.setattr(_cuda_module, "unusable", lambda: "there is no driver")
    moments, tensors = recorded(monkeypatch, lambda tensor, _: Elsewhere(tensor))
    expected, _ = recorded(monkeypatch, lambda tensor, _: tensor)
    assert [t.moves for t in tensors] == [["cpu"]] * 6
    np.testing.assert_array_equal(moments.covariance("0", "2"), expected.covariance("0", "2"))


@pytest.mark.skipif(not cuda_arrays.IS_USABLE, reason="CUDA cannot be used here")
class TestOnADevice:
    @pytest.fixture(autouse=True)
    def no_backend_is_chosen(self, monkeypatch):
        monkeypatch.delenv("FASTCCA_BACKEND", raising=False)

    def test_outputs_are_read_in_place(self, monkeypatch):
        moments, tensors = recorded(monkeypatch, lambda tensor, _: OnDevice(tensor))
        expected, _ = recorded(monkeypatch, lambda tensor, _: tensor)
        assert all(t.moves == [] for t in tensors)
        assert all(t.values.deleted == 1 for t in tensors)
        assert moments._place == "cuda:0"
        assert_close(moments, expected)

    def test_what_is_computed_takes_the_batch_to_the_cpu(self, monkeypatch):
        mixed = {"spatial": {"0": "pool"}, "select": {"2": lambda maps: maps.mean((2, 3))}}
        for options in (mixed, {"spatial": {"0": "pool", "2": "flatten"}}):
            moments, _ = recorded(monkeypatch, lambda tensor, _: OnDevice(tensor), **options)
            expected, _ = recorded(monkeypatch, lambda tensor, _: tensor, **options)
            assert moments._place == "cpu"
            assert_close(moments, expected)

    def test_layers_on_two_devices_go_to_the_first(self, monkeypatch):
        def imitate(tensor, name):
            return OnDevice(tensor, 0) if name == "0" else Moved(tensor)

        moments, tensors = recorded(monkeypatch, imitate)
        expected, _ = recorded(monkeypatch, lambda tensor, _: tensor)
        assert [t.moves for t in tensors] == [[], ["cuda:0"]] * 3
        assert moments._place == "cuda:0"
        assert_close(moments, expected)

    def test_a_state_on_the_cpu_stays_there(self, monkeypatch):
        state = fastcca.Moments(backend="cpu")
        moments, tensors = recorded(monkeypatch, lambda tensor, _: OnDevice(tensor), state=state)
        expected, _ = recorded(monkeypatch, lambda tensor, _: tensor)
        assert [t.moves for t in tensors] == [["cpu"]] * 6
        assert moments._place == "cpu"
        assert_close(moments, expected)


class Moved(Elsewhere):
    """On a second device, from which it can be copied to the one of the tests."""

    def __init__(self, tensor):
        super().__init__(tensor, 1)

    def to(self, place):
        self.moves.append(str(place))
        self.copy = OnDevice(self.tensor)  # whose memory only the object keeps
        return self.copy


def assert_close(moments, expected):
    assert moments.n_samples == expected.n_samples
    assert moments.block_names == expected.block_names
    found, wanted = (m.covariance("0", "2") for m in (moments, expected))
    np.testing.assert_allclose(found, wanted, atol=1e-12 * np.abs(wanted).max())
