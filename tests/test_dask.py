"""Moments of dask arrays: the numbers, the tree, what moves, and what is refused."""

import pickle
import subprocess
import sys
import time
import warnings

import dask
import dask.array as da
import numpy as np
import pytest
from dask.core import get_dependencies
from dask.sizeof import sizeof

import fastcca
import fastcca.dask


@pytest.fixture
def blocks():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(1000, 5)) + 10.0
    return x, x[:, :3] + rng.normal(size=(1000, 3))


def chunked(blocks, rows=100):
    return [da.from_array(block, chunks=(rows, -1)) for block in blocks]


def in_one(*blocks, **named):
    state = fastcca.Moments()
    state.update(*blocks, **named)
    return state


def assert_same(got, expected, tolerance=1e-13):
    assert got.block_names == expected.block_names
    assert got.n_samples == expected.n_samples
    for first in expected.block_names:
        mean, variance = expected.mean(first), np.diag(expected.covariance(first, first)).real
        error = np.abs(got.mean(first) - mean) / np.sqrt(np.abs(mean) ** 2 + variance)
        assert error.max() <= tolerance
        for second in expected.block_names:
            wanted = expected.covariance(first, second)
            scale = np.sqrt(
                np.outer(
                    np.diag(expected.covariance(first, first)).real,
                    np.diag(expected.covariance(second, second)).real,
                )
            )
            error = np.abs(got.covariance(first, second) - wanted) / scale
            assert error.max() <= tolerance


# --- the numbers ------------------------------------------------------------------------------


@pytest.mark.parametrize("scheduler", ["threads", "synchronous"])
def test_moments_are_those_of_one_update(blocks, scheduler):
    got = fastcca.dask.moments(*chunked(blocks)).compute(scheduler=scheduler)
    assert_same(got, in_one(*blocks))


def test_named_blocks(blocks):
    a, b = chunked(blocks)
    got = fastcca.dask.moments(conv1=a, logits=b).compute()
    assert_same(got, in_one(conv1=blocks[0], logits=blocks[1]))


def test_complex_blocks(blocks):
    z = blocks[0] + 1j * np.roll(blocks[0], 1, axis=1)
    got = fastcca.dask.moments(da.from_array(z, chunks=(300, 2)), chunked(blocks)[1]).compute()
    assert_same(got, in_one(z, blocks[1]))


def test_chunks_that_do_not_line_up(blocks):
    a = da.from_array(blocks[0], chunks=(70, 2))
    b = da.from_array(blocks[1], chunks=((1, 499, 500), 3))
    assert_same(fastcca.dask.moments(a, b).compute(), in_one(*blocks))


def test_empty_chunks(blocks):
    a, b = (da.from_array(c, chunks=((0, 400, 0, 600), -1)) for c in blocks)
    assert_same(fastcca.dask.moments(a, b).compute(), in_one(*blocks))


def test_precision(blocks):
    single = [block.astype(np.float32) for block in blocks]
    got = fastcca.dask.moments(*chunked(single), precision="single").compute()
    assert got.precision == "single"
    assert_same(got, in_one(*single), tolerance=1e-5)


def test_chosen_pairs(blocks):
    x, y = chunked(blocks)
    state = fastcca.dask.moments(a=x, b=y, c=x + 1.0, pairs=[("a", "b")]).compute()
    whole = fastcca.Moments(pairs=[("a", "b")])
    whole.update(a=blocks[0], b=blocks[1], c=blocks[0] + 1.0)
    np.testing.assert_allclose(
        state.covariance("a", "b"), whole.covariance("a", "b"), rtol=0, atol=1e-13
    )
    with pytest.raises(KeyError, match="keep no pair of 'a' and 'c'"):
        state.pair("a", "c")
    with pytest.raises(ValueError, match="fits none of the blocks"):
        fastcca.dask.moments(a=x, b=y, pairs=[("a", "d")])


@pytest.mark.parametrize("spatial", ["fold", "pool", "flatten", "resize"])
def test_maps(spatial):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 4, 6, 3)).astype(np.float32)  # NHWC
    y = np.ascontiguousarray(np.moveaxis(x[..., :2] ** 2, -1, 1))  # NCHW
    lazy = fastcca.dask.moments(
        da.from_array(x, chunks=(11, 2, -1, 2)),
        da.from_array(y, chunks=(20, -1, 3, -1)),
        layout=("NHWC", "NCHW"),
        spatial=spatial,
    )
    if spatial == "flatten":  # more features than samples, for which `cca` has another route
        folded = in_one(x.reshape(60, -1), np.moveaxis(y, 1, -1).reshape(60, -1))
        assert_same(lazy.compute(), folded)
        return
    expected = fastcca.cca(x, y, layout=("NHWC", "NCHW"), spatial=spatial)
    got = fastcca.cca(lazy.compute())
    assert got.n_samples == expected.n_samples
    np.testing.assert_allclose(got.correlations, expected.correlations, atol=1e-12)


