"""The documents' server code under FastAPI and uvicorn, and clients that follow the documents."""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import anyio
import httpx
import numpy as np
import pytest
from websockets.asyncio.client import connect as open_websocket
from websockets.exceptions import ConnectionClosed

from antiphon import AdditionalOutputs, Call, Stream, VideoStreamHandler, connect
from tests.conformance.handlers import wait
from tests.documents.server import application
from tests.transports.asgi_servers import Served, on_uvicorn
from tests.webrtc.peer import calling

pytestmark = pytest.mark.parametrize("mounted_first", [True, False], ids=["mounted", "routes"])
LOUD = {"event": "media", "media": {"payload": "gICAgICAgIA="}}  # mu-law, full scale
REFUSED = {"status": "failed", "meta": {"error": "concurrency_limit_reached", "limit": 10}}


async def detect(call: Call) -> None:
    """Put out the threshold and the samples above it, for each frame of sound."""
    async for frame in call.audio:
        (threshold,) = call.inputs or (0.3,)
        await call.output((threshold, int(np.count_nonzero(frame.samples > threshold * 32767))))


def find(frame: Any, conf_threshold: float = 0.3) -> Any:
    """The same for pictures."""
    count = int(np.count_nonzero(frame > conf_threshold * 255))
    return frame, AdditionalOutputs((conf_threshold, count))


@asynccontextmanager
async def serving(
    stream: Stream, mounted_first: bool
) -> AsyncGenerator[tuple[Served, httpx.AsyncClient]]:
    app = application(stream, mounted_first=mounted_first)
    async with (
        on_uvicorn(app) as served,
        httpx.AsyncClient(base_url=served.http, trust_env=False, timeout=10) as http,
    ):
        yield served, http


async def updates(http: httpx.AsyncClient, call_id: str) -> AsyncIterator[Any]:
    """What a page's EventSource is given."""
    async with http.stream("GET", "/updates", params={"webrtc_id": call_id}) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        async for line in response.aiter_lines():
            if line:
                yield line.removeprefix("data: ")


async def check_hook_and_updates(http: httpx.AsyncClient, first: str, later: str) -> None:
    """The slider is moved while outputs are followed: those that come then begin as `later`."""
    async for data in updates(http, "one"):
        assert data.startswith((first, later))
        if data.startswith(later):
            return
        moved = await http.post("/input_hook", json={"webrtc_id": "one", "conf_threshold": 0.9})
        assert (moved.status_code, moved.json()) == (200, None)


async def test_over_websocket_the_threshold_reaches_the_handler_and_outputs_stream_out(
    mounted_first: bool,
) -> None:
    async with (
        serving(Stream(detect), mounted_first) as (served, http),
        open_websocket(f"{served.ws}/websocket/offer") as socket,
        anyio.create_task_group() as tasks,
    ):
        await socket.send(json.dumps({"event": "start", "websocket_id": "one"}))

        async def talk() -> None:
            await socket.send(json.dumps(LOUD))
            assert json.loads(await socket.recv()) == {"type": "fetch_output", "data": []}

        async def talk_on() -> None:
            while True:
                await talk()

        await talk()  # before the call is known, nobody could follow its outputs
        tasks.start_soon(talk_on)
        await check_hook_and_updates(http, "(0.3, 8)", "(0.9, 8)")
        tasks.cancel_scope.cancel()


async def test_over_webrtc_the_threshold_reaches_the_function_and_outputs_stream_out(
    mounted_first: bool,
) -> None:
    stream = Stream(VideoStreamHandler(find), modality="video")
    async with serving(stream, mounted_first) as (served, http):
        url = f"webrtc+{served.http}/webrtc/offer"
        async with (
            connect(url, call_id="one", modality="video") as call,
            anyio.create_task_group() as tasks,
        ):

            async def show() -> None:
                gray = np.full((48, 64, 3), 128, np.uint8)
                while True:
                    await call.send_video(gray)
                    await anyio.sleep(0.02)  # a camera of 50 pictures a second

            tasks.start_soon(show)
            await check_hook_and_updates(http, "(0.3, 9216)", "(0.9, 0)")
            tasks.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("body", "place", "kind"),
    [
        ({"webrtc_id": "one", "conf_threshold": 1.01}, "conf_threshold", "less_than_equal"),
        ({"webrtc_id": "one", "conf_threshold": -0.1}, "conf_threshold", "greater_than_equal"),
        ({"webrtc_id": "one"}, "conf_threshold", "missing"),
        ({"conf_threshold": 0.5}, "webrtc_id", "missing"),
    ],
)
async def test_what_is_out_of_range_is_refused_by_fastapi_and_not_taken(
    mounted_first: bool, body: dict[str, Any], place: str, kind: str
) -> None:
    async def tell(call: Call) -> None:
        async for _ in call.messages:
            await call.send(list(call.inputs))

    async with (
        serving(Stream(tell), mounted_first) as (served, http),
        connect(f"{served.ws}/websocket/offer", call_id="one") as call,
    ):
        refused = await http.post("/input_hook", json=body)
        assert refused.status_code == 422
        (error,) = refused.json()["detail"]
        assert (error["loc"], error["type"]) == (["body", place], kind)
        await call.send("what are my inputs?")
        assert (await anext(aiter(call.messages))).data == []


async def test_inputs_for_an_unknown_call_are_refused(mounted_first: bool) -> None:
    async with serving(Stream(wait), mounted_first) as (_, http):
        refused = await http.post(
            "/input_hook", json={"webrtc_id": "nobody", "conf_threshold": 0.5}
        )
        assert refused.status_code == 404
        assert refused.json() == {"status": "failed", "meta": {"error": "unknown_connection"}}


async def test_outputs_end_with_their_call(mounted_first: bool) -> None:
    async def brief(call: Call) -> None:
        async for message in call.messages:
            if message.data is None:
                return
            await call.output(message.data)

    seen: list[str] = []
    async with (
        serving(Stream(brief), mounted_first) as (served, http),
        connect(f"{served.ws}/websocket/offer", call_id="one") as call,
    ):
        await call.send(1)
        await anext(aiter(call.messages))
        async for data in updates(http, "one"):
            seen.append(data)
            if data == "1":
                await call.send("two")
                await call.send(None)
    assert seen == ["1", "two"]


async def test_one_call_too_many_is_told_the_same_over_webrtc_and_websocket(
    mounted_first: bool,
) -> None:
    stream = Stream(wait, concurrency_limit=10)
    async with serving(stream, mounted_first) as (served, http), AsyncExitStack() as stack:
        for _ in range(10):
            await stack.enter_async_context(connect(f"{served.ws}/websocket/offer"))
        async with calling() as rtc:
            rtc.add_channel()
            rtc.add_sound()
            refused = await http.post("/webrtc/offer", json=await rtc.offer("eleventh"))
        assert (refused.status_code, refused.json()) == (429, REFUSED)
        async with open_websocket(f"{served.ws}/websocket/offer") as socket:
            await socket.send(json.dumps({"event": "start", "websocket_id": "eleventh"}))
            assert json.loads(await socket.recv()) == REFUSED
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1013
        assert len(stream.calls) == 10
