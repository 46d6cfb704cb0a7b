"""The state machine of one call, for either end. No I/O, no clock: bytes and `now` in, events and
bytes out.

    events = session.receive(kind, payload, now)    what came over the wire
    session.send(message, now)                      what this end wants to say
    session.data_to_send()                          what to write, after either
    session.deadline()                              when to call `advance` at the latest

What may be said when is in `states.py`, what a start agrees in `agreement.py`, how sound leaves in
`outlet.py`, what a client's listener has played in `listener.py`, what runs out in `liveness.py`.
"""

from collections.abc import Callable, Sequence
from math import inf
from typing import Any, assert_never

from .agreement import (
    Agreement,
    SessionConfig,
    TrackRates,
    agree_as_client,
    agree_as_server,
    agree_on_tracks,
    read_start,
)
from .audio.frames import AudioFrame
from .audio.path import AudioDecoder
from .dialects import browser
from .errors import LocalProtocolError, RemoteProtocolError
from .events import (
    AudioReceived,
    CallRefusedByServer,
    CallRequested,
    CallStarted,
    Closed,
    Event,
    InputsReceived,
    MarkReached,
    PlayoutCleared,
    PlayoutReady,
    PongReceived,
    told,
)
from .heard import is_ours
from .listener import Listener
from .liveness import Expiry, Liveness, explain
from .messages import (
    Clear,
    EndStream,
    ErrorNotice,
    Input,
    Mark,
    MarkBody,
    Media,
    MediaFormat,
    Ping,
    Pong,
    Refused,
    Start,
    Started,
    Stop,
    ToServer,
    WarningNotice,
    WireMessage,
)
from .outlet import Outlet
from .playout import Interruption
from .ports import positional
from .signaling import Refusal, refusal_from_meta
from .states import TO_CLIENT, TO_SERVER, Row, SessionState, not_allowed, out_of_order
from .wire import Kind, Role, parse_close

__all__ = ("Session", "SessionConfig", "SessionState")


_CONNECTING, _OPEN, _DRAINING, _CLOSED = SessionState
_NOTHING: tuple[Event, ...] = ()
# Members looked up once: an Enum's attribute costs more than the comparison.
_TEXT, _BINARY, _AUDIO = Kind.TEXT, Kind.BINARY, Kind.AUDIO
_CLIENT = Role.CLIENT


