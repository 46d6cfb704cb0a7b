"""JSON in and out: every malformed text is one error with a close code, never a traceback."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.core.dialects.browser import (
    MAX_DEPTH,
    Unknown,
    decode_client,
    decode_server,
    encode,
    encode_audio,
    json_depth,
)
from antiphon.core.errors import RemoteProtocolError
from antiphon.core.messages import (
    Clear,
    ErrorNotice,
    Log,
    Media,
    MediaBody,
    Ping,
    Pong,
    Refused,
    Start,
    ToClient,
    ToServer,
)
from antiphon.core.wire import Kind


def refused(text: bytes, decode: Any = decode_client) -> RemoteProtocolError:
    with pytest.raises(RemoteProtocolError) as caught:
        decode(text)
    assert caught.value.code == 1007
    caught.value.reply.encode()  # may stand in a close
    return caught.value


def close_code(decode: Any, text: bytes) -> int | None:
    """None when the text is a message."""
    try:
        decode(text)
    except RemoteProtocolError as error:
        error.reply.encode()
        return error.code
    return None


NO_OBJECT = [
    b"",
    b" ",
    b"hello",
    b"null",
    b"3",
    b'"start"',
    b"[]",
    b'[{"event":"ping"}]',
    b"{",
    b"{}x",
]


@pytest.mark.parametrize("text", NO_OBJECT)
@pytest.mark.parametrize("decode", [decode_client, decode_server])
def test_text_that_is_no_object_is_not_decodable(text: bytes, decode: Any) -> None:
    refused(text, decode)


@pytest.mark.parametrize(
    "text",
    [
        b"{}",
        b'{"type":"ping"}',
        b'{"event":3}',
        b'{"event":null}',
        b'{"event":"start","websocket_id":null}',
        b'{"event":"start","websocket_id":true}',
        b'{"event":"start","websocket_id":["a"]}',
        b'{"event":"start","websocket_id":"a","media_format":"audio/pcm"}',
        b'{"event":"start","websocket_id":"a","media_format":{"encoding":"audio/pcm"}}',
        b'{"event":"start","websocket_id":"a","media_format":{"encoding":1,"sample_rate":8000}}',
        b'{"event":"start","websocket_id":"a","media_format":{"encoding":"audio/pcm","sample_rate":"8000"}}',
        b'{"event":"start","websocket_id":"a","media_format":{"encoding":"audio/pcm","sample_rate":8000.5}}',
        b'{"event":"start","websocket_id":"a","metadata":[]}',
        b'{"event":"media"}',
        b'{"event":"media","media":null}',
        b'{"event":"media","media":{}}',
        b'{"event":"media","media":{"payload":3}}',
        b'{"event":"media","payload":"AAAA"}',
        b'{"event":"mark"}',
        b'{"event":"mark","mark":{"name":1}}',
        b'{"event":"input"}',
        b'{"event":"message"}',
    ],
)
def test_a_missing_or_mistyped_field_is_told_as_such(text: bytes) -> None:
    assert refused(text).refusal == "invalid_field"


def test_the_error_says_where_the_fault_is() -> None:
    assert "$.media.payload" in refused(b'{"event":"media","media":{"payload":3}}').reply


@pytest.mark.parametrize(
    "payload", ["*", "YQ", "YQ=", "YQ== ", "Y Q==", "YQ==YQ", "-_-_", "\u00e9"]
)
def test_invalid_base64_is_refused_not_dropped(payload: str) -> None:
    refused(json.dumps({"event": "media", "media": {"payload": payload}}).encode())


@given(st.binary(max_size=200))
def test_audio_reads_back_in_both_forms(payload: bytes) -> None:
    assert encode_audio(payload, Kind.BINARY) == (Kind.BINARY, payload)
    kind, text = encode_audio(payload, Kind.TEXT)
    assert kind is Kind.TEXT
    assert json.loads(text)["media"]["payload"] == base64.b64encode(payload).decode()
    assert decode_client(text) == decode_server(text) == Media(MediaBody(payload))


@pytest.mark.parametrize(
    "text",
    [
        b'{"event":"\xff"}',
        b'{"event":"start","websocket_id":"\xe9"}',
    ],
)
def test_text_that_is_not_utf8_is_not_decodable(text: bytes) -> None:
    refused(text)


def test_what_a_field_that_nobody_reads_holds_is_not_looked_at() -> None:
    assert decode_client(b'{"event":"ping","x":"\xc3"}') == Ping()


def test_half_a_surrogate_pair_is_not_decodable() -> None:
    refused(b'{"event":"message","data":"\\ud800"}')


@pytest.mark.parametrize("digits", [5_000, 100_000])
def test_a_number_of_many_digits_is_not_decodable(digits: int) -> None:
    refused(b'{"event":"start","websocket_id":' + b"9" * digits + b"}")
    refused(b'{"event":"message","data":1' + b"0" * digits + b"}")


def nested(event: str, depth: int, brackets: tuple[bytes, bytes] = (b"[", b"]")) -> bytes:
    start, end = brackets
    return b'{"event":"%s","data":' % event.encode() + start * depth + b"1" + end * depth + b"}"


@pytest.mark.parametrize("brackets", [(b"[", b"]"), (b'{"a":', b"}")])
def test_json_may_nest_64_deep_the_message_included(brackets: tuple[bytes, bytes]) -> None:
    assert isinstance(decode_client(nested("message", MAX_DEPTH - 1, brackets)), ToServer)
    assert "64" in refused(nested("message", MAX_DEPTH, brackets)).reply


@pytest.mark.parametrize("depth", [65, 900, 5_000, 200_000])
@pytest.mark.parametrize("event", ["message", "input", "never-heard-of"])
def test_what_nests_deeper_is_refused_however_deep(event: str, depth: int) -> None:
    assert refused(nested(event, depth)).reply == "the JSON is nested deeper than 64"


@pytest.mark.parametrize("depth", [65, 5_000])
@pytest.mark.parametrize("name", [b'"type":"message"', b'"status":"failed"', b'"type":"new"'])
def test_a_client_is_held_by_no_depth_either(name: bytes, depth: int) -> None:
    nest = b"[" * depth + b"]" * depth
    refused(b"{" + name + b',"data":' + nest + b',"meta":{"a":' + nest + b"}}", decode_server)


def test_many_brackets_that_do_not_nest_are_fine() -> None:
    assert isinstance(
        decode_client(b'{"event":"message","data":[' + b"[]," * 500 + b"1]}"), ToServer
    )
    text = json.dumps({"event": "message", "data": "[" * 500 + '\\"' + "{" * 500}).encode()
    assert isinstance(decode_client(text), ToServer)


Nested = tuple[Any, int]
"""A JSON value, and how deep it nests."""


def in_list(items: list[Nested]) -> Nested:
    return [value for value, _ in items], 1 + max((depth for _, depth in items), default=0)


def in_object(items: list[Nested]) -> Nested:
    values, depth = in_list(items)
    return {f'"{n}[' + "\\": value for n, value in enumerate(values)}, depth


def flat(value: str | None) -> Nested:
    return value, 0


NESTED = st.recursive(
    (st.none() | st.text(st.sampled_from('[]{}"\\a'), max_size=6)).map(flat),
    lambda inner: (
        st.lists(inner, max_size=3).map(in_list) | st.lists(inner, max_size=3).map(in_object)
    ),
    max_leaves=20,
)


@given(NESTED)
def test_depth_is_counted_as_a_parser_sees_it(nested: Nested) -> None:
    value, depth = nested
    assert json_depth(json.dumps(value).encode()) == depth


@pytest.mark.parametrize(
    "name", ["connected", "dtmf", "Start", "", "started", "\u00e9", "x" * 10_000]
)
def test_an_unknown_event_is_no_error(name: str) -> None:
    text = json.dumps({"event": name, "data": {"any": ["thing"]}}).encode()
    assert decode_client(text) == Unknown(name)


@pytest.mark.parametrize("field", ["event", "type", "status"])
def test_a_name_that_a_server_may_use_one_day_is_no_error(field: str) -> None:
    assert decode_server(json.dumps({field: "new", "x": 1}).encode()) == Unknown("new")


def test_fields_that_we_do_not_know_are_passed_over() -> None:
    assert decode_client(b'{"event":"ping","t":1,"event2":{}}') == Ping()
    assert decode_client(b'{"event":"start","streamSid":"x","websocket_id":"a"}') == Start("a")


def test_the_name_may_stand_anywhere() -> None:
    text = b'{"media":{"payload":"AAA="},"event":"media"}'
    assert decode_client(text) == decode_server(text) == Media(MediaBody(b"\0\0"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b'{"event":"pong"}', Pong()),
        (b'{"event":"clear"}', Clear()),
        (b'{"type":"log","data":"x"}', Log("x")),
        (b'{"type":"error","data":"x"}', ErrorNotice("x")),
        (b'{"type":"error","data":"","message":"x"}', ErrorNotice("", "x")),
        (b'{"type":"message","data":[1]}', ToClient([1])),
        (b'{"status":"failed","meta":{"error":"e"}}', Refused({"error": "e"})),
    ],
)
def test_a_client_reads_all_three_ways_of_naming(text: bytes, message: object) -> None:
    assert decode_server(text) == message


@pytest.mark.parametrize(
    "text",
    [b"{}", b'{"type":3}', b'{"type":"log"}', b'{"status":"failed"}', b'{"event":"started"}'],
)
def test_what_a_server_must_not_say_is_refused(text: bytes) -> None:
    refused(text, decode_server)


@pytest.mark.parametrize("data", [object(), {1j: 2}, "\ud800", {"a": "\udfff"}])
def test_what_json_cannot_hold_is_a_type_error(data: Any) -> None:
    with pytest.raises(TypeError):
        encode(ToClient(data))


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
@pytest.mark.parametrize("decode", [decode_client, decode_server])
def test_no_bytes_break_the_decoder(decode: Any, text: bytes) -> None:
    assert close_code(decode, text) in (None, 1007)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)
NAMES = st.sampled_from(
    [
        "start",
        "media",
        "mark",
        "input",
        "message",
        "ping",
        "stop",
        "started",
        "log",
        "error",
        "failed",
    ]
)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "event": NAMES | JSON,
            "type": NAMES | JSON,
            "status": NAMES | JSON,
            "websocket_id": JSON,
            "webrtc_id": JSON,
            "media_format": JSON,
            "media": JSON | st.fixed_dictionaries({"payload": JSON}),
            "mark": JSON,
            "data": JSON,
            "meta": JSON,
            "token": JSON,
        },
    )
)
@pytest.mark.parametrize("decode", [decode_client, decode_server])
def test_no_object_breaks_the_decoder(decode: Any, message: dict[str, Any]) -> None:
    assert close_code(decode, json.dumps(message).encode()) in (None, 1007)
