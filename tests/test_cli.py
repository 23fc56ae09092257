"""The command line: numbers, files, and one clean line for every mistake."""

import json
import os
import pickle
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

import fastcca
from fastcca._measures import compare as _compare
from fastcca._measures.measure import MEASURES
from fastcca.cli import main
from fastcca.cli.files import read_array
from fastcca.cli.output import format_table, print_table

GOOGLE_LOGITS = Path(__file__).parent / "data" / "google_mnist_logits.npz"


@pytest.fixture
def arrays():
    rng = np.random.default_rng(7)
    shared = rng.normal(size=(200, 3))
    x = np.hstack([shared @ rng.normal(size=(3, 2)), rng.normal(size=(200, 3))]) + 4
    y = np.hstack([shared + rng.normal(size=(200, 3)), rng.normal(size=(200, 1))])
    return x, y


@pytest.fixture
def in_files(arrays, tmp_path, monkeypatch):
    """A.npy and B.npy in the current folder."""
    monkeypatch.chdir(tmp_path)
    for name, array in zip(("A.npy", "B.npy"), arrays, strict=True):
        np.save(name, array)
    return tmp_path


def canonical_correlations(x, y):
    """Björck and Golub (1973): singular values between orthonormal bases."""
    qx, qy = (np.linalg.qr(block - block.mean(0))[0] for block in (x, y))
    return np.linalg.svd(qx.T @ qy, compute_uv=False)


