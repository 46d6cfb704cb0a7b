"""Background tasks for the length of a context, and the way to a loop from its threads."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import anyio
from anyio.abc import TaskGroup, TaskStatus

from ..core.context import Soon

__all__ = ("background", "way_here")


def way_here() -> Soon:
    """What runs a function on this event loop: at once when called on it, else soon. Raises
    RuntimeError once the loop is closed.
    """
    loop, thread = asyncio.get_running_loop(), threading.get_ident()

    def run_soon(function: Callable[[], object]) -> None:
        if threading.get_ident() == thread:
            function()
        else:
            loop.call_soon_threadsafe(function)

    return run_soon


@asynccontextmanager
async def background() -> AsyncGenerator[TaskGroup]:
    """A task group whose tasks are cancelled when the body is done, and not before.

    A cancellation from outside reaches the body only, so that its clean-up can still lean on the
    tasks: say goodbye to clients, or wait for calls to end. What the body raises is raised as it
    is, not inside an exception group: the tasks are ours, and whoever wrote the body does not know
    of them.
    """
    failure: BaseException | None = None
    async with anyio.create_task_group() as outside:
        tasks: TaskGroup = await outside.start(_keep)
        try:
            yield tasks
        except (asyncio.CancelledError, GeneratorExit):
            raise
        except BaseException as error:
            failure = error
        finally:
            tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure


async def _keep(*, task_status: TaskStatus[TaskGroup]) -> None:
    with anyio.CancelScope(shield=True):
        async with anyio.create_task_group() as tasks:
            task_status.started(tasks)
            await anyio.sleep_forever()
