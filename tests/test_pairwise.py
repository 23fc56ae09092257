"""fastcca.pairwise: the numbers of the single functions, for many layers."""

import contextlib
import warnings

import numpy as np
import pytest

import fastcca
from cases import BACKENDS

both_backends = pytest.mark.parametrize("backend", BACKENDS)
SINGLE = {
    "cca": lambda x, y, **o: fastcca.cca(x, y, **o).mean,
    "r2_cca": lambda x, y, **o: fastcca.cca(x, y, **o).mean_squared,
    "svcca": lambda x, y, **o: fastcca.svcca(x, y, **o).mean,
    "pwcca": lambda x, y, **o: fastcca.pwcca(x, y, **o).value,
    "cka": fastcca.cka,
    "procrustes": fastcca.procrustes,
    "linear_regression_r2": fastcca.linear_regression_r2,
}


@pytest.fixture
def layers():
    rng = np.random.default_rng(3)
    shared = rng.normal(size=(300, 4))
    return {
        name: (shared @ rng.normal(size=(4, p)) + rng.normal(size=(300, p)) + 2.0).astype(dtype)
        for name, p, dtype in (("a", 5, "f8"), ("b", 9, "f4"), ("c", 3, "f8"))
    }


def one_by_one(measure, xs, ys, **options):
    return np.array([[SINGLE[measure](x, y, **options) for y in ys] for x in xs])


@both_backends
@pytest.mark.parametrize("measure", SINGLE)
def test_the_numbers_of_the_single_functions(layers, measure, backend):
    found = fastcca.pairwise(layers, measure=measure, backend=backend)

    expected = one_by_one(measure, layers.values(), layers.values(), backend=backend)
    np.testing.assert_allclose(found.values, expected, rtol=0, atol=1e-12)
    assert found.x_names == found.y_names == ("a", "b", "c")
    if measure in ("pwcca", "linear_regression_r2"):
        assert abs(found.values - found.values.T).max() > 1e-3


