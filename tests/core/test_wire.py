"""Kinds and closes (RFC 6455 sections 5.2 and 5.5.1)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.core.wire import Kind, close_payload, parse_close


def test_kinds_of_messages_are_the_opcodes_of_websocket() -> None:
    """An opcode has four bits: what lies above never meets one."""
    assert [int(kind) for kind in Kind if kind < 16] == [1, 2, 8, 9, 10]


@given(code=st.integers(1000, 4999), reason=st.text(max_size=40))
def test_a_close_reads_back(code: int, reason: str) -> None:
    if len(reason.encode()) <= 123:
        assert parse_close(close_payload(code, reason)) == (code, reason)


@given(reason=st.text(st.characters(), min_size=20, max_size=400))
def test_a_reason_is_cut_between_characters_to_fit_a_control_frame(reason: str) -> None:
    payload = close_payload(1000, reason)
    _, cut = parse_close(payload)
    assert len(payload) <= 125
    assert reason.encode("utf-8", "replace").decode().startswith(cut)
    assert len(payload) >= min(125 - 3, 2 + len(reason.encode("utf-8", "replace")))


def test_a_reason_with_half_a_surrogate_pair_still_closes() -> None:
    assert parse_close(close_payload(1000, "a\ud800b")) == (1000, "a?b")


@pytest.mark.parametrize("payload", [b"", b"\x03"])
def test_a_close_without_a_code_is_1005(payload: bytes) -> None:
    assert parse_close(payload) == (1005, "")


def test_a_reason_that_is_no_utf8_is_still_readable() -> None:
    assert parse_close(b"\x03\xe8\xff!") == (1000, "\ufffd!")