def run_json(capsys, *argv):
    assert main([*argv, "--json"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return json.loads(out)


def run_error(capsys, *argv):
    assert main([str(arg) for arg in argv]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("fastcca: error: ")
    assert err.endswith("\n")
    assert err.count("\n") == 1
    return err


# The numbers


def test_json_agrees_with_qr_and_svd(in_files, arrays, capsys):
    expected = canonical_correlations(*arrays)
    got = run_json(capsys, "compare", "A.npy", "B.npy")
    assert got["cca"] == pytest.approx(expected.mean(), abs=1e-13)
    assert got["mean_squared"] == pytest.approx((expected**2).mean(), abs=1e-13)
    np.testing.assert_allclose(got["correlations"], expected, atol=1e-13)
    assert got["n_samples"] == 200
    assert (got["x_shape"], got["y_shape"]) == ([200, 5], [200, 4])
    assert (got["x_rank"], got["y_rank"]) == (5, 4)
    assert (got["x_dead"], got["y_dead"]) == ([], [])
    assert got["condition"] > 1


def test_json_keeps_every_digit(in_files, arrays, capsys):
    got = run_json(capsys, "compare", "A.npy", "B.npy")
    assert got["cca"] == fastcca.cca(*arrays, weights=False).mean


def test_features_first_is_the_transpose(in_files, arrays, capsys):
    np.save("At.npy", arrays[0].T)
    np.save("Bt.npy", np.asfortranarray(arrays[1].T))
    expected = run_json(capsys, "compare", "A.npy", "B.npy")
    got = run_json(capsys, "compare", "At.npy", "Bt.npy", "--features-first")
    assert got == expected


@pytest.mark.parametrize("features_first", [True, False])
def test_google_mnist_logits(features_first, tmp_path, capsys):
    with np.load(GOOGLE_LOGITS) as data:
        for name in ("x", "y"):
            np.save(tmp_path / name, data[name] if features_first else data[name].T)
    argv = ["compare", str(tmp_path / "x.npy"), str(tmp_path / "y.npy")]
    got = run_json(capsys, *argv, *(["--features-first"] if features_first else []))
    assert f"{got['cca']:.8f}" == "0.70572631"
    assert got["x_shape"] == [10000, 10]


def test_constant_feature_is_reported(in_files, arrays, capsys):
    x = arrays[0].copy()
    x[:, 2] = 1
    np.save("A.npy", x)
    got = run_json(capsys, "compare", "A.npy", "B.npy")
    assert got["x_rank"] == 4
    assert got["x_dead"] == [2]
    assert main(["compare", "A.npy", "B.npy"]) == 0
    assert "rank 4, 1 constant" in capsys.readouterr().out


def test_table_shows_the_numbers(in_files, arrays, capsys):
    assert main(["compare", "A.npy", "B.npy"]) == 0
    out, err = capsys.readouterr()
    expected = canonical_correlations(*arrays)
    assert f"{expected.mean():.8f}" in out
    assert f"{(expected**2).mean():.8f}" in out
    assert f"{expected[0]:.4f} {expected[1]:.4f}" in out
    assert "A.npy (200 x 5, rank 5)" in out
    assert err == ""


def test_table_without_rich(in_files, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "rich", None)
    assert main(["compare", "A.npy", "B.npy"]) == 0
    lines = capsys.readouterr().out.splitlines()
    starts = {line.index(line.split("  ")[-1].strip()) for line in lines}
    assert len(starts) == 1, "the second column is not aligned"
    assert lines[0].startswith("x  ")


def test_plain_matrix_is_aligned():
    text = format_table(
        [["one", "1.0", "0.25"], ["eleven", "10.5", "2"]],
        header=["", "p", "q"],
        title="T",
        align_right=True,
    )
    assert text == "T\n           p     q\none      1.0  0.25\neleven  10.5     2"


def test_file_names_are_not_markup(capsys):
    print_table([["x", "[bold]a[/bold].npy"]])
    assert "[bold]a[/bold].npy" in capsys.readouterr().out


# Warnings


def test_warning_is_one_clean_line(in_files, arrays, capsys):
    for name, array in zip(("A.npy", "B.npy"), arrays, strict=True):
        np.save(name, array[:12])
    for _ in range(2):  # every run warns, not only the first of a process
        assert main(["compare", "A.npy", "B.npy", "--json"]) == 0
        out, err = capsys.readouterr()
        json.loads(out)
        assert err.startswith("fastcca: warning: 12 samples for 5 features")
        assert err.count("\n") == 1
        assert "warn(" not in err


def test_warns_of_a_forgotten_transpose(in_files, arrays, capsys):
    np.save("A.npy", arrays[0][:, :4].T)
    np.save("B.npy", arrays[1].T)
    assert main(["compare", "A.npy", "B.npy"]) == 0
    assert "add --features-first" in capsys.readouterr().err


def test_warning_filters_are_restored(in_files, capsys):
    before = warnings.filters[:], warnings.showwarning
    main(["compare", "A.npy", "B.npy"])
    assert (warnings.filters[:], warnings.showwarning) == before


# Files


def test_npy_is_mapped(in_files, arrays):
    array = read_array("A.npy")
    assert isinstance(array, np.memmap)
    np.testing.assert_array_equal(array, arrays[0])


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i4", "u1", "?"])
def test_safetensors_is_mapped(dtype, in_files, arrays):
    x, y = (array.astype(dtype) for array in arrays)
    save_file({"first": x, "second/one": y}, "both.safetensors")
    for name, expected in (("first", x), ("second/one", y)):
        array = read_array(f"both.safetensors:{name}")
        assert isinstance(array, np.memmap)
        assert array.dtype == expected.dtype
        np.testing.assert_array_equal(array, expected)


def test_empty_safetensors_array(in_files):
    save_file({"x": np.empty((0, 3), np.float32)}, "empty.safetensors")
    assert read_array("empty.safetensors").shape == (0, 3)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz(save, in_files, arrays):
    save("both.npz", x=arrays[0], **{"a:b": arrays[1]})
    np.testing.assert_array_equal(read_array("both.npz:x"), arrays[0])
    np.testing.assert_array_equal(read_array("both.npz:a:b"), arrays[1])


def test_single_array_needs_no_name(in_files, arrays):
    np.savez("one.npz", arrays[0])
    np.testing.assert_array_equal(read_array("one.npz"), arrays[0])


def test_colon_in_a_file_name(in_files, arrays):
    Path("A.npy").rename("a:b.npy")
    np.savez("c:d.npz", x=arrays[1])
    np.testing.assert_array_equal(read_array("a:b.npy"), arrays[0])
    np.testing.assert_array_equal(read_array("c:d.npz:x"), arrays[1])


def test_all_kinds_of_file_give_the_same(in_files, arrays, capsys):
    np.savez("x.npz", only=arrays[0])
    save_file({"x": arrays[0], "y": arrays[1]}, "xy.safetensors")
    expected = run_json(capsys, "compare", "A.npy", "B.npy")
    assert run_json(capsys, "compare", "x.npz", "xy.safetensors:y") == expected


# Mistakes


def test_several_arrays_are_listed(in_files, arrays, capsys):
    np.savez("both.npz", first=arrays[0], second=arrays[1])
    save_file({"p": arrays[0], "q": arrays[1]}, "both.safetensors")
    message = run_error(capsys, "compare", "both.npz", "B.npy")
    assert "both.npz:NAME from: first, second" in message
    message = run_error(capsys, "compare", "both.safetensors", "B.npy")
    assert "both.safetensors:NAME from: p, q" in message
    message = run_error(capsys, "compare", "both.npz:third", "B.npy")
    assert "no array 'third'; it holds: first, second" in message


def test_long_lists_of_arrays_are_cut(in_files, capsys):
    np.savez("many.npz", **{f"layer{i}": np.ones((2, 2)) for i in range(30)})
    message = run_error(capsys, "compare", "many.npz", "B.npy")
    assert "layer19 and 10 more" in message
    assert "layer20" not in message


def test_npy_has_no_names(in_files, capsys):
    assert "leave out ':x'" in run_error(capsys, "compare", "A.npy:x", "B.npy")


class Explosive:
    def __reduce__(self):
        return (pytest.fail, ("the pickle was loaded",))


@pytest.mark.parametrize("suffix", [".p", ".pkl", ".pickle", ".pt", ".PKL", ".npy", ".npz", ".dat"])
def test_pickles_are_refused_under_any_name(suffix, in_files, capsys):
    path = Path("acts" + suffix)
    path.write_bytes(pickle.dumps(Explosive()))
    message = run_error(capsys, "compare", path, "B.npy")
    assert "runs code" in message
    assert "numpy.save('acts.npy', array)" in message


def test_object_arrays_are_refused(in_files, capsys):
    array = np.array([[1, None], [Explosive(), 2]], dtype=object)
    np.save("objects.npy", array, allow_pickle=True)
    np.savez("objects.npz", x=array)
    for path in ("objects.npy", "objects.npz"):
        assert "runs code" in run_error(capsys, "compare", path, "B.npy")


def test_missing_file(in_files, capsys):
    assert "no such file: C.npy" in run_error(capsys, "compare", "C.npy", "B.npy")
    assert "no such file: C.npz:x" in run_error(capsys, "compare", "A.npy", "C.npz:x")


def test_folder_in_place_of_a_file(in_files, capsys):
    Path("folder.npy").mkdir()
    assert "cannot read folder.npy" in run_error(capsys, "compare", "folder.npy", "B.npy")


def test_unknown_suffix(in_files, capsys):
    Path("a.csv").write_text("1,2\n")
    assert ".npy, .npz, .safetensors" in run_error(capsys, "compare", "a.csv", "B.npy")


def half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes(b ^ 0xFF for b in data[middle : middle + 16]) + data[middle + 16 :]


@pytest.mark.parametrize(
    ("suffix", "damage"),
    [
        (".npy", half),
        (".npz", half),
        (".npz", flipped),
        (".safetensors", half),
        (".npy", lambda data: b"text, no array\n"),
        (".npz", lambda data: b"text, no array\n"),
        (".safetensors", lambda data: b"text, no array\n"),
        (".npy", lambda data: data[:20]),
        (".npy", lambda data: b""),
        (".npz", lambda data: b""),
        (".safetensors", lambda data: b""),
    ],
)
def test_damaged_files(suffix, damage, in_files, arrays, capsys):
    path = Path("damaged" + suffix)
    if suffix == ".npy":
        np.save(path, arrays[0])
    elif suffix == ".npz":
        np.savez_compressed(path, x=arrays[0])
    else:
        save_file({"x": arrays[0]}, path)
    path.write_bytes(damage(path.read_bytes()))
    assert f"cannot read {path}" in run_error(capsys, "compare", path, "B.npy")


def test_npz_without_arrays(in_files, capsys):
    np.savez("none.npz")
    assert "holds no array" in run_error(capsys, "compare", "none.npz", "B.npy")
    with zipfile.ZipFile("text.npz", "w") as archive:
        archive.writestr("notes.txt", "no array")
    assert "is no array" in run_error(capsys, "compare", "text.npz", "B.npy")


def write_safetensors(path, dtype, shape, data):
    entry = {"dtype": dtype, "shape": shape, "data_offsets": [0, len(data)]}
    header = json.dumps({"x": entry}).encode()
    Path(path).write_bytes(len(header).to_bytes(8, "little") + header + data)


def test_eight_bits_name_the_way_round(in_files, capsys):
    write_safetensors("f8.safetensors", "F8_E4M3", [2, 2], bytes(4))
    message = run_error(capsys, "compare", "f8.safetensors", "B.npy")
    assert "F8_E4M3" in message
    assert "float32" in message


def test_bfloat16(in_files, capsys):
    bits = np.load("A.npy").astype(np.float32).view(np.uint32) & np.uint32(0xFFFF0000)
    np.save("wide.npy", bits.view(np.float32))
    write_safetensors(
        "bf16.safetensors", "BF16", bits.shape, (bits >> 16).astype(np.uint16).tobytes()
    )
    found = run_json(capsys, "compare", "bf16.safetensors", "B.npy")
    expected = run_json(capsys, "compare", "wide.npy", "B.npy")
    assert found["correlations"] == expected["correlations"]


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.full((200, 2), np.nan), "A.npy"),
        (np.ones(200), "A.npy"),
        (np.ones((200, 2, 2)), "A.npy"),
        (np.full((200, 2), "text"), "A.npy"),
        (np.zeros((200, 2), "M8[s]"), "A.npy"),
        (np.ones((0, 2)), "samples"),
    ],
)
def test_bad_data(array, said, in_files, capsys):
    np.save("A.npy", array)
    assert said in run_error(capsys, "compare", "A.npy", "B.npy")


