"""Offers that a route of the application has received: `Stream.handle_offer`."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request

from antiphon import Call, Stream
from tests.conformance.handlers import wait
from tests.transports.asgi_servers import on_uvicorn
from tests.webrtc.peer import calling

KNOWN = {"secret": {"name": "alice"}}


async def introduce(call: Call) -> None:
    """Tell who calls."""
    await call.send([dict(call.metadata), call.principal, list(call.inputs)])


def application(stream: Stream) -> FastAPI:
    """A route of its own, which knows its users. Nothing is mounted."""
    app = FastAPI()

    @app.post("/call")
    async def _(request: Request) -> dict[str, Any]:
        body: dict[str, Any] = await request.json()
        user = KNOWN.get(body.pop("password", ""))
        assert request.client is not None
        return await stream.handle_offer(body, address=request.client.host, principal=user)

    return app


def client_of(url: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url, trust_env=False)


async def test_what_else_an_offer_holds_reaches_the_handler() -> None:
    stream = Stream(introduce)
    async with on_uvicorn(application(stream)) as served, client_of(served.http) as http:
        async with calling() as rtc:
            rtc.add_channel()
            rtc.add_sound()
            body = await rtc.offer(
                "one", password="secret", voice="alto", metadata={"language": "fr"}, inputs=[1]
            )
            answer = (await http.post("/call", json=body)).json()
            assert set(answer) == {"sdp", "type", "webrtc_id", "token"}
            await rtc.take(answer)
            said = await rtc.told.take()
        assert said == (
            '{"type":"message","data":[{"voice":"alto","language":"fr"},{"name":"alice"},[1]]}'
        )


async def test_refusals_are_answers_and_candidates_are_taken() -> None:
    stream = Stream(wait, concurrency_limit=1, require_token=True)
    async with (
        on_uvicorn(application(stream)) as served,
        client_of(served.http) as http,
        calling() as first,
        calling() as second,
    ):
        first.add_sound()
        second.add_sound()
        answer = (await http.post("/call", json=await first.offer("one"))).json()
        full = await http.post("/call", json=await second.offer("two"))
        assert full.status_code == 200
        assert full.json() == {
            "status": "failed",
            "meta": {"error": "concurrency_limit_reached", "limit": 1},
        }
        line = "candidate:1 1 udp 2130706431 127.0.0.1 9 typ host"
        trickled = {
            "type": "ice-candidate",
            "webrtc_id": "one",
            "candidate": {"candidate": line, "sdpMid": "0", "sdpMLineIndex": 0},
        }
        denied = (await http.post("/call", json=trickled)).json()
        assert denied["meta"]["error"] == "unauthorized"
        taken = await http.post("/call", json={**trickled, "token": answer["token"]})
        assert taken.json() == {"status": "success"}


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "invalid_field"),
        ({"type": "offer", "webrtc_id": "one"}, "invalid_field"),
        ({"type": "offer", "webrtc_id": "one", "sdp": "v=0"}, "invalid_sdp"),
        ({"type": "ice-candidate", "webrtc_id": "one", "candidate": 5}, "invalid_field"),
    ],
)
async def test_a_body_that_is_no_offer_is_refused(body: dict[str, Any], error: str) -> None:
    stream = Stream(wait)
    async with stream.running():
        refused = await stream.handle_offer(body)
    assert (refused["status"], refused["meta"]["error"]) == ("failed", error)


async def test_a_body_that_is_no_json_is_the_applications_own_mistake() -> None:
    stream = Stream(wait)
    async with stream.running():
        with pytest.raises(TypeError):
            await stream.handle_offer({"type": "offer", "webrtc_id": "one", "sdp": object()})
