"""What the tests of transports share."""

import pytest

from tests.transports.asgi_servers import Serving, on_hypercorn, on_uvicorn


@pytest.fixture
def anyio_backend() -> str:
    """Transports are written for asyncio."""
    return "asyncio"


@pytest.fixture(params=[on_uvicorn, on_hypercorn], ids=["uvicorn", "hypercorn"])
def serving(request: pytest.FixtureRequest) -> Serving:
    """An ASGI server to serve an application with."""
    server: Serving = request.param
    return server
