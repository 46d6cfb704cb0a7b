"""Sessions under arbitrary input in arbitrary order: only protocol errors, bounded memory, a final
end, deadlines that are kept and never spin.
"""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from antiphon.core.dialects import browser
from antiphon.core.errors import LocalProtocolError, ProtocolError, SessionClosed
from antiphon.core.events import Closed, Event
from antiphon.core.listener import MAX_MARKS
from antiphon.core.liveness import Timing
from antiphon.core.messages import (
    EndStream,
    Log,
    Mark,
    MarkBody,
    Media,
    MediaBody,
    MediaFormat,
    Ping,
    Pong,
    Start,
    Started,
    Stop,
    ToClient,
    ToServer,
    WireMessage,
)
from antiphon.core.session import Session, SessionConfig, SessionState
from antiphon.core.signaling import Refusal
from antiphon.core.wire import Kind, Role
from tests.core.pair import PCM_24K, ConnectionPair, ramp, tone

FORMATS = st.sampled_from(
    [None, PCM_24K, MediaFormat("audio/x-alaw", 8000), MediaFormat("opus", 1)]
)
STARTS = st.builds(Start, websocket_id=st.sampled_from(["a", 7, ""]), media_format=FORMATS)
MESSAGES: st.SearchStrategy[WireMessage] = st.one_of(
    STARTS,
    st.builds(Media, st.builds(MediaBody, st.binary(max_size=3000))),
    st.builds(Mark, st.builds(MarkBody, st.text(max_size=3))),
    st.sampled_from([Ping(), Pong(), Stop(), Started(PCM_24K, "t"), EndStream("x")]),
    st.builds(ToServer, st.integers()),
    st.builds(ToClient, st.integers()),
)
TIMING = Timing(
    start_timeout=2.0,
    time_limit=40.0,
    idle_timeout=9.0,
    absence_timeout=6.0,
    ping_interval=3.0,
    ping_timeout=2.0,
)


class OneEnd(RuleBasedStateMachine):
    """One session: anything from the wire, anything from its owner, any passing of time."""

    @initialize(
        role=st.sampled_from(list(Role)),
        mode=st.sampled_from(["send-receive", "send", "receive"]),
        lead=st.sampled_from([0.01, 0.2, 5.0]),
    )
    def begin(self, role: Role, mode: Any, lead: float) -> None:
        self.now = 0.0
        self.closed = 0
        self.session = Session(role, SessionConfig(mode=mode, lead=lead, timing=TIMING), 0.0)
        self.role = role

    def told(self, events: Any) -> None:
        for event in events:
            assert not self.closed, f"{event} after the end"
            self.closed += isinstance(event, Closed)

    def attempt(self, step: Any) -> None:
        """Do something that may be refused: a refusal closes the session or leaves it alone."""
        before = self.session.state
        try:
            self.told(step() or ())
        except LocalProtocolError:
            assert self.session.state is before
        except SessionClosed:
            assert before is SessionState.CLOSED
        except ProtocolError:
            assert before is not SessionState.CLOSED
            assert self.session.state is SessionState.CLOSED
            self.closed += 1

    @rule(kind=st.sampled_from(list(Kind)), payload=st.binary(max_size=50))
    def hear_bytes(self, kind: Kind, payload: bytes) -> None:
        self.attempt(lambda: self.session.receive(kind, payload, self.now))

    @rule(message=MESSAGES)
    def hear(self, message: WireMessage) -> None:
        text = browser.encode(message)
        self.session.data_to_send()
        self.attempt(lambda: self.session.receive(Kind.TEXT, text, self.now))
        assert len(self.session.data_to_send()) <= MAX_MARKS + 1

    @rule(count=st.integers(1, 200))
    def hear_a_flood(self, count: int) -> None:
        for name in range(count):
            for message in (Media(MediaBody(bytes(4))), Mark(MarkBody(str(name)))):
                if self.session.state is SessionState.OPEN:
                    self.hear(message)

    @rule(message=MESSAGES)
    def send(self, message: WireMessage) -> None:
        self.attempt(lambda: self.session.send(message, self.now))

    @rule(start=STARTS)
    def start(self, start: Start) -> None:
        self.attempt(lambda: self.session.start(start, self.now))

    @rule(samples=st.integers(0, 9000), rate=st.sampled_from([8000, 24000, 44100]))
    def play(self, samples: int, rate: int) -> None:
        def step() -> None:
            left = self.session.send_audio(tone(samples, rate), self.now)
            assert left is self.session.ready

        if self.session.ready:
            self.attempt(step)

    @rule(
        step=st.sampled_from(["accept", "refuse", "drain", "end", "hang_up", "mark", "interrupt"])
    )
    def act(self, step: str) -> None:
        session, now = self.session, self.now
        steps: dict[str, Any] = {
            "accept": lambda: session.accept("token", now),
            "refuse": lambda: session.refuse(Refusal(error="unauthorized"), now),
            "drain": lambda: session.drain("bye", 1000, now),
            "end": lambda: session.end("bye", 1011, now),
            "hang_up": lambda: session.hang_up(now),
            "mark": lambda: self.nothing(session.mark("m", now)),
            "interrupt": lambda: self.nothing(session.interrupt(now)),
        }
        self.attempt(steps[step])

    def nothing(self, _: object) -> tuple[Event, ...]:
        return ()

    @rule(present=st.booleans())
    def attend(self, *, present: bool) -> None:
        (self.session.present if present else self.session.absent)(self.now)

    @rule()
    def flush(self) -> None:
        self.session.flush(self.now)

    @rule()
    def lose_the_link(self) -> None:
        self.told(self.session.receive_eof("gone", self.now))

    @rule(seconds=st.floats(0.0, 3.0))
    def wait(self, seconds: float) -> None:
        """As a driver: woken at each deadline on the way."""
        until = self.now + seconds
        while (due := self.session.deadline()) <= until:
            self.now = max(self.now, due)
            self.told(self.session.advance(self.now))
            assert self.session.deadline() > self.now
        self.now = until

    @invariant()
    def nothing_is_due_before_the_deadline(self) -> None:
        if hasattr(self, "session") and self.session.deadline() > self.now:
            self.session.data_to_send()
            assert list(self.session.advance(self.now)) == []
            assert self.session.data_to_send() == []

    @invariant()
    def the_end_is_told_once_and_final(self) -> None:
        if hasattr(self, "session"):
            assert (self.session.state is SessionState.CLOSED) == (self.closed == 1)
            if self.closed:
                assert self.session.deadline() == float("inf")
                assert self.session.ready


