"""What is told, as an event."""

from typing import Any, get_args

import pytest

from antiphon.core import events
from antiphon.core.events import Event, Message, Told, told
from antiphon.core.messages import (
    EndStream,
    ErrorNotice,
    FetchOutput,
    Log,
    SendInput,
    StopWord,
    ToClient,
    ToServer,
    WarningNotice,
)


@pytest.mark.parametrize(
    ("message", "event"),
    [
        (ToServer({"a": 1}), Message("message", {"a": 1})),
        (ToClient(None), Message("message", None)),
        (Log("started_talking"), Message("log", "started_talking")),
        (SendInput(), Message("send_input", [])),
        (FetchOutput(), Message("fetch_output", [])),
        (StopWord(), Message("stopword", "")),
        (EndStream("bye"), Message("end_stream", "bye")),
        (ErrorNotice("data", "data"), Message("error", "data")),
    ],
)
def test_what_is_told_keeps_its_name_and_data(message: Told, event: Message) -> None:
    assert told(message) == event


@pytest.mark.parametrize("notice", [ErrorNotice, WarningNotice])
@pytest.mark.parametrize(
    ("data", "message", "heard"),
    [("a", "b", "a"), ("", "b", "b"), (None, "b", "b"), (0, "b", 0), ("a", "", "a")],
)
def test_of_an_errors_two_keys_the_one_that_holds_something_counts(
    notice: type[ErrorNotice | WarningNotice], data: Any, message: Any, heard: Any
) -> None:
    assert told(notice(data, message)).data == heard


def test_every_event_is_exported() -> None:
    assert {event.__name__ for event in get_args(Event)} <= set(events.__all__)
