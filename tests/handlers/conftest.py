"""Worker threads that tests can count."""

from collections.abc import AsyncGenerator

import anyio
import pytest

from antiphon.handlers.threads import limiter


@pytest.fixture
async def places() -> AsyncGenerator[anyio.CapacityLimiter]:
    """The places for blocking functions on the test's loop; all are free again at the end."""
    found = limiter()
    total = found.total_tokens
    yield found
    found.total_tokens = 1
    with anyio.fail_after(10):
        async with found:
            pass
    found.total_tokens = total
