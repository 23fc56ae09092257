"""Fail unless a compiled extension exports its module's entry point and nothing else.

Any other symbol could be confused with one of another extension in the same process.
"""

import argparse
import subprocess
import sys
from pathlib import Path


def exported_symbols(extension: Path) -> list[str]:
    """Return the names that the dynamic symbol table defines."""
    macos = sys.platform == "darwin"
    command = ["nm", "-gU"] if macos else ["nm", "-D", "--defined-only"]
    table = subprocess.run([*command, extension], capture_output=True, text=True, check=True).stdout
    names = [line.split()[-1].partition("@")[0] for line in table.splitlines()]
    return [name.removeprefix("_") for name in names] if macos else names


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "extension", type=Path, help="such as _core.cpython-311-x86_64-linux-gnu.so"
    )
    extension: Path = parser.parse_args().extension
    wanted = [f"PyInit_{extension.name.partition('.')[0]}"]
    found = exported_symbols(extension)
    print(f"{extension.name} exports: {', '.join(found) or 'nothing'}")
    if found != wanted:
        print(f"it must export {wanted[0]} alone")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
