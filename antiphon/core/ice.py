"""ICE candidates as they travel: RFC 8839 section 5.1, and as browsers trickle them."""

import re
from typing import Annotated, Any

import msgspec

__all__ = (
    "Candidate",
    "CandidateInit",
    "Trickled",
    "excerpt",
    "format_candidate",
    "parse_candidate",
    "read_trickled",
)

MAX_CANDIDATE = 1024  # characters; browsers write under 250

_FOUNDATION = re.compile(r"[A-Za-z0-9+/]{1,32}")
_TOKEN = re.compile(r"[!#$%&'*+\-.0-9A-Z^_`a-z{|}~]{1,64}")  # RFC 8866 section 9
_LOWER_TOKEN = re.compile(r"[!#$%&'*+\-.0-9^_`a-z{|}~]{1,64}")
_ADDRESS = re.compile(r"[0-9A-Za-z.:_-]{1,253}")  # IPv4, IPv6 without a zone, or a name
_NUMBER = re.compile(r"[0-9]{1,10}")
_VISIBLE = re.compile(r"[!-~]{1,256}")
_PRINTABLE = re.compile(r"[ -~]*")
_OWN_FIELDS = ("raddr", "rport", "tcptype")

_PAIRABLE = frozenset({"host", "srflx", "relay"})


