"""What all tests share."""

import pytest


@pytest.fixture
def anyio_backend() -> str:
    """Asynchronous tests run on asyncio: the library is native to it."""
    return "asyncio"
