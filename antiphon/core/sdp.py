"""SDP offers, looked at before a full parser is let loose on them.

The checks are those that the full parser (aiortc) leaves out or answers with an accident: a
KeyError, an AssertionError, a StopIteration, or work that grows with the square of the text.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from ipaddress import ip_address
from typing import Literal, cast

import msgspec

from .ice import Candidate, excerpt, parse_candidate

__all__ = ("Direction", "MediaKind", "MediaSection", "OfferShape", "keep_candidates", "scan_offer")

MAX_SDP = 64 * 1024  # bytes; a browser's offer of audio, video and data has 8 KiB
MAX_SECTIONS = 8
MAX_CANDIDATES = 64
MAX_LINES = 2048  # a browser writes up to 200 a video section
MAX_LINE = 2048  # characters; the longest a browser writes, of formats, has 300
MAX_REPEATED = 256  # lines of one attribute in a section; a browser's rtcp-fb come to 60
MAX_FOR_ALL = 16  # lines of feedback for all codecs; each costs as much as it has codecs
MAX_CODECS = 128  # as many as there are payload types

MediaKind = Literal["audio", "video", "application"]
Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]
_DIRECTIONS: tuple[Direction, ...] = ("sendrecv", "sendonly", "recvonly", "inactive")

_NOT_TEXT = re.compile(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_LINE = re.compile(r"[a-z]=.*")
_MEDIA = re.compile(r"(\S+) ([0-9]{1,5}) ([A-Z/]+) (\S+(?: \S+)*) ?")
_CONNECTION = re.compile(r"IN IP([46]) ([^ ]+)")
_PAYLOAD_TYPES = re.compile(r"[0-9]{1,3}(?: [0-9]{1,3})*")
_RTCP_TYPES = range(72, 77)  # taken for RTCP when both share a port (RFC 5761 section 4)
_INTEGERS = "apt|max-fr|max-fs|maxplaybackrate|minptime|stereo|useinbandfec"
_BAD_PARAMETER = re.compile(
    rf"(?:^|;)(?:(?:{_INTEGERS})=(?! *[+-]?[0-9]{{1,10}} *(?:;|$))|packetization-mode(?:;|$))"
)

_FORMS = {
    name: re.compile(form)
    for name, form in {
        "extmap": r"[0-9]{1,5}(?:/[a-z]+)? \S+",
        "fingerprint": r"\S+ [0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){15,63}",
        "fmtp": r"[0-9]{1,3} .+",
        "group": r"\S+(?: \S+)* ?",
        "ice-pwd": r"[!-~]{22,256}",
        "ice-ufrag": r"[!-~]{4,256}",
        "max-message-size": r"[0-9]{1,19}",
        "mid": r"[!-~]{1,256}",
        "msid": r"\S+(?: \S+)?",
        "msid-semantic": r".+",
        "rtcp": r"[0-9]{1,5}(?: .+)?",
        "rtcp-fb": r"(?:\*|[0-9]{1,3}) \S+.*",
        "rtpmap": r"[0-9]{1,3} [^/ ]+/[0-9]{1,9}(?:/[0-9]{1,3})?",
        "sctp-port": r"[0-9]{1,5}",
        "sctpmap": r"[0-9]{1,5} \S.*",
        "setup": r"actpass|active|passive",
        "ssrc": r"[0-9]{1,10} [^:]+:.*",
        "ssrc-group": r"\S+(?: [0-9]{1,10})* ?",
    }.items()
}
_CREDENTIALS = ("ice-ufrag", "ice-pwd", "fingerprint", "setup")

_Attributes = dict[str, list[str]]


class MediaSection(msgspec.Struct, frozen=True, kw_only=True):
    """What one `m=` line and those below it offer."""

    kind: MediaKind
    mid: str
    """Its name; "" in an offer of one section that has none."""
    direction: Direction
    """As the client sees it; `sendrecv` for `application`."""
    rejected: bool
    """Port 0 without `bundle-only`: the client does not want it."""
    codecs: tuple[str, ...]
    """Names as in `a=rtpmap`, each once, in their order: `opus`, `PCMU`, `rtx`."""
    candidates: tuple[Candidate, ...]
    username_fragment: str
    """The client's ICE name, which candidates that belong to this offer may repeat."""


class OfferShape(msgspec.Struct, frozen=True):
    """What an offer asks for."""

    sections: tuple[MediaSection, ...]

    def wanted(self, kind: MediaKind) -> tuple[MediaSection, ...]:
        """The sections of a kind that are neither rejected nor inactive."""
        return tuple(
            section
            for section in self.sections
            if section.kind == kind and not section.rejected and section.direction != "inactive"
        )


