"""Handlers that scripts talk to."""

from collections.abc import Awaitable, Callable

import anyio

from antiphon import Call

__all__ = ("Probe", "wait")

PATIENCE = 5.0  # seconds


async def wait(call: Call) -> None:
    """Do nothing until the call is over."""
    await anyio.sleep_forever()


class Probe:
    """Notes when a handler begins and how it leaves; `body` is what it does between."""

    def __init__(self, body: Callable[[Call], Awaitable[None]] = wait) -> None:
        self._body = body
        self.began: list[str] = []
        self.left: list[str] = []
        self._changed = anyio.Event()

    async def __call__(self, call: Call) -> None:
        self._note(self.began, call.id)
        how = "cancelled"
        try:
            await self._body(call)
            how = "returned"
        except Exception:
            how = "raised"
            raise
        finally:
            self._note(self.left, how)

    def _note(self, notes: list[str], text: str) -> None:
        notes.append(text)
        changed, self._changed = self._changed, anyio.Event()
        changed.set()

    async def until_left(self) -> None:
        """Wait for the end of a call."""
        await self._until(self.left)

    async def until_began(self) -> None:
        """Wait for the beginning of a call."""
        await self._until(self.began)

    async def _until(self, notes: list[str]) -> None:
        with anyio.fail_after(PATIENCE):
            while not notes:
                await self._changed.wait()
