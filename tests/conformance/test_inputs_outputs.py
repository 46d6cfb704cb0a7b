"""Inputs and outputs of a call on every transport: docs/protocol.md, "Inputs and outputs"."""

from functools import partial
from typing import Annotated, Any

import anyio
import anyio.to_thread
import msgspec
import pytest
from pydantic import BaseModel, field_validator

from antiphon import Call, UnknownCall
from tests.conformance.exchange import ASKED, FETCH, answer, exchanging, put_out
from tests.conformance.trace import containing, end_stream, error, refusal, start, told
from tests.conformance.transports import Transport


class Settings(msgspec.Struct):
    """What clients may set."""

    threshold: Annotated[float, msgspec.Meta(ge=0, le=1)]
    prompt: str = "none"


async def wait_for_each(call: Call) -> None:
    """Ask for inputs again and again, and tell each set."""
    await call.send("ready")
    while True:
        await call.send(list(await call.wait_for_inputs()))


async def test_the_next_call_sees_the_newest_inputs_wherever_they_come_from(
    over: Transport,
) -> None:
    async with exchanging(over, answer) as at:
        await at.calls()
        at.stream.set_input("one", 0.5, {"k": "v"})
        await at.calls(0.5, {"k": "v"})
        assert (await at.post(inputs=[0.25, None])).json() == {"status": "ok"}
        await at.calls(0.25, None)
        await at.peer.say({"event": "input", "data": ["in", "band"]})
        await at.calls("in", "band")
        await at.calls("in", "band")
        at.stream.set_input("one")
        await at.calls()


async def test_every_set_of_inputs_is_seen_in_order_and_none_is_dropped(over: Transport) -> None:
    async with exchanging(over, wait_for_each) as at:
        for number in range(3):
            await at.peer.hear(ASKED)
            at.stream.set_input("one", "set", number)
            await at.peer.hear(told(["set", number]), ASKED)
            await at.post(inputs=["posted", number])
            await at.peer.hear(told(["posted", number]), ASKED)
            await at.peer.say({"event": "input", "data": ["told", number]})
            await at.peer.hear(told(["told", number]))


async def test_inputs_may_be_set_from_any_thread(over: Transport) -> None:
    """Routes that are plain functions, and handlers that block, run in worker threads."""
    async with exchanging(over, wait_for_each) as at:
        for number in range(3):
            await at.peer.hear(ASKED)
            await anyio.to_thread.run_sync(at.stream.set_input, "one", number)
            await at.peer.hear(told([number]))
        await at.peer.hear(ASKED)
        await anyio.to_thread.run_sync(at.stream.hang_up, "one", "that is all")
        await at.peer.hear(end_stream("that is all"))


@pytest.mark.parametrize(
    ("data", "seen"),
    [
        ({"threshold": 0.5}, [0.5, "none"]),
        ({"prompt": "p", "threshold": 1}, [1.0, "p"]),
        ([0.5], [0.5, "none"]),
        ([0, "p"], [0.0, "p"]),
        (0.5, [0.5, "none"]),
    ],
)
async def test_inputs_in_band_are_read_into_the_type_by_name_or_by_position(
    over: Transport, data: Any, seen: list[Any]
) -> None:
    async with exchanging(over, answer, inputs=Settings) as at:
        await at.peer.say({"event": "input", "data": data})
        await at.calls(*seen)
        at.stream.set_input("one", "not", "checked", "here")
        await at.calls("not", "checked", "here")
        assert (await at.post(inputs=data)).status_code == 200
        await at.calls(*seen)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"threshold": 1.5}, "Expected `float` <= 1.0 - at `$.threshold`"),
        ({}, "Object missing required field - at `$.threshold`"),
        ([0.5, "p", 3], "this stream takes at most 2 inputs, not 3"),
        ({"threshold": "x", "prompt": 1}, "at `$.prompt`"),
    ],
)
async def test_inputs_in_band_that_break_their_type_are_told_and_not_taken(
    over: Transport, data: Any, text: str
) -> None:
    async with exchanging(over, answer, inputs=Settings) as at:
        at.stream.set_input("one", 0.5, "before")
        await at.peer.say({"event": "input", "data": data})
        await at.peer.hear(error(containing(text)))
        await at.calls(0.5, "before")
        refused = await at.post(inputs=data)
        assert (refused.status_code, refusal(refused.json()).error) == (422, "invalid_field")
        assert text in refused.json()["meta"]["detail"]
        await at.calls(0.5, "before")


