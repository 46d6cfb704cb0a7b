"""Candidates and what trickles in (RFC 8839 section 5.1, RFC 8840)."""

import string
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from antiphon.core.ice import Candidate, format_candidate, parse_candidate, read_trickled
from tests.webrtc.offers import CHROME_TRICKLED, FIREFOX_TRICKLED

HOST = "2 1 UDP 2122187007 192.0.2.17 50913 typ host"
PLAIN = Candidate(
    foundation="2",
    component=1,
    protocol="udp",
    priority=2122187007,
    address="192.0.2.17",
    port=50913,
    type="host",
)


@pytest.mark.parametrize("prefix", ["", "candidate:", "a=candidate:", "  candidate:"])
@pytest.mark.parametrize("end", ["", "\r\n", " "])
def test_eight_words_are_enough_with_any_prefix(prefix: str, end: str) -> None:
    assert parse_candidate(prefix + HOST + end) == PLAIN


@pytest.mark.parametrize(
    "text", ["", " ", "\r\n", "end-of-candidates", "a=end-of-candidates\r\n", "candidate:"]
)
def test_the_end_of_candidates_is_none(text: str) -> None:
    assert parse_candidate(text) is None


def test_a_reflexive_candidate_has_a_related_address() -> None:
    read = parse_candidate(f"{HOST[:-4]}srflx raddr 2001:db8::1 rport 9 generation 0 ufrag j3t0")
    assert read is not None
    assert (read.type, read.related_address, read.related_port) == ("srflx", "2001:db8::1", 9)
    assert read.extensions == (("generation", "0"), ("ufrag", "j3t0"))
    assert read.username_fragment == "j3t0"


def test_a_tcp_candidate_tells_its_type_and_cannot_be_paired() -> None:
    read = parse_candidate("4 1 TCP 2105524479 192.0.2.17 9 typ host tcptype active")
    assert read is not None
    assert (read.protocol, read.port, read.tcp_type) == ("tcp", 9, "active")
    assert not read.pairable


@pytest.mark.parametrize(
    ("text", "pairable"),
    [
        (HOST, True),
        ("2 1 udp 1 fd00::1 9 typ relay", True),
        ("2 1 udp 1 fd00::1 9 typ prflx", False),
        ("2 1 udp 1 fd00::1 9 typ carrier-pigeon", False),
        ("2 2 udp 1 fd00::1 9 typ host", False),
        ("2 1 udp 1 fd00::1 0 typ host", False),
    ],
)
def test_a_check_can_be_sent_to_some(text: str, *, pairable: bool) -> None:
    read = parse_candidate(text)
    assert read is not None
    assert read.pairable is pairable