@pytest.mark.parametrize("measure", SINGLE)
def test_two_networks_lists_batches_and_moments(layers, measure):
    a, b, c = layers.values()
    expected = one_by_one(measure, [a, b], [c])

    lists = fastcca.pairwise([a, b], [c], measure=measure)
    cuts = (slice(0, 120), slice(120, 300))
    batches = (({"a": a[rows], "b": b[rows]}, {"c": c[rows]}) for rows in cuts)
    streamed = fastcca.pairwise(batches, measure=measure)
    moments = fastcca.Moments()
    moments.update(**layers)
    held = fastcca.pairwise(moments, measure=measure)

    np.testing.assert_allclose(lists.values, expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(streamed.values, expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(held.values[:2, 2:], expected, rtol=0, atol=1e-12)
    assert (lists.x_names, lists.y_names) == (("0", "1"), ("0",))
    assert (streamed.x_names, streamed.y_names) == (("a", "b"), ("c",))


def test_keep_for_rows_and_columns(layers):
    found = fastcca.pairwise(layers, keep=(2, 3)).values

    expected = one_by_one("svcca", layers.values(), layers.values(), keep=(2, 3))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("measure", SINGLE)
@pytest.mark.filterwarnings("ignore::fastcca.RankWarning")
def test_wide_layers_take_the_route_of_the_samples(measure):
    rng = np.random.default_rng(0)
    layers = [rng.normal(size=(40, p)) for p in (60, 5)]

    found = fastcca.pairwise(layers, measure=measure).values

    np.testing.assert_allclose(found, one_by_one(measure, layers, layers), rtol=0, atol=1e-12)


def test_ill_conditioned_layers_go_back_to_the_samples():
    rng = np.random.default_rng(0)
    good = rng.normal(size=(400, 4))
    bad = good @ rng.normal(size=(4, 4)) + rng.normal(size=(400, 4))
    bad[:, 3] = bad[:, 2] + 1e-6 * rng.normal(size=400)
    layers = {"good": good, "bad": bad}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = fastcca.pairwise(layers, measure="cca").values
    expected = one_by_one("cca", layers.values(), layers.values())
    moments = fastcca.Moments()
    moments.update(**layers)

    with pytest.warns(fastcca.AccuracyWarning, match="'bad'") as record:
        fastcca.pairwise(moments, measure="cca")

    # The route "qr" at a condition of about 1e6; the lower triangle is the pair the other way.
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)
    assert len(record) == 1


def test_one_rank_warning_for_all_pairs(layers):
    few = {name: layer[:20] for name, layer in layers.items()}

    with pytest.warns(fastcca.RankWarning, match="20 samples for up to 9 features") as record:
        fastcca.pairwise(few, measure="cca")

    assert len(record) == 1


def test_maps():
    rng = np.random.default_rng(1)
    maps = {"a": rng.normal(size=(60, 4, 4, 3)), "b": rng.normal(size=(60, 2, 2, 5))}

    for spatial in ("pool", "resize"):
        options = {"layout": "NHWC", "spatial": spatial, "size": None}
        found = fastcca.pairwise(maps, measure="cka", **options).values
        assert found[0, 1] == pytest.approx(fastcca.cka(maps["a"], maps["b"], **options), abs=1e-12)
    with pytest.raises(ValueError, match=r"xs\['a'\]: 4 x 4; xs\['b'\]: 2 x 2.*pool.*resize"):
        fastcca.pairwise(maps, layout="NHWC")


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("channels", [3, 40], ids=["narrow", "wide"])
def test_all_layers_are_resized_to_one_grid(channels, backend):
    # The grid of a pair is that of all layers, whichever two it has and whatever its route.
    rng = np.random.default_rng(13)
    n = 30 if channels == 3 else 4
    grids = {"a": (8, 8), "b": (6, 6), "c": (3, 3)}
    maps = {name: rng.normal(size=(n, *grid, channels)) for name, grid in grids.items()}
    for x in maps.values():
        x[:, :2] += rng.normal(size=(n, 1, 1, channels))
    given = {"layout": "NHWC", "spatial": "resize", "backend": backend}
    quiet = pytest.warns(fastcca.RankWarning) if channels == 40 else contextlib.nullcontext()

    with quiet:
        found = fastcca.pairwise(maps, measure="cka", **given)
        of_two = fastcca.pairwise({"a": maps["a"], "b": maps["b"]}, measure="r2_cca", **given)
        of_three = fastcca.pairwise(maps, measure="r2_cca", **given)

        expected = one_by_one("cka", maps.values(), maps.values(), size=(3, 3), **given)
        np.testing.assert_allclose(found.values, expected, rtol=0, atol=1e-12)
        expected = one_by_one("r2_cca", maps.values(), maps.values(), size=(3, 3), **given)
        np.testing.assert_allclose(of_three.values, expected, rtol=0, atol=1e-10)
        at_six = fastcca.cca(maps["a"], maps["b"], size=(6, 6), **given).mean_squared
        np.testing.assert_allclose(of_two.values[0, 1], at_six, rtol=0, atol=1e-10)


def test_one_grid_for_all_batches():
    rng = np.random.default_rng(14)
    maps = {"a": rng.normal(size=(60, 6, 6, 3)), "b": rng.normal(size=(60, 4, 5, 2))}
    batches = ({k: v[i] for k, v in maps.items()} for i in (slice(0, 25), slice(25, None)))
    found = fastcca.pairwise(batches, layout="NHWC", spatial="resize", measure="cka")
    expected = fastcca.cka(*maps.values(), layout="NHWC", spatial="resize", size=(4, 5))
    np.testing.assert_allclose(found.values[0, 1], expected, rtol=0, atol=1e-12)


def test_errors_name_the_layer(layers):
    broken = layers | {"b": np.full((300, 2), np.nan)}
    for xs, kind, text in (
        (layers | {"b": layers["b"][:9]}, ValueError, r"xs\['b'\]: 9"),
        (broken, ValueError, r"xs\['b'\] has 600 values"),
        ({}, ValueError, "no layer"),
        (iter([]), ValueError, "no batch"),
        (3, TypeError, "int"),
    ):
        with pytest.raises(kind, match=text):
            fastcca.pairwise(xs)
    with pytest.raises(ValueError, match="measure='rv'"):
        fastcca.pairwise(layers, measure="rv")


def test_progress(layers):
    calls = []
    fastcca.pairwise(layers, progress=lambda done, total: calls.append((done, total)))

    assert calls == [(k, 6) for k in range(1, 7)]


def test_frame_and_picture(layers):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    found = fastcca.pairwise(layers)
    frame = found.to_pandas()
    axes = found.plot()

    assert frame.loc["a", "c"] == found.values[0, 2]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b", "c"]
    np.testing.assert_array_equal(axes.images[0].get_array(), found.values)
    plt.close(axes.figure)


def test_names_that_are_the_same_as_text_are_refused(layers):
    a, b, c = layers.values()
    with pytest.raises(ValueError, match=r"two layers of xs have the same name as text"):
        fastcca.pairwise({1: a, "1": b, "c": c})


@pytest.mark.parametrize("measure", SINGLE)
@pytest.mark.parametrize("factor", [1e-160, 1e160])
def test_a_layer_out_of_range_has_the_numbers_of_the_single_functions(layers, measure, factor):
    scaled = layers | {"a": layers["a"] * factor}
    found = fastcca.pairwise(scaled, measure=measure)

    expected = one_by_one(measure, layers.values(), layers.values())
    np.testing.assert_allclose(found.values, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("measure", SINGLE)
def test_layers_in_files_are_read_some_rows_at_a_time(layers, measure, tmp_path, monkeypatch):
    h5py = pytest.importorskip("h5py")
    monkeypatch.setattr("fastcca._inputs.files.BATCH_BYTES", 4096)
    with h5py.File(tmp_path / "layers.h5", "w") as file:
        for name, layer in layers.items():
            file.create_dataset(name, data=layer, chunks=(16, layer.shape[1]))
        reads = []
        original = h5py.Dataset.__getitem__

        def counted(self, key, *args):
            part = original(self, key, *args)
            reads.append(len(part))
            return part

        monkeypatch.setattr(h5py.Dataset, "__getitem__", counted)
        found = fastcca.pairwise({name: file[name] for name in layers}, measure=measure)

    expected = one_by_one(measure, layers.values(), layers.values())
    np.testing.assert_allclose(found.values, expected, rtol=0, atol=1e-12)
    assert max(reads) < 300 / 4


def test_ill_conditioned_layers_in_files_are_read_again(tmp_path):
    h5py = pytest.importorskip("h5py")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 5)) @ np.diag([1, 1e-2, 1e-4, 1e-5, 1e-6]) @ rng.normal(size=(5, 5))
    y = x[:, :3] + 1e-7 * rng.normal(size=(400, 3))
    with h5py.File(tmp_path / "layers.h5", "w") as file:
        found = fastcca.pairwise(
            [file.create_dataset("x", data=x, chunks=(32, 5)), y], measure="cca"
        )

    assert fastcca.cca(x, y).method == "qr"
    assert found.values[0, 1] == pytest.approx(fastcca.cca(x, y).mean, abs=1e-9)


