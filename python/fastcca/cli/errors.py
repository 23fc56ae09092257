"""What went wrong, in words for the person at the terminal."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


class UserError(Exception):
    """A fault in the input or the installation: shown as one line, without a traceback."""


def require_extra(extra: str, modules: Mapping[str, str], *, purpose: str) -> None:
    """Raise `UserError` with the pip command if a module of an optional extra is missing.

    Parameters
    ----------
    extra
        Name of the extra of this package that installs the modules.
    modules
        Name to import -> name of the package that brings it.
    purpose
        What needs them: the subject of the message.
    """
    missing = []
    for module, package in modules.items():
        try:
            importlib.import_module(module)
        except ModuleNotFoundError:
            missing.append(package)
    if missing:
        raise UserError(
            f'{purpose} needs {" and ".join(missing)}; install with: pip install "fastcca[{extra}]"'
        )


@contextmanager
def faults_told(where: str = "") -> Iterator[None]:
    """Turn what the library says about its arguments or environment into a `UserError`.

    Parameters
    ----------
    where
        Appended to the message.
    """
    try:
        yield
    except (TypeError, ValueError) as error:
        raise UserError(f"{error}{where}") from error
