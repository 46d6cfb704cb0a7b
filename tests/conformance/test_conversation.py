"""One conversation, the same over every transport: docs/protocol.md."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from enum import IntEnum
from typing import Any, NamedTuple, assert_never

import anyio
import numpy as np
import pytest

from antiphon import AdditionalOutputs, CloseStream
from antiphon.core.audio.frames import Samples
from antiphon.core.context import current_call
from antiphon.core.turns import AlgoOptions
from antiphon.handlers.reply import Interrupted
from antiphon.handlers.reply_on_pause import ReplyOnPause
from tests.conformance.peer import Peer
from tests.conformance.talker import MULAW, RATE, Talker, strongest, tone
from tests.conformance.trace import (
    Closed,
    Item,
    Told,
    end_stream,
    error,
    log,
    media,
    start,
    warning,
)
from tests.conformance.transports import Site, Transport
from tests.core.loudness import Loudness


class Question(IntEnum):
    """What is asked, as the pitch that it is asked by."""

    NAME = 450
    TALE = 650
    STOP = 850
    NONSENSE = 1050
    RISK = 1250
    GOODBYE = 1450


class Answer(IntEnum):
    """What is said, by its pitch."""

    WELCOME = 1700
    ALTO = 1900
    BASS = 2100
    TALE = 2300
    STOPPED = 2500
    RISKED = 2700
    FAREWELL = 2900


VOICES = {"alto": Answer.ALTO, "bass": Answer.BASS}
TALE_SECONDS = 3.0
LEAD = 0.2 + 0.06  # seconds that sound leaves ahead of time: the lead, and a piece
EDGES = 0.12  # seconds that a codec, and counting by windows, add or take

QUICK = AlgoOptions(
    audio_chunk_duration=0.3, started_talking_threshold=0.12, speech_threshold=0.05, pre_roll=0.1
)
"""Turns of half a second, so that the conversation is short in real time too."""

FETCH = Told({"type": "fetch_output", "data": []})
SEND_INPUT = Told({"type": "send_input", "data": []})
CLEAR = Told({"event": "clear"})
ASKED = (log("started_talking"), log("pause_detected"))
ANSWERED = (log("response_starting"), FETCH)


class Ask(NamedTuple):
    """Say a tone, and pause."""

    pitch: int


class Give(NamedTuple):
    """Send inputs in band."""

    values: list[Any]


class Set(NamedTuple):
    """The application sets inputs."""

    values: list[Any]


class Step(NamedTuple):
    """What the client does, what it is told then, and which tones it hears."""

    does: Ask | Give | Set | None
    told: tuple[Item, ...] = ()
    heard: tuple[int, ...] = ()


SCRIPT = (
    Step(None, (FETCH,), (Answer.WELCOME,)),
    Step(Ask(Question.NAME), (*ASKED, SEND_INPUT)),
    Step(Give(["alto"]), ANSWERED, (Answer.ALTO,)),
    Step(Set([])),
    Step(Ask(Question.NAME), (*ASKED, SEND_INPUT)),
    Step(Set(["bass"]), ANSWERED, (Answer.BASS,)),
    Step(Ask(Question.TALE), (*ASKED, log("response_starting")), (Answer.TALE,)),
    Step(Ask(Question.STOP), (CLEAR, *ASKED, *ANSWERED), (Answer.STOPPED,)),
    Step(Ask(Question.NONSENSE), (*ASKED, error("nobody knows"))),
    Step(Ask(Question.RISK), (*ASKED, warning("mind the gap"), *ANSWERED), (Answer.RISKED,)),
    Step(
        Ask(Question.GOODBYE),
        (*ASKED, log("response_starting"), end_stream("farewell")),
        (Answer.FAREWELL,),
    ),
)
OUTPUTS = [("welcome",), ("name", "alto"), ("name", "bass"), ("stopped",), ("risked",)]


class Guide:
    """What the application does; `fetch_output` comes when an answer has been heard."""

    def __init__(self) -> None:
        self.interrupted: list[Interrupted] = []
        self.left_off = anyio.Event()

    def handler(self) -> ReplyOnPause:
        return ReplyOnPause(
            self.answer,
            self.greet,
            QUICK,
            model=Loudness(),
            on_interrupt=self.interrupted.append,
        )

    async def greet(self) -> AsyncGenerator[Any]:
        yield RATE, tone(Answer.WELCOME, 0.2)
        await current_call().drain()
        yield AdditionalOutputs("welcome")

    async def answer(self, turn: tuple[int, Samples], voice: str) -> AsyncGenerator[Any]:
        outputs: tuple[str, ...]
        match strongest(turn[1][0], tuple(Question)):
            case Question.NAME:
                said, outputs = VOICES[voice], ("name", voice)
            case Question.STOP:
                said, outputs = Answer.STOPPED, ("stopped",)
            case Question.RISK:
                await current_call().warning("mind the gap")
                said, outputs = Answer.RISKED, ("risked",)
            case Question.TALE:
                try:
                    yield RATE, tone(Answer.TALE, TALE_SECONDS)
                    await anyio.sleep_forever()
                finally:
                    self.left_off.set()
                return
            case Question.GOODBYE:
                yield (RATE, tone(Answer.FAREWELL, 0.2)), CloseStream("farewell")
                raise AssertionError("nothing is asked of who has closed the stream")
            case _:
                raise LookupError("nobody knows")
        yield RATE, tone(said, 0.2)
        await current_call().drain()
        yield AdditionalOutputs(*outputs)


class Client:
    """Follows a script."""

    def __init__(self, site: Site, peer: Peer, over: Transport) -> None:
        self._site = site
        self._peer = peer
        self._over = over
        self.messages = "messages" in over.features
        self.talker = Talker(peer, tuple(Answer), in_order=self.messages)

    async def follow(self, *steps: Step) -> None:
        """Do, be told and hear what each step says, and nothing else."""
        talker = self.talker
        for step in steps:
            await self._do(step.does)
            await talker.listen(len(step.told), len(step.heard))
            assert Step(step.does, tuple(talker.told), tuple(talker.heard)) == step
            talker.forget()

    async def closed(self, code: int) -> None:
        """The link is closed next."""
        closed = await self.talker.until_closed()
        assert closed == Closed(code if "codes" in self._over.features else None)
        assert (self.talker.told, self.talker.heard) == ([], [])

    async def _do(self, does: Ask | Give | Set | None) -> None:
        match does:
            case Ask(pitch):
                question = tone(pitch, 0.25), np.zeros(RATE // 2, np.int16)
                await self.talker.say(np.concatenate(question))
            case Give(values):
                await self._peer.say({"event": "input", "data": values})
            case Set(values):
                self._site.stream.set_input("one", *values)
            case None:
                pass
            case _:
                assert_never(does)


@asynccontextmanager
async def talking(
    over: Transport, handler: ReplyOnPause, **fields: Any
) -> AsyncGenerator[tuple[Site, Peer, Client]]:
    async with over.serving(handler) as site, site.peer() as peer:
        await peer.say(start(**fields))
        yield site, peer, Client(site, peer, over)


async def test_a_conversation_is_the_same_over_every_transport(over: Transport) -> None:
    guide, fetched = Guide(), list[tuple[Any, ...]]()
    async with (
        talking(over, guide.handler()) as (site, _, client),
        anyio.create_task_group() as tasks,
    ):
        await client.follow(SCRIPT[0])
        tasks.start_soon(fetch_all, site, fetched)
        await client.follow(*SCRIPT[1:])
        await client.closed(1000)
    assert fetched == OUTPUTS
    check_what_was_heard(guide, client, over)


def check_what_was_heard(guide: Guide, client: Client, over: Transport) -> None:
    """Of the answer that was interrupted: as much as the application is told, or up to what leaves
    ahead of time, or is on its way. In memory all of it has left when it is interrupted.
    """
    assert guide.left_off.is_set()
    (interrupted,) = guide.interrupted
    assert interrupted.sample_rate == RATE
    assert 0 <= interrupted.heard_samples <= interrupted.given_samples <= TALE_SECONDS * RATE
    told, heard = interrupted.heard_samples / RATE, client.talker.seconds[Answer.TALE]
    assert client.talker.late <= (0 if client.messages else LEAD + EDGES)
    if "paced" in over.features:
        assert 0 < heard < TALE_SECONDS - 1
        assert told - EDGES <= heard <= told + LEAD + EDGES


async def fetch_all(site: Site, fetched: list[tuple[Any, ...]]) -> None:
    fetched.extend([output.args async for output in site.stream.output_stream("one")])


async def test_a_client_that_stops_in_an_answer_is_told_nothing_more(over: Transport) -> None:
    guide = Guide()
    async with talking(over, guide.handler(), inputs=["bass"]) as (site, peer, client):
        await client.follow(
            SCRIPT[0], Step(Ask(Question.TALE), (*ASKED, log("response_starting")), (Answer.TALE,))
        )
        await peer.say({"event": "stop"})
        await client.closed(1000)
        await site.directory.freed("one")
    assert guide.left_off.is_set()
    assert guide.interrupted == []


@pytest.mark.needs("messages")
async def test_a_recording_that_is_sent_at_once_is_heard_whole(over: Transport) -> None:
    def measure(turn: tuple[int, Samples]) -> AdditionalOutputs:
        return AdditionalOutputs(round(turn[1].size / turn[0], 1))

    handler = ReplyOnPause(measure, algo_options=QUICK, model=Loudness())
    recording = np.concatenate((tone(Question.NAME, 10), np.zeros(RATE // 2, np.int16)))
    pieces = np.split(recording, 105)
    async with talking(over, handler) as (site, peer, client):
        await peer.say(*(media(MULAW.encode(piece.tobytes())) for piece in pieces))
        await client.talker.listen(3, 0)
        assert client.talker.told == [*ASKED, FETCH]
        (measured,) = (await site.stream.fetch_latest_output("one")).args
        assert measured == pytest.approx(10.3, abs=0.15)