@pytest.mark.parametrize("measure", SINGLE)
def test_a_factor_has_the_numbers_of_its_pairs(layers, measure):
    factor = fastcca.QRFactor()
    for rows in (slice(0, 120), slice(120, 300)):
        factor.update(**{name: layer[rows] for name, layer in layers.items()})

    found = fastcca.pairwise(factor, measure=measure)

    expected = [[SINGLE[measure](factor.pair(x, y), None) for y in layers] for x in layers]
    np.testing.assert_allclose(found.values, expected, rtol=0, atol=1e-12)
    of_samples = one_by_one(measure, layers.values(), layers.values())
    np.testing.assert_allclose(found.values, of_samples, rtol=0, atol=1e-9)
    assert found.x_names == found.y_names == ("a", "b", "c")
    with pytest.raises(TypeError, match="xs is a QRFactor, which holds all blocks: leave ys"):
        fastcca.pairwise(factor, layers)


def test_a_factor_keeps_what_moments_lose():
    rng = np.random.default_rng(0)
    good = rng.normal(size=(400, 4))
    bad = good @ rng.normal(size=(4, 4)) + rng.normal(size=(400, 4))
    bad[:, 3] = bad[:, 2] + 1e-7 * rng.normal(size=400)
    factor = fastcca.QRFactor()
    factor.update(good=good, bad=bad)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = fastcca.pairwise(factor, measure="cca").values
    # Whitening by numpy's QR of the samples is another way to the same correlations.
    bases = [np.linalg.qr(a - a.mean(axis=0))[0] for a in (good, bad)]
    expected = np.linalg.svd(bases[0].T @ bases[1], compute_uv=False).mean()
    assert found[0, 1] == pytest.approx(expected, abs=1e-8)


def test_a_warning_names_the_line_of_the_caller(layers):
    few = {name: layer[:20] for name, layer in layers.items()}
    with pytest.warns(fastcca.RankWarning) as record:
        fastcca.pairwise(few, measure="cca")
    assert [warning.filename for warning in record] == [__file__]


def test_the_scale_of_a_picture_holds_all_values(layers):
    pytest.importorskip("matplotlib").use("Agg")
    from matplotlib import pyplot as plt

    for measure, beyond in (("cka", False), ("pls", True)):
        found = fastcca.pairwise(layers, measure=measure)
        image = found.plot().images[0]
        assert image.get_clim() == (0.0, found.values.max() if beyond else 1.0)
        assert (found.values.max() > 1.0) == beyond
        plt.close()
