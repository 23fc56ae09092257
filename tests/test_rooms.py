"""The rooms of python/fastcca: who may import whom, and that none is a hall without walls."""

import ast
import re
from pathlib import Path

import pytest

import fastcca

PACKAGE = Path(fastcca.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
COMPILED = {"_core", "_cuda"}

# Downward only: what each room may import, besides itself.
GROUND = {"_warnings", "_runtime"}
DATA = GROUND | {"_inputs"}
STATES = DATA | {"_states"}
SOLVERS = STATES | {"_solve"}
MEASURES = SOLVERS | {"_measures", "_statistics"}
INSIDE = MEASURES | {"_fourier", "_layers", "_resampling", "reference"}
MAY_IMPORT = {
    "_warnings": set(),
    "_runtime": {"_warnings"} | COMPILED,
    "_statistics": {"_warnings"},
    "_inputs": GROUND,
    "_states": DATA,
    "reference": {"_inputs"},
    "_solve": STATES | {"reference"},
    "_fourier": STATES | {"reference"},
    "_measures": SOLVERS | {"_statistics"},
    "_resampling": MEASURES,
    "_layers": MEASURES,
    "__init__": INSIDE - {"reference"},
    "__main__": {"cli"},
    # The doors: nothing but the command line may import them.
    "torch": MEASURES,
    "dask": MEASURES,
    "compat": MEASURES,
    "cli": INSIDE - {"reference"} | {"compat", "__init__"},
}
# Nothing leans on the oracle but what runs it as a backend.
OF_THE_ORACLE = "by_reference"


def room_of(module):
    return module.removeprefix("fastcca.").partition(".")[0] if "." in module else "__init__"


def imported(source):
    """Names of modules of the package that a module imports, at any depth of its code."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if room_is_ours(alias.name))
        elif isinstance(node, ast.ImportFrom) and node.module and room_is_ours(node.module):
            if node.module == "fastcca":
                yield from (f"fastcca.{alias.name}" for alias in node.names)
            else:
                yield node.module


def room_is_ours(module):
    return module.partition(".")[0] == "fastcca"


def forbidden(name, source):
    """Return what a module imports against the rule."""
    room = room_of(name)
    out = []
    for module in imported(source):
        other = room_of(module)
        if other == room:
            continue
        if other not in MAY_IMPORT[room]:
            out.append(f"{name} imports {module}: {room} may not import {other}")
        elif other == "reference" and not name.endswith(OF_THE_ORACLE):
            out.append(f"{name} imports {module}: only modules {OF_THE_ORACLE} run the oracle")
    return out


def name_of(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    if parts == ("__init__",):
        return "fastcca"
    return ".".join(("fastcca", *(part for part in parts if part != "__init__")))


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_go_downward(path):
    assert forbidden(name_of(path), path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("fastcca._inputs.arrays", "from fastcca._states.moments import Moments"),
        ("fastcca._solve.pair", "from fastcca._measures import cca"),
        ("fastcca._states.state", "from fastcca import _core"),
        ("fastcca._measures.cca", "import fastcca"),
        ("fastcca._measures.cca", "def f():\n    from fastcca.reference import cca"),
        ("fastcca._solve.by_core", "from fastcca import reference"),
        ("fastcca._layers.layers", "from fastcca._resampling.runs import run_many"),
        ("fastcca._measures.pca", "import fastcca.compat.numpy_pca"),
        ("fastcca", "from fastcca.cli import main"),
    ],
)
def test_the_rule_catches(name, line):
    assert len(forbidden(name, line)) == 1


def test_every_room_has_a_rule_and_no_module_lies_outside():
    rooms = {name_of(path).split(".")[1] for path in MODULES if name_of(path) != "fastcca"}
    assert rooms | {"__init__"} == MAY_IMPORT.keys()
    flat = {path.stem for path in PACKAGE.glob("*.py")}
    assert flat == {"__init__", "__main__", "_warnings", "dask"}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_file_is_taken_in_at_once(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


def test_public_classes_are_named_by_where_they_are_found():
    for name in fastcca.__all__:
        value = getattr(fastcca, name)
        if isinstance(value, type):
            assert (value.__module__, value.__qualname__) == ("fastcca", name)


# --- the map ------------------------------------------------------------------------------------

ROOT = Path(__file__).parents[1]
NOT_OURS = {"build", "dist", "__pycache__"}


def folders():
    """Folders of the repository that hold files, by their paths."""
    for folder in (ROOT, *ROOT.rglob("*")):
        parts = folder.relative_to(ROOT).parts
        hidden = any(part.startswith(".") for part in parts) and parts[0] not in (".ci", ".github")
        if hidden or NOT_OURS & set(parts) or any(part.endswith(".egg-info") for part in parts):
            continue
        if parts and folder.is_dir() and any(entry.is_file() for entry in folder.iterdir()):
            yield "/".join(parts)


def test_every_folder_is_on_the_map():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.split("## Map of the tree")[1].split("## ")[0]
    on_map = {
        name
        for line in section.splitlines()
        if line.startswith("| `")
        for name in re.findall(r"`([^`]+)`", line.split("|")[1])
    }
    assert on_map - set(folders()) == set()
    assert set(folders()) - on_map == set()


@pytest.mark.parametrize("page", ["docs/where-changes-go.md", "CONTRIBUTING.md"])
def test_files_that_are_named_exist(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    named = re.findall(r"`((?:python|cpp|tests|tools|docs|bench)/[\w/.-]+)`", text)
    assert len(named) > 10
    assert [path for path in named if not (ROOT / path).exists()] == []
