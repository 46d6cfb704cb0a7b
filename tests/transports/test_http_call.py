"""What waits of calls over HTTP, without a server."""

import asyncio

import anyio
import pytest

from antiphon.core.session import Session, SessionConfig
from antiphon.core.wire import Role
from antiphon.transports import http_call
from antiphon.transports.driver import Driver
from antiphon.transports.http_call import HttpCalls, HttpLink
from antiphon.transports.scheduler import Scheduler, scheduler


def link() -> HttpLink:
    made = HttpLink(1, "x")
    session = Session(Role.SERVER, SessionConfig(), asyncio.get_running_loop().time())
    made.driver = Driver(session, made, 24000, lambda _: None)
    return made


async def test_what_waits_is_bounded_in_bytes_and_the_rest_is_a_gap() -> None:
    made = link()
    for _ in range(30):
        made.send_text(b"x" * 100_000)
    made.close(1000, "bye")
    heard = b"".join([chunk async for chunk in made.listen(None)])
    assert heard.count(b"id: 1-") == 10
    assert heard.startswith(b"id: 1-20\n")
    assert heard.endswith(b'event: end\ndata: {"code":1000,"reason":"bye"}\n\n')


async def test_a_reader_that_falls_behind_is_told_of_the_gap(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http_call, "EVENTS", 3)
    made = link()
    made.send_text(b"0")
    stream = made.listen(None)
    assert await anext(stream) == b"id: 1-0\ndata: 0\n\n"
    for number in range(1, 8):
        made.send_text(b"%d" % number)
    assert b"event: gap" in await anext(stream)
    assert (await anext(stream)).startswith(b"id: 1-5\n")
    await stream.aclose()


async def test_calls_that_are_over_are_bounded_and_leave_no_timer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The oldest of more than 64 goes, and with it what would have woken it."""
    timers = scheduler()
    waiting: set[int] = set()

    def at(self: Scheduler, deadline: float, timed: object) -> int:
        waiting.add(id(timed))
        return id(timed)

    def cancel(self: Scheduler, number: int, timed: object) -> None:
        waiting.discard(number)

    calls = HttpCalls()
    links = [link() for _ in range(100)]
    monkeypatch.setattr(type(timers), "at", at)
    monkeypatch.setattr(type(timers), "cancel", cancel)
    for number, made in enumerate(links):
        calls.add(f"c{number}", "t", made)
        made.close(1000, "")
    assert calls.look_up("c35") is None
    found = calls.look_up("c36")
    assert found is not None
    assert len(waiting) == 64
    found.wake(0.0)
    assert calls.look_up("c36") is None


async def test_the_end_of_a_call_cancels_what_is_uploaded_to_it() -> None:
    calls, made = HttpCalls(), link()
    call = calls.add("a", "t", made)
    with anyio.CancelScope() as scope:
        call.uploads.add(scope)
        made.close(1000, "")
        await anyio.sleep_forever()
    assert scope.cancelled_caught
