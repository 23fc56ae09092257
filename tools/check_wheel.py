"""Build the source distribution and wheels for the CPythons at hand, and look at them closely.

For the oldest and the newest of them, or with --all for every one. Every wheel is installed in an
environment of its own and tried outside the source tree.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
OLDEST = (3, 11)

REQUIRED = ["fastcca/py.typed", "fastcca/_core.pyi", "/LICENSE", "/Eigen-MPL-2.0.txt"]
FORBIDDEN = (".cpp", ".hpp", ".h", "CMakeLists.txt", ".a")


def run(*command: str | Path, cwd: Path | None = None) -> str:
    """Run a command, show its output where it fails, and return it."""
    done = subprocess.run(
        command, cwd=cwd, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if done.returncode != 0:
        print(done.stdout)
        raise SystemExit(f"failed with {done.returncode}: {' '.join(map(str, command))}")
    return done.stdout


def is_usable(python: Path, minor: int) -> bool:
    """Tell whether it is CPython 3.minor that can make environments and compile extensions."""
    probe = (
        "import ensurepip, os, sys, sysconfig, venv;"
        "header = os.path.join(sysconfig.get_path('include'), 'Python.h');"
        f"good = sys.version_info[:2] == (3, {minor}) and os.path.exists(header);"
        "sys.exit(not (good and sys.implementation.name == 'cpython'))"
    )
    return subprocess.run([python, "-c", probe], capture_output=True).returncode == 0


def interpreters() -> list[Path]:
    """Return one interpreter per CPython version from OLDEST on, of this one, PATH and pyenv."""
    folders = [Path(sys.executable).parent, *map(Path, os.get_exec_path())]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    folders += sorted(pyenv.glob("versions/*/bin"), reverse=True)
    found = {}
    for minor in range(OLDEST[1], 30):
        candidates = [folder / f"python3.{minor}" for folder in folders]
        for candidate in filter(Path.is_file, candidates):
            if is_usable(candidate, minor):
                found[minor] = candidate
                break
    return list(found.values())


def check_contents(wheel: Path) -> None:
    """Fail where the wheel lacks a notice or typing file, or carries sources."""
    names = zipfile.ZipFile(wheel).namelist()
    missing = [name for name in REQUIRED if not any(have.endswith(name) for have in names)]
    strange = [name for name in names if name.endswith(FORBIDDEN)]
    if missing or strange:
        raise SystemExit(f"{wheel.name}: missing {missing}, does not belong there {strange}")


def check_platform(wheel: Path) -> None:
    """Print the platform that auditwheel finds, and fail where that is no manylinux."""
    report = run(sys.executable, "-m", "auditwheel", "show", wheel)
    tag = re.search(r'consistent\s+with\s+the\s+following\s+platform\s+tag:\s+"(.*?)"', report)
    if tag is None or not tag[1].startswith("manylinux_"):
        raise SystemExit(f"auditwheel finds no manylinux platform:\n{report}")
    print(f"  auditwheel: {tag[1]}")


def try_installed(python: Path, wheel: Path, scratch: Path) -> None:
    """Install the wheel alone and try it in a folder that holds nothing else."""
    environment = scratch / "venv"
    run(python, "-m", "venv", environment)
    installed = environment / "bin" / "python"
    run(installed, "-m", "pip", "install", "--quiet", wheel)
    locate = "import fastcca._core as m; print(m.__file__)"
    extension = run(installed, "-I", "-c", locate, cwd=scratch).strip()
    print("  " + run(sys.executable, ROOT / "tools" / "check_symbols.py", extension), end="")
    print(run(installed, "-I", ROOT / "tools" / "smoke.py", cwd=scratch), end="")
    run(environment / "bin" / "fastcca", "info", cwd=scratch)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="where the files go")
    parser.add_argument("--all", action="store_true", help="wheels for every CPython at hand")
    options = parser.parse_args()
    out: Path = options.out.resolve()
    shutil.rmtree(out, ignore_errors=True)

    run(sys.executable, "-m", "build", "--sdist", "--outdir", out, ROOT)
    (sdist,) = out.glob("*.tar.gz")
    print(f"built {sdist.name}")
    pythons = interpreters()
    if not options.all:  # what the oldest and the newest have in common, those between have as well
        pythons = [pythons[0], *pythons[1:][-1:]]
    for python in pythons:
        with tempfile.TemporaryDirectory() as scratch:
            run(python, "-m", "venv", Path(scratch) / "venv")
            builder = Path(scratch) / "venv" / "bin" / "python"
            run(builder, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", scratch, sdist)
            (built,) = Path(scratch).glob("*.whl")
            wheel = out / built.name
            shutil.move(built, wheel)
            print(f"built {wheel.name} with {python}")
            check_contents(wheel)
            if sys.platform == "linux":
                check_platform(wheel)
            try_installed(python, wheel, Path(scratch))
    print(
        run(sys.executable, "-m", "twine", "check", "--strict", sdist, *out.glob("*.whl")), end=""
    )
    print(f"sdist and {len(pythons)} wheels are good")


if __name__ == "__main__":
    main()
