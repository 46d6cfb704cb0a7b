"""The states of a call, and what may be said in which: two tables that both ends obey.

docs/protocol.md draws its diagram from them.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any

from .errors import LocalProtocolError, RemoteProtocolError, SessionClosed
from .messages import (
    Clear,
    EndStream,
    ErrorNotice,
    FetchOutput,
    Input,
    Log,
    Mark,
    Media,
    Ping,
    Pong,
    Refused,
    SendInput,
    Start,
    Started,
    Stop,
    StopWord,
    ToClient,
    ToServer,
    WarningNotice,
    tag_of,
)

__all__ = ("TO_CLIENT", "TO_SERVER", "Row", "SessionState", "not_allowed", "out_of_order")


class SessionState(Enum):
    """Where a call stands, seen from either end."""

    CONNECTING = "connecting"
    """Before the start."""
    OPEN = "open"
    DRAINING = "draining"
    """The server will close: it plays what it was given and speaks no more."""
    CLOSED = "closed"


Row = Mapping[type[Any], SessionState]
"""What may be said in one state, and the state that follows. What is missing is an error."""

_CONNECTING, _OPEN, _DRAINING, _CLOSED = SessionState

_TALK = (Media, Mark, Input, ToServer, Ping)
_TELL = (
    *(Mark, Clear, Pong, SendInput, FetchOutput, StopWord),
    *(Log, ErrorNotice, WarningNotice, ToClient),
)

TO_SERVER: Mapping[SessionState, Row] = {
    _CONNECTING: {Start: _OPEN, Ping: _CONNECTING, Stop: _CLOSED},
    _OPEN: {**dict.fromkeys(_TALK, _OPEN), Stop: _CLOSED},
    _DRAINING: {**dict.fromkeys(_TALK, _DRAINING), Stop: _CLOSED},
    _CLOSED: {},
}
"""What a client says."""

TO_CLIENT: Mapping[SessionState, Row] = {
    _CONNECTING: {Pong: _CONNECTING, ErrorNotice: _CONNECTING, Refused: _CLOSED},
    _OPEN: {
        **dict.fromkeys((*_TELL, Media, Started), _OPEN),
        EndStream: _DRAINING,
        Refused: _CLOSED,
    },
    _DRAINING: dict.fromkeys((*_TELL, EndStream), _DRAINING),
    _CLOSED: {},
}
"""What a server says."""


def out_of_order(message_type: type[Any], state: SessionState, row: Row) -> RemoteProtocolError:
    """The error for a message that the peer may not send in this state."""
    allowed = ", ".join(sorted(f"`{tag_of(t)}`" for t in row))
    return RemoteProtocolError(
        f"`{tag_of(message_type)}` is not allowed while the call is {state.value};"
        f" allowed: {allowed}",
        1002,
    )


def not_allowed(what: str, state: SessionState, row: Row) -> LocalProtocolError | SessionClosed:
    """The error for something that this end may not send in this state."""
    if state is SessionState.CLOSED:
        return SessionClosed(1000, "nothing more can be sent")
    allowed = ", ".join(sorted(t.__name__ for t in row)) or "nothing"
    return LocalProtocolError(
        f"{what} cannot be sent while the session is {state.value}; allowed: {allowed}"
    )
