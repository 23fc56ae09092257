"""What one permutation of a permutation test costs, in units of one CCA of the same layers.

``python bench/permutations.py [--rounds K] [--measures cca svcca pwcca pls cka]`` prints medians of
interleaved runs and medians of the ratios of neighbouring ones. A permutation is the difference
between tests of 1 + 4T and 1 permutations over 4T, on T threads: without what is done once.

With ``--cpu`` times are those of the processors, which other programs disturb less; set
OPENBLAS_NUM_THREADS=1 and FASTCCA_NUM_THREADS=1 for that.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Mapping

import numpy as np

import contenders
import fastcca
from table import Run, interleaved, ratio

ROWS = (contenders.Row(512, 10_000), contenders.Row(64, 20_000))
_OPTIONS: dict[str, dict[str, float]] = {"svcca": {"keep": 0.99}}


def run_test(
    layers: tuple[contenders.Samples, contenders.Samples], measure: str, count: int
) -> fastcca.PermutationTest:
    """Run a permutation test of two layers."""
    options = _OPTIONS.get(measure, {})
    return fastcca.permutation_test(
        *layers, measure=measure, n_permutations=count, seed=0, **options
    )


def error_of(layers: tuple[contenders.Samples, contenders.Samples], measure: str) -> float:
    """Difference of a permutation to the measure of layers rearranged so."""
    x, y = layers
    found = run_test(layers, measure, 1).null[0]
    (child,) = np.random.SeedSequence(0).spawn(1)
    order = np.random.default_rng(child).permutation(len(y))
    plain = fastcca.permutation_test(
        x, y[order], measure=measure, n_permutations=1, **_OPTIONS.get(measure, {})
    )
    return float(abs(found - plain.value) / plain.largest)


def processor_times(runs: Mapping[str, Run], rounds: int) -> dict[str, np.ndarray]:
    """Seconds of processors of every run in every round, (rounds,), interleaved."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            start = time.process_time()
            run()
            times[name].append(time.process_time() - start)
    return {name: np.array(values) for name, values in times.items()}


def line(row: contenders.Row, measure: str, rounds: int, cpu: bool) -> str:
    """Time permutations beside one CCA, without and with weights."""
    layers = contenders.make_layers(row)
    error = error_of(layers, measure)
    if not error < 1e-8:
        raise SystemExit(f"{measure} is off by {error:.1e} at {row}")
    some = 4 * fastcca.get_num_threads()
    timed = processor_times if cpu else interleaved
    times = timed(
        {
            "values": lambda: fastcca.cca(*layers, weights=False),
            "weights": lambda: fastcca.cca(*layers),
            "one": lambda: run_test(layers, measure, 1),
            "some": lambda: run_test(layers, measure, 1 + some),
        },
        rounds,
    )
    each = (times["some"] - times["one"]) / some
    cells = [str(row.p), str(row.n), measure]
    cells += [f"{1e3 * np.median(t):.2f}" for t in (times["values"], times["weights"], each)]
    cells += [f"{ratio(each, times[name]):.2f}" for name in ("values", "weights")]
    cells += [f"{ratio(times['one'], times['weights']):.1f}", f"{error:.0e}"]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--measures", nargs="+", default=["cca", "svcca", "pwcca", "pls", "cka"])
    parser.add_argument("--cpu", action="store_true", help="processor time in place of wall time")
    args = parser.parse_args()
    warnings.simplefilter("ignore", fastcca.RankWarning)
    print(
        "| p = q | n | measure | CCA, ms | with weights, ms | a permutation, ms | over CCA | "
        "over CCA with weights | test of one over CCA with weights | error |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for row in ROWS:
        for measure in args.measures:
            print(line(row, measure, args.rounds, args.cpu), flush=True)


if __name__ == "__main__":
    main()