class _Group:
    """The lines of the session or of one media section, while they are read."""

    def __init__(self, head: str = "") -> None:
        self.head = head
        self.attributes: _Attributes = {}

    def add(self, name: str, value: str) -> None:
        values = self.attributes.setdefault(name, [])
        values.append(value)
        if len(values) > MAX_REPEATED:
            raise ValueError(f"an offer's section has at most {MAX_REPEATED} lines of one kind")

    def last(self, name: str) -> str | None:
        return self.attributes.get(name, [None])[-1]


def scan_offer(sdp: str) -> OfferShape:
    """The shape of an offer, or a ValueError that says what is wrong with it.

    Costs time in proportion to the text and stops at the first limit that is passed: 64 KiB,
    8 sections, 64 candidates. Sections are audio, video or application (data channels); any other
    kind is an error, because nothing behind this could answer it.
    """
    session, *media = _grouped(sdp)
    if not media:
        raise ValueError("an offer has at least one m-line, this one has none")
    sections = tuple(
        _section(group, session, f"media section {place}") for place, group in enumerate(media)
    )
    mids = [section.mid for section in sections]
    if len(sections) > 1 and (len(set(mids)) < len(mids) or "" in mids):
        raise ValueError("the sections of an offer have names (a=mid) that differ")
    if [section.kind for section in sections].count("application") > 1:
        raise ValueError("an offer has at most one section of the kind 'application'")
    _check_bundle(session, mids)
    return OfferShape(sections)


def keep_candidates(sdp: str, allowed: Callable[[Candidate], bool]) -> str:
    """The offer with only those `a=candidate` lines that `allowed` passes.

    Candidates that cannot be read, or to which no check can be sent (TCP, RTCP on a port of its
    own), are left out, too, and `a=end-of-candidates`: those that need a look-up are still to come.
    All other lines stay as they are, line endings included.
    """
    lines = sdp.splitlines(keepends=True)
    return "".join(line for line in lines if _stays(line, allowed))


def _stays(line: str, allowed: Callable[[Candidate], bool]) -> bool:
    if not line.startswith("a=candidate:"):
        return not line.startswith("a=end-of-candidates")
    try:
        candidate = parse_candidate(line)
    except ValueError:
        return False
    return candidate is not None and candidate.pairable and allowed(candidate)


def _lines(sdp: str) -> Iterator[str]:
    """The lines, without empty ones."""
    if len(sdp) > MAX_SDP or len(sdp.encode("utf-8", "replace")) > MAX_SDP:
        raise ValueError(f"an offer has at most {MAX_SDP // 1024} KiB")
    if found := _NOT_TEXT.search(sdp):
        raise ValueError(f"an offer is text in lines, without {found[0]!a}")
    lines = sdp.splitlines()
    if len(lines) > MAX_LINES:
        raise ValueError(f"an offer has at most {MAX_LINES} lines, this one has {len(lines)}")
    if not lines or lines[0] != "v=0":
        raise ValueError("an offer begins with 'v=0'")
    for line in lines:
        if len(line) > MAX_LINE:
            raise ValueError(f"a line of an offer has at most {MAX_LINE} characters")
        if line and not _LINE.fullmatch(line):
            raise ValueError(f"a line of an offer reads letter=value, not {excerpt(line)}")
        if line:
            yield line


def _grouped(sdp: str) -> list[_Group]:
    """The session and the media sections, their limits and their attributes checked."""
    groups = [_Group()]
    candidates = 0
    for line in _lines(sdp):
        if line[0] == "m":
            groups.append(_Group(line[2:]))
            if len(groups) > MAX_SECTIONS + 1:
                raise _too_many(sdp, "m=", MAX_SECTIONS, "m-lines")
        elif line[0] == "c" and not _is_connection(line[2:]):
            raise ValueError(f"an offer cannot have the line {excerpt(line)}")
        elif line[0] == "a":
            name, _, value = line[2:].partition(":")
            if not _is_legal(name, value):
                raise ValueError(f"an offer cannot have the line {excerpt(line)}")
            candidates += name == "candidate"
            if candidates > MAX_CANDIDATES:
                raise _too_many(sdp, "a=candidate", MAX_CANDIDATES, "candidates")
            groups[-1].add(name, value)
    return groups


def _is_legal(name: str, value: str) -> bool:
    form = _FORMS.get(name)
    if form is not None and not form.fullmatch(value):
        return False
    return name != "rtcp" or " " not in value or _is_connection(value.partition(" ")[2])


def _is_connection(text: str) -> bool:
    """Whether this is an address; a name would be legal, but no browser writes one."""
    found = _CONNECTION.fullmatch(text)
    try:
        return found is not None and ip_address(found[2]).version == int(found[1])
    except ValueError:
        return False


