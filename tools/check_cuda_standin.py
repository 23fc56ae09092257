"""Build the CUDA module against NVIDIA's libraries of PyPI, and test it without a GPU.

Fails unless the module imports with these libraries and without a driver, and without the
libraries; then runs the C++ and Python suites on the stand-in of tests/cuda_standin. Downloads
about 1.1 GB into build/cuda-venv, once.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / "build" / "cuda-venv"
BUILD = ROOT / "build" / "cuda"
PYTHON = ENVIRONMENT / "bin" / "python"
PYTEST = (PYTHON, "-m", "pytest", "-q", "-ra", "-p", "no:cacheprovider")
# Those that take backends and are quick: the whole suite takes too long beside that of the CPU, and
# can be asked for, by --whole.
TESTS = [
    "test_answers",
    "test_backend",
    "test_bfloat16",
    "test_cca",
    "test_compare",
    "test_complex",
    "test_cuda_absent",
    "test_cuda_arrays",
    "test_cuda_dft",
    "test_cuda_results",
    "test_dft_cca",
    "test_factor",
    "test_moments",
    "test_pairwise",
    "test_pca",
    "test_pls",
    "test_precision",
    "test_published",
    "test_pwcca",
    "test_similarity",
    "test_states",
    "test_statistics",
    "test_svcca",
    "test_wide",
]
LEFT_OUT = ["--deselect=tests/test_dft_cca.py::test_agrees_with_the_reference"]  # takes long
# Optimized enough for tests, and compiled in half the time; one GPU's architecture.
OPTIONS = {
    "CMAKE_CUDA_ARCHITECTURES": "75-real",
    "CMAKE_CXX_FLAGS_RELEASE": "-O1",
    "FASTCCA_CPP_TESTS": "ON",
    "FASTCCA_CUDA_STANDIN": "ON",
    "FASTCCA_STRICT": "ON",
}
TARGETS = ["_core", "_cuda", "fastcca_cuda_standin", "fastcca_cuda_tests", "fastcca_standin_tests"]
TELL = "import fastcca; print(fastcca.build_config()['cuda'])"


def run(*command: str | Path, **variables: str) -> str:
    """Run a command in the root, show its output where it fails, and return it."""
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **variables},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if done.returncode != 0:
        print(done.stdout)
        raise SystemExit(f"failed with {done.returncode}: {' '.join(map(str, command))}")
    return done.stdout


def toolkit() -> list[str]:
    """Return what FASTCCA_CUDA=1 adds to the build's requirements."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    required: list[str] = settings["build-system"]["requires"]
    for override in settings["tool"]["scikit-build"]["overrides"]:
        required = required + override.get("build", {}).get("requires", [])
    return required


def build() -> None:
    """Build module, stand-in and C++ tests, and install the package with its tests' needs."""
    if not PYTHON.exists():
        run(sys.executable, "-m", "venv", ENVIRONMENT)
    run(PYTHON, "-m", "pip", "install", "--quiet", *toolkit(), "scipy-openblas32>=0.3.29", "ninja")
    install = ["install", "--quiet", "--no-build-isolation", "-C", f"build-dir={BUILD}"]
    for name, value in OPTIONS.items():
        install += ["-C", f"cmake.define.{name}={value}"]
    install += ["-C", f"build.targets={';'.join(TARGETS)}", ".[test]"]
    run(PYTHON, "-m", "pip", *install, FASTCCA_CUDA="1", VIRTUAL_ENV=str(ENVIRONMENT))


def check_symbols() -> None:
    """Fail where the module exports more than its entry point."""
    locate = "import importlib.util as u; print(u.find_spec('fastcca._cuda').origin)"
    extension = run(PYTHON, "-I", "-c", locate).strip()
    print("  " + run(sys.executable, ROOT / "tools" / "check_symbols.py", extension), end="")


def check_import(told: str, wanted: str) -> None:
    """Fail where the configuration does not tell why CUDA cannot run, with the remedy."""
    print(f"  {told.strip()}")
    if "'built': True" not in told or not re.search(wanted, told):
        raise SystemExit(f"that should match {wanted}")


