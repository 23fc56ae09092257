"""The command ``fastcca``: compare arrays or networks, see a demo, look at the build."""

from __future__ import annotations

import argparse
import json
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn, TextIO

import fastcca
from fastcca._measures.measure import MEASURES
from fastcca.cli.errors import UserError, faults_told

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv
        The arguments after the name of the program; those of the process by default.

    Returns
    -------
    int
        The exit code: 0, or 2 after a fault in the arguments, files or data, which is told in
        one line on stderr.
    """
    try:
        options = _parser().parse_args(argv)
        with _warnings_on_one_line():
            _COMMANDS[options.command](options)
        sys.stdout.flush()
    except UserError as error:
        print(f"fastcca: error: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # The reader of the output has left (`fastcca info | head -1`): nothing to report, and
        # the interpreter must not fail on the same pipe when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _compare(options: argparse.Namespace) -> None:
    from fastcca.cli.compare import compare, parse_measures

    compare(
        options.a,
        options.b,
        measures=parse_measures(options.measure),
        features_first=options.features_first,
        layout=options.layout,
        spatial=options.spatial,
        as_json=options.json,
        plot=options.plot,
    )


def _matrix(options: argparse.Namespace) -> None:
    from fastcca.cli.matrix import matrix

    matrix(
        options.a,
        options.b,
        measure=options.measure,
        layout=options.layout,
        spatial=options.spatial,
        as_json=options.json,
        csv_file=options.csv,
        plot=options.plot,
    )


def _demo(options: argparse.Namespace) -> None:
    from fastcca.cli.demo import demo

    demo(options.output, seed=options.seed)


def _info(options: argparse.Namespace) -> None:
    with faults_told():
        config = fastcca.build_config()
    if options.json:
        print(json.dumps(config, default=str))
        return
    width = max(map(len, config))
    for key, value in config.items():
        text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
        print(f"{key:<{width}}  {' '.join(text.split()) or '-'}")


_COMMANDS = {"compare": _compare, "demo": _demo, "info": _info, "matrix": _matrix}


class _Parser(argparse.ArgumentParser):
    """argparse that reports a fault as all other faults are reported."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message} (see {self.prog} --help)")


def _seed(text: str) -> int:
    seed = int(text)
    if seed < 0:
        raise ValueError
    return seed


_seed.__name__ = "seed"  # argparse names the type in its message


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="fastcca",
        description="Canonical correlation analysis of neural network representations.",
    )
    parser.add_argument("--version", action="version", version=f"fastcca {fastcca.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    compare = commands.add_parser(
        "compare",
        help="compare two arrays from files",
        description="Compare two arrays, the activations of two layers over the same samples.",
        epilog="Files: .npy, .npz, .safetensors. FILE:NAME selects one array of several.",
    )
    compare.add_argument("a", metavar="A", help="first array, samples x features")
    compare.add_argument("b", metavar="B", help="second array, with the same samples")
    compare.add_argument(
        "--measure",
        default="cca",
        help=f"what to compute, a list with commas: {', '.join(MEASURES)} (default: cca)",
    )
    compare.add_argument(
        "--features-first", action="store_true", help="the arrays are features x samples"
    )
    compare.add_argument(
        "--layout", metavar="AXES", help="the axes of maps, such as NHWC, or NHWC,NC for A and B"
    )
    compare.add_argument(
        "--spatial",
        choices=("fold", "pool", "flatten", "resize"),
        help="what becomes of positions: samples (fold), their mean, features, or samples of a "
        "common grid (default with --layout: fold)",
    )
    compare.add_argument("--json", action="store_true", help="print one JSON object")
    compare.add_argument(
        "--plot", type=Path, metavar="FILE", help="write a picture of the correlations"
    )

    matrix = commands.add_parser(
        "matrix",
        help="compare all layers of two files or folders",
        description="Compare every layer of A with every layer of B, over the same samples.",
        epilog="Layers: the arrays of an .npz or .safetensors file, or the .npy files of a folder.",
    )
    matrix.add_argument("a", metavar="A", help="layers, each samples x features")
    matrix.add_argument(
        "b", metavar="B", nargs="?", help="layers over the same samples (default: those of A)"
    )
    matrix.add_argument(
        "--measure",
        default="svcca",
        help=f"what to compute: {', '.join(MEASURES)} (default: svcca)",
    )
    matrix.add_argument("--layout", metavar="AXES", help="the axes of maps, such as NHWC")
    matrix.add_argument(
        "--spatial",
        choices=("fold", "pool", "flatten", "resize"),
        help="what becomes of positions, as in compare",
    )
    matrix.add_argument("--json", action="store_true", help="print one JSON object")
    matrix.add_argument("--csv", type=Path, metavar="FILE", help="write the values as CSV")
    matrix.add_argument("--plot", type=Path, metavar="FILE", help="write a picture")

    demo = commands.add_parser(
        "demo",
        help="train two small networks on digits and compare their layers",
        description="Train two small networks on handwritten digits and compare their layers.",
    )
    demo.add_argument(
        "--output",
        type=Path,
        default=Path("fastcca-demo.png"),
        metavar="FILE",
        help="the picture to write (default: fastcca-demo.png)",
    )
    demo.add_argument(
        "--seed", type=_seed, default=0, metavar="N", help="for other networks (default: 0)"
    )

    info = commands.add_parser(
        "info",
        help="show how this copy was built and what it runs on",
        description="Show how this copy was built and what it runs on.",
    )
    info.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


@contextmanager
def _warnings_on_one_line() -> Iterator[None]:
    """Show warnings as plain lines on stderr, without the line of Python that gave them."""

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        print(f"fastcca: warning: {' '.join(str(message).split())}", file=sys.stderr)

    with warnings.catch_warnings():
        warnings.simplefilter("always", fastcca.RankWarning)
        warnings.showwarning = show
        yield
