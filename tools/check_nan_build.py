"""Check that no result depends on memory that nothing has written.

The presets dev and nan are built, in the second of which such memory holds NaN, and the program
that prints a fingerprint of every result must print the same lines in both.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = "fastcca_digest"


def lines_of(preset: str, jobs: int) -> list[str]:
    """Build a preset and return what its program prints."""
    subprocess.run(["cmake", "--preset", preset], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    build = ["cmake", "--build", "--preset", preset, "-j", str(jobs), "--target", PROGRAM]
    subprocess.run(build, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    # The order in which OpenBLAS adds depends on its number of threads.
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    program = ROOT / "build" / preset / "tests" / "cpp" / PROGRAM
    run = subprocess.run([program], env=environment, check=True, capture_output=True, text=True)
    return run.stdout.splitlines()


def main() -> int:
    """Compare the two builds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    jobs = parser.parse_args().jobs
    plain, filled = lines_of("dev", jobs), lines_of("nan", jobs)
    different = [a for a, b in zip(plain, filled, strict=False) if a != b]
    if len(plain) != len(filled) or different or not plain:
        print(f"{len(plain)} results, {len(filled)} with NaN in unwritten memory; they differ in:")
        print("\n".join(different))
        return 1
    print(f"{len(plain)} results are the same to the last bit with NaN in unwritten memory")
    return 0


if __name__ == "__main__":
    sys.exit(main())
