"""Outputs as server-sent events, for readers that are slow, or wait long."""

import anyio
import pytest

from antiphon import CallInfo, Output
from antiphon.core.ports import Command
from antiphon.transports import output_events as module
from antiphon.transports.directory import LocalDirectory
from antiphon.transports.output_events import output_events


def ignore(command: Command) -> None:
    """Nobody commands these calls."""


async def directory_with_a_call() -> LocalDirectory:
    directory = LocalDirectory(epoch=6)
    call = CallInfo(
        id="one", transport="memory", peer="memory", token="t", started=0.0, metadata={}
    )
    await directory.claim(call, None, ignore)
    return directory


async def test_a_reader_that_was_overtaken_is_told_of_the_gap() -> None:
    directory = await directory_with_a_call()
    directory.publish("one", Output(("first",)))
    events = output_events(directory.subscribe("one"), None, "output")
    assert await anext(events) == b'event: output\nid: 7-0\ndata: "first"\n\n'
    for number in range(1, 300):
        directory.publish("one", Output((number,)))
    assert await anext(events) == b'event: gap\ndata: {"resumed_at":"7-44"}\n\n'
    assert await anext(events) == b"event: output\nid: 7-44\ndata: 44\n\n"
    await directory.release("one")
    rest = [event async for event in events]
    assert rest[-2:] == [b"event: output\nid: 7-299\ndata: 299\n\n", b"event: end\ndata: {}\n\n"]
    assert len(rest) == 300 - 45 + 1


async def test_a_long_silence_is_broken_by_comments_and_nothing_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "COMMENT_INTERVAL", 0.01)
    directory = await directory_with_a_call()
    events = output_events(directory.subscribe("one"), None, "")
    for number in range(3):
        assert await anext(events) == b": still here\n\n"
        directory.publish("one", Output((number,)))
        assert await anext(events) == f"id: 7-{number}\ndata: {number}\n\n".encode()
    assert await anext(events) == b": still here\n\n"
    await directory.release("one")
    assert [event async for event in events] == [b"event: end\ndata: {}\n\n"]


@pytest.mark.parametrize("published", ["before", "after"])
async def test_a_wait_that_is_given_up_costs_no_output(published: str) -> None:
    directory = await directory_with_a_call()
    outputs = directory.subscribe("one")
    taken: list[str] = []

    async def take() -> None:
        _, output = await anext(outputs)
        taken.append(output.value)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(take)
        await anyio.wait_all_tasks_blocked()
        if published == "before":
            directory.publish("one", Output(("kept",)))
        tasks.cancel_scope.cancel()
    if published == "after":
        directory.publish("one", Output(("kept",)))
    await directory.release("one")
    assert [*taken, *[output.value async for _, output in outputs]] == ["kept"]
