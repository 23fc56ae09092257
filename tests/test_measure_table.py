"""A measure that exists anywhere exists everywhere, with one number."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

import fastcca
from fastcca._measures.measure import MEASURES
from fastcca.cli import main

DOCS = Path(__file__).parents[1] / "docs"

# The public function behind each name.
SINGLE = {
    "cca": lambda x, y: fastcca.cca(x, y).mean,
    "r2_cca": lambda x, y: fastcca.cca(x, y).mean_squared,
    "svcca": lambda x, y: fastcca.svcca(x, y).mean,
    "pwcca": lambda x, y: fastcca.pwcca(x, y).value,
    "pls": lambda x, y: fastcca.pls(x, y).singular_values.sum(),
    "cka": fastcca.cka,
    "cka_debiased": lambda x, y: fastcca.cka(x, y, debiased=True),
    "procrustes": fastcca.procrustes,
    "linear_regression_r2": fastcca.linear_regression_r2,
}
every_measure = pytest.mark.parametrize("measure", MEASURES)


@pytest.fixture
def blocks():
    rng = np.random.default_rng(5)
    shared = rng.normal(size=(120, 3))
    x = shared @ rng.normal(size=(3, 6)) + rng.normal(size=(120, 6)) + 1.0
    y = shared @ rng.normal(size=(3, 4)) + rng.normal(size=(120, 4)) - 2.0
    return x, y


def test_the_table_is_what_is_tested():
    assert MEASURES.keys() == SINGLE.keys()


def test_compare_all(blocks):
    found = fastcca.compare(*blocks, "all")
    assert found == fastcca.compare(*blocks, list(MEASURES))
    assert list(found) == list(MEASURES)
    for name, value in found.items():
        assert value == pytest.approx(SINGLE[name](*blocks), rel=1e-12)


def test_compare_all_that_a_state_can_tell(blocks):
    moments = fastcca.Moments()
    moments.update(*blocks)
    told = fastcca.compare(moments, measures="all")
    assert told.keys() == {name for name, m in MEASURES.items() if not m.needs_samples}
    with pytest.raises(ValueError, match="needs the samples themselves"):
        fastcca.compare(moments, measures="cka_debiased")
    with pytest.raises(ValueError, match="needs the samples themselves"):
        fastcca.pairwise(moments, measure="cka_debiased")


@every_measure
def test_pairwise_and_dynamics(blocks, measure):
    found = fastcca.pairwise(list(blocks), measure=measure).values
    expected = [[SINGLE[measure](x, y) for y in blocks] for x in blocks]
    np.testing.assert_allclose(found, expected, rtol=1e-10)
    over_time = fastcca.dynamics([list(blocks)], list(blocks), measure=measure)
    np.testing.assert_allclose(over_time.values[0], expected, rtol=1e-10)


@every_measure
def test_permutation_test(blocks, measure):
    x, y = blocks
    test = fastcca.permutation_test(x, y, measure=measure, n_permutations=30, seed=1)
    assert test.value == pytest.approx(SINGLE[measure](x, y), rel=1e-12)
    assert test.p_value == 1 / 31
    orders = [np.random.default_rng(seed).permutation(120) for seed in seeds(1, 3)]
    expected = [SINGLE[measure](x, y[order]) for order in orders]
    np.testing.assert_allclose(test.null[:3], expected, rtol=1e-6, atol=1e-8)


@every_measure
def test_bootstrap(blocks, measure):
    x, y = blocks
    found = fastcca.bootstrap(x, y, measure=measure, n_resamples=3, seed=1)
    assert found.value == pytest.approx(SINGLE[measure](x, y), rel=1e-12)
    drawn = [np.random.default_rng(seed).integers(120, size=120) for seed in seeds(1, 3)]
    expected = [SINGLE[measure](x[rows], y[rows]) for rows in drawn]
    np.testing.assert_allclose(found.bootstrap_distribution, expected, rtol=1e-10)


def seeds(seed, count):
    return np.random.SeedSequence(seed).spawn(count)


def test_command_line(blocks, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, block in zip("xy", blocks, strict=True):
        np.save(f"{name}.npy", block)
    np.savez("layers.npz", x=blocks[0], y=blocks[1])

    assert main(["compare", "x.npy", "y.npy", "--measure", ",".join(MEASURES), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    for measure, label in ((m, MEASURES[m].label) for m in MEASURES):
        assert told[measure] == pytest.approx(SINGLE[measure](*blocks), rel=1e-12)
        assert main(["matrix", "layers.npz", "--measure", measure]) == 0
        assert label in " ".join(capsys.readouterr().out.split())


def test_docs_list_what_the_table_has():
    page = (DOCS / "which-measure.md").read_text(encoding="utf-8")
    section = page.split("<!-- measures -->")[1].split("<!-- /measures -->")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", section, re.MULTILINE)
    assert rows == [(name, measure.label) for name, measure in MEASURES.items()]


@pytest.mark.parametrize(
    "function",
    [fastcca.compare, fastcca.pairwise, fastcca.permutation_test],
    ids=lambda function: function.__name__,
)
@every_measure
def test_docstrings_list_it(function, measure):
    assert f'"{measure}"' in function.__doc__
