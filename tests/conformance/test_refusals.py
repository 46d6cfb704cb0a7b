"""Who is not let in: docs/protocol.md."""

from typing import Any

import pytest

from antiphon import Call, Request
from tests.conformance.handlers import wait
from tests.conformance.trace import Refused, start, told
from tests.conformance.transports import SERVERS, Transport

SWIFT = [transport for transport in SERVERS if "swift" in transport.features]


def by_name(request: Request) -> str:
    """The name in a header; raises PermissionError for a stranger."""
    if "x-name" not in request.headers:
        raise PermissionError("who are you?")
    return request.headers["x-name"]


async def by_name_later(request: Request) -> str:
    return by_name(request)


def nobody(request: Request) -> None:
    """No principal is no entry."""


def refuse(request: Request) -> bool:
    return False


async def test_one_call_too_many_is_refused_with_the_limit(over: Transport) -> None:
    async with over.serving(wait, concurrency_limit=1) as site, site.peer() as first:
        await first.say(start("first"))
        await first.answers()
        async with site.peer() as second:
            await second.say(start("second"))
            await second.hear(Refused("concurrency_limit_reached", 1))
            await second.ended(1013)
        await first.answers()
        await first.say({"event": "stop"})
        await first.ended(1000)
        await site.directory.freed("first")
        async with site.peer() as third:
            await third.say(start("second"))
            await third.answers()


@pytest.mark.needs("swift")
@pytest.mark.parametrize("other", SWIFT, ids=lambda transport: transport.name)
async def test_an_id_is_one_calls_only_over_all_transports(
    over: Transport, other: Transport
) -> None:
    """All peers that reach this place: memory reaches every stream of this process."""
    if other.serve not in (over.serve, SERVERS[0].serve):
        other = over
    async with over.serving(wait, concurrency_limit=5) as site, site.peer() as first:
        await first.say(start())
        await first.answers()
        for _ in range(2):
            async with site.peer(over=other) as second:
                await second.say(start())
                await second.hear(Refused("connection_already_exists"))
                await second.ended(1008)
        await first.answers()
        assert [call.transport for call in site.calls] == [over.kind]
        assert site.directory.claimed["one"] == 1


@pytest.mark.needs("connecting")
async def test_links_without_a_call_have_a_limit_of_their_own(over: Transport) -> None:
    async with over.serving(wait, connecting_limit=1) as site, site.peer() as first:
        async with site.peer() as second:
            await second.hear(Refused("concurrency_limit_reached", 1))
            await second.ended(1013)
        await first.say(start())
        await first.answers()
        async with site.peer() as third:
            await third.say(start("third"))
            await third.answers()


@pytest.mark.needs("request")
@pytest.mark.parametrize("authorize", [by_name, by_name_later, nobody, refuse])
async def test_a_stranger_is_refused_before_anything_is_opened(
    over: Transport, authorize: Any
) -> None:
    async with over.serving(wait, authorize=authorize) as site, site.peer() as peer:
        await _refused(peer, Refused("unauthorized"), over)
        assert not site.directory.claimed


@pytest.mark.needs("request")
@pytest.mark.parametrize("authorize", [by_name, by_name_later])
async def test_a_handler_sees_who_was_authorized(over: Transport, authorize: Any) -> None:
    async def greet(call: Call) -> None:
        await call.send(call.principal)
        await wait(call)

    async with (
        over.serving(greet, authorize=authorize) as site,
        site.peer({"X-Name": "Ada"}) as peer,
    ):
        await peer.say(start())
        await peer.hear(told("Ada"))


@pytest.mark.needs("request")
async def test_a_page_of_another_origin_is_refused(over: Transport) -> None:
    async with over.serving(wait) as site, site.peer({"Origin": "https://evil.test"}) as peer:
        await _refused(peer, Refused("forbidden_origin"), over)


@pytest.mark.needs("request")
async def test_a_page_of_this_origin_or_a_named_one_is_let_in(over: Transport) -> None:
    async with over.serving(wait, origins=["https://friend.test"]) as site:
        for number, origin in enumerate((site.place.url, "https://friend.test")):
            async with site.peer({"Origin": origin}) as peer:
                await peer.say(start(number))
                await peer.answers()


@pytest.mark.needs("request")
async def test_a_stream_without_sound_refuses_calls_for_sound(over: Transport) -> None:
    async with over.serving(wait, modality="video") as site, site.peer() as peer:
        await _refused(peer, Refused("unsupported_modality"), over)


async def _refused(peer: Any, refusal: Refused, over: Transport) -> None:
    """By the handshake where a link has one, by the answer to the start elsewhere."""
    if "connecting" not in over.features:
        await peer.say(start())
    await peer.hear(refusal)
    await peer.ended(1008)
