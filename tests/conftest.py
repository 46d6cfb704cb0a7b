"""What all tests share: the event loop, and the tables of transports for those that ask."""

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


def _name(transport: Transport | ClientTransport) -> str:
    return transport.name


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The drivers and links are bare asyncio."""
    return "asyncio"
