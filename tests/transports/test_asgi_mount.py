"""Streams mounted in FastAPI and Starlette applications."""

import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket
from websockets.asyncio.client import connect

from antiphon import Call, Stream, Tone, UnknownCall
from antiphon import connect as call_to
from tests.transports.asgi_calls import telephone
from tests.transports.asgi_servers import Served, Serving, on_uvicorn

SOUND = bytes(range(0x80, 0xFF)) * 2
PATHS = ["", "/voice", "/deep/voice"]


async def mine(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"mine: {request.method} {request.url.path}")


Make = Callable[..., Any]


@pytest.fixture(params=[FastAPI, Starlette], ids=["fastapi", "starlette"])
def make(request: pytest.FixtureRequest) -> Make:
    """Makes an application of a framework."""
    framework: Make = request.param
    return framework


def requesting(served: Served) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=served.http)


async def echoes(served: Served, path: str) -> bool:
    """Whether a call over WebSocket is echoed there."""
    async with connect(f"{served.ws}{path}/websocket/offer") as client:
        await client.send(json.dumps({"event": "start", "websocket_id": path or "root"}))
        await client.send(SOUND)
        sound = b""
        while len(sound) < len(SOUND):
            message = await client.recv()
            assert isinstance(message, bytes)
            sound += message
        return sound == SOUND


@pytest.mark.parametrize("path", PATHS)
async def test_speech_endpoints_are_served_below_the_path(make: Make, path: str) -> None:
    app, stream = make(), Stream(Tone(), speech=True)
    stream.mount(app, path=path)
    async with (
        on_uvicorn(app) as served,
        requesting(served) as client,
        connect(f"{served.ws}{path}/speech_summary_stream_opus") as socket,
    ):
        await socket.send("16000")
        assert await socket.recv() == "200"
        assert (await client.get(f"{path}/core/get_build_info")).json()["name"] == "antiphon"
        preflight = await client.options(
            f"{path}/speech_summary_engine/get_speech_summary_from_samples"
        )
        assert preflight.status_code == 204


@pytest.mark.parametrize("path", PATHS)
async def test_calls_are_served_below_the_path(serving: Serving, make: Make, path: str) -> None:
    app, stream = make(), telephone()
    stream.mount(app, path)
    async with serving(app) as served, requesting(served) as client:
        assert await echoes(served, path)
        offer = {"event": "start", "websocket_id": "alice"}
        call = (await client.post(f"{path}/http/offer", json=offer)).json()
        assert call["links"]["end"] == f"{path}/http/alice"
        proof = {"authorization": f"Bearer {call['token']}"}
        assert (await client.delete(call["links"]["end"], headers=proof)).status_code == 204
    assert not stream.host.running


@pytest.mark.parametrize("path", ["", "/voice"])
async def test_calls_over_webrtc_are_served_below_the_path(make: Make, path: str) -> None:
    app = make()
    Stream(Tone(seconds=1)).mount(app, path)
    heard = 0.0
    async with (
        on_uvicorn(app) as served,
        call_to(f"webrtc+{served.http}{path}/webrtc/offer") as call,
    ):
        async for frame in call.audio:
            heard += frame.duration
    assert heard >= 1


@pytest.mark.parametrize("path", PATHS)
async def test_every_route_of_a_stream_is_reachable(make: Make, path: str) -> None:
    app, stream = FastAPI(docs_url=None) if make is FastAPI else make(), telephone()
    # FastAPI's own document of itself.
    theirs = {getattr(route, "path", "") for route in app.routes}
    stream.mount(app, path)
    async with on_uvicorn(app) as served, requesting(served) as client:
        for pattern, methods in stream.asgi.routes.patterns:
            if path + pattern in theirs:
                continue
            url = path + pattern.replace("{rest:path}", "alice/events")
            for method in (*methods, "OPTIONS"):
                async with client.stream(method, url) as response:
                    # Answered by the stream, which names what a response varies with.
                    assert "origin" in response.headers["vary"], (method, url)


