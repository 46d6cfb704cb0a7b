"""Streams and handlers for the tests of the ASGI application."""

from typing import Any

import anyio

from antiphon import Call, Stream
from antiphon.core.ports import Handler
from antiphon.handlers.echo import echo

__all__ = ("Forever", "telephone")


class Forever:
    """A handler that waits for its end, and tells when it has come."""

    def __init__(self) -> None:
        self.begun = anyio.Event()
        self.ended = anyio.Event()

    async def __call__(self, call: Call) -> None:
        self.begun.set()
        try:
            await anyio.sleep_forever()
        finally:
            self.ended.set()


def telephone(handler: Handler = echo, **options: Any) -> Stream:
    """A stream at 8 kHz, so that mu-law comes back as it went."""
    return Stream(handler, input_sample_rate=8000, output_sample_rate=8000, **options)
