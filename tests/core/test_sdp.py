"""Offers, looked at before aiortc is given them (RFC 8866, RFC 9429)."""

import re
from typing import Any

import pytest
from aiortc.sdp import SessionDescription
from hypothesis import given
from hypothesis import strategies as st

from antiphon.core.sdp import MediaSection, keep_candidates, scan_offer
from tests.webrtc.offers import NAMES, offer

HEAD = f"""v=0
o=- 1 1 IN IP4 0.0.0.0
s=-
t=0 0
a=ice-ufrag:abcd
a=ice-pwd:{"p" * 22}
a=fingerprint:sha-256 {":".join(["AF"] * 32)}
a=setup:actpass
"""
AUDIO = """m=audio 9 UDP/TLS/RTP/SAVPF 111
a=mid:0
a=sendrecv
a=rtcp-mux
a=rtpmap:111 opus/48000/2
"""
DATA = """m=application 9 UDP/DTLS/SCTP webrtc-datachannel
a=mid:1
a=sctp-port:5000
"""
CANDIDATE = "a=candidate:1 1 udp 1 192.0.2.1 5000 typ host\n"


def refusal(sdp: str) -> str:
    with pytest.raises(ValueError) as caught:
        scan_offer(sdp)
    return str(caught.value)


def sections(sdp: str) -> dict[str, MediaSection]:
    return {section.mid: section for section in scan_offer(sdp).sections}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("ending", ["\r\n", "\n"])
def test_the_offers_of_browsers_are_read(name: str, ending: str) -> None:
    sdp = offer(name).replace("\r\n", ending)
    shape = scan_offer(sdp)
    kinds = re.findall(r"(?m)^m=(\w+) ", sdp)
    assert [section.kind for section in shape.sections] == kinds
    assert [section.mid for section in shape.sections] == [str(i) for i in range(len(kinds))]
    assert all(section.username_fragment for section in shape.sections)
    audio = shape.sections[0]
    assert audio.codecs[0] == "opus"
    assert {"PCMU", "PCMA", "telephone-event"} <= set(audio.codecs)
    assert not any(section.rejected for section in shape.sections)
    candidates = sum(len(section.candidates) for section in shape.sections)
    assert candidates == sdp.count("a=candidate:")


def test_directions_and_inactive_sections_are_told() -> None:
    shape = scan_offer(offer("chrome_receive_inactive"))
    assert [section.direction for section in shape.sections] == ["recvonly", "inactive"]
    assert [section.mid for section in shape.wanted("audio")] == ["0"]
    assert shape.wanted("video") == ()


def test_bundle_only_is_wanted_although_its_port_is_0() -> None:
    sdp = offer("firefox_audio_video_data")
    assert "m=video 0 " in sdp
    assert len(scan_offer(sdp).wanted("video")) == 1
    without = sdp.replace("a=bundle-only\r\n", "")
    assert [section.rejected for section in scan_offer(without).sections] == [False, True, True]
    assert scan_offer(without).wanted("video") == ()


def test_codecs_are_named_once() -> None:
    video = sections(offer("chrome_audio_video_gathered"))["1"]
    assert video.codecs == ("VP8", "rtx", "H264", "AV1", "VP9", "red", "ulpfec")


def test_credentials_of_the_session_are_inherited() -> None:
    shape = scan_offer(HEAD + AUDIO + DATA)
    assert [section.username_fragment for section in shape.sections] == ["abcd", "abcd"]


def test_one_section_needs_no_name_and_blank_lines_are_passed_over() -> None:
    assert scan_offer(HEAD + AUDIO.replace("a=mid:0", "") + "\n\n").sections[0].mid == ""


def test_groups_other_than_bundle_are_passed_over() -> None:
    assert len(scan_offer(f"{HEAD}a=group:LS 7 8\na=group:BUNDLE 0\n{AUDIO}").sections) == 1


def test_an_older_data_channel_has_its_port_among_the_formats() -> None:
    old = "m=application 9 DTLS/SCTP 5000\na=mid:1\na=sctpmap:5000 webrtc-datachannel 1024\n"
    assert scan_offer(HEAD + old).sections[0].kind == "application"
    assert "no port for SCTP" in refusal(HEAD + old.replace("SCTP 5000", "SCTP x"))