async def test_a_start_with_inputs_that_break_their_type_begins_without_them(
    over: Transport,
) -> None:
    async with over.serving(answer, inputs=Settings) as site, site.peer() as peer:
        await peer.say(start(inputs=[7]))
        await peer.hear(error(containing("at `$.threshold`")), told("ready"))
        await peer.say({"event": "message", "data": "a call"})
        await peer.hear(told([]))


class Broken(BaseModel):
    """Its own code fails."""

    size: int

    @field_validator("size")
    @classmethod
    def _fails(cls, size: int) -> int:
        raise ZeroDivisionError("a defect")


async def test_a_validator_that_fails_is_the_applications_defect_and_the_call_goes_on(
    over: Transport,
) -> None:
    async with exchanging(over, answer, inputs=Broken) as at:
        await at.peer.say({"event": "input", "data": {"size": 1}})
        await at.peer.hear(error("the inputs could not be read"))
        assert (await at.post(size=1)).status_code == 500
        await at.calls()


async def test_every_reader_of_outputs_gets_all_of_them_to_the_end(over: Transport) -> None:
    async with exchanging(over, put_out) as at:
        await at.publish("a", [1, 2])
        readers = [at.stream.output_stream("one") for _ in range(2)]
        outputs: list[dict[str, str]] = []
        updates: list[dict[str, str]] = []
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(at.listen, "/outputs", outputs)
            tasks.start_soon(at.listen, "/updates", updates)
            await at.directory.reads("one", 4)
            await at.publish({"late": True})
            # The end comes with the last outputs: those must arrive before it.
            await at.peer.say(*({"event": "message", "data": data} for data in ("last", 5, "end")))
        data = ['"a"', "[1,2]", '{"late":true}', '"last"', "5", "{}"]
        assert [event["data"] for event in outputs] == data
        assert [event["data"] for event in updates] == data
        assert [event.get("event") for event in outputs] == ["output"] * 5 + ["end"]
        assert [event.get("event") for event in updates] == [None] * 5 + ["end"]
        positions = [event.get("id") for event in outputs[:-1]]
        assert positions == [event.get("id") for event in updates[:-1]]
        for reader in readers:
            found = [output async for output in reader]
            assert [output.value for output in found] == ["a", [1, 2], {"late": True}, "last", 5]
            assert [str(output.position) for output in found] == positions


@pytest.mark.parametrize("seen", [0, 1, 2])
async def test_a_reader_goes_on_behind_the_last_event_that_it_has_seen(
    over: Transport, seen: int
) -> None:
    async with exchanging(over, put_out) as at:
        await at.publish("a", "b", "c")
        epoch = (await at.stream.fetch_latest_output("one")).position
        assert epoch is not None
        position = f"{epoch.epoch}-{seen}"
        reader = at.stream.output_stream("one", after=position)
        events = await at.heard(position, last="d")
        rest = ["a", "b", "c", "d"][seen + 1 :]
        assert [event["data"] for event in events] == [*(f'"{each}"' for each in rest), "{}"]
        assert [output.value async for output in reader] == rest


@pytest.mark.parametrize("after", ["{epoch}-3", "{epoch}-5000", "17-43"])
async def test_outputs_that_are_no_longer_kept_are_told_as_a_gap(
    over: Transport, after: str
) -> None:
    async with exchanging(over, many) as at:
        await at.peer.say({"event": "message", "data": "now"})
        await at.peer.hear(*[FETCH] * 300, told("done"))
        newest = await at.stream.fetch_latest_output("one")
        assert newest.position is not None
        epoch = newest.position.epoch
        events = await at.heard(after.format(epoch=epoch))
        assert events[0] == {"event": "gap", "data": f'{{"resumed_at":"{epoch}-44"}}'}
        assert [event["data"] for event in events[1:-1]] == [str(n) for n in range(44, 300)]
        assert events[-1]["event"] == "end"


async def many(call: Call) -> None:
    """Publish more than is kept when the first message comes, and end with the second."""
    await call.send("ready")
    await anext(aiter(call.messages))
    for number in range(300):
        await call.output(number)
    await call.send("done")
    await anext(aiter(call.messages))