def test_complex_files(in_files, arrays, capsys):
    z = arrays[0] + 1j * np.roll(arrays[0], 1, axis=0)
    np.save("Z.npy", z)
    found = run_json(capsys, "compare", "Z.npy", "B.npy", "--measure", "cca,r2_cca")
    expected = fastcca.cca(z, arrays[1])
    assert found["cca"] == pytest.approx(expected.mean, abs=1e-12)
    assert found["r2_cca"] == pytest.approx(expected.mean_squared, abs=1e-12)
    for measure in ("svcca", "pwcca", "cka", "procrustes", "linear_regression_r2"):
        for pair, side in ((("Z.npy", "B.npy"), "x"), (("B.npy", "Z.npy"), "y")):
            message = run_error(capsys, "compare", *pair, "--measure", f"cca,{measure}")
            assert f"{side} is complex" in message
            assert "Z.npy" in message


def test_different_numbers_of_samples(in_files, arrays, capsys):
    np.save("A.npy", arrays[0][:150])
    message = run_error(capsys, "compare", "A.npy", "B.npy")
    assert "A.npy has 150 samples but B.npy has 200" in message
    assert "--features-first" not in message


def test_mistaken_orientation_is_pointed_out(in_files, arrays, capsys):
    np.save("At.npy", arrays[0].T)
    np.save("Bt.npy", arrays[1].T)
    assert "add --features-first" in run_error(capsys, "compare", "At.npy", "Bt.npy")
    message = run_error(capsys, "compare", "A.npy", "B.npy", "--features-first")
    assert "without --features-first they would match" in message


