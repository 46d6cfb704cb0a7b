"""The records against the words of the protocol page: names, keys, defaults."""

from typing import Any

import msgspec
import pytest

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
    MediaFormat,
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
    failure_text,
    tag_of,
)

FORMAT = MediaFormat("audio/x-mulaw", 8000)
FORMAT_JSON = {"encoding": "audio/x-mulaw", "sample_rate": 8000}


@pytest.mark.parametrize(
    ("message", "wire"),
    [
        (Start(websocket_id="a"), {"event": "start", "websocket_id": "a", "metadata": {}}),
        (
            Start(webrtc_id=7, media_format=FORMAT, metadata={"k": 1}, inputs=[2]),
            {
                "event": "start",
                "webrtc_id": 7,
                "media_format": FORMAT_JSON,
                "metadata": {"k": 1},
                "inputs": [2],
            },
        ),
        (Media(MediaBody(b"\xff\x00")), {"event": "media", "media": {"payload": "/wA="}}),
        (Mark(MarkBody("m")), {"event": "mark", "mark": {"name": "m"}}),
        (Input([1]), {"event": "input", "data": [1]}),
        (ToServer(None), {"event": "message", "data": None}),
        (Ping(), {"event": "ping"}),
        (Stop(), {"event": "stop"}),
        (
            Started(FORMAT, "token"),
            {"event": "started", "media_format": FORMAT_JSON, "token": "token"},
        ),
        (Pong(), {"event": "pong"}),
        (Clear(), {"event": "clear"}),
        (SendInput(), {"type": "send_input", "data": []}),
        (FetchOutput(), {"type": "fetch_output", "data": []}),
        (StopWord(), {"type": "stopword", "data": ""}),
        (Log("pause_detected"), {"type": "log", "data": "pause_detected"}),
        (ErrorNotice("x", "x"), {"type": "error", "data": "x", "message": "x"}),
        (WarningNotice("x", "x"), {"type": "warning", "data": "x", "message": "x"}),
        (EndStream("bye"), {"type": "end_stream", "data": "bye"}),
        (ToClient({"a": []}), {"type": "message", "data": {"a": []}}),
        (
            Refused({"error": "unauthorized"}),
            {"status": "failed", "meta": {"error": "unauthorized"}},
        ),
    ],
)
def test_a_message_stands_on_the_wire_as_the_page_says(
    message: WireMessage, wire: dict[str, Any]
) -> None:
    assert msgspec.json.decode(msgspec.json.encode(message)) == wire
    assert msgspec.json.decode(msgspec.json.encode(message), type=type(message)) == message


@pytest.mark.parametrize("union", [ClientMessage, ServerMessage])
def test_names_are_unique_at_each_end(union: Any) -> None:
    tags = [(t.__struct_config__.tag_field, tag_of(t)) for t in union.__args__]
    assert len(tags) == len(set(tags))


def test_a_name_on_the_wire_is_that_of_its_record() -> None:
    assert tag_of(ToServer) == tag_of(ToClient) == "message"
    assert tag_of(Refused) == "failed"


def test_starts_do_not_share_their_metadata() -> None:
    assert Start().metadata is not Start().metadata


def test_messages_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Log("x").data = "y"  # type: ignore[misc]  # the rule under test


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("broken"), "broken"),
        (ValueError(), "ValueError"),
        (KeyError("a"), "'a'"),
        (OSError("no file \udcff"), "no file ?"),
        (ExceptionGroup("1 sub-exception", [ValueError("broken")]), "broken"),
        (ExceptionGroup("two", [ExceptionGroup("one", [KeyError()]), OSError("x")]), "KeyError"),
    ],
)
def test_a_failure_is_told_by_its_text_or_else_its_type(error: Exception, text: str) -> None:
    assert failure_text(error) == text
