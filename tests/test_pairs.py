"""Moments of chosen pairs of blocks: what is kept is that of all pairs, to the bit."""

import pickle

import numpy as np
import pytest

import fastcca
from cases import COMPILED

NAMES = ("a/conv1", "a/conv2", "b/conv1", "b/conv2", "b/head")
WIDTHS = (4, 6, 5, 3, 2)
BETWEEN = {(a, b) for a in NAMES[:2] for b in NAMES[2:]}
RULES = [
    ("all", {(a, b) for i, a in enumerate(NAMES) for b in NAMES[i + 1 :]}),
    ("same-name", {("a/conv1", "b/conv1"), ("a/conv2", "b/conv2")}),
    ([("a/*", "b/*")], BETWEEN),
    ([(NAMES[:2], list(NAMES[2:]))], BETWEEN),
    ([("a/conv1", "b/head"), ("b/conv1", "*/conv1")], {NAMES[::4], NAMES[:3:2]}),
    ([("a/conv1", "a/conv1")], set()),
]


def layers_of(seed, rows=60):
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(rows, 3))
    return {
        name: (shared @ rng.normal(size=(3, p)) + rng.normal(size=(rows, p))).astype(np.float32)
        for name, p in zip(NAMES, WIDTHS, strict=True)
    }


def moments_of(pairs, *seeds, **options):
    moments = fastcca.Moments(pairs=pairs, **options)
    for seed in seeds:
        moments.update(**layers_of(seed))
    return moments


def kept(moments):
    found = set()
    for i, first in enumerate(NAMES):
        for second in NAMES[i + 1 :]:
            try:
                moments.covariance(first, second)
            except KeyError:
                with pytest.raises(KeyError, match=f"no pair of {second!r} and {first!r}.*Moments"):
                    moments.pair(second, first)
                continue
            found.add((first, second))
    return found


def assert_part(part, whole):
    """Every bit of what is kept."""
    assert part.n_samples == whole.n_samples
    for pair in [*kept(part), *zip(NAMES, NAMES, strict=True)]:
        np.testing.assert_array_equal(part.covariance(*pair), whole.covariance(*pair))
    for name in NAMES:
        np.testing.assert_array_equal(part.mean(name), whole.mean(name))


@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize(("pairs", "expected"), RULES)
def test_which_pairs_are_kept_through_batches_merges_and_pickles(pairs, expected, precision):
    part = moments_of(pairs, 0, 1, precision=precision)
    stored = pickle.loads(pickle.dumps(part))
    part = part.copy()
    assert_part(stored, part)
    assert kept(stored) == expected
    if COMPILED == "cpu":  # where it is loaded, and goes on with the same bits
        part = stored
    part.update(**layers_of(2))
    part.merge(moments_of(pairs, 3, precision=precision))

    whole = moments_of("all", 0, 1, precision=precision).copy()  # read at the same batch
    whole.update(**layers_of(2))
    whole.merge(moments_of("all", 3, precision=precision))
    assert kept(part) == expected
    assert_part(part, whole)
    for first, second in expected:
        for pair in ((first, second), (second, first)):
            assert fastcca.svcca(part.pair(*pair)).mean == fastcca.svcca(whole.pair(*pair)).mean


def test_what_a_state_says_of_its_pairs():
    assert repr(moments_of("same-name", 0)).endswith(", pairs='same-name')")
    assert "pairs=" not in repr(moments_of("all", 0))
    rule = [("a/*", ["b/conv1", "b/head"])]
    moments = moments_of(rule, 0)
    assert moments.pairs == moments.copy().pairs == pickle.loads(pickle.dumps(moments)).pairs
    assert moments.pairs == rule
    assert moments.pair("b/head", "a/conv1").pairs == "all"
    stored = pickle.loads(pickle.dumps(moments.pair("b/head", "a/conv1")))
    # Stored in the order of the pair, whose core matrix is the transpose of the other's.
    wanted = fastcca.cca(moments.pair("b/head", "a/conv1")).mean
    assert fastcca.cca(stored).mean == pytest.approx(wanted, rel=1e-14)


@pytest.mark.parametrize(
    ("pairs", "error", "message"),
    [
        ("same", ValueError, "pairs='same' is unknown; it must be 'all', 'same-name', or a list"),
        (3, TypeError, "pairs is a int"),
        ([], ValueError, "pairs is empty"),
        (("a", "b"), ValueError, r"entry 'a', which is no pair.*pairs=\[\('a', 'b'\)\]"),
        ([("a", "b", "c")], ValueError, r"entry \('a', 'b', 'c'\), which is no pair"),
        ([("a", 3)], TypeError, "names, patterns or lists of these, not 3"),
        ([("a", [])], TypeError, r"names, patterns or lists of these, not \[\]"),
        ([("a", ["b", None])], TypeError, "lists of these, not"),
    ],
)
def test_what_is_no_choice_of_pairs(pairs, error, message):
    with pytest.raises(error, match=message):
        fastcca.Moments(pairs=pairs)


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([("a/conv1", "c/*")], r"pairs has 'c/\*', which fits none of the blocks \('a/conv1',"),
        ("same-name", r"'same-name' keeps no pair of the blocks .*'a/layer' and 'b/layer'"),
    ],
)
def test_pairs_of_blocks_that_there_are_not(pairs, message):
    moments = fastcca.Moments(pairs=pairs)
    with pytest.raises(ValueError, match=message):
        moments.update(**dict(list(layers_of(0).items())[:2]))
    assert moments.block_names == ()
    with pytest.raises(ValueError, match="keeps no pair"):
        fastcca.Moments(pairs="same-name").update(np.ones((3, 2)), np.ones((3, 2)))


