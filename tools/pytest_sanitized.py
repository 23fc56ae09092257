"""Run Python tests with the extension under AddressSanitizer and UndefinedBehaviorSanitizer.

    python tools/pytest_sanitized.py [--jobs N] [pytest's arguments]

The extension is built by the preset asan, put beside links to the package's Python files, and found
there before any installed fastcca. An error of the compiled code ends the run. Memory that is never
freed is not looked for: the interpreter and numpy free much of theirs never, and what they hold
stands behind every call of ours.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PRESET = "asan"
BUILD = ROOT / "build" / PRESET
PACKAGE = BUILD / "python" / "fastcca"
COMPILER = os.environ.get("CXX", "c++")

LEFT_OUT = {
    "tests/test_leaks.py": "measures resident memory, which the sanitizer keeps after it is freed",
    "tests/test_memory.py": "measures the peak of memory, to which the sanitizer adds its own",
}

# An editable install puts a finder of fastcca before all paths: this one takes it away again, in
# every process that a test starts as well.
SITE = """import sys

sys.meta_path[:] = [f for f in sys.meta_path if "ScikitBuild" not in type(f).__name__]
"""


def build(jobs: int) -> None:
    """Compile the extension and make a package of it."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        version = tomllib.load(file)["project"]["version"]
    definitions = {"FASTCCA_PYTHON": "ON", "SKBUILD_PROJECT_VERSION": version}
    configure = ["cmake", "--preset", PRESET]
    configure += [f"-D{name}={value}" for name, value in definitions.items()]
    subprocess.run(configure, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    compilation = ["cmake", "--build", "--preset", PRESET, "-j", str(jobs), "--target", "_core"]
    subprocess.run(compilation, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    if PACKAGE.exists():
        shutil.rmtree(PACKAGE)
    install = ["cmake", "--install", str(BUILD), "--component", "python", "--prefix", str(PACKAGE)]
    subprocess.run(install, check=True, stdout=subprocess.DEVNULL)
    for source in (ROOT / "python" / "fastcca").iterdir():
        if source.suffix != ".so" and source.name != "__pycache__":
            (PACKAGE / source.name).symlink_to(source)
    (PACKAGE.parent / "sitecustomize.py").write_text(SITE)


def runtime(name: str) -> str:
    """Return where the compiler keeps a runtime library."""
    command = [COMPILER, f"-print-file-name={name}"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def environment() -> dict[str, str]:
    """Return the environment in which an uninstrumented Python loads the extension."""
    # The sanitizer catches exceptions' throwing, for which libstdc++ must be there before it.
    preload = " ".join(runtime(name) for name in ("libasan.so", "libubsan.so", "libstdc++.so"))
    return {
        **os.environ,
        "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1:strict_string_checks=1",
        "LD_PRELOAD": preload,
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONPATH": str(PACKAGE.parent),
        "UBSAN_OPTIONS": "print_stacktrace=1",
    }


def main() -> int:
    """Build, see that the right extension is found, and run the tests."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    arguments, of_pytest = parser.parse_known_args()
    build(arguments.jobs)
    variables = environment()
    probe = [sys.executable, "-c", "import fastcca._core as m; print(m.__file__)"]
    run = subprocess.run(probe, env=variables, check=True, stdout=subprocess.PIPE, text=True)
    found = Path(run.stdout.strip())
    if found.parent != PACKAGE:
        print(f"fastcca._core comes from {found}, not from {PACKAGE}")
        return 1
    ignored = [f"--ignore={name}" for name in LEFT_OUT]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *ignored, *of_pytest]
    return subprocess.run(command, env=variables, check=False, cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main())
