"""The rules of text and of close frames, and the error that carries what came before it."""

import pytest

from antiphon.core.errors import RemoteProtocolError
from antiphon.core.wire import Kind
from antiphon.transports.frame_engine import FrameError, check_close, check_utf8, is_close_code


def test_close_codes_are_those_registered_and_those_of_libraries_and_applications() -> None:
    codes = {code for code in range(-1, 70_000) if is_close_code(code)}
    assert codes == {*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)}


@pytest.mark.parametrize("payload", [b"", b"\x03\xe8", b"\x03\xe8OK", b"\x13\x87\xc3\xa9"])
def test_a_legal_close_passes(payload: bytes) -> None:
    check_close(payload)


@pytest.mark.parametrize(
    ("payload", "code"), [(b"\x03", 1002), (b"\x03\xe7", 1002), (b"\x03\xe8\xff\xff", 1007)]
)
def test_a_close_that_cannot_be_read_says_why(payload: bytes, code: int) -> None:
    with pytest.raises(FrameError) as refused:
        check_close(payload)
    assert (refused.value.code, refused.value.received) == (code, ())


def test_check_utf8_passes_text_and_names_the_code_otherwise() -> None:
    check_utf8(b"plain")
    check_utf8("gr\xfc\xdfe".encode())
    with pytest.raises(FrameError) as refused:
        check_utf8(b"\xff")
    assert refused.value.code == 1007


def test_a_frame_error_is_a_remote_error_with_what_came_before() -> None:
    error = FrameError(1009, "too much", [(Kind.TEXT, b"Spam")])
    assert isinstance(error, RemoteProtocolError)
    assert (error.code, error.reason, error.reply) == (1009, "too much", "too much")
    assert error.received == ((Kind.TEXT, b"Spam"),)
