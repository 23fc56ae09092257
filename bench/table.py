"""Print the speed tables of the README: medians of interleaved runs, errors beside times.

Run as ``python bench/table.py [--rows N] [--rounds K] [--threads T] [--update-readme]``.

The floor is n (p + q)^2 operations at the rate of float64 matrix products, which take turns with
the contenders, on the same number of threads. Ratios are medians of the ratios of neighbouring
runs. scikit-learn and torch take part where they are installed.
"""

from __future__ import annotations

import argparse
import contextlib
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np

import contenders
import fastcca

README = Path(__file__).parent.parent / "README.md"
# Threads of a BLAS spin for a while after a call, and would be measured with the next contender.
_PAUSE = 0.2

Run = Callable[[], object]


def seconds(function: Run) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


PRODUCT_OF = 2000
PRODUCT_OPERATIONS = 2 * PRODUCT_OF**3


def matrix_product() -> Run:
    """Return a float64 matrix product of PRODUCT_OPERATIONS, on all threads of the BLAS."""
    a = np.random.default_rng(0).standard_normal((PRODUCT_OF, PRODUCT_OF))
    return lambda: a @ a


def interleaved(runs: Mapping[str, Run], rounds: int) -> dict[str, np.ndarray]:
    """Seconds of every contender in every round, (rounds,); short calls are repeated."""
    repeats = {name: max(1, round(0.05 / seconds(run))) for name, run in runs.items()}
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            time.sleep(_PAUSE)

            def repeated(run: Run = run, count: int = repeats[name]) -> None:
                for _ in range(count):
                    run()

            times[name].append(seconds(repeated) / repeats[name])
    return {name: np.array(values) for name, values in times.items()}


def ratio(first: np.ndarray, second: np.ndarray) -> float:
    """Median of the ratios of neighbouring runs."""
    return float(np.median(first / second))


def cell(value: float) -> str:
    """Milliseconds."""
    return f"{1e3 * value:.2f}" if value < 0.1 else f"{1e3 * value:.0f}"


def cca_line(row: contenders.Row, rounds: int) -> str:
    """CCA by every contender that finishes: milliseconds and largest error."""
    x, y = contenders.make_layers(row)
    answer = contenders.exact(x, y)
    taking_part = {
        name: entry for name, entry in contenders.CCA.items() if row.n * row.p**2 <= entry.limit
    }
    errors = {}
    for name, entry in taking_part.items():  # this also warms up
        errors[name] = float(np.max(np.abs(entry.run(x, y) - answer)))
        if not errors[name] <= entry.tolerance:
            raise SystemExit(f"{name} is off by {errors[name]:.1e} at {row}")
    runs: dict[str, Run] = {"product": matrix_product()}
    runs |= {name: lambda e=entry: e.run(x, y) for name, entry in taking_part.items()}
    times = interleaved(runs, rounds)
    floors = times["product"] * (row.n * (2 * row.p) ** 2 / PRODUCT_OPERATIONS)
    floor = float(np.median(floors))
    ours = times["fastcca"]
    cells = [str(row.p), f"{row.n:,}".replace(",", " "), cell(floor)]
    cells += [f"{ratio(ours, floors):.2f}"]
    cells += [f"{ratio(times[other], ours):.1f}x" for other in ("careful numpy", "google")]
    for name in contenders.CCA:
        cells.append(
            f"{cell(float(np.median(times[name])))} ({errors[name]:.0e})" if name in times else "-"
        )
    return "| " + " | ".join(cells) + " |"


