"""Options of the benchmarks."""

from __future__ import annotations

import pytest

import contenders


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--all-rows", action="store_true", help="the large rows too: minutes and 4 GiB"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "row" in metafunc.fixturenames:
        rows = contenders.ROWS if metafunc.config.getoption("--all-rows") else contenders.SMALL_ROWS
        metafunc.parametrize("row", rows, ids=str, scope="module")


@pytest.fixture(scope="module")
def layers(row: contenders.Row) -> tuple[contenders.Samples, contenders.Samples]:
    """Return the two layers of a row, made once for all contenders."""
    return contenders.make_layers(row)


@pytest.fixture(scope="module")
def answer(
    layers: tuple[contenders.Samples, contenders.Samples],
) -> contenders.Correlations:
    """Return the correlations that every contender must find."""
    return contenders.exact(*layers)