def _too_many(sdp: str, start: str, limit: int, what: str) -> ValueError:
    count = sum(line.startswith(start) for line in sdp.splitlines())
    return ValueError(f"an offer has at most {limit} {what}, this one has {count}")


def _section(group: _Group, session: _Group, place: str) -> MediaSection:
    media = _MEDIA.fullmatch(group.head)
    if media is None:
        raise ValueError(f"an offer cannot have the line {excerpt('m=' + group.head)}")
    if media[1] not in ("audio", "video", "application"):
        raise ValueError(f"a section is audio, video or application, not {excerpt(media[1])}")
    kind = cast(MediaKind, media[1])
    for name in _CREDENTIALS:
        if group.last(name) is None and session.last(name) is None:
            raise ValueError(f"{place} has no {name}")
    _check_formats(kind, media[3], media[4], place)
    direction = _direction(group, place)
    if kind == "application":
        direction = direction or "sendrecv"
        if group.last("sctp-port") is None and media[3] != "DTLS/SCTP":
            raise ValueError(f"{place} has no sctp-port")
    elif "rtcp-mux" not in group.attributes:
        raise ValueError(f"{place} has no rtcp-mux: RTP and RTCP must share a port")
    elif direction is None:
        raise ValueError(f"{place} has no direction (a=sendrecv, sendonly, recvonly or inactive)")
    return MediaSection(
        kind=kind,
        mid=group.last("mid") or "",
        direction=direction,
        rejected=media[2].strip("0") == "" and "bundle-only" not in group.attributes,
        codecs=_codecs(group, place),
        candidates=tuple(_candidates(group)),
        username_fragment=group.last("ice-ufrag") or session.last("ice-ufrag") or "",
    )


def _check_formats(kind: MediaKind, profile: str, formats: str, place: str) -> None:
    if kind == "application":
        if profile == "DTLS/SCTP" and not re.match(r"[0-9]{1,5}(?: |$)", formats):
            raise ValueError(f"{place} has no port for SCTP: {excerpt(formats)}")
        return
    if not _PAYLOAD_TYPES.fullmatch(formats):
        raise ValueError(f"the formats of {place} are payload types, not {excerpt(formats)}")
    types = [int(word) for word in formats.split()]
    if len(types) > MAX_CODECS:
        raise ValueError(f"{place} has more than {MAX_CODECS} payload types")
    for payload_type in types:
        if payload_type > 127 or payload_type in _RTCP_TYPES:
            raise ValueError(f"{place} cannot have the payload type {payload_type}")


def _direction(group: _Group, place: str) -> Direction | None:
    named: list[Direction] = [name for name in _DIRECTIONS if name in group.attributes]
    if len(named) > 1:
        raise ValueError(f"{place} has two directions: {' and '.join(named)}")
    return named[0] if named else None


def _codecs(group: _Group, place: str) -> tuple[str, ...]:
    """The names of the codecs; checks that each is described once and parameters fit one."""
    lines = group.attributes.get("rtpmap", [])
    mapped = {int(line.partition(" ")[0]): line.partition(" ")[2] for line in lines}
    if len(mapped) < len(lines):
        raise ValueError(f"{place} describes a payload type twice")
    feedback = group.attributes.get("rtcp-fb", [])
    if sum(line.startswith("*") for line in feedback) > MAX_FOR_ALL:
        raise ValueError(f"{place} has more than {MAX_FOR_ALL} lines of feedback for all codecs")
    for line in group.attributes.get("fmtp", []):
        payload_type, _, parameters = line.partition(" ")
        if int(payload_type) not in mapped:
            raise ValueError(f"{place} has parameters for {payload_type}, but no such codec")
        if _BAD_PARAMETER.search(parameters):
            raise ValueError(f"{place} has parameters that make no sense: {excerpt(parameters)}")
    return tuple(dict.fromkeys(text.partition("/")[0] for text in mapped.values()))


def _candidates(group: _Group) -> Iterator[Candidate]:
    for line in group.attributes.get("candidate", []):
        candidate = parse_candidate(line)
        if candidate is None:
            raise ValueError("a line of an offer is 'a=candidate:' and nothing else")
        yield candidate


def _check_bundle(session: _Group, mids: Sequence[str]) -> None:
    for group in session.attributes.get("group", []):
        semantics, *named = group.split()
        if semantics != "BUNDLE":
            continue
        if len(set(named)) < len(named):
            raise ValueError("the offer bundles a section twice")
        if unknown := [mid for mid in named if mid not in mids]:
            raise ValueError(f"the offer bundles {excerpt(unknown[0])}, which no section is named")
