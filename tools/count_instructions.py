"""Count the instructions of a small case: a figure of speed that does not depend on load.

Valgrind's callgrind counts what one update of two blocks of 2000 x 64 executes, with the baseline
instruction set, which every x86-64 machine runs alike. The counts are kept in
tools/instructions.json; another compiler gives others, within the tolerance.

    python tools/count_instructions.py --check     fails where a count has grown by more than that
    python tools/count_instructions.py --update    writes the counts of this machine's compiler
"""

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STORED = ROOT / "tools" / "instructions.json"
PROGRAM = "fastcca_small_case"
CASES = {
    "float32, samples contiguous": ["float32", "rows"],
    "float32, features contiguous": ["float32", "columns"],
    "float16, samples contiguous": ["float16", "rows"],
}
TOLERANCE = 0.10


def count(arguments: list[str]) -> int:
    """Instructions between entering and leaving the update."""
    program = ROOT / "build" / "dev" / "tests" / "cpp" / PROGRAM
    run = subprocess.run(
        [
            "valgrind",
            "--tool=callgrind",
            "--callgrind-out-file=/dev/null",
            "--toggle-collect=fastcca_counted",
            program,
            *arguments,
        ],
        env={**os.environ, "FASTCCA_SIMD": "baseline", "OPENBLAS_NUM_THREADS": "1"},
        check=True,
        capture_output=True,
        text=True,
    )
    found = re.search(r"Collected : (\d+)", run.stderr)
    if found is None or int(found.group(1)) == 0:
        raise SystemExit(f"callgrind counted nothing:\n{run.stderr}")
    return int(found.group(1))


def main() -> int:
    """Count, and compare with what is kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--update", action="store_true")
    args = parser.parse_args()
    subprocess.run(["cmake", "--preset", "dev"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    build = ["cmake", "--build", "--preset", "dev", "--target", PROGRAM]
    subprocess.run(build, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    counts = {name: count(arguments) for name, arguments in CASES.items()}
    if args.update:
        STORED.write_text(json.dumps(counts, indent=2) + "\n", encoding="utf-8")
    stored = json.loads(STORED.read_text(encoding="utf-8"))
    grown = []
    for name, found in counts.items():
        change = found / stored[name] - 1.0
        print(f"{name}: {found:,} instructions, {change:+.1%}")
        if change > TOLERANCE:
            grown.append(name)
    if args.check and grown:
        print(f"more than {TOLERANCE:.0%} above tools/instructions.json: {', '.join(grown)}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