def family_line(row: contenders.Row, rounds: int) -> str:
    """SVCCA and PWCCA against CCA with weights, and each against google's recipe."""
    x, y = contenders.make_layers(row)
    runs = {
        f"{measure} {who}": lambda f=run: f(x, y)
        for measure, sides in contenders.FAMILY.items()
        for who, run in sides.items()
    }
    for run in runs.values():
        run()
    times = interleaved(runs, rounds)
    cells = [str(row.p), f"{row.n:,}".replace(",", " ")]
    for measure in contenders.FAMILY:
        ours, google = times[f"{measure} fastcca"], times[f"{measure} google"]
        cells.append(cell(float(np.median(ours))))
        if measure != "CCA":
            cells.append(f"{ratio(ours, times['CCA fastcca']):.2f}")
        cells.append(f"{ratio(google, ours):.1f}x")
    return "| " + " | ".join(cells) + " |"


def thread_line(row: contenders.Row, rounds: int) -> str:
    """CCA, its pass over the data, and a matrix product, on one thread and on two."""
    x, y = contenders.make_layers(row)
    runs: dict[str, Run] = {}
    for count in (1, 2):

        def limited(run: Run, count: int = count) -> Run:
            def call() -> object:
                with threads(count):
                    return run()

            return call

        runs[f"cca {count}"] = limited(lambda: contenders.CCA["fastcca"].run(x, y))
        runs[f"moments {count}"] = limited(lambda: fastcca.Moments().update(x=x, y=y))
        runs[f"product {count}"] = limited(matrix_product())
    times = interleaved(runs, rounds)
    cells = [str(row.p), f"{row.n:,}".replace(",", " ")]
    for what in ("cca", "moments", "product"):
        one, two = times[f"{what} 1"], times[f"{what} 2"]
        cells += [cell(float(np.median(one))), f"{ratio(one, two):.2f}x"]
    return "| " + " | ".join(cells) + " |"


@contextlib.contextmanager
def threads(count: int | None) -> Iterator[None]:
    """Limit fastcca and every BLAS to so many threads."""
    if count is None:
        yield
        return
    import threadpoolctl

    fastcca.set_num_threads(count)
    try:
        with threadpoolctl.threadpool_limits(count):
            yield
    finally:
        fastcca.set_num_threads(0)


def table(
    heads: list[str],
    line: Callable[[contenders.Row, int], str],
    rows: tuple[contenders.Row, ...],
    rounds: int,
) -> str:
    """Measure and print, row after row."""
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    print("\n".join(lines), flush=True)
    for row in rows:
        lines.append(line(row, rounds))
        print(lines[-1], flush=True)
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure and print, or paste into the README."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=len(contenders.ROWS), help="the first N rows")
    parser.add_argument("--family-rows", type=int, default=len(contenders.FAMILY_ROWS))
    parser.add_argument("--thread-rows", type=int, default=len(contenders.THREAD_ROWS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--update-readme", action="store_true")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    heads = ["p = q", "n", "floor", "fastcca / floor", "careful numpy", "google"]
    heads += [f"{name}, ms" for name in contenders.CCA]
    family_heads = ["p = q", "n", "CCA, ms", "google", "SVCCA, ms", "SVCCA / CCA", "google"]
    family_heads += ["PWCCA, ms", "PWCCA / CCA", "google"]
    with threads(args.threads):
        texts = {
            "speed-table": table(heads, cca_line, contenders.ROWS[: args.rows], args.rounds),
            "family-table": table(
                family_heads,
                family_line,
                contenders.FAMILY_ROWS[: args.family_rows],
                args.rounds,
            ),
        }
    texts["thread-table"] = table(
        [
            "p = q",
            "n",
            "cca, 1 thread, ms",
            "2 threads",
            "its pass over the data, ms",
            "2 threads",
            "matrix product, ms",
            "2 threads",
        ],
        thread_line,
        contenders.THREAD_ROWS[: args.thread_rows],
        args.rounds,
    )
    if args.update_readme:
        page = README.read_text(encoding="utf-8")
        counts = (args.rows, args.family_rows, args.thread_rows)
        for (name, text), count in zip(texts.items(), counts, strict=True):
            if count == 0:  # the table that is there stays
                continue
            begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->\n"
            before, rest = page.split(begin)
            page = before + begin + text + end + rest.split(end)[1]
        README.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
