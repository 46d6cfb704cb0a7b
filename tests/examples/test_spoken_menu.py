"""The menu is read out, asked for, and billed."""

import anyio
import httpx
import pytest

from antiphon import Stream
from examples.spoken_menu import stream
from tests.conformance.http_wire import server_sent
from tests.examples.talking import talking


@pytest.fixture
def http() -> httpx.AsyncClient:
    """Requests to the stream, without a socket."""
    return client_of(stream)


def client_of(stream: Stream) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(stream.asgi)
    return httpx.AsyncClient(transport=transport, base_url="http://menu")


@pytest.mark.parametrize("by", ["memory", "websocket"])
async def test_dishes_are_ordered_by_inputs_and_billed_by_outputs(
    by: str, http: httpx.AsyncClient
) -> None:
    events: list[dict[str, str]] = []

    async def follow() -> None:
        async with http.stream("GET", "/outputs", params={"webrtc_id": "one"}) as response:
            events.extend([event async for event in server_sent(response)])

    async with anyio.create_task_group() as tasks, talking(stream, by) as talker:
        tasks.start_soon(follow)
        await talker.until_heard(2)  # the menu
        await talker.say("I would like to order.")
        await talker.until_told("send_input")
        refused = await http.post("/input_hook", json={"webrtc_id": "one", "dish": 4})
        assert refused.status_code == 422
        assert "<= 3 - at `$.dish`" in refused.json()["meta"]["detail"]
        await talker.call.send_inputs(0)
        await talker.until_told("error")
        assert (
            await http.post("/input_hook", json={"webrtc_id": "one", "dish": 2})
        ).status_code == 200
        await talker.until_told("fetch_output")
        await talker.until_told("log", "response_starting")
        stream.set_input("one", 3)
        await talker.say("And that, please.")
        await talker.until_told("fetch_output", times=2)
        latest = await stream.fetch_latest_output("one")
        assert latest.value == {"ordered": ["salad", "pasta"], "total": 15}
    assert [event["data"] for event in events] == [
        '{"ordered":["salad"],"total":6}',
        '{"ordered":["salad","pasta"],"total":15}',
        "{}",
    ]
