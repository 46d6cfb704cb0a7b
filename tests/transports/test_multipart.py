"""Uploads as browsers, curl and Python send them: RFC 7578."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.transports.multipart import parts

TYPE = "multipart/form-data; boundary=xyz"


def body(*fields: tuple[str, bytes], boundary: str = "xyz", end: str = "--\r\n") -> bytes:
    mark = f"--{boundary}".encode()
    written = b""
    for name, contents in fields:
        head = f'Content-Disposition: form-data; name="{name}"; filename="a;b.wav"\r\n'
        written += mark + b"\r\n" + head.encode() + b"Content-Type: audio/wav\r\n\r\n"
        written += contents + b"\r\n"
    return written + mark + end.encode()


def read(content_type: str, data: bytes) -> list[tuple[str, bytes]]:
    return [(name, bytes(contents)) for name, contents in parts(content_type, data)]


@given(st.lists(st.tuples(st.sampled_from(["wav_file", "a", "ä"]), st.binary()), max_size=5))
def test_every_part_comes_out_as_it_went_in(fields: list[tuple[str, bytes]]) -> None:
    assert read(TYPE, body(*fields)) == fields


@pytest.mark.parametrize(
    "contents", [b"", b"\r\n", b"\r\n\r\n", b"--xyz", b"\r\n--xy", b"--\r\n", b"\n--xyz\r"]
)
def test_contents_may_look_like_a_boundary_that_they_are_not(contents: bytes) -> None:
    assert read(TYPE, body(("a", contents), ("b", b"2"))) == [("a", contents), ("b", b"2")]


def test_what_stands_before_and_behind_is_no_part() -> None:
    assert read(TYPE, b"hello\r\n" + body(("a", b"1")) + b"bye") == [("a", b"1")]


@pytest.mark.parametrize(
    "content_type",
    ['multipart/form-data; charset=x; boundary="xyz"', "multipart/form-data;BOUNDARY=xyz"],
)
def test_a_boundary_may_be_quoted(content_type: str) -> None:
    assert read(content_type, body(("a", b"1"))) == [("a", b"1")]


@pytest.mark.parametrize(
    ("content_type", "data", "why"),
    [
        ("multipart/form-data", b"", "no boundary"),
        (TYPE, b"", "breaks off"),
        (TYPE, b"--other\r\n", "breaks off"),
        (TYPE, body(("a", b"1"), end=""), "breaks off"),
        (TYPE, body(("a", b"1"))[:-20], "breaks off"),
        (TYPE, b"--xyz\r\nContent-Type: a/b\r\n\r\n1\r\n--xyz--", "no name"),
        (TYPE, b"--xyz\r\n" + b"a" * 20_000 + b"\r\n\r\n1\r\n--xyz--", "breaks off"),
        (TYPE, body(*[("a", b"")] * 65), "more than 64"),
    ],
)
def test_what_cannot_be_read_is_told(content_type: str, data: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read(content_type, data)


@given(st.binary(max_size=200))
def test_nothing_that_is_sent_makes_it_fail_otherwise(data: bytes) -> None:
    with suppress(ValueError):
        read(TYPE, b"--xyz" + data)
