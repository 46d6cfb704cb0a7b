"""The opening handshake; sections are of RFC 6455."""

import pytest

from antiphon.transports.handshake import (
    HandshakeError,
    accept_key,
    check_request,
    check_response,
    request_headers,
    wants_websocket,
)

KEY = bytes(range(16))


def asked(**changes: str) -> dict[str, str]:
    return {**dict(request_headers(KEY)), **{k.replace("_", "-"): v for k, v in changes.items()}}


def answered(**changes: str) -> dict[str, str]:
    headers = {
        "upgrade": "websocket",
        "connection": "Upgrade",
        "sec-websocket-accept": accept_key(asked()["sec-websocket-key"]),
    }
    return {**headers, **{k.replace("_", "-"): v for k, v in changes.items()}}


def test_the_key_of_the_rfc_gives_its_answer() -> None:
    """Section 1.3."""
    assert accept_key("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@pytest.mark.parametrize(
    ("connection", "upgrade", "wants"),
    [
        ("Upgrade", "websocket", True),
        ("keep-alive, UPGRADE", "WebSocket", True),
        ("Upgrade", "h2c, websocket", True),
        ("keep-alive", "websocket", False),
        ("Upgrade", "h2c", False),
        ("", "", False),
    ],
)
def test_tokens_are_told_apart_in_any_case(connection: str, upgrade: str, wants: bool) -> None:
    assert wants_websocket({"connection": connection, "upgrade": upgrade}) is wants


def test_both_ends_agree() -> None:
    assert check_request("GET", asked()) == answered()["sec-websocket-accept"]
    check_response(KEY, answered())


@pytest.mark.parametrize(
    ("method", "headers", "match"),
    [
        ("POST", asked(), "with GET, not POST"),
        ("GET", asked(sec_websocket_version="8"), "is 13, not '8'"),
        ("GET", asked(sec_websocket_version=""), "is 13, not ''"),
        ("GET", asked(sec_websocket_key=""), "16 bytes in base64"),
        ("GET", asked(sec_websocket_key="c2hvcnQ="), "16 bytes in base64"),
        ("GET", asked(sec_websocket_key="not base64!"), "16 bytes in base64"),
        ("GET", asked(sec_websocket_key="\xff" * 24), "16 bytes in base64"),
    ],
)
def test_a_request_that_is_none_is_refused(
    method: str, headers: dict[str, str], match: str
) -> None:
    """Section 4.2.1."""
    with pytest.raises(HandshakeError, match=match):
        check_request(method, headers)


@pytest.mark.parametrize(
    ("headers", "match"),
    [
        (answered(upgrade="h2c"), "something else"),
        (answered(sec_websocket_accept="x"), "does not match"),
        (answered(sec_websocket_extensions="permessage-deflate"), "was not offered"),
        (answered(sec_websocket_protocol="chat"), "was not offered"),
    ],
)
def test_an_answer_that_is_none_is_refused(headers: dict[str, str], match: str) -> None:
    """Section 4.1."""
    with pytest.raises(HandshakeError, match=match):
        check_response(KEY, headers)