# --- the tree ---------------------------------------------------------------------------------


def taken_by_tasks(lazy):
    """Tasks that this package made: key -> keys of those whose results it takes."""
    graph = dict(lazy.__dask_graph__())
    ours = {key for key in graph if str(key).startswith(("_of_chunk", "_merged"))}
    taken = {}
    for key in ours:
        found, waiting = set(), [key]
        while waiting:  # dask may put the list of states into a task of its own
            for other in get_dependencies(graph, waiting.pop()):
                if other in ours:
                    found.add(other)
                else:
                    assert not str(key).startswith("_merged") or not str(other).startswith("(")
                    waiting.append(other)
        taken[key] = found
    return taken


def depth(taken, key):
    return 1 + max((depth(taken, other) for other in taken[key]), default=0)


@pytest.mark.parametrize("split_every", [2, 4, 7])
@pytest.mark.parametrize("chunks", [1, 2, 50])
def test_graph_is_a_tree_of_states(chunks, split_every):
    x = da.zeros((chunks * 10, 3), chunks=(10, -1))
    lazy = fastcca.dask.moments(x, x, split_every=split_every)
    taken = taken_by_tasks(lazy)

    leaves = [key for key in taken if str(key).startswith("_of_chunk")]
    merges = [key for key in taken if str(key).startswith("_merged")]
    assert len(leaves) == chunks
    assert not any(taken[leaf] for leaf in leaves)
    levels = 0
    while split_every**levels < chunks:
        levels += 1
    assert depth(taken, lazy.key) == 1 + levels
    used = [other for key in merges for other in taken[key]]
    assert len(used) == len(set(used)) == len(taken) - 1  # every state but the last, once
    for key in merges:
        assert 2 <= len(taken[key]) <= split_every


def test_merges_take_states_alone(blocks, monkeypatch):
    seen = []
    merged = fastcca.dask._merged

    def watched(states):
        seen.append([type(state) for state in states])
        return merged(states)

    monkeypatch.setattr(fastcca.dask, "_merged", watched)
    fastcca.dask.moments(*chunked(blocks)).compute(scheduler="synchronous")
    assert len(seen) == 4  # 10 chunks: 4 + 4 + 2, then 3
    assert {kind for kinds in seen for kind in kinds} == {fastcca.Moments}


def test_split_every_of_dask_s_configuration(blocks):
    with dask.config.set(split_every=2):
        taken = taken_by_tasks(fastcca.dask.moments(*chunked(blocks)))
    assert max(len(found) for found in taken.values()) == 2


def test_nothing_is_computed_before_it_is_asked_for():
    def fail(block):
        raise AssertionError("computed")

    x = da.zeros((20, 2), chunks=(5, -1)).map_blocks(fail, dtype=float)
    lazy = fastcca.dask.moments(x, x)
    with pytest.raises(AssertionError, match="computed"):
        lazy.compute(scheduler="synchronous")


def test_what_blocks_share_is_computed_once():
    calls = []

    def load(block):
        calls.append(len(block))
        return block + np.arange(block.size).reshape(block.shape)

    source = da.zeros((40, 4), chunks=(10, -1)).map_blocks(load, dtype=float, meta=np.empty((0, 0)))
    fastcca.dask.moments(source[:, :2], source[:, 2:]).compute(scheduler="synchronous")
    assert len(calls) == 4


def test_states_are_left_as_they_are(blocks):
    states = [in_one(*(b[i : i + 500] for b in blocks)) for i in (0, 500)]
    before = [pickle.dumps(state) for state in states]
    fastcca.dask._merged(states)
    assert [pickle.dumps(state) for state in states] == before


def test_dask_knows_the_size_of_states(blocks):
    state = in_one(np.zeros((2, 300)), np.zeros((2, 200)))
    assert sizeof(state) >= sum(
        tile.nbytes for row in state.__reduce__()[1][0]["scatter"] for tile in row
    )


# --- schedulers and threads -------------------------------------------------------------------


def test_the_same_bits_on_every_scheduler(blocks):
    lazy = fastcca.dask.moments(*chunked(blocks, 33))
    few = lazy.compute(scheduler="synchronous")
    many = lazy.compute(scheduler="threads", num_workers=4)
    assert pickle.dumps(few) == pickle.dumps(many)


def test_threads_are_limited_while_tasks_run(blocks):
    before = fastcca.get_num_threads()
    fastcca.set_num_threads(3)
    try:
        with fastcca.dask._limited_to(2):
            assert fastcca.get_num_threads() == 2
            with fastcca.dask._limited_to(1):  # another task of the process: the first one's holds
                assert fastcca.get_num_threads() == 2
            assert fastcca.get_num_threads() == 2
        assert fastcca.get_num_threads() == 3
        with fastcca.dask._limited_to(0):
            assert fastcca.get_num_threads() == 3
        x, y = chunked(blocks)
        bad = da.where(x > 12.0, np.nan, x)
        with pytest.raises(ValueError, match="not finite"):
            fastcca.dask.moments(bad, y).compute(scheduler="threads")
        # The error of one task reaches us while others still run, under their limit.
        end = time.monotonic() + 60
        while fastcca.get_num_threads() != 3 and time.monotonic() < end:
            time.sleep(0.01)
        assert fastcca.get_num_threads() == 3
    finally:
        fastcca.set_num_threads(before)