def test_states_of_other_pairs_do_not_merge():
    some, other = moments_of("same-name", 0), moments_of([("a/conv1", "b/*")], 1)
    before = pickle.dumps(some)
    with pytest.raises(
        ValueError,
        match="this state alone keeps a/conv2 and b/conv2; "
        "the other alone keeps a/conv1 and b/conv2, a/conv1 and b/head; use the same pairs",
    ):
        some.merge(other)
    assert pickle.dumps(some) == before
    empty = fastcca.Moments()
    with pytest.raises(ValueError, match="this alone keeps a/conv1 and a/conv2; use the same"):
        empty.merge(some)
    assert empty.block_names == ()
    some.merge(fastcca.Moments())
    assert pickle.dumps(some) == before

    # Other words for the same pairs.
    same = moments_of([("a/conv1", "b/conv1"), ("b/conv2", "a/conv2")], 1)
    assert_part(some + same, moments_of("all", 0) + moments_of("all", 1))
    empty = fastcca.Moments(pairs="same-name")
    empty.merge(same)
    assert_part(empty, moments_of("all", 1))


def test_two_blocks_whose_pair_is_not_kept_cannot_be_compared():
    moments = fastcca.Moments(pairs=[("x", "x")])
    moments.update(np.eye(5, 3), np.eye(5, 2))
    with pytest.raises(KeyError, match="no pair of 'x' and 'y'"):
        fastcca.cca(moments)
    with pytest.raises(KeyError, match="no block 'z'"):
        moments.pair("x", "z")


def test_complex_blocks():
    rng = np.random.default_rng(0)
    blocks = {
        name: rng.normal(size=(40, p)) + (1j * rng.normal(size=(40, p)) if p < 5 else 0.0)
        for name, p in (("a", 3), ("b", 5), ("c", 4))
    }
    part, whole = fastcca.Moments(pairs=[("c", "a")]), fastcca.Moments()
    for moments in (part, whole):
        moments.update(**blocks)
    for pair in (("a", "c"), ("a", "a"), ("b", "b")):
        np.testing.assert_array_equal(part.covariance(*pair), whole.covariance(*pair))
    assert fastcca.cca(part.pair("a", "c")).mean == fastcca.cca(whole.pair("a", "c")).mean
    with pytest.raises(KeyError, match="no pair of 'a' and 'b'"):
        part.pair("a", "b")


def test_pairwise_of_moments_lacks_what_they_do_not_keep():
    found = fastcca.pairwise(moments_of([("a/*", "b/*")], 0), measure="cka")
    whole = fastcca.pairwise(moments_of("all", 0), measure="cka").values
    between = np.zeros((5, 5), bool)
    between[:2, 2:] = between[2:, :2] = True
    between |= np.eye(5, dtype=bool)
    np.testing.assert_array_equal(np.isnan(found.values), ~between)
    np.testing.assert_array_equal(found.values[between], whole[between])


def test_pairwise_between_two_networks_keeps_the_pairs_between_them():
    layers = list(layers_of(0).values())
    from fastcca._layers.layers import layers_of as laid_out

    states = [
        laid_out(layers[:2], layers[2:]).state,
        laid_out(iter([({"a": layers[0]}, {"b": layers[1], "c": layers[2]})]), None).state,
    ]
    for state, across in zip(states, (2, 1), strict=True):
        names = state.block_names
        inside, outside = names[:across], names[across:]
        assert all(state._keeps(a, b) for a in inside for b in outside)
        assert not any(state._keeps(a, b) for a in outside for b in outside if a != b)


def test_memory_that_is_needed_counts_kept_pairs_alone():
    # Two wide blocks fit where their pair is not kept. Nothing of this size is made: rows are one.
    size = 2 * 10**5
    blocks = {"a": np.broadcast_to(np.float32(1), (3, size)), "b": np.ones((3, 2), np.float32)}
    with pytest.raises(MemoryError, match=r"keep fewer pairs of blocks \(pairs=") as whole:
        fastcca.Moments().update(**blocks)
    with pytest.raises(MemoryError) as part:
        fastcca.Moments(pairs=[("a", "a")]).update(**blocks)
    needed = [int(str(error.value).split(" bytes")[0].split()[-1]) for error in (whole, part)]
    assert needed[0] - needed[1] == 24 * size * 2


def test_pickles_of_the_formats_before():
    moments = moments_of("all", 0)
    restore, (content,) = moments.__reduce__()
    second = {key: value for key, value in content.items() if key != "pairs"} | {"format": 2}
    first = {key: value for key, value in second.items() if key != "precision"} | {"format": 1}
    for old in (first, second):
        state = restore(old)
        assert state.pairs == "all"
        assert_part(state, moments)
    part = moments_of("same-name", 0).__reduce__()[1][0]
    assert sum(tile is None for row in part["scatter"] for tile in row) == 8
    assert part["format"] == 3