def check_without_libraries() -> None:
    """Import a copy of the package that no NVIDIA library lies beside."""
    alone = ROOT / "build" / "cuda-alone"
    shutil.rmtree(alone, ignore_errors=True)
    locate = "import fastcca; print(fastcca.__path__[0])"
    shutil.copytree(run(PYTHON, "-I", "-c", locate).strip(), alone / "fastcca")
    hide = (
        f"import sys; sys.path[:] = [{str(alone)!r}, *sys.path]; import importlib.util as u;"
        "find = u.find_spec; u.find_spec = lambda n: None if n.startswith('nvidia') else find(n);"
    )
    check_import(run(PYTHON, "-I", "-c", hide + TELL), r'pip install "fastcca\[cuda13\]"')


def standin(leaks: Path) -> dict[str, str]:
    """Return the environment in which the stand-in takes the place of a device."""
    leaks.unlink(missing_ok=True)
    return {
        "FASTCCA_TEST_BACKEND": "cuda",
        # Not to stderr, which tests of other processes read.
        "FASTCCA_STANDIN_LEAKS": str(leaks),
        "FASTCCA_STANDIN_LEAKS_FATAL": "blocks",
        "LD_PRELOAD": str(BUILD / "tests" / "cuda_standin" / "libfastcca_cuda_standin.so"),
        "OPENBLAS_NUM_THREADS": "1",
    }


def check_tests(chosen: list[str]) -> None:
    """Run tests in one process."""
    leaks = BUILD / "leaks.txt"
    try:
        out = run(*PYTEST, *chosen, **standin(leaks))
    except SystemExit:
        print(leaks.read_text() if leaks.exists() else "")
        raise
    print("\n".join(out.splitlines()[-20:]))
    # Other files skip what this machine does not have.
    if re.search(r"SKIPPED.*test_cuda_", out):
        raise SystemExit("tests of CUDA were skipped")


def check_all_tests() -> None:
    """Run every file of tests in a process of its own, and print what became of them."""
    print("  file                                    passed  cpu only  skipped  failed  seconds")
    failed = []
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        name = str(path.relative_to(ROOT / "tests"))
        report, leaks = BUILD / "junit.xml", BUILD / "leaks.txt"
        report.unlink(missing_ok=True)
        start = time.monotonic()
        done = subprocess.run(
            [*PYTEST, f"--junitxml={report}", path],
            cwd=ROOT,
            env={**os.environ, **standin(leaks)},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        seconds = time.monotonic() - start
        cases = list(ElementTree.parse(report).iter("testcase")) if report.exists() else []
        outcomes = [outcome_of(case) for case in cases]
        counts = [outcomes.count(kind) for kind in ("passed", "cpu only", "skipped", "failed")]
        print("  {:39} {:7} {:9} {:8} {:7} {:8.0f}".format(name, *counts, seconds), flush=True)
        # 5 is that of a file without tests for this machine.
        if done.returncode not in (0, 5):
            failed.append(name)
            print(done.stdout, leaks.read_text() if leaks.exists() else "", flush=True)
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")


def outcome_of(case: ElementTree.Element) -> str:
    """Return what became of a test, by pytest's report of it."""
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    skipped = case.find("skipped")
    if skipped is None:
        return "passed"
    return "cpu only" if skipped.get("message", "").startswith("of the CPU alone") else "skipped"


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("tests", nargs="*", help="pytest's arguments in place of the usual files")
    parser.add_argument(
        "--whole", action="store_true", help="every file of tests, each in a process of its own"
    )
    arguments = parser.parse_args()
    start = time.monotonic()

    def done(what: str) -> None:
        print(f"-- {what}: {time.monotonic() - start:.0f} s since the start", flush=True)

    build()
    done("built")
    check_symbols()
    check_import(run(PYTHON, "-I", "-c", TELL), "driver of version 580 or newer")
    check_without_libraries()
    done("imports")
    ctest = ["ctest", "--test-dir", str(BUILD), "-R", "cuda", "--output-on-failure", "-j2"]
    print(run(*ctest, "--no-tests=error", OPENBLAS_NUM_THREADS="1"), end="")
    done("C++ tests")
    if arguments.whole:
        check_all_tests()
    else:
        check_tests(arguments.tests or [*(f"tests/{name}.py" for name in TESTS), *LEFT_OUT])
    done("Python tests")


if __name__ == "__main__":
    main()
