"""Server-sent events (WHATWG HTML section 9.2), whole, byte by byte and in any split."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.core.dialects.event_stream import COMMENT, END, EventParser, ServerSentEvent, frame
from antiphon.core.ring import Position

BIG = 1 << 20


def parse(*chunks: bytes, max_event: int = BIG) -> list[ServerSentEvent]:
    parser = EventParser(max_event)
    return [event for chunk in chunks for event in parser.receive(chunk)]


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[a:b] for a, b in itertools.pairwise(places)]


def message(data: str, event: str = "message", event_id: str = "") -> ServerSentEvent:
    return ServerSentEvent(event, data, event_id)


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
@pytest.mark.parametrize(
    ("text", "events"),
    [
        ("data: a\n\n", [message("a")]),
        ("data:a\n\n", [message("a")]),
        ("data:  a\n\n", [message(" a")]),
        ("data\n\n", [message("")]),
        ("data: a\ndata: b\n\n", [message("a\nb")]),
        ("data: a\n\n\ndata: b\n\n", [message("a"), message("b")]),
        ("event: output\ndata: a\n\n", [message("a", "output")]),
        ("event: output\n\ndata: a\n\n", [message("a")]),
        (
            "id: 1-2\ndata: a\n\ndata: b\n\n",
            [message("a", event_id="1-2"), message("b", event_id="1-2")],
        ),
        ("id: a\0b\ndata: a\n\n", [message("a")]),
        (": comment\ndata: a\n\n", [message("a")]),
        ("retry: 10\nwhatever: x\n\n", []),
        ("data: a: b\n\n", [message("a: b")]),
        ("data: a\n", []),
        ("", []),
        ("data: é\u2028\n\n", [message("é\u2028")]),
    ],
)
def test_a_stream_reads_the_same_with_any_line_end_whole_and_byte_by_byte(
    text: str, events: list[ServerSentEvent], end: str
) -> None:
    data = text.replace("\n", end).encode()
    assert parse(data) == events
    assert parse(*(data[n : n + 1] for n in range(len(data)))) == events
    assert parse(*(chunk for n in range(len(data)) for chunk in (data[n : n + 1], b""))) == events


STREAMS = st.text(st.sampled_from("\r\n :adtevni0é"), max_size=80) | st.lists(
    st.sampled_from(
        ["data: x", "data", "data:", "event: e", "id: 7", ": c", "", "\r", "\n", "\r\n", "data: é"]
    ),
    max_size=20,
).map("\n".join)


@given(STREAMS, st.lists(st.integers(0, 1000), max_size=9))
def test_any_split_of_the_bytes_gives_the_same_events(text: str, cuts: list[int]) -> None:
    data = text.encode()
    assert parse(*split(data, cuts)) == parse(data)


@given(STREAMS, st.lists(st.integers(0, 1000), max_size=9), st.integers(1, 30))
def test_any_split_refuses_the_same_events_as_too_large(
    text: str, cuts: list[int], max_event: int
) -> None:
    def outcome(chunks: list[bytes]) -> list[ServerSentEvent] | str:
        try:
            return parse(*chunks, max_event=max_event)
        except ValueError:
            return "too large"

    assert outcome(split(text.encode(), cuts)) == outcome([text.encode()])


def test_an_event_may_be_as_large_as_allowed_and_no_larger() -> None:
    assert parse(b"data: 67890\n\n" * 3, max_event=11) == [message("67890")] * 3
    for data in (b"data: 678901\n\n", b"data: 678901", b"data: 6789\ndata", b": 345678901234"):
        with pytest.raises(ValueError, match="larger than 11 bytes"):
            parse(data, max_event=11)


def test_the_size_of_an_event_counts_the_breaks_between_its_lines() -> None:
    data = b"data: 1\ndata: 2\n\n"
    assert parse(data, max_event=15) == [message("1\n2")]
    with pytest.raises(ValueError, match="larger"):
        parse(data, max_event=14)


@pytest.mark.parametrize("line", [b"data\n", b"data:\n", b"event: x\n", b": c\n", b"unknown\n"])
def test_endless_lines_of_one_event_are_refused(line: bytes) -> None:
    with pytest.raises(ValueError, match="larger"):
        parse(*[line] * 2000, max_event=4096)


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(exclude_characters="\r\n", codec="utf-8"), max_size=20),
            st.sampled_from(["", "output", "gap"]),
            st.integers(0, 1 << 50),
        ),
        max_size=8,
    ),
    st.lists(st.integers(0, 1000), max_size=9),
)
def test_what_is_framed_reads_back(items: list[tuple[str, str, int]], cuts: list[int]) -> None:
    data = COMMENT.join(
        frame(text.encode(), event=event, position=Position(3, offset))
        for text, event, offset in items
    )
    assert parse(*split(data, cuts)) == [
        message(text, event or "message", f"3-{offset}") for text, event, offset in items
    ]


def test_a_frame_without_a_position_leaves_the_last_id() -> None:
    data = frame(b"a", position=Position(1, 2)) + frame(b"b", event="gap")
    assert parse(data) == [message("a", event_id="1-2"), message("b", "gap", "1-2")]


def test_comments_say_nothing_and_the_end_is_an_event() -> None:
    assert parse(COMMENT) == []
    (end,) = parse(END)
    assert end.event == "end"


def test_bytes_that_are_no_utf8_are_replaced() -> None:
    assert parse(b"data: \xff\n\n") == [message("\ufffd")]
