"""Several things at once in one call."""

from collections.abc import Awaitable, Callable

import anyio

from ..core.errors import HandlerError

__all__ = ("first_of",)


async def first_of(*steps: Callable[[], Awaitable[None]]) -> None:
    """Run steps side by side until one returns or raises; the others are cancelled. What it raised
    is raised as it is, not in a group: whoever wrote a step does not know of the others.
    """
    failure: Exception | None = None
    ended = False
    async with anyio.create_task_group() as tasks:

        async def run(step: Callable[[], Awaitable[None]]) -> None:
            nonlocal failure, ended
            try:
                await step()
                ended = True
            except Exception as error:
                failure = failure or error
            finally:
                tasks.cancel_scope.cancel()

        for step in steps:
            tasks.start_soon(run, step)
    if failure is not None:
        raise failure
    if not ended:
        raise HandlerError("a handler waited for something that was cancelled")