class BothEnds(RuleBasedStateMachine):
    """Two honest ends never accuse each other, and lose nothing of what was said."""

    @initialize(media_format=st.sampled_from([PCM_24K, MediaFormat("audio/pcm", 24000)]))
    def begin(self, media_format: MediaFormat) -> None:
        self.pair = ConnectionPair()
        self.pair.open(media_format)
        self.given = {Role.SERVER: 0, Role.CLIENT: 0}
        self.interrupted = False

    def end(self, role: Role) -> Any:
        return self.pair.server if role is Role.SERVER else self.pair.client

    @rule(role=st.sampled_from(list(Role)), samples=st.integers(1, 8000))
    def play(self, role: Role, samples: int) -> None:
        end = self.end(role)
        if end.closed is None and end.session.state is SessionState.OPEN and end.session.ready:
            end.session.send_audio(ramp(samples, first=self.given[role]), self.pair.now)
            self.given[role] += samples
            self.pair.deliver()

    @rule(role=st.sampled_from(list(Role)))
    def say(self, role: Role) -> None:
        end = self.end(role)
        if end.session.state is SessionState.OPEN:
            end.session.send(ToServer(1) if role is Role.CLIENT else Log("x"), self.pair.now)
            self.pair.deliver()

    @rule()
    def mark(self) -> None:
        if self.pair.server.session.state is SessionState.OPEN:
            self.pair.server.session.mark("m", self.pair.now)
            self.pair.deliver()

    @rule()
    def interrupt(self) -> None:
        if self.pair.server.session.state is SessionState.OPEN:
            self.pair.server.session.interrupt(self.pair.now)
            self.interrupted = True
            self.pair.deliver()

    @rule(seconds=st.floats(0.0, 2.0))
    def wait(self, seconds: float) -> None:
        self.pair.run(self.pair.now + seconds)

    @rule()
    def drain(self) -> None:
        self.pair.server.take(self.pair.server.session.drain("bye", 1000, self.pair.now))
        self.pair.deliver()

    def teardown(self) -> None:
        if not hasattr(self, "pair"):
            return
        self.pair.run(self.pair.now + 5.0)
        assert self.pair.server.error is None
        assert self.pair.client.error is None
        assert (self.pair.server.closed is None) == (self.pair.client.closed is None)
        sound = self.pair.received(self.pair.client)
        if self.interrupted:
            assert len(sound) <= 2 * self.given[Role.SERVER]
        else:
            assert sound == ramp(self.given[Role.SERVER]).pcm


OneEnd.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
BothEnds.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestOneEnd = OneEnd.TestCase
TestBothEnds = BothEnds.TestCase