def test_a_last_extension_without_a_value_is_dropped() -> None:
    assert parse_candidate(f"{HOST} generation") == PLAIN


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2 1 UDP 2122187007 192.0.2.17 50913 typ", "at least 8 words"),
        ("2 1 UDP 2122187007 192.0.2.17 50913 type host", "seventh word"),
        (HOST.replace("2 1 UDP", "2 0 UDP"), "component is 1 to 256, not 0"),
        (HOST.replace("2 1 UDP", "2 257 UDP"), "component is 1 to 256, not 257"),
        (HOST.replace("2 1 UDP", "2 one UDP"), "component is a number"),
        (HOST.replace("50913", "65536"), "port is 0 to 65535"),
        (HOST.replace("50913", "-1"), "port is a number"),
        (HOST.replace("2122187007", "4294967296"), "priority is 0 to"),
        (HOST.replace("2122187007", "9" * 5000), "at most 1024 characters"),
        (HOST.replace("2122187007", "9" * 900), "priority is a number"),
        (HOST.replace("2122187007", "1_0"), "priority is a number"),
        ("!" + HOST, "foundation"),
        ("x" * 33 + HOST[1:], "foundation"),
        (HOST.replace("192.0.2.17", "fe80::1%eth0"), "address"),
        (HOST.replace("UDP", "U(P"), "protocol"),
        (HOST.replace("host", "h[st"), "type"),
        (f"{HOST} rport x", "rport is a number"),
        (f"{HOST} rport 65536", "rport is 0 to 65535"),
        (f"{HOST} raddr a/b", "raddr"),
        (f"{HOST} tcptype a/b", "tcptype"),
        (f"{HOST} gen(ration 0", "extension"),
        (f"{HOST} ufrag {'x' * 300}", "ufrag"),
        (HOST.replace("192.0.2.17", "münchen.example"), "printable ASCII"),
        (HOST.replace(" typ", "\ttyp"), "printable ASCII"),
        (f"{HOST}\n{HOST}", "printable ASCII"),
    ],
)
def test_what_is_no_candidate_is_told(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        parse_candidate(text)
    assert len(str(caught.value)) < 160


def test_a_field_of_its_own_is_no_extension() -> None:
    with pytest.raises(ValueError, match="field of its own"):
        msgspec.structs.replace(PLAIN, extensions=(("raddr", "192.0.2.1"),))


ICE_CHARS = string.ascii_letters + string.digits + "+/"
WORDS = st.text(string.ascii_lowercase + string.digits + "-", min_size=1, max_size=12)
ADDRESSES = st.one_of(
    st.ip_addresses().map(str),
    st.uuids().map(lambda name: f"{name}.local"),
)
CANDIDATES = st.builds(
    Candidate,
    foundation=st.text(ICE_CHARS, min_size=1, max_size=32),
    component=st.integers(1, 256),
    protocol=WORDS,
    priority=st.integers(0, 2**32 - 1),
    address=ADDRESSES,
    port=st.integers(0, 65535),
    type=WORDS,
    related_address=st.none() | ADDRESSES,
    related_port=st.none() | st.integers(0, 65535),
    tcp_type=st.none() | WORDS,
    extensions=st.lists(
        st.tuples(
            WORDS.filter(lambda name: name not in ("raddr", "rport", "tcptype")),
            st.text(string.ascii_letters + string.punctuation, min_size=1, max_size=20),
        ),
        max_size=3,
    ).map(tuple),
)


@given(CANDIDATES)
def test_what_is_written_reads_back(candidate: Candidate) -> None:
    text = format_candidate(candidate)
    assert text.startswith("candidate:")
    assert parse_candidate(text) == candidate
    assert parse_candidate(f"a={text}\r\n") == candidate


ANY_TEXT = st.text(max_size=80) | st.lists(
    st.sampled_from([*HOST.split(), "raddr", "rport", "tcptype", "99999", "", "é", "\ud800"]),
    max_size=14,
).map(" ".join)


@given(ANY_TEXT)
@example(HOST + " rport")
@example("\ud800")
def test_no_text_makes_anything_but_a_value_error(text: str) -> None:
    try:
        read = parse_candidate(text)
    except ValueError:
        return
    assert read is None or parse_candidate(format_candidate(read)) == read


@pytest.mark.parametrize("init", [*FIREFOX_TRICKLED, *CHROME_TRICKLED])
def test_what_browsers_trickle_is_read(init: dict[str, Any] | None) -> None:
    body = {"type": "ice-candidate", "webrtc_id": "a", "candidate": init}
    read = read_trickled(body)
    assert (read.candidate is None) is (init is None or init["candidate"] == "")
    if init is not None:
        assert (read.mid, read.line) == (init["sdpMid"], init["sdpMLineIndex"])
        assert read.username_fragment == init["usernameFragment"]


def test_the_credentials_are_told_by_the_candidate_itself_too() -> None:
    read = read_trickled({"candidate": {"candidate": f"{HOST} ufrag abcd", "sdpMid": "0"}})
    assert read.username_fragment == "abcd"
    assert read.line is None


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "missing required field `candidate`"),
        ([], "Expected `object`"),
        ({"candidate": HOST}, r"\$.candidate"),
        ({"candidate": {"candidate": 1}}, r"\$.candidate.candidate"),
        ({"candidate": {"candidate": "", "sdpMid": 0}}, r"\$.candidate.sdpMid"),
        ({"candidate": {"candidate": "", "sdpMLineIndex": -1}}, r"\$.candidate.sdpMLineIndex"),
        ({"candidate": {"candidate": "", "sdpMid": "x" * 257}}, r"\$.candidate.sdpMid"),
    ],
)
def test_a_mistyped_field_is_told_with_its_path(body: Any, path: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=path):
        read_trickled(body)


def test_a_candidate_that_names_no_section_is_refused() -> None:
    with pytest.raises(ValueError, match="sdpMid or sdpMLineIndex"):
        read_trickled({"candidate": {"candidate": HOST}})
    assert read_trickled({"candidate": {"candidate": ""}}).candidate is None


def test_a_candidate_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 8 words"):
        read_trickled({"candidate": {"candidate": "nonsense", "sdpMid": "0"}})
