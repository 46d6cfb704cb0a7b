"""How calls end: docs/protocol.md. Whatever ends one, its handler leaves once and its
slot is given back once.
"""

import anyio
import pytest

from antiphon import AudioFrame, Call
from tests.conformance.handlers import Probe
from tests.conformance.peer import Peer
from tests.conformance.trace import end_stream, error, start, warning
from tests.conformance.transports import Site, Transport

SOUND = AudioFrame(bytes(2 * 6000), 24000)  # 0.25 s
MULAW_SILENCE = b"\xff"


async def begun(peer: Peer) -> None:
    """Open a call and wait until it is admitted."""
    await peer.say(start())
    await peer.answers()


async def over_once(site: Site, handler: Probe, how: str) -> None:
    """The handler has left once, and the slot is free."""
    await site.directory.freed("one")
    assert handler.left == [how]
    assert site.calls == []


async def test_a_client_that_stops_cancels_the_handler(over: Transport) -> None:
    handler = Probe()
    async with over.serving(handler) as site, site.peer() as peer:
        await begun(peer)
        await peer.say({"event": "stop"})
        await peer.ended(1000)
        await over_once(site, handler, "cancelled")


async def test_a_client_that_vanishes_cancels_the_handler(over: Transport) -> None:
    handler = Probe()
    # Over HTTP nothing else shows that nobody is there any more.
    limits = {} if "connected" in over.features else {"idle_timeout": 0.3}
    async with over.serving(handler, **limits) as site, site.peer() as peer:
        await begun(peer)
        await peer.vanish()
        await over_once(site, handler, "cancelled")


async def test_a_handler_that_returns_ends_the_call(over: Transport) -> None:
    async def answer_one(call: Call) -> None:
        async for message in call.messages:
            await call.send(message.data)
            return

    handler = Probe(answer_one)
    async with over.serving(handler) as site, site.peer() as peer:
        await begun(peer)
        await peer.say({"event": "message", "data": "hello"})
        assert (await peer.next()) is not None
        await peer.hear(end_stream("the call has ended"))
        await peer.ended(1000)
        await over_once(site, handler, "returned")


async def test_a_handler_that_raises_is_told_as_an_error(over: Transport) -> None:
    async def fail(call: Call) -> None:
        async for _ in call.messages:
            raise ZeroDivisionError("no more bananas")

    handler = Probe(fail)
    async with over.serving(handler) as site, site.peer() as peer:
        await begun(peer)
        await peer.say({"event": "message", "data": "hello"})
        await peer.hear(error("no more bananas"), end_stream("the handler failed"))
        await peer.ended(1011)
        await over_once(site, handler, "raised")


@pytest.mark.needs("messages")
async def test_a_farewell_comes_after_all_the_sound_before_it(over: Transport) -> None:
    async def speak_and_hang_up(call: Call) -> None:
        await call.send_audio(SOUND)
        await call.hang_up("bye")

    handler = Probe(speak_and_hang_up)
    async with over.serving(handler) as site, site.peer() as peer:
        await peer.say(start())
        await peer.hear_sound(MULAW_SILENCE * 6000)
        await peer.hear(end_stream("bye"))
        await peer.ended(1000)
        await site.directory.freed("one")


async def test_a_call_ends_at_its_time_limit(over: Transport) -> None:
    handler = Probe()
    async with over.serving(handler, time_limit=0.3) as site, site.peer() as peer:
        await peer.say(start())
        await peer.hear(end_stream("the time limit of 0.3 s is over"))
        await peer.ended(1000)
        await over_once(site, handler, "cancelled")


@pytest.mark.needs("messages")
async def test_a_call_in_which_nothing_is_said_ends(over: Transport) -> None:
    handler = Probe()
    async with over.serving(handler, idle_timeout=0.3) as site, site.peer() as peer:
        await peer.say(start())
        await peer.hear(end_stream("nothing was said for 0.3 s"))
        await peer.ended(1000)
        await over_once(site, handler, "cancelled")


@pytest.mark.needs("connecting")
async def test_a_link_that_never_starts_is_closed_and_never_held_a_slot(over: Transport) -> None:
    async with (
        over.serving(Probe(), start_timeout=0.1, concurrency_limit=1) as site,
        site.peer() as peer,
    ):
        await peer.hear(error("no `start` came within 0.1 s"))
        await peer.ended(1008)
        assert not site.directory.claimed


@pytest.mark.needs("connecting")
async def test_a_client_that_stops_or_leaves_before_its_start_is_let_go(over: Transport) -> None:
    async with over.serving(Probe(), connecting_limit=1) as site:
        async with site.peer() as peer:
            await peer.say({"event": "stop"})
            await peer.ended(1000)
        async with site.peer() as peer:
            await begun(peer)
        async with site.peer() as leaver:
            await leaver.say({"event": "ping"})
            await leaver.next()
            await leaver.vanish()


@pytest.mark.needs("farewell")
async def test_a_server_that_stops_warns_and_then_says_goodbye(over: Transport) -> None:
    handler = Probe()
    async with (
        over.serving(handler) as site,
        site.peer() as peer,
        anyio.create_task_group() as tasks,
    ):
        await begun(peer)
        tasks.start_soon(site.place.shut_down)
        await peer.hear(
            warning("the server is shutting down: this call ends within 0.05 s"),
            end_stream("the server is shutting down"),
        )
        await peer.ended(1001)
        await over_once(site, handler, "cancelled")


@pytest.mark.needs("connecting", "farewell")
async def test_a_server_that_stops_closes_links_without_a_call(over: Transport) -> None:
    async with (
        over.serving(Probe()) as site,
        site.peer() as peer,
        anyio.create_task_group() as tasks,
    ):
        await peer.say({"event": "ping"})
        await peer.next()
        tasks.start_soon(site.place.shut_down)
        await peer.ended(1001)


async def test_the_application_can_hang_up_a_call(over: Transport) -> None:
    handler = Probe()
    async with over.serving(handler) as site, site.peer() as peer:
        await begun(peer)
        site.stream.hang_up("one", "closing time")
        await peer.hear(end_stream("closing time"))
        await peer.ended(1000)
        await over_once(site, handler, "cancelled")


async def test_an_id_can_be_used_again_when_its_call_is_over(over: Transport) -> None:
    handler = Probe()
    async with over.serving(handler, concurrency_limit=1) as site:
        for times in (1, 2, 3):
            async with site.peer() as peer:
                await begun(peer)
                await peer.say({"event": "message", "data": 1}, {"event": "stop"})
                await peer.ended(1000)
            await site.directory.freed("one", times)
        assert handler.left == ["cancelled"] * 3
