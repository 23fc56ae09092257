"""Check the CUDA backend on a machine with a GPU, all in one command.

    FASTCCA_CUDA=1 pip install ".[test,cuda13]" && python tools/check_cuda.py

Runs the Python suite on the device, the tests of device arrays under compute-sanitizer's memcheck,
racecheck and initcheck, random comparisons with the CPU, running out of memory and going on, and a
table of times with the device's own matrix products as the floor. Not yet run on hardware.
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from cuda_checks import differences, memory, times

import fastcca

ROOT = Path(__file__).resolve().parent.parent
TESTS_UNDER_SANITIZER = [
    "tests/test_cuda_arrays.py",
    "tests/test_cuda_dft.py",
    "tests/test_cuda_results.py",
]
TOOLS = ("memcheck", "racecheck", "initcheck")


def _pytest(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "pytest", "-q", *arguments]


def _environment() -> dict[str, str]:
    return {**os.environ, "FASTCCA_TEST_BACKEND": "cuda"}


def suite() -> bool:
    """Run all Python tests with CUDA in the place of the CPU."""
    return subprocess.run(_pytest(), cwd=ROOT, env=_environment()).returncode == 0


def sanitizer() -> bool:
    """Run the tests of device arrays under each tool of compute-sanitizer."""
    program = shutil.which("compute-sanitizer")
    if program is None:
        print("compute-sanitizer is not on PATH; it comes with the CUDA toolkit")
        return False
    good = True
    for tool in TOOLS:
        command = [program, "--tool", tool, "--error-exitcode", "9", "--target-processes", "all"]
        command += _pytest(*TESTS_UNDER_SANITIZER)
        print(f"-- {tool}", flush=True)
        good &= subprocess.run(command, cwd=ROOT, env=_environment()).returncode == 0
    return good


CHECKS: dict[str, Callable[[], bool]] = {
    "suite": suite,
    "sanitizer": sanitizer,
    "differences": differences.check,
    "memory": memory.check,
    "times": times.check,
}


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("checks", nargs="*", help=f"of {', '.join(CHECKS)}; all by default")
    chosen = parser.parse_args().checks or list(CHECKS)
    if unknown := set(chosen) - set(CHECKS):
        parser.error(
            f"there is no check {', '.join(sorted(unknown))}; there are {', '.join(CHECKS)}"
        )
    config = fastcca.build_config()["cuda"]
    print(config)
    if "cuda" not in fastcca.backends():
        print("CUDA cannot be used here: nothing was checked")
        return 1
    failed = []
    for name in chosen:
        print(f"\n== {name}: {CHECKS[name].__doc__}", flush=True)
        if not CHECKS[name]():
            failed.append(name)
    print(f"\nfailed: {', '.join(failed)}" if failed else "\nall checks passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
