"""``fastcca matrix``: layers from files and folders, and what comes out."""

import csv
import json
import warnings

import numpy as np
import pytest
from safetensors.numpy import save_file

import fastcca
from fastcca.cli import main
from fastcca.cli.files import read_layers

NAMES = ["conv1", "conv2", "conv10", "head"]


@pytest.fixture
def layers():
    rng = np.random.default_rng(0)
    base = rng.normal(size=(200, 3))
    return {
        name: np.hstack([base, rng.normal(size=(200, width))]) @ rng.normal(size=(3 + width,) * 2)
        for width, name in enumerate(NAMES, start=1)
    }


@pytest.fixture
def stored(layers, tmp_path, monkeypatch):
    """The layers in the current folder, three ways; in files the order is another."""
    monkeypatch.chdir(tmp_path)
    turned = dict(reversed(layers.items()))
    np.savez("net.npz", **turned)
    save_file({name: np.ascontiguousarray(a) for name, a in turned.items()}, "net.safetensors")
    (tmp_path / "net").mkdir()
    for name, array in turned.items():
        np.save(tmp_path / "net" / name, array)
    return tmp_path


@pytest.mark.parametrize("source", ["net", "net.npz", "net.safetensors"])
def test_layers_in_natural_order(source, stored, layers):
    found = read_layers(source)
    assert list(found) == NAMES
    for name in NAMES:
        np.testing.assert_array_equal(found[name], layers[name])


def test_one_layer(stored, layers):
    assert list(read_layers("net/conv2.npy")) == ["conv2"]
    assert list(read_layers("net.npz:conv10")) == ["conv10"]


def table(layers, of_pair):
    return [[of_pair(layers[x], layers[y]) for y in NAMES] for x in NAMES]


@pytest.mark.parametrize("source", ["net", "net.npz", "net.safetensors"])
@pytest.mark.parametrize(
    ("measure", "of_pair"),
    [
        ("svcca", lambda x, y: fastcca.svcca(x, y).mean),
        ("pwcca", lambda x, y: fastcca.pwcca(x, y).value),
        ("cka", fastcca.cka),
    ],
)
def test_values_are_those_of_single_calls(source, measure, of_pair, stored, layers, capsys):
    assert main(["matrix", source, "net.npz", "--measure", measure, "--json"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    got = json.loads(out)
    assert (got["measure"], got["x_names"], got["y_names"]) == (measure, NAMES, NAMES)
    np.testing.assert_allclose(got["values"], table(layers, of_pair), atol=1e-9)


def test_one_network_with_itself_as_table_csv_and_picture(stored, layers, capsys):
    assert main(["matrix", "net", "--measure", "cka", "--csv", "m.csv", "--plot", "m.png"]) == 0
    out = capsys.readouterr().out
    assert "conv10" in out
    assert "m.csv" in out
    with open("m.csv", newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert header == ["", *NAMES]
    assert [row[0] for row in rows] == NAMES
    values = [[float(cell) for cell in row[1:]] for row in rows]
    np.testing.assert_allclose(values, table(layers, fastcca.cka), atol=1e-9)
    assert f"{values[0][1]:.4f}" in out
    assert (stored / "m.png").read_bytes().startswith(b"\x89PNG")


def test_maps(stored, capsys):
    maps = np.random.default_rng(1).normal(size=(90, 3, 3, 4))
    np.savez("maps.npz", a=maps, b=maps[..., :2] ** 2)
    argv = ["matrix", "maps.npz", "--layout", "NHWC", "--spatial", "pool", "--measure", "cca"]
    assert main([*argv, "--json"]) == 0
    got = json.loads(capsys.readouterr().out)["values"]
    pooled = maps.mean(axis=(1, 2)), (maps[..., :2] ** 2).mean(axis=(1, 2))
    assert got[0][1] == pytest.approx(fastcca.cca(*pooled).mean, abs=1e-9)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["net", "--measure", "size"], "unknown measure 'size'"),
        (["nothing"], "no such file: nothing"),
        (["empty"], "empty is a folder without .npy files"),
        (["empty.npz"], "empty.npz holds no array"),
        (["bad.npz"], "cannot read bad.npz: not a zip file"),
        (["bad.safetensors"], "cannot read bad.safetensors"),
        (["net", "--csv", "no/m.csv"], "cannot write no/m.csv: no such folder"),
        (["net", "--plot", "m.docx"], "cannot write a picture to m.docx"),
        (["net", "short.npz"], "samples"),
    ],
)
def test_faults_are_one_line(argv, message, stored, capsys):
    (stored / "empty").mkdir()
    np.savez("empty.npz")
    for name in ("bad.npz", "bad.safetensors"):
        (stored / name).write_bytes(b"not what it says it is")
    np.savez("short.npz", a=np.ones((7, 2)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert main(["matrix", *argv]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("fastcca: error: ")
    assert message in err
    assert err.count("\n") == 1