class Session:
    """One end of one call. Not thread-safe; `now` is seconds of one monotonic clock."""

    def __init__(self, role: Role, config: SessionConfig, now: float) -> None:
        self._role = role
        self._config = config
        self._live = Liveness(config.timing, now)
        self.outbox: list[tuple[Kind, bytes]] = []
        """What waits to be written; `data_to_send` takes it."""
        self._decoder: AudioDecoder | None = None
        self._outlet: Outlet | None = None
        self._width = 1
        self._format: MediaFormat | None = None
        self._decode: Callable[[bytes], WireMessage | browser.Unknown]
        if role is Role.SERVER:
            self._decode, self._legal_in, self._legal_out = (
                browser.decode_client,
                TO_SERVER,
                TO_CLIENT,
            )
        else:
            self._decode, self._legal_in, self._legal_out = (
                browser.decode_server,
                TO_CLIENT,
                TO_SERVER,
            )
        self.muted = role is Role.SERVER and config.mode == "send"
        """Whether only the other end speaks."""
        self._warned = False
        self._ending: tuple[EndStream, int] | None = None
        self._listener = Listener()
        self._tracks = False
        """Whether sound travels on tracks, and not in messages."""
        self.unknown_messages = 0
        """Messages of unknown names, ignored."""
        self._set_state(_CONNECTING)
        self._next = self._live.deadline()

    @property
    def state(self) -> SessionState:
        return self._state

    @property
    def ready(self) -> bool:
        """Whether `send_audio` would not have to wait behind sound that was given before."""
        return self._outlet is None or not self._outlet.waiting

    def playout_end(self, now: float, pending: float = 0.0) -> float:
        """When the listener will have played all that was sent so far, by what is known now. Look
        again then, and when a mark was reached: it may turn out later, or sooner. `pending` as in
        `heard`.
        """
        return self._outlet.played_by(now, pending) if self._outlet is not None else 0.0

    @property
    def marks(self) -> bool:
        """Server: whether the client answers marks; one that names a media format does."""
        return self._role is Role.SERVER and self._format is not None

    @property
    def media_format(self) -> MediaFormat | None:
        """What the client's `start` named; None while, or when, it named nothing."""
        return self._format

    @property
    def bytes_per_sample(self) -> int:
        """Of encoded audio; 1 before the start."""
        return self._width

    @property
    def given(self) -> float:
        """Seconds of sound given so far, less what interruptions dropped."""
        return self._outlet.given if self._outlet is not None else 0.0

    def heard(self, now: float, pending: float = 0.0) -> float:
        """Seconds of sound that the listener has heard; `pending` is what the link's tracks hold
        back, in seconds.
        """
        return self._outlet.heard(now, pending) if self._outlet is not None else 0.0

    def _set_state(self, state: SessionState) -> None:
        self._state = state
        self._row_in: Row = self._legal_in[state]
        self._row_out: Row = self._legal_out[state]
        self._hears = Media in self._row_in and not self._tracks
        """Whether sound may come: it comes fifty times a second, and never changes the state."""

    def receive(self, kind: Kind, payload: bytes, now: float) -> Sequence[Event]:
        """One whole message from the wire.

        Raises RemoteProtocolError when the peer broke the protocol: the session is closed then, the
        error's reply waits in `data_to_send`, and `error.code` is the code to close the link with.
        """
        if self._state is _CLOSED:
            return _NOTHING
        self._live.heard = now
        try:
            if kind is _TEXT:
                message = self._decode(payload)
                if type(message) is Media and self._hears:
                    self._live.active = now
                    return self._receive_audio(message.media.payload, now)
                return self._receive_message(message, now)
            if kind is _AUDIO:
                self._live.active = now
                return self._receive_audio(payload, now)
            if kind is _BINARY:
                return self._receive_binary(payload, now)
        except RemoteProtocolError as error:
            self.fail(error)
            raise
        if kind is Kind.CLOSE:
            code, reason = parse_close(payload)
            return self._close(code, reason, remote=True)
        return _NOTHING

    def receive_eof(self, reason: str, now: float) -> Sequence[Event]:
        """The link is gone without a close (RFC 6455 section 7.1.5 calls that 1006)."""
        return self._close(1006, reason, remote=True) if self._state is not _CLOSED else _NOTHING

    def advance(self, now: float) -> Sequence[Event]:
        """Act on what is due by `now`. Call it when `deadline` has come; earlier does no harm."""
        if self._state is _CLOSED:
            return _NOTHING
        events: list[Event] = []
        while (expiry := self._live.expired(now)) is not None:
            events.extend(self._expire(expiry, now))
            if self._state is _CLOSED:
                return events
        self._answer(self._listener.reached(now))
        self._next = self._due()
        events.extend(self._release(now))
        return events

    def deadline(self) -> float:
        """When `advance` must be called at the latest; inf when nothing waits. May be early."""
        return self._next

    def data_to_send(self) -> list[tuple[Kind, bytes]]:
        """Take what is to be written, oldest first."""
        outbox, self.outbox = self.outbox, []
        return outbox

    def await_start(self, since: float) -> None:
        """The time for a start counts from `since`, where the link was not open when the session
        was made; inf while it is not open yet.
        """
        if self._state is _CONNECTING:
            self._live.await_start(since)
            self._next = self._live.deadline()

    def absent(self, now: float) -> None:
        """Nobody listens at the other end of the link (HTTP: no event stream is attached)."""
        if self._state is not _CLOSED:
            self._live.absent(now)
            self._arm(self._live.deadline())

    def present(self, now: float) -> None:
        """Somebody listens."""
        self._live.present(now)

    def start(self, message: Start, now: float) -> Sequence[Event]:
        """Client: open the call. `message` must name a media format."""
        if Start not in self._row_out:
            raise self._illegal("Start")
        agreement = agree_as_client(message.media_format, self._config)
        self._say(message, now)
        self._opened(agreement, now)
        return _NOTHING

    def open_tracks(
        self, request: CallRequested | None, rates: TrackRates, now: float
    ) -> Sequence[Event]:
        """The call is opened by an offer instead of a start: its sound travels on tracks, as
        messages of the kinds AUDIO and CLEAR. A server gets its request back as an event.
        """
        self._require(self._state is _CONNECTING, "the call is open already")
        self._tracks = True
        self._opened(agree_on_tracks(self._role, rates, self._config), now)
        return (request,) if request is not None else _NOTHING

    def stir(self, now: float) -> None:
        """Something else than messages or sound went through the link: the call is not idle."""
        self._live.heard = self._live.active = now

    def accept(self, token: str, now: float) -> Sequence[Event]:
        """Server: the call of the last `CallRequested` is admitted. Does nothing after the end."""
        if self._state is not _CLOSED:
            if Started not in self._row_out:
                raise self._illegal("Started")
            if self._format is not None:
                self._say(Started(self._format, token), now)
        return _NOTHING

    def refuse(self, refusal: Refusal, now: float) -> Sequence[Event]:
        """Server: the call of the last `CallRequested` is not admitted. Nothing after the end."""
        if self._state is _CLOSED:
            return _NOTHING
        if Refused not in self._row_out:
            raise self._illegal("Refused")
        self._say(Refused(refusal.meta), now)
        return self._close(refusal.kind.code, refusal.error, remote=False)

    def send(self, message: WireMessage, now: float) -> None:
        """Say something at once, ahead of sound that waits.

        Raises LocalProtocolError when the state does not allow it, and for what opens or ends a
        call: that has methods of its own. SessionClosed after the end, TypeError when its data is
        no JSON.
        """
        following = self._row_out.get(type(message))
        if following is None:
            raise self._illegal(type(message).__name__)
        if following is not self._state:
            raise LocalProtocolError(f"{type(message).__name__} is not sent by itself")
        if self._role is Role.SERVER and isinstance(message, Mark):
            self._check_mark(message.mark.name)
        self._say(message, now)

    def send_audio(self, frame: AudioFrame, now: float) -> bool:
        """Give sound to play; whether all of it has left. What the lead does not allow yet waits:
        look at `ready` before giving more.
        """
        outlet = self._outlet
        if outlet is None or Media not in self._row_out:
            raise self._illegal("audio")
        if self.muted:
            raise LocalProtocolError("this stream's mode is 'send': only the client speaks")
        self._live.active = now
        self.outbox += outlet.play(frame, now)
        deadline = outlet.deadline()
        if deadline < self._next:
            self._next = deadline
        return not outlet.waiting

    def mark(self, name: str, now: float) -> bool:
        """Server: ask to be told when all sound given so far has been played. False when this
        client does not answer marks. Raises LocalProtocolError for a name that `ask_heard` may use.
        """
        self._check_mark(name)
        if not self.marks:
            return False
        if Mark not in self._row_out:
            raise self._illegal("a mark")
        self.flush(now)
        self._place(name, now)
        return True

    def ask_heard(self, now: float) -> None:
        """Server: ask by a mark of our own how far the listener is, where the client answers marks
        and the call is open; at most 64 are unanswered at a time.
        """
        if self._outlet is not None and self.marks and Mark in self._row_out:
            name = self._outlet.mark(now)
            if name is not None:
                self._place(name, now)

    def _check_mark(self, name: str) -> None:
        self._require(not is_ours(name), f"the package itself sets marks of such names: {name!r}")

    def _place(self, name: str, now: float) -> None:
        message = Mark(MarkBody(name))
        if self._outlet is None or not self._outlet.hold(browser.encode(message)):
            self._say(message, now)

    def flush(self, now: float) -> None:
        """The sound given so far is whole: its end need not wait for more to resample with."""
        if self._outlet is not None and Media in self._row_out:
            self.outbox += self._outlet.flush(now)
            self._arm(self._outlet.deadline())

    def interrupt(self, now: float, pending: float = 0.0) -> Interruption:
        """Drop the sound that was not heard yet, here and (by `clear`) over there; `pending` as in
        `heard`.
        """
        if self._outlet is None:
            raise self._illegal("an interruption")
        interruption, kept = self._outlet.drop(now, pending)
        if self._tracks:
            self.outbox.append((Kind.CLEAR, b""))
        if Clear in self._row_out:
            self._say(Clear(), now)
        self.outbox += kept
        if self._ending is not None and self._state is not _CLOSED:
            self._arm(now)
        return interruption

    def drain(self, text: str, code: int, now: float) -> Sequence[Event]:
        """Server: end the call when the listener has played what was given; then `text` is told.

        Nothing more may be given. Without a call to end, the link is closed at once; without a
        lead nothing is paced, and the call ends when all has been sent.
        """
        self._require(self._role is Role.SERVER, "a client ends its call with `hang_up`")
        if self._state is _CLOSED or self._ending is not None:
            return _NOTHING
        farewell = EndStream(text)
        browser.encode(farewell)  # raises to whoever gave the text, not when the time has come
        self._ending = (farewell, code)
        if self._state is _OPEN:
            if self._outlet is not None:
                self.outbox += self._outlet.flush(now)
            self._set_state(_DRAINING)
        return self._release(now)

    def end(self, text: str, code: int, now: float) -> Sequence[Event]:
        """As `drain`, but at once: sound that waits is dropped, nobody waits for the listener."""
        self._require(self._role is Role.SERVER, "a client ends its call with `hang_up`")
        if self._state is not _CLOSED:
            if self._outlet is not None:
                self.outbox += self._outlet.drop(now)[1]
            self._ending = None
        return self.drain(text, code, now)

    def hang_up(self, now: float) -> Sequence[Event]:
        """Client: end the call."""
        self._require(self._role is Role.CLIENT, "a server ends a call with `drain` or `end`")
        return self._stop("", now) if self._state is not _CLOSED else _NOTHING

    def fail(self, error: RemoteProtocolError) -> Sequence[Event]:
        """The peer broke a rule, of this floor or of the framing below: tell it, and close."""
        return self._fail(error.reply, error.code) if self._state is not _CLOSED else _NOTHING

    def _receive_message(
        self, message: WireMessage | browser.Unknown, now: float
    ) -> Sequence[Event]:
        message_type = type(message)
        following = self._row_in.get(message_type)
        if following is None:
            if isinstance(message, browser.Unknown):
                self.unknown_messages += 1
                return _NOTHING
            raise self._out_of_order(message_type)
        if following is not self._state:
            self._set_state(following)
        self._live.active = now
        if self._role is Role.SERVER:
            return self._told_by_client(message, now)
        return self._told_by_server(message, now)

    def _receive_binary(self, payload: bytes, now: float) -> Sequence[Event]:
        if self._tracks:
            raise _on_tracks()
        if not self._hears:
            raise self._out_of_order(Media)
        if self._outlet is not None and self._config.binary:
            self._outlet.kind = _BINARY
        self._live.active = now
        return self._receive_audio(payload, now)

    def _receive_audio(self, payload: bytes, now: float) -> Sequence[Event]:
        decoder = self._decoder
        if decoder is None:
            return self._unwanted_audio(now)
        try:
            frame = decoder.decode(payload)
        except ValueError as error:
            raise RemoteProtocolError(str(error), 1007) from error
        if frame is None:
            return _NOTHING
        if self._role is _CLIENT:
            self._listener.play(frame.duration, now)
        return (AudioReceived(frame),)

    def _unwanted_audio(self, now: float) -> Sequence[Event]:
        if not self._warned:
            self._warned = True
            text = "this stream's mode is 'receive': audio from the client is not heard"
            self.send(WarningNotice(text, text), now)
        return _NOTHING

    def _told_by_client(self, message: Any, now: float) -> Sequence[Event]:
        match message:
            case Start():
                requested = read_start(message)
                self._opened(agree_as_server(message.media_format, self._config), now)
                return (requested,)
            case Media():
                raise _on_tracks()
            case Ping():
                self.outbox.append((_TEXT, browser.encode(Pong())))
                return _NOTHING
            case Mark():
                return self._mark_reached(message.mark.name, now)
            case Input():
                return (InputsReceived(positional(message.data)),)
            case ToServer():
                return (told(message),)
            case Stop():
                return self._close(1000, "", remote=True)
            case _:
                raise AssertionError(message)

    def _mark_reached(self, name: str, now: float) -> Sequence[Event]:
        if self._outlet is not None and is_ours(name):
            self._outlet.reached(name, now)
            if self._ending is not None:
                self._arm(now)
        return (MarkReached(name),)

    def _told_by_server(self, message: Any, now: float) -> Sequence[Event]:
        match message:
            case Pong():
                return (PongReceived(),)
            case Clear():
                self._answer(self._listener.clear(now))
                return (PlayoutCleared(),)
            case Mark():
                self._answer(self._listener.mark(message.mark.name, now))
                self._arm(self._listener.deadline())
                return _NOTHING
            case Started():
                return (CallStarted(message.media_format, message.token),)
            case Media():
                raise _on_tracks()
            case Refused():
                refusal = refusal_from_meta(message.meta)
                closed = self._close(refusal.kind.code, refusal.error, remote=True)
                return (CallRefusedByServer(refusal), *closed)
            case _:
                return (told(message),)

    def _opened(self, agreement: Agreement, now: float) -> None:
        self._set_state(_OPEN)
        self._format = agreement.media_format
        self._width = agreement.bytes_per_sample
        self._decoder = agreement.decoder
        self._outlet = agreement.outlet
        self._live.started(now)
        self._next = self._due()

    def _close(self, code: int, reason: str, *, remote: bool) -> tuple[Event, ...]:
        self._set_state(_CLOSED)
        self._next = inf
        if self._outlet is not None:
            self._outlet.clear()
        return (Closed(code, reason, remote),)

    def _fail(self, text: str, code: int) -> tuple[Event, ...]:
        if self._role is Role.SERVER:
            self.outbox.append((_TEXT, browser.encode(ErrorNotice(text, text))))
        return self._close(code, text, remote=False)

    def _stop(self, text: str, now: float) -> tuple[Event, ...]:
        self._say(Stop(), now)
        return self._close(1000, text, remote=False)

    def _expire(self, expiry: Expiry, now: float) -> Sequence[Event]:
        text = explain(expiry, self._config.timing)
        match expiry:
            case Expiry.PING:
                self.outbox.append((Kind.PING, b""))
                return _NOTHING
            case Expiry.START:
                return self._fail(text, 1008)
            case Expiry.TIME_LIMIT | Expiry.IDLE:
                if self._role is Role.CLIENT:
                    return self._stop(text, now)
                return self.end(text, 1000, now)
            case Expiry.ABSENT:
                return self._close(1001, text, remote=True)
            case Expiry.DEAD:
                return self._close(1011, text, remote=True)
            case _:
                assert_never(expiry)

    def _release(self, now: float) -> Sequence[Event]:
        events: tuple[Event, ...] = _NOTHING
        outlet = self._outlet
        if outlet is not None:
            waited = outlet.waiting
            leaving = outlet.release(now)
            if leaving:
                self.outbox += leaving
                self._live.active = now
            self._arm(outlet.deadline())
            if outlet.waiting:
                return _NOTHING
            events = (PlayoutReady(),) if waited else _NOTHING
        if self._ending is None:
            return events
        if outlet is not None and self._config.lead < inf:
            end = outlet.played_by(now)
            if end > now:
                self._arm(end)
                return events
        farewell, code = self._ending
        if self._state is _DRAINING:
            self._say(farewell, now)
        return (*events, *self._close(code, farewell.data, remote=False))

    def _answer(self, marks: list[str]) -> None:
        for name in marks:
            self.outbox.append((_TEXT, browser.encode(Mark(MarkBody(name)))))

    def _say(self, message: WireMessage, now: float) -> None:
        self.outbox.append((_TEXT, browser.encode(message)))
        self._live.active = now

    def _arm(self, deadline: float) -> None:
        self._next = min(self._next, deadline)

    def _due(self) -> float:
        return min(self._live.deadline(), self._listener.deadline())

    def _require(self, condition: bool, otherwise: str) -> None:
        if not condition:
            raise LocalProtocolError(otherwise)

    def _illegal(self, what: str) -> Exception:
        return not_allowed(what, self._state, self._row_out)

    def _out_of_order(self, message_type: type[Any]) -> RemoteProtocolError:
        return out_of_order(message_type, self._state, self._row_in)


def _on_tracks() -> RemoteProtocolError:
    return RemoteProtocolError(
        "the sound of this call travels on its tracks, not in messages", 1002
    )
