"""Calls that are opened by an offer: their sound travels on tracks, their messages do not."""

import json

import pytest

from antiphon.core.agreement import TrackRates
from antiphon.core.audio.frames import AudioFrame
from antiphon.core.errors import LocalProtocolError, RemoteProtocolError
from antiphon.core.events import AudioReceived, CallRequested, Closed
from antiphon.core.liveness import Timing
from antiphon.core.session import Session, SessionConfig, SessionState
from antiphon.core.wire import Kind, Role

REQUEST = CallRequested("one", None, {}, None)
RATES = TrackRates(received=24000, sent=48000)


def opened(role: Role = Role.SERVER, **config: object) -> Session:
    session = Session(role, SessionConfig(**config), 0.0)  # type: ignore[arg-type]
    request = REQUEST if role is Role.SERVER else None
    assert list(session.open_tracks(request, RATES, 0.0)) == ([REQUEST] if request else [])
    assert session.state is SessionState.OPEN
    return session


@pytest.mark.parametrize("role", Role)
def test_sound_comes_and_goes_as_samples(role: Role) -> None:
    session = opened(role)
    (event,) = session.receive(Kind.AUDIO, b"\1\0" * 480, 0.0)
    assert isinstance(event, AudioReceived)
    assert (event.frame.pcm, event.frame.sample_rate) == (b"\1\0" * 480, 24000)
    session.send_audio(AudioFrame(b"\2\0" * 960, 48000), 0.0)
    assert session.data_to_send() == [(Kind.AUDIO, b"\2\0" * 960)]


def test_frames_of_other_rates_are_converted_to_the_track_s() -> None:
    session = opened()
    session.send_audio(AudioFrame(bytes(2 * 2400), 24000), 0.0)
    session.flush(0.0)
    sent = sum(len(pcm) for kind, pcm in session.data_to_send() if kind is Kind.AUDIO)
    assert sent == pytest.approx(2 * 4800, abs=4)


def test_an_interruption_clears_the_track_before_the_client_is_told() -> None:
    session = opened()
    session.send_audio(AudioFrame(bytes(2 * 24000), 48000), 0.0)
    session.data_to_send()
    interruption = session.interrupt(0.1)
    assert (interruption.heard, interruption.dropped) == pytest.approx((0.1, 0.4))
    (kind, payload), (_, text) = session.data_to_send()
    assert (kind, payload) == (Kind.CLEAR, b"")
    assert json.loads(text) == {"event": "clear"}


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize(
    ("kind", "payload"),
    [(Kind.BINARY, b"\0\0"), (Kind.TEXT, b'{"event":"media","media":{"payload":"AAA="}}')],
)
def test_sound_in_messages_is_out_of_place(role: Role, kind: Kind, payload: bytes) -> None:
    session = opened(role)
    with pytest.raises(RemoteProtocolError, match="travels on its tracks") as error:
        session.receive(kind, payload, 0.0)
    assert error.value.code == 1002


def test_a_start_comes_too_late() -> None:
    with pytest.raises(RemoteProtocolError, match="`start` is not allowed"):
        opened().receive(Kind.TEXT, b'{"event":"start","websocket_id":"two"}', 0.0)


def test_a_call_is_opened_once() -> None:
    with pytest.raises(LocalProtocolError, match="open already"):
        opened().open_tracks(REQUEST, RATES, 0.0)


def test_a_stream_that_only_speaks_warns_once_who_speaks_to_it() -> None:
    session = opened(mode="receive")
    for _ in range(3):
        assert list(session.receive(Kind.AUDIO, bytes(960), 0.0)) == []
    (warning,) = session.data_to_send()
    assert json.loads(warning[1])["type"] == "warning"


def test_what_goes_beside_keeps_the_call_from_being_idle() -> None:
    session = opened(timing=Timing(idle_timeout=10.0))
    session.stir(8.0)
    assert list(session.advance(12.0)) == []
    assert [type(event) for event in session.advance(18.1)] == [Closed]