def rows_of(block_info=None):
    """One chunk of two correlated layers, made on the worker: float32 (rows, 24)."""
    (start, stop), _ = block_info[None]["array-location"]
    rng = np.random.default_rng(start)
    data = rng.standard_normal((stop - start, 24), dtype=np.float32)
    data[:, 16:] += data[:, :8] + 5.0
    return data


def test_a_million_rows_on_two_processes():
    distributed = pytest.importorskip("distributed")
    data = da.map_blocks(
        rows_of, chunks=((20_000,) * 50, (24,)), dtype=np.float32, meta=np.empty((0, 0), "f4")
    )
    lazy = fastcca.dask.moments(data[:, :16], data[:, 16:])
    whole = data.compute(scheduler="synchronous")
    here = in_one(whole[:, :16], whole[:, 16:])
    with (
        warnings.catch_warnings(),
        dask.config.set({"distributed.worker.multiprocessing-method": "spawn"}),
    ):
        warnings.simplefilter("ignore")  # distributed's own, about ports and sockets it closes
        cluster = distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
        )
        with cluster, distributed.Client(cluster) as client:
            there = client.compute(lazy, retries=0).result(timeout=120)
            used = client.run(_has_imported)
    assert list(used.values()) == [True, True]
    assert there.n_samples == 1_000_000
    assert_same(there, here)
    assert pickle.dumps(there) == pickle.dumps(lazy.compute(scheduler="threads"))


def _has_imported():
    return sys.modules.get("fastcca.dask") is not None


# --- what is refused --------------------------------------------------------------------------


def test_arrays_that_are_not_dask_s(blocks):
    with pytest.raises(TypeError, match=r"y is a ndarray, not a dask array; .*from_array"):
        fastcca.dask.moments(chunked(blocks)[0], blocks[1])


def test_unknown_chunks(blocks):
    x, y = chunked(blocks)
    filtered = x[x[:, 0] > 10.0]
    with pytest.raises(ValueError, match=r"x has chunks of unknown size.*x.compute_chunk_sizes"):
        fastcca.dask.moments(filtered, y)
    kept = blocks[0][blocks[0][:, 0] > 10.0]
    assert_same(fastcca.dask.moments(filtered.compute_chunk_sizes()).compute(), in_one(kept))


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        (lambda x, y: ((x, y[:900]), {}), ValueError, "x has 1000 samples and y has 900"),
        (lambda x, y: ((x, y[:, 0]), {}), ValueError, "y has shape"),
        (lambda x, y: ((x[:0], y[:0]), {}), ValueError, "must both be at least 1"),
        (lambda x, y: ((x, y), {"split_every": 1}), ValueError, "split_every=1"),
        (lambda x, y: ((x, y), {"threads": -1}), ValueError, "threads=-1"),
        (lambda x, y: ((x, y), {"precision": "half"}), ValueError, "half"),
        (lambda x, y: ((x, y), {"layout": "NHWC"}), ValueError, "layout"),
        (lambda x, y: ((x, y), {"spatial": "fold"}), ValueError, "needs a layout"),
        (lambda x, y: ((x, y, x), {}), TypeError, "one or two unnamed blocks"),
        (lambda x, y: ((), {}), TypeError, "at least one block"),
        (lambda x, y: ((x.astype("U4"), y), {}), TypeError, "x has dtype"),
    ],
)
def test_faults_are_told_before_anything_is_computed(blocks, change, kind, message):
    args, options = change(*chunked(blocks))
    with pytest.raises(kind, match=message):
        fastcca.dask.moments(*args, **options)


def test_nan_says_which_chunk(blocks):
    x, y = blocks
    x = x.copy()
    x[307, 2] = np.nan
    lazy = fastcca.dask.moments(*chunked((x, y)))
    with pytest.raises(ValueError, match="x has 1 value that is not finite") as caught:
        lazy.compute(scheduler="synchronous")
    assert caught.value.__notes__ == ["in the chunk of samples 300 to 399, counted from 0"]


def test_the_package_does_not_import_dask():
    code = "import sys, fastcca; assert 'dask' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_missing_dask_says_how_to_install_it():
    code = (
        "import sys; sys.modules['dask'] = None\n"
        "try:\n    import fastcca.dask\n"
        "except ImportError as error:\n    print(error)"
    )
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert 'pip install "fastcca[dask]"' in out.stdout