@pytest.mark.parametrize(
    ("sdp", "reason"),
    [
        (HEAD + DATA * 300, "an offer has at most 8 m-lines, this one has 300"),
        (
            HEAD + AUDIO + CANDIDATE * 1200,
            "an offer has at most 64 candidates, this one has 1200",
        ),
        (HEAD + AUDIO + CANDIDATE * 10_000, "an offer has at most 64 KiB"),
        (HEAD + AUDIO + "s=" + "é" * 40_000, "an offer has at most 64 KiB"),
        (HEAD + AUDIO + "\n" * 3000, "an offer has at most 2048 lines, this one has 3013"),
        (HEAD + AUDIO + "a=" + "x" * 3000, "a line of an offer has at most 2048 characters"),
        (HEAD + AUDIO + "a=x\n" * 257, "at most 256 lines of one kind"),
    ],
)
def test_too_much_is_refused(sdp: str, reason: str) -> None:
    assert reason in refusal(sdp)


@pytest.mark.parametrize(
    ("sdp", "reason"),
    [
        ("", "begins with 'v=0'"),
        ("nonsense", "begins with 'v=0'"),
        ("\n" + HEAD + AUDIO, "begins with 'v=0'"),
        (HEAD, "at least one m-line"),
        (HEAD + "\ud800" + AUDIO, r"without '\ud800'"),
        (HEAD + "s=\x0bm=audio\n" + AUDIO, r"without '\x0b'"),
        (HEAD + "s=\u2028m=audio\n" + AUDIO, r"without '\u2028'"),
        (HEAD + AUDIO + " a=mid:1\n", "reads letter=value"),
        (HEAD + AUDIO + "hello\n", "reads letter=value"),
        (HEAD + AUDIO + DATA.replace("mid:1", "mid:0"), "have names (a=mid) that differ"),
        (HEAD + AUDIO + DATA.replace("a=mid:1\n", ""), "have names (a=mid) that differ"),
        (HEAD + DATA + DATA.replace("mid:1", "mid:2"), "at most one section of the kind"),
        (HEAD + "a=group:BUNDLE 0 7\n" + AUDIO, "bundles '7'"),
        (HEAD + "a=group:BUNDLE 0 0\n" + AUDIO, "bundles a section twice"),
        (HEAD + AUDIO.replace("audio", "text", 1), "audio, video or application, not 'text'"),
        (HEAD + AUDIO.replace(" 9 ", " 9/2 "), "cannot have the line"),
        (HEAD + AUDIO.replace(" 9 ", " 999999 "), "cannot have the line"),
        (HEAD + AUDIO.replace("SAVPF 111", "SAVPF"), "cannot have the line"),
        (HEAD + AUDIO.replace("SAVPF 111", "SAVPF opus"), "are payload types, not 'opus'"),
        (HEAD + AUDIO.replace("SAVPF 111", "SAVPF 200"), "cannot have the payload type 200"),
        (HEAD + AUDIO.replace("SAVPF 111", "SAVPF 72"), "cannot have the payload type 72"),
        (
            HEAD + AUDIO.replace("SAVPF 111", "SAVPF" + " 0" * 129),
            "more than 128 payload types",
        ),
        (HEAD.replace("a=ice-ufrag:abcd\n", "") + AUDIO, "section 0 has no ice-ufrag"),
        (HEAD.replace("ice-pwd", "x") + AUDIO, "section 0 has no ice-pwd"),
        (HEAD.replace("a=fingerprint", "a=x") + AUDIO, "section 0 has no fingerprint"),
        (HEAD.replace("a=setup", "a=x") + AUDIO, "section 0 has no setup"),
        (HEAD + AUDIO.replace("a=rtcp-mux\n", ""), "section 0 has no rtcp-mux"),
        (HEAD + AUDIO.replace("a=sendrecv\n", ""), "section 0 has no direction"),
        (HEAD + AUDIO + "a=inactive\n", "two directions: sendrecv and inactive"),
        (HEAD + DATA.replace("a=sctp-port:5000\n", ""), "section 0 has no sctp-port"),
        (HEAD + AUDIO + "a=rtpmap:111 opus/48000\n", "describes a payload type twice"),
        (HEAD + AUDIO + "a=fmtp:96 apt=1\n", "parameters for 96, but no such codec"),
        (HEAD + AUDIO + "a=fmtp:111 minptime=x\n", "parameters that make no sense"),
        (HEAD + AUDIO + "a=fmtp:111 packetization-mode\n", "parameters that make no sense"),
        (HEAD + AUDIO + "a=rtcp-fb:* nack\n" * 17, "more than 16 lines of feedback"),
        (HEAD + AUDIO + "a=candidate:\n", "'a=candidate:' and nothing else"),
        (HEAD + AUDIO + "a=candidate\n", "'a=candidate:' and nothing else"),
        (HEAD + AUDIO + "a=candidate:1 1 udp\n", "at least 8 words"),
        (HEAD + AUDIO + CANDIDATE.replace("5000", "70000"), "port is 0 to 65535"),
    ],
)
def test_what_is_wrong_with_an_offer_is_told(sdp: str, reason: str) -> None:
    told = refusal(sdp)
    assert reason in told
    assert len(told) < 160


