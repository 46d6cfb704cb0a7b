"""The legality tables, and both ends against every cell of them."""

from typing import Any

import pytest

from antiphon.core.dialects import browser
from antiphon.core.errors import LocalProtocolError, RemoteProtocolError, SessionClosed
from antiphon.core.messages import (
    Clear,
    ClientMessage,
    EndStream,
    ErrorNotice,
    FetchOutput,
    Input,
    Log,
    Mark,
    MarkBody,
    Media,
    MediaBody,
    Ping,
    Pong,
    Refused,
    SendInput,
    ServerMessage,
    Start,
    Started,
    Stop,
    StopWord,
    ToClient,
    ToServer,
    WarningNotice,
    WireMessage,
)
from antiphon.core.session import Session, SessionConfig, SessionState
from antiphon.core.states import TO_CLIENT, TO_SERVER, not_allowed, out_of_order
from antiphon.core.wire import Kind, Role
from tests.core.pair import PCM_24K, ramp

CONNECTING, OPEN, DRAINING, CLOSED = SessionState

EXAMPLES: dict[type[Any], WireMessage] = {
    type(message): message
    for message in (
        Start(websocket_id="a", media_format=PCM_24K),
        Media(MediaBody(b"\0\0")),
        Mark(MarkBody("m")),
        Input([1]),
        ToServer("hello"),
        Ping(),
        Stop(),
        Started(PCM_24K, "token"),
        Pong(),
        Clear(),
        SendInput(),
        FetchOutput(),
        StopWord(),
        Log("text"),
        ErrorNotice("text", "text"),
        WarningNotice("text", "text"),
        EndStream("bye"),
        ToClient("hello"),
        Refused({"error": "unauthorized"}),
    )
}
CLIENT_TYPES: tuple[type[Any], ...] = ClientMessage.__args__
SERVER_TYPES: tuple[type[Any], ...] = ServerMessage.__args__


def session_in(role: Role, state: SessionState) -> Session:
    """A session that came to this state by what was said."""
    session = Session(role, SessionConfig(), 0.0)
    start = EXAMPLES[Start]
    assert isinstance(start, Start)
    if state is not CONNECTING:
        if role is Role.SERVER:
            session.receive(Kind.TEXT, browser.encode(start), 0.0)
            session.accept("token", 0.0)
        else:
            session.start(start, 0.0)
    if state is DRAINING:
        if role is Role.SERVER:
            session.send_audio(ramp(24000), 0.0)
            session.drain("bye", 1000, 0.0)
        else:
            session.receive(Kind.TEXT, browser.encode(EndStream("bye")), 0.0)
    if state is CLOSED:
        session.receive_eof("gone", 0.0)
    session.data_to_send()
    assert session.state is state
    return session


def receivable(role: Role) -> tuple[type[Any], ...]:
    return CLIENT_TYPES if role is Role.SERVER else SERVER_TYPES


def sendable(role: Role) -> tuple[type[Any], ...]:
    return receivable(Role.CLIENT if role is Role.SERVER else Role.SERVER)


def cells(types_of: Any) -> list[Any]:
    return [
        pytest.param(role, state, t, id=f"{role.value}-{state.value}-{t.__name__}")
        for role in Role
        for state in SessionState
        for t in types_of(role)
    ]


def table(role: Role, *, incoming: bool) -> Any:
    return TO_SERVER if (role is Role.SERVER) is incoming else TO_CLIENT


@pytest.mark.parametrize(("role", "state", "message_type"), cells(receivable))
def test_what_the_table_lacks_is_the_peers_error_and_what_it_has_moves_the_session(
    role: Role, state: SessionState, message_type: type[Any]
) -> None:
    session = session_in(role, state)
    payload = browser.encode(EXAMPLES[message_type])
    following = table(role, incoming=True)[state].get(message_type)
    if state is CLOSED:
        assert session.receive(Kind.TEXT, payload, 1.0) == ()
        assert session.data_to_send() == []
    elif following is None:
        with pytest.raises(RemoteProtocolError) as caught:
            session.receive(Kind.TEXT, payload, 1.0)
        assert caught.value.code == 1002
        assert session.state is CLOSED
        notices = [browser.decode_server(text) for _, text in session.data_to_send()]
        told = [ErrorNotice(caught.value.reply, caught.value.reply)] if role is Role.SERVER else []
        assert notices == told
    else:
        session.receive(Kind.TEXT, payload, 1.0)
        assert session.state is following


@pytest.mark.parametrize(("role", "state", "message_type"), cells(sendable))
def test_what_the_table_lacks_cannot_be_sent_and_leaves_the_session_untouched(
    role: Role, state: SessionState, message_type: type[Any]
) -> None:
    session = session_in(role, state)
    following = table(role, incoming=False)[state].get(message_type)
    deadline = session.deadline()
    if following is state:
        session.send(EXAMPLES[message_type], 1.0)
        assert session.data_to_send() == [(Kind.TEXT, browser.encode(EXAMPLES[message_type]))]
    else:
        with pytest.raises(SessionClosed if state is CLOSED else LocalProtocolError):
            session.send(EXAMPLES[message_type], 1.0)
        assert session.data_to_send() == []
    assert session.state is state
    assert session.deadline() == deadline


@pytest.mark.parametrize("rows", [TO_SERVER, TO_CLIENT])
def test_every_state_has_a_row_and_closed_is_final(rows: Any) -> None:
    assert set(rows) == set(SessionState)
    assert rows[CLOSED] == {}


def test_the_tables_hold_every_message_and_nothing_else() -> None:
    assert {t for row in TO_SERVER.values() for t in row} == set(CLIENT_TYPES)
    assert {t for row in TO_CLIENT.values() for t in row} == set(SERVER_TYPES)


@pytest.mark.parametrize("rows", [TO_SERVER, TO_CLIENT])
def test_states_only_move_forward(rows: Any) -> None:
    order = list(SessionState)
    assert all(
        order.index(following) >= order.index(state)
        for state, row in rows.items()
        for following in row.values()
    )


def test_errors_say_what_was_seen_in_which_state_and_what_is_allowed() -> None:
    assert str(out_of_order(Media, CONNECTING, TO_SERVER[CONNECTING])) == (
        "`media` is not allowed while the call is connecting; allowed: `ping`, `start`, `stop`"
    )
    local = not_allowed("audio", CONNECTING, TO_CLIENT[CONNECTING])
    assert isinstance(local, LocalProtocolError)
    assert "audio" in str(local)
    assert "connecting" in str(local)
    assert "Pong" in str(local)
    assert isinstance(not_allowed("audio", CLOSED, {}), SessionClosed)