class Candidate(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One transport address of a peer. Raises ValueError for what RFC 8839 does not allow."""

    foundation: str
    component: int
    protocol: str
    """`udp` or `tcp`, in lower case."""
    priority: int
    address: str
    """IPv4, IPv6 without a zone, or a name: `<uuid>.local` from browsers that hide addresses."""
    port: int
    type: str
    """`host`, `srflx`, `prflx` or `relay`, in lower case."""
    related_address: str | None = None
    related_port: int | None = None
    tcp_type: str | None = None
    extensions: tuple[tuple[str, str], ...] = ()
    """Other names and values in the order they came: `generation`, `ufrag`, `network-cost`."""

    def __post_init__(self) -> None:
        _check(_FOUNDATION, self.foundation, "foundation", "1 to 32 letters, digits, + or /")
        _check_range(self.component, "component", 1, 256)
        _check(_LOWER_TOKEN, self.protocol, "protocol", "a word in lower case")
        # The RFC stops at 2**31 - 1; browsers compute with 32 bits and more than one has sent them.
        _check_range(self.priority, "priority", 0, 2**32 - 1)
        _check(_ADDRESS, self.address, "address", "an IP address or a name")
        _check_range(self.port, "port", 0, 65535)
        _check(_LOWER_TOKEN, self.type, "type", "a word in lower case")
        if self.related_address is not None:
            _check(_ADDRESS, self.related_address, "raddr", "an IP address or a name")
        if self.related_port is not None:
            _check_range(self.related_port, "rport", 0, 65535)
        if self.tcp_type is not None:
            _check(_TOKEN, self.tcp_type, "tcptype", "a word")
        for name, value in self.extensions:
            if name in _OWN_FIELDS:
                raise ValueError(f"a candidate's {name} has a field of its own")
            _check(_TOKEN, name, "extension", "a word")
            _check(_VISIBLE, value, name, "up to 256 visible ASCII characters")

    @property
    def pairable(self) -> bool:
        """Whether a check can be sent to it: UDP, RTP and RTCP on one port, a port at all."""
        return (
            self.protocol == "udp"
            and self.component == 1
            and self.type in _PAIRABLE
            and self.port != 0
        )

    @property
    def username_fragment(self) -> str | None:
        """The extension `ufrag`: which generation of ICE credentials it belongs to."""
        return dict(self.extensions).get("ufrag")


def parse_candidate(text: str) -> Candidate | None:
    """Read a candidate, with or without `candidate:` or `a=candidate:` before it.

    None for the end of candidates: an empty text or `end-of-candidates`. Extensions that are not
    known are kept, a last name without a value is dropped. Raises ValueError saying what was wrong.
    """
    if len(text) > MAX_CANDIDATE:
        raise ValueError(f"a candidate has at most {MAX_CANDIDATE} characters, not {len(text)}")
    text = text.strip(" \r\n")
    if not _PRINTABLE.fullmatch(text):
        raise ValueError(f"a candidate is printable ASCII, not {excerpt(text)}")
    words = text.removeprefix("a=").removeprefix("candidate:").split()
    if words in ([], ["end-of-candidates"]):
        return None
    if len(words) < 8:
        raise ValueError(f"a candidate has at least 8 words, {excerpt(text)} has {len(words)}")
    if words[6] != "typ":
        raise ValueError(f"a candidate's seventh word is 'typ', not {excerpt(words[6])}")
    pairs = tuple(zip(words[8::2], words[9::2], strict=False))
    known = dict(pairs)
    return Candidate(
        foundation=words[0],
        component=_number(words[1], "component"),
        protocol=words[2].lower(),
        priority=_number(words[3], "priority"),
        address=words[4],
        port=_number(words[5], "port"),
        type=words[7].lower(),
        related_address=known.get("raddr"),
        related_port=_number(known["rport"], "rport") if "rport" in known else None,
        tcp_type=known.get("tcptype"),
        extensions=tuple(pair for pair in pairs if pair[0] not in _OWN_FIELDS),
    )


def format_candidate(candidate: Candidate) -> str:
    """The text that `parse_candidate` reads back, beginning with `candidate:`."""
    c = candidate
    words = [f"candidate:{c.foundation}", str(c.component), c.protocol, str(c.priority)]
    words += [c.address, str(c.port), "typ", c.type]
    if c.related_address is not None:
        words += ["raddr", c.related_address]
    if c.related_port is not None:
        words += ["rport", str(c.related_port)]
    if c.tcp_type is not None:
        words += ["tcptype", c.tcp_type]
    return " ".join([*words, *(word for pair in c.extensions for word in pair)])


class Trickled(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate that came after its offer, or before it."""

    candidate: Candidate | None
    """None: no more will come."""
    mid: str | None
    """Which media section it is for, by name; a candidate has this or `line`, or both."""
    line: int | None
    """The same by its place in the offer, from 0."""
    username_fragment: str | None
    """Which ICE credentials it belongs to, where that is told."""


class CandidateInit(msgspec.Struct, rename="camel"):
    """`RTCIceCandidateInit` of the browsers."""

    candidate: str = ""
    sdp_mid: Annotated[str, msgspec.Meta(max_length=256)] | None = None
    sdp_line: Annotated[int, msgspec.Meta(ge=0, le=65535)] | None = msgspec.field(
        name="sdpMLineIndex", default=None
    )
    username_fragment: Annotated[str, msgspec.Meta(max_length=256)] | None = None


class _Body(msgspec.Struct):
    candidate: CandidateInit | None


def read_trickled(body: Any) -> Trickled:
    """Read the decoded body of a request of type `ice-candidate`.

    `candidate` is what a browser's `RTCIceCandidate.toJSON()` gives, or null for the end. Raises
    msgspec.ValidationError for a field that is missing or mistyped, ValueError for a candidate
    that cannot be read or names no media section.
    """
    init = msgspec.convert(body, _Body).candidate or CandidateInit()
    candidate = parse_candidate(init.candidate)
    if candidate is not None and init.sdp_mid is None and init.sdp_line is None:
        raise ValueError("a candidate names its media section: sdpMid or sdpMLineIndex")
    fragment = init.username_fragment or (candidate.username_fragment if candidate else None)
    return Trickled(
        candidate=candidate, mid=init.sdp_mid, line=init.sdp_line, username_fragment=fragment
    )


def excerpt(text: str) -> str:
    """The text as it may stand in an error: quoted, escaped, at most 40 characters of it."""
    return ascii(text if len(text) <= 40 else f"{text[:40]}...")


def _number(text: str, name: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"a candidate's {name} is a number, not {excerpt(text)}")
    return int(text)


def _check(form: re.Pattern[str], value: str, name: str, allowed: str) -> None:
    if not form.fullmatch(value):
        raise ValueError(f"a candidate's {name} is {allowed}, not {excerpt(value)}")


def _check_range(value: int, name: str, least: int, most: int) -> None:
    if not least <= value <= most:
        raise ValueError(f"a candidate's {name} is {least} to {most}, not {value}")
