"""The documentation: its examples run, its numbers are those that the scripts print now."""

import doctest
import importlib
import importlib.util
import io
import pickle
import re
import warnings
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

import fastcca
from fastcca.cli import main

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.glob("*.md"), ROOT / "README.md"])
# by this file; of some, another test takes care
NOT_RUN = (
    "<!-- not run -->",
    "<!-- run by tests/test_reduce.py -->",
    "<!-- run by tests/test_jax.py -->",
    "<!-- run by tests/test_jax.py, where Keras is installed -->",
)
NEEDS_TORCH = "<!-- torch -->"
TORCH = importlib.util.find_spec("torch") is not None

FENCE = re.compile(r"(?P<before>[^\n]*)\n```(?P<language>\w*)\n(?P<code>.*?)\n```\n", re.DOTALL)


# --- examples ---------------------------------------------------------------------------------


def given(page: Path) -> dict[str, Any]:
    """Names that the examples of a page use without making them."""
    if page.name != "README.md" or page.parent != ROOT:
        return {}
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 6))
    y = x[:, :4] + rng.normal(size=(400, 4))

    def layer(width: int) -> Callable[[np.ndarray], np.ndarray]:
        weights = rng.normal(size=(6, width))
        return lambda batch: np.tanh(batch @ weights)

    layers = {"conv1": layer(5), "conv2": layer(4), "logits": layer(3)}
    other = fastcca.Moments()
    other.update(**{name: of(x) for name, of in layers.items()})
    return {
        "x": x,
        "y": y,
        "result": fastcca.cca(x, y),
        "conv_x": rng.normal(size=(100, 4, 5, 3)),
        "conv_y": rng.normal(size=(100, 4, 5, 2)),
        "acts1": x.T,
        "acts2": y.T,
        "loader": [x[:200], x[200:]],
        "layer1": layers["conv1"],
        "layer2": layers["conv2"],
        "head": layers["logits"],
        "other": other,
    }


def examples(page: Path) -> list[tuple[int, str]]:
    """Python blocks that are meant to run, each with the line of its page on which it starts."""
    text = page.read_text(encoding="utf-8")
    return [
        (text.count("\n", 0, block.start("code")) + 1, block["code"])
        for block in FENCE.finditer(text)
        if block["language"] == "python"
        and block["before"].strip() not in NOT_RUN
        and (TORCH or block["before"].strip() != NEEDS_TORCH)
    ]


def run(page: Path) -> dict[str, Any]:
    """Run the examples of a page in order, and return the names that are left."""
    names = given(page)
    runner = doctest.DocTestRunner(verbose=False)
    for line, code in examples(page):
        if ">>>" in code:
            test = doctest.DocTestParser().get_doctest(
                code + "\n", names, page.name, str(page), line - 1
            )
            report = io.StringIO()
            result = runner.run(test, out=report.write, clear_globs=False)
            assert result.failed == 0, report.getvalue()
            names.update(test.globs)
        else:
            # the blank lines put an error on its line of the page
            exec(compile("\n" * (line - 1) + code, str(page), "exec"), names)
    return names


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_examples_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    with redirect_stdout(io.StringIO()):
        run(page)


def test_what_is_run_and_what_not():
    # so that a slip in the pattern does not pass for success
    counts = {page.name: len(examples(page)) for page in DOCS.glob("*.md")}

    assert counts["activations.md"] == 5
    assert counts["which-measure.md"] == 5
    assert counts["live-networks.md"] == TORCH
    assert counts["out-of-core.md"] == 2
    assert len(examples(ROOT / "README.md")) >= 3


# --- links ------------------------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    """Anchors that code hosts make of headings."""
    heads = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_within_the_repository(page):
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path) if path else page
        assert there.exists(), f"{page.name}: {target}"
        assert not anchor or anchor in anchors(there), f"{page.name}: {target}"
    for label in re.findall(r"\]\[([^\]]+)\]", text):
        assert f"\n[{label}]: https://" in text, f"{page.name}: [{label}]"


def test_every_page_is_in_the_index():
    index = (DOCS / "README.md").read_text(encoding="utf-8")

    for page in DOCS.glob("*.md"):
        assert page.name == "README.md" or f"({page.name})" in index


# --- tables -----------------------------------------------------------------------------------


@pytest.fixture
def script(monkeypatch) -> Callable[[str], ModuleType]:
    """Import one of the scripts of the documentation."""
    monkeypatch.syspath_prepend(DOCS / "scripts")
    return importlib.import_module


def test_differences_are_what_the_script_prints(script):
    differences, pages = script("differences"), script("pages")

    for name, rows in differences.tables().items():
        pasted = pages.pasted(differences.PAGE, name)
        assert [cells[0] for cells in pasted] == [row.what for row in rows]
        assert [cells[1] for cells in pasted] == [row.who for row in rows]
        if any(row.kept for row in rows):
            assert [cells[2] for cells in pasted] == [row.kept for row in rows]
        for cells, row in zip(pasted, rows, strict=True):
            # the printed digits, whichever way the last one was rounded
            assert abs(float(cells[-1]) - row.value) < 0.51e-6, row.what


def test_differences_are_what_the_package_computes(script):
    differences = script("differences")
    with np.load(differences.DATA) as stored:
        x, y = stored["x"].T, stored["y"].T

    checked = 0
    for rows in differences.tables().values():
        for row in rows:
            call = re.match(r"`(\w+)([^`]+)`", row.who)
            if call is None or "google" in call[2]:  # see below
                continue
            found = eval(f"fastcca.{call[1]}{call[2]}", {"fastcca": fastcca, "x": x, "y": y})
            value = getattr(found, "value", None)
            value = getattr(found, "mean", found) if value is None else value
            assert value == pytest.approx(row.value, abs=1e-9), row.who
            checked += 1
    assert checked == 9


