"""Values that are computed when they are first read, by whatever reads them."""

import copy
import json
import pickle

import numpy as np
import pandas as pd
import pytest

from fastcca.compat import cca_core
from fastcca.compat._lazy_dict import LazyDict

PLAIN = {"now": 1, "later": 2}


@pytest.fixture
def lazy():
    found = LazyDict(now=1)
    calls = []
    found.defer("later", lambda: calls.append("later") or 2)
    found.calls = calls
    return found


READERS = {
    "dict": dict,
    "unpacked": lambda d: {**d},
    "arguments": lambda d: (lambda **keywords: keywords)(**d),
    "update": lambda d: [new := {}, new.update(d)][0],
    "union": lambda d: d | {},
    "other union": lambda d: {} | d,
    "items": lambda d: dict(d.items()),
    "values": lambda d: dict(zip(d.keys(), d.values(), strict=True)),
    "get": lambda d: {key: d.get(key) for key in d},
    "setdefault": lambda d: {key: d.setdefault(key, 7) for key in d},
    "pop": lambda d: {key: d.pop(key) for key in list(d)},
    "popitem": lambda d: dict([d.popitem(), d.popitem()]),
    "copy": lambda d: d.copy(),
    "copy.copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda d: pickle.loads(pickle.dumps(d)),
    "json": lambda d: json.loads(json.dumps(d)),
    "pandas": lambda d: pd.Series(d).to_dict(),
    "repr": lambda d: eval(repr(d)),
    "equality": lambda d: PLAIN if d == PLAIN else None,
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_every_reader_finds_the_value(lazy, read):
    assert lazy.calls == []
    found = read(lazy)
    assert type(found) is dict
    assert found == PLAIN
    assert lazy.calls == ["later"]


def make_lazy(**later):
    found = LazyDict()
    for key, value in later.items():
        found.defer(key, lambda value=value: value)
    return found


def test_comparisons_compute():
    assert make_lazy(now=1, later=2) == PLAIN
    assert not make_lazy(now=1, later=2) != PLAIN  # noqa: SIM202 - both operators are tested
    assert make_lazy(now=1, later=2) == make_lazy(later=2, now=1)
    assert make_lazy(now=1, later=2) != make_lazy(now=1, later=3)
    assert make_lazy(now=1) != PLAIN
    assert make_lazy(now=1) != 1


def test_an_error_of_a_computation_is_not_a_missing_key():
    found = LazyDict()
    found.defer("later", lambda: {}["inner"])
    with pytest.raises(KeyError, match="inner"):
        found.get("later")


def test_keys_compute_nothing_and_a_value_is_computed_once(lazy):
    assert list(lazy) == list(lazy.keys()) == ["now", "later"]
    assert len(lazy) == 2
    assert "later" in lazy
    assert lazy["now"] == lazy.get("now") == 1
    assert lazy.get("missing", 5) == lazy.pop("missing", 5) == lazy.setdefault("set", 5) == 5
    assert lazy.calls == []
    assert lazy["later"] == lazy["later"] == 2
    assert lazy.calls == ["later"]
    with pytest.raises(KeyError, match="missing"):
        lazy["missing"]


def test_a_value_that_is_set_or_deleted_is_not_computed(lazy):
    lazy["later"] = 4
    assert lazy == {"now": 1, "later": 4}
    lazy.defer("later", lambda: 1 / 0)
    del lazy["later"]
    assert lazy == {"now": 1}


def test_similarity_builds_the_full_arrays_on_reading(monkeypatch):
    rng = np.random.default_rng(3)
    built = []
    build = cca_core._SideCoefficients.over_all_neurons

    def counted(side, matrix):
        built.append(matrix.shape)
        return build(side, matrix)

    monkeypatch.setattr(cca_core._SideCoefficients, "over_all_neurons", counted)
    acts = rng.standard_normal((5, 40))
    acts[2] = 0.0
    found = cca_core.get_cca_similarity(acts, rng.standard_normal((3, 40)), epsilon=1e-10)
    assert built == []
    assert found["full_coef_x"].shape == (5, 5)
    assert built == [(4, 4)]
    np.testing.assert_array_equal(
        found["full_coef_x"][[0, 1, 3, 4]][:, [0, 1, 3, 4]], found["coef_x"]
    )
    assert not found["full_coef_x"][2].any()
