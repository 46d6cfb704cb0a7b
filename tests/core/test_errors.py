"""The error tree: what is caught by what, and what the errors carry."""

import pytest

from antiphon.core import errors
from antiphon.core.errors import (
    AntiphonError,
    CallRefused,
    LocalProtocolError,
    MissingExtraError,
    ProtocolError,
    RemoteProtocolError,
    SessionClosed,
    UnknownCall,
)
from antiphon.core.signaling import REFUSALS


@pytest.mark.parametrize("name", [n for n in errors.__all__ if n != "MissingExtraError"])
def test_one_except_catches_all(name: str) -> None:
    assert issubclass(getattr(errors, name), AntiphonError)


def test_local_and_remote_are_told_apart() -> None:
    assert issubclass(LocalProtocolError, ProtocolError)
    assert issubclass(RemoteProtocolError, ProtocolError)
    assert not issubclass(LocalProtocolError, RemoteProtocolError)
    assert not issubclass(RemoteProtocolError, LocalProtocolError)


@pytest.mark.parametrize("code", [1002, 1007, 1008, 1009])
def test_every_close_code_of_the_protocol_has_a_refusal_over_http(code: int) -> None:
    error = RemoteProtocolError("what was wrong", code)
    assert REFUSALS[error.refusal].code == code
    assert (error.reply, error.code, str(error)) == ("what was wrong", code, "what was wrong")


def test_a_refusal_can_be_named() -> None:
    assert RemoteProtocolError("x", 1007, "invalid_field").refusal == "invalid_field"


def test_the_end_of_a_call_tells_code_and_reason() -> None:
    assert str(SessionClosed(1000, "bye")) == "the call is over (1000: bye)"
    assert str(SessionClosed(1006, "")) == "the call is over (1006)"


def test_a_refused_call_tells_why() -> None:
    error = CallRefused("concurrency_limit_reached", 3, "try later")
    assert (error.reason, error.limit, error.detail) == (
        "concurrency_limit_reached",
        3,
        "try later",
    )
    assert str(error) == (
        "the server refused the call: concurrency_limit_reached (limit 3): try later"
    )


def test_an_unknown_call_is_a_failed_look_up() -> None:
    error = UnknownCall("nobody")
    assert isinstance(error, LookupError)
    assert "'nobody'" in str(error)
    assert error.call_id == "nobody"


def test_a_missing_extra_names_the_line_that_installs_it() -> None:
    error = MissingExtraError("websockets", "websockets")
    assert isinstance(error, ImportError)
    assert "pip install 'antiphon[websockets]'" in str(error)