def test_google_pwcca_lies_among_its_signs(script):
    # which signs the SVD returns, and with them the value, is up to the LAPACK
    rows = {row.what: row.value for row in script("differences").tables()["pwcca"]}
    with np.load(script("differences").DATA) as stored:
        value = fastcca.pwcca(stored["x"].T, stored["y"].T, variant="google").value

    smallest = rows["the same, the smallest over signs of directions"]
    largest = rows["the same, the largest over signs of directions"]
    assert smallest - 1e-9 <= value <= largest + 1e-9
    assert smallest < rows["... and features projected uncentred"] < largest


def test_layer_matching_table(script):
    layer_matching, pages = script("layer_matching"), script("pages")

    rows = pages.pasted(layer_matching.PAGE, "layer-matching")

    assert [cells[0] for cells in rows] == ["by guessing", *layer_matching.MEASURES]
    for cells in rows:
        assert len(cells) == 1 + len(layer_matching.SETTINGS)
        for cell in cells[1:]:
            share = float(cell.split(" ± ")[0])
            assert 0.0 <= share <= 100.0
    text = layer_matching.PAGE.read_text(encoding="utf-8")
    for setting in layer_matching.SETTINGS:
        assert f"| {setting.title} |" in text


def test_layer_matching_counts_layers(script):
    share_matched = script("layer_matching").share_matched
    rng = np.random.default_rng(0)
    layers = [rng.normal(size=(50, 3)) for _ in range(4)]
    same = [[layer @ rng.normal(size=(3, 3)) for layer in layers] for _ in range(3)]
    measure = script("layer_matching").MEASURES["CCA, mean"]

    assert share_matched(same, measure) == (1.0, 0.0)
    backwards = [same[0], same[1][::-1]]
    assert share_matched(backwards, measure)[0] == 0.0


def invariance_rows() -> list[list[str]]:
    text = (DOCS / "which-measure.md").read_text(encoding="utf-8")
    lines = text.split("<!-- invariances -->\n")[1].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize("row", invariance_rows(), ids=lambda row: row[0])
def test_invariances(row):
    rng = np.random.default_rng(0)
    latent = rng.normal(size=(400, 4))
    x = (latent @ rng.normal(size=(4, 5)) + rng.normal(size=(400, 5))) * [1, 2, 3, 4, 5] + 2.0
    y = (latent @ rng.normal(size=(4, 6)) + rng.normal(size=(400, 6))) * [1, 2, 1, 3, 1, 4] - 1.0
    code = compile(row[0].strip("`").replace("`", ""), "table", "eval")
    functions = {name: getattr(fastcca, name) for name in fastcca.__all__}

    def value(x: np.ndarray, y: np.ndarray) -> float:
        return float(eval(code, {**functions, "x": x, "y": y}))

    def invertible(a: np.ndarray) -> np.ndarray:
        return a @ (rng.normal(size=(a.shape[1], a.shape[1])) + 3.0 * np.eye(a.shape[1]))

    def rotated(a: np.ndarray) -> np.ndarray:
        return a @ np.linalg.qr(rng.normal(size=(a.shape[1], a.shape[1])))[0]

    def scaled(a: np.ndarray) -> np.ndarray:
        return a * rng.uniform(0.2, 5.0, size=a.shape[1])

    expected = value(x, y)
    google = "google" in row[0]
    transforms = [
        *(
            (f(x), y) if side == "x" else (x, f(y))
            for f in (invertible, rotated, scaled)
            for side in "xy"
        ),
        (y, x),
    ]
    for cell, transformed in zip(row[1:], transforms, strict=True):
        same = abs(value(*transformed) - expected) < 1e-9
        # "no" for google's: a map may happen to flip no sign
        assert same == (cell == "yes") or (google and cell == "no"), cell
    if not google:
        assert value(7.0 * x[:, ::-1] + 3.0, y) == pytest.approx(expected, abs=1e-9)


# --- pickles ----------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickled_arrays_are_converted(protocol, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with redirect_stdout(io.StringIO()):
        convert = run(DOCS / "activations.md")["convert"]
    array = np.random.default_rng(0).normal(size=(5, 7)).astype(np.float32)
    (tmp_path / "acts.p").write_bytes(pickle.dumps(array, protocol))

    convert(tmp_path / "acts.p")

    np.testing.assert_array_equal(np.load(tmp_path / "acts.npy", allow_pickle=False), array)


class Runs:
    """What a hostile pickle does."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (print, ("this must not run",))


def test_hostile_pickles_are_not_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    convert = run(DOCS / "activations.md")["convert"]
    capsys.readouterr()
    for content in (Runs(), SimpleNamespace(a=1), np.array([Runs()], dtype=object)):
        (tmp_path / "acts.p").write_bytes(pickle.dumps(content))

        with pytest.raises(pickle.UnpicklingError, match="not loaded"):
            convert(tmp_path / "acts.p")

    assert capsys.readouterr().out == ""
    assert not (tmp_path / "acts.npy").exists()


def test_the_refusal_is_quoted_as_it_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "acts.p").write_bytes(pickle.dumps(np.zeros((4, 2))))
    page = (DOCS / "activations.md").read_text(encoding="utf-8")
    command, quoted = page.split("<!-- console -->\n```\n$ fastcca ")[1].split("\n")[:2]
    error = io.StringIO()

    with redirect_stderr(error), warnings.catch_warnings():
        assert main(command.split()) == 2

    assert error.getvalue() == quoted + "\n"
