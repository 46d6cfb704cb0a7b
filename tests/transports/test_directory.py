"""Live calls of one process."""

from typing import Any

import anyio
import pytest

from antiphon import CallInfo, Output, UnknownCall
from antiphon.core.ports import Command, HangUp
from antiphon.core.ring import Position
from antiphon.transports.directory import LocalDirectory


def info(call_id: str) -> CallInfo:
    return CallInfo(id=call_id, transport="memory", peer="x", token="t", started=0.0, metadata={})


def ignore(_: Command) -> None: ...


async def test_a_slot_and_an_id_are_taken_once_and_given_back() -> None:
    directory = LocalDirectory(1)
    assert await directory.claim(info("a"), 2, ignore) is None
    again = await directory.claim(info("a"), None, ignore)
    assert again is not None
    assert again.error == "connection_already_exists"
    assert await directory.claim(info("b"), 2, ignore) is None
    more = await directory.claim(info("c"), 2, ignore)
    assert more is not None
    assert (more.error, more.limit) == ("concurrency_limit_reached", 2)
    assert [call.id for call in directory.calls()] == ["a", "b"]
    await directory.release("a")
    assert directory.slots == 1
    assert await directory.claim(info("c"), 2, ignore) is None


async def test_commands_reach_who_runs_the_call() -> None:
    directory = LocalDirectory(1)
    done: list[Command] = []
    await directory.claim(info("a"), None, done.append)
    directory.command("a", HangUp("x"))
    assert done == [HangUp("x")]
    found = directory.look_up("a")
    assert found is not None
    assert found.id == "a"


async def test_an_unknown_call_is_refused_at_once() -> None:
    directory = LocalDirectory(1)
    asked: list[Any] = [
        lambda: directory.command("a", HangUp("x")),
        lambda: directory.publish("a", Output(())),
        lambda: directory.newest("a"),
        lambda: directory.subscribe("a"),
    ]
    for step in asked:
        with pytest.raises(UnknownCall):
            step()
    assert directory.look_up("a") is None


async def test_each_reader_gets_all_outputs_from_where_it_asks_to_the_end() -> None:
    directory = LocalDirectory(1)
    await directory.claim(info("a"), None, ignore)
    assert directory.newest("a") is None
    first = directory.publish("a", Output((0,)))
    heard: dict[str, list[Any]] = {"all": [], "later": []}

    async def follow(name: str, after: Position | None) -> None:
        async for _, output in directory.subscribe("a", after):
            heard[name].append(output.value)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(follow, "all", None)
        tasks.start_soon(follow, "later", first)
        await anyio.wait_all_tasks_blocked()
        directory.publish("a", Output((1, 2)))
        await anyio.wait_all_tasks_blocked()
        directory.publish("a", Output(()))
        await directory.release("a")
    assert heard == {"all": [0, [1, 2], []], "later": [[1, 2], []]}


async def test_a_late_reader_gets_the_newest_256() -> None:
    directory = LocalDirectory(1)
    await directory.claim(info("a"), None, ignore)
    for number in range(300):
        directory.publish("a", Output((number,)))
    outputs = directory.subscribe("a")
    await directory.release("a")
    assert [output.value async for _, output in outputs] == list(range(44, 300))


async def test_outputs_of_an_earlier_call_of_this_id_are_not_resumed() -> None:
    directory = LocalDirectory(1)
    await directory.claim(info("a"), None, ignore)
    old = directory.publish("a", Output((0,)))
    await directory.release("a")
    await directory.claim(info("a"), None, ignore)
    assert directory.publish("a", Output((1,))).epoch > old.epoch
    _, output = await anext(directory.subscribe("a", old))
    assert output.value == 1