@pytest.mark.parametrize(
    "line",
    [
        "a=setup:holdconn",
        "a=setup",
        "a=fingerprint",
        "a=fingerprint:sha-256",
        "a=fingerprint:sha-256 zz:zz",
        "a=ice-ufrag:abc",
        "a=ice-pwd:short",
        "a=mid",
        "a=mid:",
        "a=group",
        "a=msid-semantic",
        "a=msid:- ",
        "a=extmap:1",
        "a=extmap:x urn:y",
        "a=extmap:1 urn:y attribute",
        "a=rtpmap:111",
        "a=rtpmap:111 opus",
        "a=rtpmap:111 opus/fast",
        "a=rtcp-fb:111",
        "a=fmtp:111",
        "a=rtcp",
        "a=rtcp:9 IN IP4",
        "a=rtcp:9 IN IP4 example.org",
        "a=ssrc:1",
        "a=ssrc:1 cname",
        "a=ssrc-group:FID one",
        "a=sctp-port:x",
        "a=sctpmap:5000",
        "a=max-message-size",
        "c=IN IP4",
        "c=IN IP4 example.org",
        "c=IN IP4 ::1",
    ],
)
def test_lines_that_trip_the_full_parser_are_refused(line: str) -> None:
    assert "cannot have the line" in refusal(f"{HEAD}{AUDIO}{line}\n")


LINES = [line for name in NAMES for line in offer(name).split("\r\n")]
ODD = [
    "",
    "a=fmtp:3 x",
    "a=setup:holdconn",
    "a=ssrc:1 x",
    "a=extmap:1 a b",
    "a=rtcp-fb:* nack",
    "a=group:BUNDLE 1 0",
    "m=text 9 X 1",
    "m=application 9 DTLS/SCTP 5000",
    "c=IN IP4 x",
]


@st.composite
def broken_offers(draw: st.DrawFn) -> str:
    """A browser's offer after a few accidents."""
    lines = offer(draw(st.sampled_from(NAMES))).split("\r\n")
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(lines) - 1))
        line = lines[place]
        cut = draw(st.integers(0, len(line)))
        piece = draw(st.sampled_from(["", *" :;/=,0-\t\x0b*a9é\u2028"]))
        other = draw(st.sampled_from(LINES))
        odd = draw(st.sampled_from(ODD))
        accidents: list[list[str]] = [
            [],
            [line, line],
            [line[:cut]],
            [line[:cut] + piece + line[cut:]],
            [line[:cut] + line[cut + 1 :]],
            [other],
            [line, odd],
        ]
        lines[place : place + 1] = draw(st.sampled_from(accidents))
    return "\r\n".join(lines)


@given(broken_offers())
def test_what_passes_is_read_by_the_full_parser(sdp: str) -> None:
    try:
        shape = scan_offer(sdp)
    except ValueError:
        return
    parsed: Any = SessionDescription.parse(sdp)
    assert [media.kind for media in parsed.media] == [item.kind for item in shape.sections]
    assert [media.rtp.muxId for media in parsed.media] == [item.mid for item in shape.sections]


@given(st.text(max_size=200) | st.lists(st.sampled_from([*LINES, *ODD])).map("\n".join))
def test_no_text_makes_anything_but_a_value_error(text: str) -> None:
    for sdp in (text, f"v=0\n{text}"):
        try:
            scan_offer(sdp)
        except ValueError:
            continue


def test_only_candidates_that_pass_are_kept() -> None:
    sdp = offer("firefox_audio_gathered")
    assert sdp.count("a=candidate:") == 5
    kept = keep_candidates(sdp, lambda candidate: candidate.address != "198.51.100.4")
    assert [candidate.address for candidate in scan_offer(kept).sections[0].candidates] == [
        "192.0.2.17",
        "2001:db8:20::17",
    ]
    gone = [line for line in sdp.splitlines(keepends=True) if line not in kept]
    assert [line.partition(":")[0].strip() for line in gone] == [
        *["a=candidate"] * 3,
        "a=end-of-candidates",  # a name that is looked up later may still be added
    ]


def test_candidates_that_cannot_be_read_are_left_out() -> None:
    sdp = HEAD + AUDIO + "a=candidate:nonsense\na=candidate:\n" + CANDIDATE
    assert keep_candidates(sdp, lambda _: True) == HEAD + AUDIO + CANDIDATE
    assert keep_candidates(sdp, lambda _: False) == HEAD + AUDIO
