"""The states of a call, and what may be said in which: two tables that both ends obey.

docs/protocol.md draws its diagram from them.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any

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
)

__all__ = ("TO_CLIENT", "TO_SERVER", "Row", "SessionState")


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