async def test_a_late_reader_gets_what_is_kept_and_misses_nothing_that_it_knew_of(
    over: Transport,
) -> None:
    async with exchanging(over, many) as at:
        await at.peer.say({"event": "message", "data": "now"})
        await at.peer.hear(*[FETCH] * 300, told("done"))
        events = await at.heard()
        assert [event["event"] for event in events] == ["output"] * 256 + ["end"]
        assert events[0]["data"] == "44"


async def test_an_output_that_is_no_json_is_an_error_that_names_its_type(over: Transport) -> None:
    async def odd(call: Call) -> None:
        await call.send("ready")
        await call.output(Odd())
        await call.output("some", {Odd(): 1})
        await call.output("\ud800")
        await call.output("fine")
        async for _ in call.messages:
            return

    async with exchanging(over, odd) as at:
        await at.peer.hear(*[FETCH] * 4)
        events = await at.heard()
        assert [event["event"] for event in events] == ["error"] * 3 + ["output", "end"]
        assert [event["id"].partition("-")[2] for event in events[:-1]] == ["0", "1", "2", "3"]
        for event, kind in zip(events, ("Odd", "list", "str"), strict=False):
            assert event["data"].startswith(f'"an output of type {kind} cannot be shown as JSON:')


class Odd:
    """Nothing that JSON knows."""


async def test_the_latest_output_is_the_newest_of_those_that_came_together(
    over: Transport,
) -> None:
    async def all_at_once(call: Call) -> None:
        await call.send("ready")
        async for _ in call.messages:
            await call.output("first")
            await call.output("second")
            await call.output("third")

    async with exchanging(over, all_at_once) as at:
        came: list[Any] = []

        async def fetch() -> None:
            came.append((await at.stream.fetch_latest_output("one", timeout=5)).value)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(fetch)
            await at.directory.reads("one", 1)
            await at.peer.say({"event": "message", "data": "now"})
        await at.peer.hear(FETCH, FETCH, FETCH)
        await fetch()
        assert came == ["third", "third"]


async def test_the_latest_output_of_a_call_that_has_ended_with_it_is_its_last(
    over: Transport,
) -> None:
    async with exchanging(over, put_out) as at:
        came: list[Any] = []

        async def fetch() -> None:
            came.append((await at.stream.fetch_latest_output("one", timeout=5)).value)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(fetch)
            await at.directory.reads("one", 1)
            await at.peer.say(*({"event": "message", "data": data} for data in (1, 2, "end")))
        assert came[0] in (1, 2)


async def test_nobody_waits_for_a_first_output_for_ever(over: Transport) -> None:
    async with exchanging(over, put_out) as at:
        with pytest.raises(TimeoutError):
            await at.stream.fetch_latest_output("one", timeout=0.01)
        with pytest.raises(UnknownCall):
            await at.stream.fetch_latest_output("two", timeout=5)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(at.end)
            with pytest.raises(UnknownCall):
                await at.stream.fetch_latest_output("one", timeout=5)


async def test_a_call_that_nobody_knows_has_no_inputs_and_no_outputs(over: Transport) -> None:
    async with exchanging(over, put_out) as at:
        for response in (
            await at.http.get("/outputs", params={"webrtc_id": "two"}),
            await at.http.get("/updates", params={"webrtc_id": "two"}),
            await at.post(webrtc_id="two", inputs=[1]),
        ):
            assert (response.status_code, refusal(response.json()).error) == (
                404,
                "unknown_connection",
            )
        with pytest.raises(UnknownCall):
            at.stream.output_stream("two")
        with pytest.raises(UnknownCall):
            at.stream.set_input("two", 1)
        assert [call.id for call in at.stream.calls] == ["one"]


async def test_only_the_token_of_a_call_opens_its_inputs_and_outputs(over: Transport) -> None:
    async with exchanging(over, answer, require_token=True) as at:
        for headers in ({}, {"authorization": "Bearer none"}):
            assert (await at.post(headers, inputs=[1])).status_code == 401
            for path in ("/outputs", "/updates"):
                refused = await at.http.get(path, params={"webrtc_id": "one"}, headers=headers)
                assert refused.status_code == 401
        await at.calls()
        assert (await at.post(at.proof, inputs=[1])).status_code == 200
        await at.calls(1)
        token = at.proof["authorization"].removeprefix("Bearer ")
        events: list[dict[str, str]] = []
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(partial(at.listen, "/outputs", events, token=token))
            await at.directory.reads("one", 1)
            at.stream.hang_up("one")
        assert [event["event"] for event in events] == ["end"]
