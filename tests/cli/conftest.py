from collections.abc import Iterator

import pytest

from tests.processes import Server, serving


@pytest.fixture(scope="session")
def echo_server() -> Iterator[Server]:
    """The built-in echo."""
    with serving() as server:
        yield server
