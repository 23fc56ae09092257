"""Batches of activations as blocks, without any framework, and what is said without PyTorch."""

import subprocess
import sys

import numpy as np
import pytest

import fastcca
from dlpack_producer import Producer, bfloat16
from fastcca._inputs.activations import Activation, as_blocks, layout_of

RNG = np.random.default_rng(0)
MAPS = RNG.normal(size=(6, 3, 4, 5)).astype(np.float32)  # NCHW
VECTORS = RNG.normal(size=(6, 2)).astype(np.float16)


def test_blocks_are_views_of_what_lies_there():
    blocks, dtypes = as_blocks(
        {"a": Activation(MAPS, "NCHW", "fold"), "b": Activation(MAPS[:, ::-1], "NCHW", "fold")}
    )
    assert all(np.shares_memory(block, MAPS) for block in blocks.values())
    expected = MAPS.transpose(0, 2, 3, 1).reshape(-1, 3)
    np.testing.assert_array_equal(blocks["a"].reshape(-1, 3), expected)
    np.testing.assert_array_equal(blocks["b"].reshape(-1, 3), expected[:, ::-1])
    assert dtypes == [np.float32, np.float32]


def test_ways_are_mixed_by_layer():
    blocks, dtypes = as_blocks(
        {
            "pooled": Activation(MAPS, "NCHW", "pool"),
            "flat": Activation(MAPS, "NCHW", "flatten"),
            "plain": Activation(VECTORS, "NC", "fold"),
            "one": Activation(MAPS[:, :, :1, :1], "NCHW", "fold"),
        }
    )
    np.testing.assert_allclose(blocks["pooled"], MAPS.mean((2, 3), dtype=np.float64), atol=1e-15)
    np.testing.assert_array_equal(blocks["flat"], MAPS.transpose(0, 2, 3, 1).reshape(6, -1))
    np.testing.assert_array_equal(blocks["plain"], VECTORS)
    np.testing.assert_array_equal(blocks["one"], MAPS[:, :, 0, 0])
    assert dtypes == [np.float32, np.float32, np.float16, np.float32]


def test_axes_of_another_order_are_paired():
    turned = np.ascontiguousarray(MAPS.transpose(3, 2, 0, 1))  # WHNC
    blocks, _ = as_blocks(
        {"a": Activation(MAPS, "NCHW", "fold"), "b": Activation(turned, "WHNC", "fold")}
    )
    np.testing.assert_array_equal(blocks["a"], blocks["b"])


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (Activation(MAPS[:, :, :2], "NCHW", "fold"), r"a \(H=4 x W=5\), b \(H=2 x W=5\); take spa"),
        (Activation(VECTORS, "NC", "fold"), r"a \(H=4 x W=5\), b \(one sample for each input\)"),
        (Activation(MAPS, "NCHW", "pool"), r"b \(one sample for each input\)"),
        (Activation(VECTORS[:5], "NC", "fold"), "a has 6 samples in this batch and b has 5"),
        (Activation(MAPS[0], "NCHW", "fold"), r"b has 3 axes .* layout 'NCHW'"),
    ],
)
def test_samples_that_do_not_pair(other, message):
    with pytest.raises(ValueError, match=message):
        as_blocks({"a": Activation(MAPS, "NCHW", "fold"), "b": other})


@pytest.mark.parametrize(
    ("kind", "ndim", "layout"),
    [
        ("Linear", 2, "NC"),
        ("Conv2d", 4, "NCHW"),
        ("LayerNorm", 4, "NHWC"),
        ("Conv3d", 5, "NCDHW"),
        ("LayerNorm", 3, "NTC"),
        ("LazyConv1d", 3, "NCT"),
        ("AdaptiveAvgPool1d", 3, "NCT"),
    ],
)
def test_layouts_by_kind(kind, ndim, layout):
    assert layout_of((kind, "Module", "object"), ndim, "fc", time_first=False) == layout


def test_layouts_that_are_open():
    assert layout_of(("LSTM",), 3, "fc", time_first=True) == "TNC"
    with pytest.raises(ValueError, match=r"fc gives 3 axes.*layouts=\{'fc': 'NTC'\}"):
        layout_of(("ReLU",), 3, "fc", time_first=None)
    with pytest.raises(ValueError, match="fc gives an array of 1 axes"):
        layout_of(("ReLU",), 1, "fc", time_first=False)


def test_pytorch_is_imported_on_demand_only():
    code = "import sys, fastcca; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_missing_pytorch_is_named():
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "try:\n    import fastcca.torch\n"
        "except ImportError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert 'pip install "fastcca[torch]"' in done.stdout


# --- other frameworks: what speaks DLPack or __array__ goes into Moments.update -------------------


class OnlyArray:
    """As Keras's and TensorFlow's tensors: nothing but a view as an array."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array


@pytest.mark.parametrize("wrap", [Producer, OnlyArray], ids=["dlpack", "__array__"])
def test_batches_of_other_frameworks_are_fed_by_hand(wrap):
    x = RNG.normal(size=(200, 4)).astype(np.float32)
    y = (x @ RNG.normal(size=(4, 3)) + RNG.normal(size=(200, 3))).astype(np.float32)
    moments = fastcca.Moments()
    for rows in np.split(np.arange(200), [30, 110, 111]):
        moments.update(first=wrap(x[rows]), second=wrap(y[rows]))
    expected = fastcca.cca(x, y).correlations
    found = fastcca.cca(moments.pair("first", "second")).correlations
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_bfloat16_of_other_frameworks():
    x = np.round(RNG.normal(size=(60, 3)) * 8).astype(np.float32)  # whole numbers of few digits
    y = np.round(RNG.normal(size=(60, 2)) * 8).astype(np.float32)
    moments = fastcca.Moments()
    for rows in (slice(0, 25), slice(25, 60)):
        moments.update(bfloat16(x[rows].copy()), bfloat16(y[rows].copy()))
    np.testing.assert_allclose(
        moments.covariance("x", "y"), (x - x.mean(0)).T @ (y - y.mean(0)) / 59, atol=1e-4
    )
