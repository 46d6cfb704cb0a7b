"""Admission and refusals (docs/protocol.md, "Refusals")."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.core.signaling import (
    REFUSALS,
    Refusal,
    admit,
    check_call_id,
    refusal_from_answer,
    refusal_from_meta,
)


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("concurrency_limit_reached", 429, 1013),
        ("connection_already_exists", 409, 1008),
        ("unknown_connection", 404, 1008),
        ("invalid_body", 400, 1007),
        ("invalid_field", 422, 1007),
        ("invalid_order", 409, 1002),
        ("body_too_large", 413, 1009),
        ("policy_violation", 422, 1008),
        ("connection_closed", 410, 1000),
        ("unsupported_modality", 415, 1008),
        ("unauthorized", 401, 1008),
        ("forbidden_origin", 403, 1008),
    ],
)
def test_a_refusal_travels_as_the_page_says(name: str, status: int, code: int) -> None:
    assert (REFUSALS[name].status, REFUSALS[name].code) == (status, code)


@pytest.mark.parametrize(
    ("call_id", "text"),
    [
        ("a", "a"),
        (42, "42"),
        (-7, "-7"),
        (12345678901234567890123, "12345678901234567890123"),
        (1.5, "1.5"),
        (" ~", " ~"),
        ("x" * 128, "x" * 128),
    ],
)
def test_an_id_is_kept_as_text(call_id: str | int | float, text: str) -> None:
    assert check_call_id(call_id) == text


@pytest.mark.parametrize(
    "call_id", ["", "x" * 129, "a\n", "\x1f", "\x7f", "é", "\ud800", "a\0b", "\u0661", 10**128]
)
def test_what_is_no_id_is_refused(call_id: str | int) -> None:
    with pytest.raises(ValueError, match="1 to 128 printable ASCII"):
        check_call_id(call_id)


@given(st.text(max_size=140))
def test_an_id_is_1_to_128_printable_ascii_characters(text: str) -> None:
    legal = 1 <= len(text) <= 128 and all(" " <= c <= "~" for c in text)
    if legal:
        assert check_call_id(text) == text
    else:
        with pytest.raises(ValueError):
            check_call_id(text)


def test_the_error_about_a_long_id_is_short() -> None:
    with pytest.raises(ValueError) as caught:
        check_call_id("x" * 100_000)
    assert len(str(caught.value)) < 123


@pytest.mark.parametrize(
    ("known", "active", "limit", "error"),
    [
        (False, 0, 1, None),
        (False, 10_000, None, None),
        (False, 1, 1, "concurrency_limit_reached"),
        (False, 0, 0, "concurrency_limit_reached"),
        (True, 0, None, "connection_already_exists"),
        (True, 1, 1, "connection_already_exists"),
    ],
)
def test_admission(*, known: bool, active: int, limit: int | None, error: str | None) -> None:
    refusal = admit(known=known, active=active, limit=limit)
    assert (refusal and refusal.error) == error


def test_the_limit_is_told_with_when_to_try_again() -> None:
    refusal = admit(known=False, active=3, limit=3)
    assert refusal is not None
    assert refusal.meta == {"error": "concurrency_limit_reached", "limit": 3}
    assert refusal.retry_after == 1


@pytest.mark.parametrize("name", sorted(REFUSALS))
@pytest.mark.parametrize("limit", [None, 0, 5])
@pytest.mark.parametrize("detail", ["", "why"])
def test_a_refusal_reads_back(name: str, limit: int | None, detail: str) -> None:
    refusal = Refusal(error=name, limit=limit, detail=detail)
    assert refusal_from_meta(refusal.meta) == refusal


def test_a_refusal_of_a_name_we_do_not_know_keeps_it_as_detail() -> None:
    assert refusal_from_meta({"error": "teapot"}) == Refusal(
        error="internal_error", detail="teapot"
    )


def test_an_answer_of_ours_tells_its_refusal() -> None:
    refusal = Refusal(error="concurrency_limit_reached", limit=3)
    assert refusal_from_answer(429, msgspec.json.encode(refusal.body)) == refusal


@pytest.mark.parametrize(
    ("status", "name"), [(401, "unauthorized"), (403, "internal_error"), (404, "not_found")]
)
@pytest.mark.parametrize("body", [b"", b"<html>", b'{"detail":"Not Found"}', b"\xff"])
def test_an_answer_of_somebody_else_is_told_with_its_status_and_where_calls_go(
    status: int, name: str, body: bytes
) -> None:
    refusal = refusal_from_answer(status, body)
    assert refusal.error == name
    assert f"the server answered {status}" in refusal.detail
    assert "/websocket/offer" in refusal.detail


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@given(error=ANY_JSON, limit=ANY_JSON, detail=ANY_JSON)
def test_no_meta_breaks_a_client(error: Any, limit: Any, detail: Any) -> None:
    refusal = refusal_from_meta({"error": error, "limit": limit, "detail": detail})
    assert refusal.kind.code
    assert refusal_from_meta({}).error == "internal_error"