async def test_the_guide_goes_behind_the_docs_of_fastapi_itself() -> None:
    app = FastAPI()
    for path in ("", "/voice"):
        telephone().mount(app, path)
    async with on_uvicorn(app) as served, requesting(served) as client:
        titles = [(await client.get(f"{path}/docs")).text for path in ("", "/voice")]
    assert "Swagger UI" in titles[0]
    assert "Connecting via API" in titles[1]


@pytest.mark.parametrize("path", PATHS)
async def test_routes_of_the_application_stay_reachable(make: Make, path: str) -> None:
    app = make()
    app.add_route("/before", mine)
    telephone().mount(app, path)
    app.add_route("/after", mine)
    app.add_route(f"{path}/http", mine)
    app.add_route(f"{path}/health", mine, methods=["POST"])
    async with on_uvicorn(app) as served, requesting(served) as client:
        for method, url in [
            ("GET", "/before"),
            ("GET", "/after"),
            ("GET", f"{path}/http"),
            ("POST", f"{path}/health"),
        ]:
            assert (await client.request(method, url)).text == f"mine: {method} {url}"
        assert (await client.get("/nothing")).status_code == 404


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("first", ["application", "stream"])
async def test_a_route_of_the_application_for_the_same_path_wins_in_any_order(
    make: Make, path: str, first: str
) -> None:
    app = make()
    if first == "stream":
        telephone().mount(app, path)
    app.add_route(f"{path}/", mine)
    app.add_route(f"{path}/input_hook", mine, methods=["POST"])
    app.add_route(f"{path}/updates", mine)
    app.router.add_websocket_route(f"{path}/websocket/offer", _say_mine)
    if first == "application":
        telephone().mount(app, path)
    async with on_uvicorn(app) as served, requesting(served) as client:
        for method, url in [
            ("GET", f"{path}/"),
            ("POST", f"{path}/input_hook"),
            ("GET", f"{path}/updates"),
        ]:
            assert (await client.request(method, url)).text == f"mine: {method} {url}"
        async with connect(f"{served.ws}{path}/websocket/offer") as socket:
            assert await socket.recv() == "mine"
        assert (await client.get(f"{path}/outputs")).status_code == 422


