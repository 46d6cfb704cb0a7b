"""What all tests share: the event loop, and the tables of transports for those that ask."""

from collections.abc import Generator

import pytest

from tests.conformance.calling import CLIENTS, ClientTransport
from tests.conformance.transports import SERVERS, Transport


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "needs(*features): runs over the transports that have all of these features"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    needed = {name for mark in metafunc.definition.iter_markers("needs") for name in mark.args}
    for fixture, table in (("calling", CLIENTS), ("over", SERVERS)):
        if fixture in metafunc.fixturenames:
            able = [transport for transport in table if needed <= transport.features]
            metafunc.parametrize(fixture, able, ids=_name)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Reports travel between processes as UTF-8, which takes no half of a surrogate pair."""
    report = yield
    report.sections = [(title, _encodable(text)) for title, text in report.sections]
    return report


def _encodable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _name(transport: Transport | ClientTransport) -> str:
    return transport.name


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The drivers and links are bare asyncio."""
    return "asyncio"
