"""The browser client calls again when a connection was lost, and only then."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from playwright.async_api import BrowserContext

from tests.browser.console import Console, opened
from tests.browser.peer import Peer, peer
from tests.browser.server import serving

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(90),  # Chromium, a server and seconds of live audio on a busy machine
]

SOON = {"attempts": 3, "firstDelay": 20, "maxDelay": 50}
CALL = """async (options) => {
  const client = await import(new URL("client.js", document.baseURI));
  Object.assign(window, { states: [], ids: [], retries: [], outputs: [] });
  window.call = client.connect({
    mode: "receive", ...options,
    onState: (state, ending, retry) => {
      states.push(state);
      if (state === "open") ids.push(call.id);
      if (retry) retries.push([retry.attempt, retry.attempts, retry.because.cause]);
    },
    onOutput: options.hasOutputs && ((value) => outputs.push(value)),
  });
}"""
ENDING = "call.ended.then(({ cause, text }) => [cause, text])"
LOST = 1001  # the server goes away

Script = Callable[[Peer], Awaitable[None]]


def in_turn(*scripts: Script) -> tuple[Script, list[dict[str, Any]]]:
    """A script for each call that comes, and what each started with."""
    starts: list[dict[str, Any]] = []

    async def script(server: Peer) -> None:
        starts.append(await server.hear("start"))
        await scripts[min(len(starts), len(scripts)) - 1](server)

    return script, starts


async def lose(server: Peer) -> None:
    await server.admit()
    await server.close(LOST)


async def finish(server: Peer) -> None:
    await server.admit()
    await server.close(1000)


async def test_a_lost_call_is_made_again_with_another_id_and_the_newest_inputs(
    console: Console,
) -> None:
    async def lose_later(server: Peer) -> None:
        await server.admit()
        assert await server.hear("input") == {"event": "input", "data": {"b": 2}}
        await server.close(LOST)

    async def hear(server: Peer) -> None:
        await server.admit()
        await server.hear("message")
        await server.close(1000)

    script, starts = in_turn(lose_later, hear)
    async with peer(script) as url:
        options = {"url": url, "reconnect": SOON, "inputs": [1], "metadata": {"who": "I"}}
        await console.run(CALL, options)
        await console.until("states.includes('open')")
        await console.run("call.setInputs({ b: 2 })")
        await console.until("ids.length === 2")
        assert await console.run("call.send({ event: 'message', data: 1 })") is True
        assert (await console.run(ENDING))[0] == "ended"
    assert [start["inputs"] for start in starts] == [[1], {"b": 2}]
    assert starts[0]["metadata"] == starts[1]["metadata"] == {"who": "I", "mode": "receive"}
    ids = [start["websocket_id"] for start in starts]
    assert ids[0] != ids[1]
    assert await console.run("ids") == ids
    assert await console.run("states") == [
        "preparing", "connecting", "open", "reconnecting", "open", "closed",
    ]  # fmt: skip
    assert await console.run("retries") == [[1, 3, "lost"]]
    assert await console.run("call.stats.reconnects") == 1


async def test_a_given_id_stays(console: Console) -> None:
    script, starts = in_turn(lose, finish)
    async with peer(script) as url:
        await console.run(CALL, {"url": url, "reconnect": SOON, "id": "mine"})
        await console.run(ENDING)
    assert [start["websocket_id"] for start in starts] == ["mine", "mine"]


async def test_it_gives_up_when_the_attempts_are_used_up(console: Console) -> None:
    script, starts = in_turn(lose)
    async with peer(script) as url:
        await console.run(CALL, {"url": url, "reconnect": SOON})
        ending = await console.run(ENDING)
    assert ending == ["lost", "The server is gone: it is shutting down."]
    assert len(starts) == 4
    assert [retry[:2] for retry in await console.run("retries")] == [[1, 3], [2, 3], [3, 3]]


async def refuse(server: Peer, error: str) -> None:
    await server.say(status="failed", meta={"error": error, "limit": 1})
    await server.close(1013)


async def be_full(server: Peer) -> None:
    await refuse(server, "concurrency_limit_reached")


async def test_a_full_server_is_asked_again_and_a_refusal_is_not(console: Console) -> None:
    async def forbidden(server: Peer) -> None:
        await refuse(server, "unauthorized")

    script, starts = in_turn(lose, be_full, forbidden)
    async with peer(script) as url:
        await console.run(CALL, {"url": url, "reconnect": SOON})
        assert (await console.run(ENDING))[0] == "refused"
    assert len(starts) == 3


@pytest.mark.parametrize(
    ("options", "script"),
    [
        ({"reconnect": SOON}, finish),
        ({"reconnect": SOON}, be_full),
        ({"reconnect": False}, lose),
        ({}, lose),
    ],
)
async def test_what_is_no_loss_is_the_end(
    console: Console, options: dict[str, Any], script: Script
) -> None:
    """An end in order, a refusal of the first call, and whatever ends a call that did not ask."""
    counted, starts = in_turn(script)
    async with peer(counted) as url:
        await console.run(CALL, {"url": url, **options})
        await console.run(ENDING)
    assert len(starts) == 1
    assert "reconnecting" not in await console.run("states")


async def test_stop_ends_the_waiting_at_once(console: Console) -> None:
    script, starts = in_turn(lose)
    async with peer(script) as url:
        await console.run(CALL, {"url": url, "reconnect": {"firstDelay": 60_000}})
        await console.until("call.state === 'reconnecting'")
        assert await console.run("call.send({ event: 'ping' })") is False
        await console.run("call.stop()")
        assert (await console.run(ENDING))[0] == "stopped"
    assert len(starts) == 1


# Over WebRTC a loss shows when no packets have come for some seconds.
@pytest.mark.parametrize("transport", ["http", pytest.param("webrtc", marks=pytest.mark.slow)])
async def test_a_server_that_starts_again_gets_its_calls_back(
    context: BrowserContext, transport: str
) -> None:
    stream = "tests.browser.streams:curious"
    async with serving(stream) as first:
        port = str(httpx.URL(first.url).port)
        async with opened(context, first.url) as console:
            options = {"transport": transport, "reconnect": {"maxDelay": 500, "attempts": 60}}
            given = {"mode": "send-receive", "inputs": ["kept"], "hasOutputs": True}
            await console.run(CALL, {**options, **given})
            await console.until("call.stats.roundTrip !== null")
            await first.kill()
            await console.until("states.includes('reconnecting')")
            async with serving(stream, "--port", port):
                await console.until("ids.length === 2")
                await console.until("call.stats.roundTrip !== null")
                await console.run("call.send({ event: 'message', data: 0 })")
                await console.until("outputs.length")
                assert await console.run("outputs") == [["kept"]]
                await console.run("call.stop()")