async def _say_mine(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text("mine")
    await socket.close()


@pytest.mark.parametrize("first", ["application", "stream"])
async def test_of_routes_for_other_paths_that_match_the_first_added_wins(
    make: Make, first: str, tmp_path: Path
) -> None:
    """A folder of files at `/`, added last as is usual, must not hide the stream."""
    (tmp_path / "index.html").write_text("<title>mine</title>")
    app = make()
    files = StaticFiles(directory=tmp_path, html=True)
    if first == "application":
        app.mount("/", files)
    telephone().mount(app)
    if first == "stream":
        app.mount("/", files)
    async with on_uvicorn(app) as served, requesting(served) as client:
        health = (await client.get("/health")).status_code
        mine = "<title>mine</title>" in (await client.get("/")).text
        assert (health, mine) == ((404, True) if first == "application" else (200, False))
        assert (await client.get("/index.html")).text == "<title>mine</title>"


async def test_an_unknown_call_in_a_route_of_the_application_is_a_refusal(make: Make) -> None:
    app, stream = make(), telephone()

    async def give(request: Request) -> PlainTextResponse:
        stream.set_input(request.query_params["id"], 1)
        return PlainTextResponse("given")

    app.add_route("/give", give)
    stream.mount(app)
    async with (
        on_uvicorn(app) as served,
        requesting(served) as client,
        call_to(f"{served.ws}/websocket/offer", call_id="alice"),
    ):
        assert (await client.get("/give?id=alice")).text == "given"
        refused = await client.get("/give?id=bob")
    assert refused.status_code == 404
    assert refused.json() == {"status": "failed", "meta": {"error": "unknown_connection"}}


async def test_an_application_may_answer_for_unknown_calls_itself(make: Make) -> None:
    async def answer(request: Request, error: Exception) -> PlainTextResponse:
        return PlainTextResponse(f"mine: {error}", 418)

    async def give(request: Request) -> PlainTextResponse:
        stream.set_input("bob", 1)
        return PlainTextResponse("given")

    app, stream = make(), telephone()
    app.add_exception_handler(UnknownCall, answer)
    app.add_route("/give", give)
    stream.mount(app)
    async with on_uvicorn(app) as served, requesting(served) as client:
        refused = await client.get("/give")
    assert (refused.status_code, refused.text) == (418, "mine: no live call has the id 'bob'")


@pytest.mark.parametrize("path", PATHS[1:])
async def test_the_mount_path_redirects_to_the_page_below_it(
    serving: Serving, make: Make, path: str
) -> None:
    app = make()
    telephone().mount(app, path)
    async with serving(app) as served, requesting(served) as client:
        moved = await client.get(f"{path}?token=x")
        assert (moved.status_code, moved.headers["location"]) == (307, f"{path}/?token=x")
        page = await client.get(path, follow_redirects=True)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.text.startswith("<!doctype html>")


async def test_two_streams_under_one_path_are_an_error(make: Make) -> None:
    app = make()
    telephone().mount(app, "/voice")
    with pytest.raises(ValueError, match="a stream is mounted at /voice already"):
        telephone().mount(app, "/voice/")


async def test_streams_under_different_paths_are_served_beside_each_other(
    serving: Serving, make: Make
) -> None:
    app, first, second = make(), telephone(), telephone()
    first.mount(app)
    second.mount(app, "/second")
    second.mount(app, "/third")
    async with serving(app) as served:
        for path in ("", "/second", "/third"):
            assert await echoes(served, path)
    assert not first.host.running
    assert not second.host.running


async def test_calls_end_before_the_applications_own_lifespan(make: Make) -> None:
    steps: list[str] = []
    begun = anyio.Event()

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncGenerator[dict[str, str]]:
        steps.append("application starts")
        yield {"model": "loaded"}
        steps.append("application ends")

    async def handler(call: Call) -> None:
        begun.set()
        try:
            await anyio.sleep_forever()
        finally:
            steps.append("call ends")

    async def state(request: Request) -> PlainTextResponse:
        return PlainTextResponse(request.state.model)

    app = make(lifespan=lifespan)
    app.add_route("/state", state)
    telephone(handler).mount(app, "/voice")
    async with on_uvicorn(app) as served, requesting(served) as client:
        assert (await client.get("/state")).text == "loaded"
        async with connect(f"{served.ws}/voice/websocket/offer") as call:
            await call.send('{"event": "start", "websocket_id": "alice"}')
            await begun.wait()
            served.stopping.set()
            await served.stopped.wait()
    assert steps == ["application starts", "call ends", "application ends"]


async def test_the_application_itself_can_be_mounted_without_a_lifespan(
    serving: Serving, make: Make
) -> None:
    app, stream = make(), telephone()
    app.mount("/voice", stream.asgi)
    async with serving(app) as served, requesting(served) as client:
        assert await echoes(served, "/voice")
        page = await client.get("/voice", follow_redirects=True)
        assert page.text.startswith("<!doctype html>")


async def test_a_proxy_that_strips_its_path_is_told_to_the_client(make: Make) -> None:
    app, stream = make(), telephone()
    stream.mount(app, "/voice")
    transport = httpx.ASGITransport(app, root_path="/api")
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        moved = await client.get("/voice")
        assert moved.headers["location"] == "/api/voice/"
        assert (await client.get("/voice/health")).status_code == 200


@pytest.mark.parametrize("app", [object(), lambda: None], ids=["object", "function"])
def test_only_applications_with_routes_and_a_lifespan_are_mounted_in(app: object) -> None:
    with pytest.raises(TypeError, match="a FastAPI or Starlette application"):
        telephone().mount(app)


def test_a_path_begins_with_a_slash() -> None:
    with pytest.raises(ValueError, match="begins with a slash"):
        telephone().mount(Starlette(), "voice")


def test_mounting_keeps_streams_out_of_the_api_schema() -> None:
    app = FastAPI()
    telephone().mount(app, "/voice")
    assert app.openapi()["paths"] == {}