def test_out_of_memory_is_told(in_files, capsys, monkeypatch):
    def exhaust(_comparison):
        raise MemoryError

    monkeypatch.setattr(_compare.Comparison, "values", exhaust)
    assert "not enough memory" in run_error(capsys, "compare", "A.npy", "B.npy")


def test_every_measure_of_compare(in_files, arrays, capsys):
    got = run_json(capsys, "compare", "A.npy", "B.npy", "--measure", ",".join(MEASURES))
    assert {name: got[name] for name in MEASURES} == fastcca.compare(*arrays, MEASURES)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--layout", "NHWC"], {"layout": "NHWC"}),
        (["--layout", "NHWC", "--spatial", "pool"], {"layout": "NHWC", "spatial": "pool"}),
        (
            ["--layout", "NHWC,NC", "--spatial", "pool"],
            {"layout": ("NHWC", "NC"), "spatial": "pool"},
        ),
    ],
)
def test_layouts(options, expected, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(5)
    x = rng.normal(size=(60, 4, 5, 3))
    y = (
        rng.normal(size=(60, 2))
        if "NHWC,NC" in options
        else x[..., :2] + rng.normal(size=(60, 4, 5, 2))
    )
    np.save("X.npy", x)
    np.save("Y.npy", y)
    got = run_json(capsys, "compare", "X.npy", "Y.npy", *options)
    found = fastcca.cca(x, y, **expected)
    assert got["cca"] == pytest.approx(found.mean, abs=1e-12)
    assert got["n_samples"] == found.n_samples


def test_layout_and_features_first_exclude_each_other(in_files, capsys):
    message = run_error(capsys, "compare", "A.npy", "B.npy", "--features-first", "--layout", "NC")
    assert "exclude each other" in message


@pytest.mark.parametrize("measures", ["nonsense", "cca,nonsense"])
def test_unknown_measure_names_those_there_are(measures, in_files, capsys):
    message = run_error(capsys, "compare", "A.npy", "B.npy", "--measure", measures)
    assert f"unknown measure 'nonsense'; there are {', '.join(MEASURES)}" in message


@pytest.mark.parametrize("argv", [[], ["nonsense"], ["compare", "A.npy"], ["info", "--nonsense"]])
def test_bad_usage(argv, capsys):
    assert "--help" in run_error(capsys, *argv)


def test_bad_environment(in_files, capsys, monkeypatch):
    monkeypatch.setenv("FASTCCA_BACKEND", "nonsense")
    assert "FASTCCA_BACKEND" in run_error(capsys, "compare", "A.npy", "B.npy")


def test_bad_environment_of_the_core():
    # the core reads it once per process
    run = subprocess.run(
        [sys.executable, "-m", "fastcca", "info"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "FASTCCA_NUM_THREADS": "many"},
    )
    assert run.returncode == 2
    assert run.stderr.startswith("fastcca: error: FASTCCA_NUM_THREADS='many'")
    assert run.stderr.count("\n") == 1


# Pictures


@pytest.mark.parametrize("width", [4, 60])
def test_plot(width, tmp_path, capsys):
    from matplotlib.image import imread

    rng = np.random.default_rng(0)
    np.save(tmp_path / "a.npy", rng.normal(size=(400, width)))
    np.save(tmp_path / "b.npy", rng.normal(size=(400, width)))
    picture = tmp_path / "picture.png"
    argv = ["compare", str(tmp_path / "a.npy"), str(tmp_path / "b.npy"), "--plot", str(picture)]
    assert main(argv) == 0
    assert "picture" in capsys.readouterr().out
    pixels = imread(picture)
    assert pixels.shape[0] > 400
    assert pixels.shape[1] > 600
    assert np.unique(pixels.reshape(-1, pixels.shape[2]), axis=0).shape[0] > 10, "it is blank"


def test_plot_and_json(in_files, capsys):
    run_json(capsys, "compare", "A.npy", "B.npy", "--plot", "p.svg")
    assert "<svg" in Path("p.svg").read_text()


@pytest.mark.parametrize(
    ("target", "said"),
    [("p.txt", ".png"), ("p", ".png"), ("nowhere/p.png", "no such folder")],
)
def test_plot_target_is_checked_before_any_work(target, said, in_files, capsys):
    assert said in run_error(capsys, "compare", "missing.npy", "B.npy", "--plot", target)


def test_plot_of_nothing(in_files, capsys):
    np.save("A.npy", np.ones((200, 2)))
    assert main(["compare", "A.npy", "B.npy", "--plot", "p.png"]) == 2
    assert "no correlations to draw" in capsys.readouterr().err


def test_plot_without_matplotlib(in_files, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    message = run_error(capsys, "compare", "A.npy", "B.npy", "--plot", "p.png")
    assert 'pip install "fastcca[plot]"' in message


def test_safetensors_without_the_library(in_files, arrays, capsys, monkeypatch):
    save_file({"x": arrays[0]}, "x.safetensors")
    monkeypatch.setitem(sys.modules, "safetensors", None)
    message = run_error(capsys, "compare", "x.safetensors", "B.npy")
    assert 'pip install "fastcca[files]"' in message


# The program


def test_info(capsys):
    config = fastcca.build_config()
    assert main(["info"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(config)
    assert json.loads(json.dumps(config, default=str)) == run_json(capsys, "info")


def test_version(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"fastcca {fastcca.__version__}\n"


def test_python_m(in_files, arrays):
    run = subprocess.run(
        [sys.executable, "-m", "fastcca", "compare", "A.npy", "B.npy", "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stderr == ""
    expected = canonical_correlations(*arrays).mean()
    assert json.loads(run.stdout)["cca"] == pytest.approx(expected, abs=1e-13)


def test_python_m_error_has_no_traceback(in_files):
    run = subprocess.run(
        [sys.executable, "-m", "fastcca", "compare", "A.npy", "missing.npy"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 2
    assert run.stderr == "fastcca: error: no such file: missing.npy\n"


def test_import_is_light():
    code = (
        "import sys, fastcca.cli\n"
        "print(*{'sklearn', 'matplotlib', 'rich', 'safetensors'} & sys.modules.keys())"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""


@pytest.mark.skipif(sys.platform == "win32", reason="pipes end otherwise there")
def test_reader_that_leaves_early():
    with subprocess.Popen(
        [sys.executable, "-m", "fastcca", "info"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as run:
        run.stdout.close()
        assert run.stderr.read() == b""
    assert run.returncode == 1
