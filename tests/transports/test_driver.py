"""The pump of one call, on a link that records."""

import asyncio
import json
from math import inf
from typing import Any

import anyio
import numpy as np
import pytest

from antiphon import AudioFrame, SessionClosed
from antiphon.core.errors import LocalProtocolError
from antiphon.core.events import CallRequested, Closed, Event
from antiphon.core.liveness import Timing
from antiphon.core.messages import ToClient
from antiphon.core.session import Session, SessionConfig
from antiphon.core.wire import Kind, Role
from antiphon.transports.driver import Driver
from antiphon.transports.frame_engine import FrameError
from tests.transports.serving import either_loop

anyio_backend = either_loop

RATE = 8000
SECOND = AudioFrame(bytes(2 * RATE), RATE)


class RecordingLink:
    """Keeps what is sent; `writable` is the test's to say."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.closed: list[tuple[int, str]] = []
        self.writable = True
        self.peer = "test"

    def send_text(self, payload: bytes) -> None:
        self.sent.append(json.loads(payload))

    def send_binary(self, payload: bytes) -> None:
        self.sent.append(payload)

    def ping(self) -> None:
        self.sent.append("ping")

    def close(self, code: int, reason: str) -> None:
        self.closed.append((code, reason))

    @property
    def seconds(self) -> float:
        """Of mu-law sound."""
        return sum(len(item) for item in self.sent if isinstance(item, bytes)) / RATE


class Rig:
    """A driver with its link and what it told; `opened` has answered a start."""

    def __init__(self, *, opened: bool = True, lead: float = 0.2, **timing: float) -> None:
        config = SessionConfig(
            input_sample_rate=RATE, output_sample_rate=RATE, lead=lead, timing=Timing(**timing)
        )
        self.link = RecordingLink()
        self.told: list[Event] = []
        self.over = anyio.Event()
        session = Session(Role.SERVER, config, self.now)
        self.driver = Driver(session, self.link, RATE, self._told)
        if opened:
            self.feed(event="start", websocket_id="a")
            self.driver.act(lambda now: session.accept("token", now))
            self.binary(b"\xff")
            self.driver.audio.clear()

    def _told(self, event: Event) -> None:
        self.told.append(event)
        if isinstance(event, Closed):
            self.over.set()

    @property
    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def feed(self, **message: Any) -> None:
        self.driver.feed(Kind.TEXT, json.dumps(message).encode(), self.now)

    def binary(self, payload: bytes) -> None:
        self.driver.feed(Kind.BINARY, payload, self.now)


async def test_late_sound_is_dropped_oldest_first_and_counted() -> None:
    """The queue holds 300 ms."""
    rig = Rig()
    for _ in range(20):
        rig.binary(bytes(160))
    assert rig.driver.audio.dropped == 5
    assert len(await anext(rig.driver.audio)) == 160


async def test_unread_messages_drop_the_oldest_with_one_warning() -> None:
    rig = Rig()
    for number in range(260):
        rig.feed(event="message", data=number)
    warnings = [item for item in rig.link.sent if item.get("type") == "warning"]
    assert len(warnings) == 1
    assert rig.driver.messages.dropped == 4
    assert (await anext(rig.driver.messages)).data == 4


async def test_sound_waits_while_the_lead_is_used_up_and_goes_on() -> None:
    rig = Rig()
    began = rig.now
    await rig.driver.send_audio(AudioFrame(bytes(RATE), RATE))
    assert rig.link.seconds == pytest.approx(0.5)
    assert rig.now - began >= 0.5 - 0.2 - 0.06 - 0.001


async def test_what_leaves_at_once_is_the_lead() -> None:
    rig = Rig()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(rig.driver.send_audio, SECOND)
        while not rig.link.sent:
            await anyio.lowlevel.checkpoint()
        # The first step of the sender: what the timer lets go comes after it.
        assert 0.1 < rig.link.seconds <= 0.2
        tasks.cancel_scope.cancel()


async def test_a_link_that_takes_no_more_makes_senders_wait() -> None:
    rig = Rig()
    rig.link.writable = False
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(rig.driver.send_audio, AudioFrame(bytes(160), RATE))
        tasks.start_soon(rig.driver.send, ToClient(1))
        await anyio.wait_all_tasks_blocked()
        rig.driver.resumed()  # a link may say so too early
        await anyio.wait_all_tasks_blocked()
        assert rig.link.sent == []
        rig.driver.send_nowait(ToClient(2))
        assert rig.link.sent == [{"type": "message", "data": 2}]
        rig.link.writable = True
        rig.driver.resumed()
    assert len(rig.link.sent) == 3


async def test_an_interruption_drops_what_waits_and_wakes_who_sends() -> None:
    rig = Rig()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(rig.driver.send_audio, SECOND)
        await anyio.wait_all_tasks_blocked()
        interruption = rig.driver.interrupt()
        assert interruption.heard + interruption.dropped == pytest.approx(1.0)
    assert rig.link.sent[-1] == {"event": "clear"}


async def test_drain_waits_for_the_listener() -> None:
    rig = Rig()
    await rig.driver.drain()
    began = rig.now
    await rig.driver.send_audio(AudioFrame(bytes(1600), RATE))
    await rig.driver.drain()
    # A sum of a large clock reading and 0.1 may round up past the very moment.
    assert rig.now - began >= 0.1 - 1e-6


async def test_drain_waits_for_the_answer_of_a_listener_that_is_behind() -> None:
    rig = Rig(opened=False)
    driver, drained = rig.driver, anyio.Event()
    media_format = {"encoding": "audio/x-mulaw", "sample_rate": RATE}
    rig.feed(event="start", websocket_id="a", media_format=media_format)
    driver.act(lambda now: driver.session.accept("token", now))

    async def drain() -> None:
        await driver.drain()
        drained.set()

    for number in (1, 2):
        await driver.send_audio(AudioFrame(bytes(160), RATE))
        driver.mark()
        assert rig.link.sent[-1] == {"event": "mark", "mark": {"name": f"antiphon-{number}"}}
        if number == 1:
            rig.feed(event="mark", mark={"name": "antiphon-1"})
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(drain)
        await anyio.sleep(0.05)  # by the clock all has been played then
        await anyio.wait_all_tasks_blocked()
        assert not drained.is_set()
        rig.feed(event="mark", mark={"name": "antiphon-2"})
        await anyio.wait_all_tasks_blocked()
        assert drained.is_set()
        assert driver.heard == driver.given == pytest.approx(0.02)


@pytest.mark.parametrize("ending", ["stop", "lost", "broken", "bad", "hang up", "time limit"])
async def test_every_ending_wakes_all_who_wait_and_is_told_once(ending: str) -> None:
    rig = Rig(time_limit=0.05 if ending == "time limit" else inf)
    driver = rig.driver
    woken: list[str] = []

    async def send() -> None:
        long = AudioFrame(bytes(200 * RATE), RATE)
        await driver.send_audio(long)
        with pytest.raises(SessionClosed):
            await driver.send_audio(long)
        woken.append("send")

    async def listen() -> None:
        assert [frame async for frame in driver.audio] == []
        woken.append("audio")

    async def read() -> None:
        assert [message async for message in driver.messages] == []
        woken.append("messages")

    async def wait() -> None:
        await driver.wait_closed()
        woken.append("closed")

    async with anyio.create_task_group() as tasks:
        for step in (send, listen, read, wait):
            tasks.start_soon(step)
        await anyio.wait_all_tasks_blocked()
        match ending:
            case "stop":
                rig.feed(event="stop")
            case "lost":
                driver.lost("gone")
            case "broken":
                driver.broken(FrameError(1002, "odd"))
            case "bad":
                rig.feed(event="start", websocket_id="again")
            case "hang up":
                driver.act(lambda now: driver.session.end("enough", 1000, now))
            case _:
                await rig.over.wait()
    assert sorted(woken) == ["audio", "closed", "messages", "send"]
    codes = {"lost": 1006, "broken": 1002, "bad": 1002}
    assert [code for code, _ in rig.link.closed] == [codes.get(ending, 1000)]
    assert sum(isinstance(event, Closed) for event in rig.told) == 1
    driver.lost("again")
    rig.feed(event="ping")
    driver.absent()
    assert len(rig.link.closed) == 1
    with pytest.raises(SessionClosed):
        driver.send_nowait(ToClient(1))


async def test_a_closed_call_asks_for_no_more_wake_ups(monkeypatch: pytest.MonkeyPatch) -> None:
    """HTTP: the listener leaves after the end; a timer on a closed session would spin."""
    rig = Rig(absence_timeout=0.01)
    woken: list[float] = []
    rig.feed(event="stop")
    monkeypatch.setattr(rig.driver, "wake", woken.append)
    rig.driver.absent()
    other = Rig(opened=False, start_timeout=0.05)
    await other.over.wait()
    assert woken == []


async def test_an_absent_listener_ends_the_call() -> None:
    rig = Rig(absence_timeout=0.03, ping_interval=inf)
    rig.driver.absent()
    await rig.over.wait()
    assert rig.link.closed[0][0] == 1001


async def test_a_nearer_deadline_is_kept_and_pings_go_out() -> None:
    rig = Rig(ping_interval=0.03, ping_timeout=0.03)
    await rig.over.wait()
    assert rig.link.sent[-1] == "ping"
    assert rig.link.closed[0][0] == 1011


async def test_the_peers_error_ends_this_call_and_is_kept() -> None:
    rig = Rig(opened=False)
    rig.driver.feed(Kind.TEXT, b"{", rig.now)
    assert rig.driver.failure is not None
    assert rig.driver.failure.code == 1007
    assert rig.link.sent[0]["type"] == "error"
    assert rig.driver.closed is not None


async def test_what_the_state_does_not_allow_is_the_callers_error() -> None:
    rig = Rig(opened=False)
    with pytest.raises(LocalProtocolError):
        await rig.driver.send_audio(SECOND)
    rig.feed(event="start", websocket_id="a")
    assert [type(event) for event in rig.told] == [CallRequested]


async def test_data_that_is_no_json_is_the_callers_error() -> None:
    rig = Rig()
    with pytest.raises(TypeError):
        await rig.driver.send(ToClient(np.zeros(3)))
    assert rig.driver.closed is None


async def test_what_waits_to_be_sent_when_an_interruption_comes_is_dropped() -> None:
    rig = Rig()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(rig.driver.send_audio, SECOND)
        await anyio.wait_all_tasks_blocked()
        tasks.start_soon(rig.driver.send_audio, SECOND)
        await anyio.wait_all_tasks_blocked()
        rig.driver.interrupt()
    assert rig.link.seconds <= 0.2
    assert rig.driver.session.ready
    await rig.driver.send_audio(AudioFrame(bytes(320), RATE))
    assert rig.link.seconds <= 0.22
