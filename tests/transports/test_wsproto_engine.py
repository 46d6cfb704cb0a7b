"""The fast path, plain wsproto and websockets come to one outcome on the same bytes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.core.wire import Kind, Role
from tests.transports.frame_cases import CASES, Case, Frame, encode
from tests.transports.frame_feeding import ENGINES, Outcome, complete, feed, raw_wsproto

LIMIT = 600
WITHOUT_LIMIT = [case for case in CASES if case.code != 1009]  # wsproto has none of its own

thoroughly = settings(deadline=None, max_examples=300)  # no clock: the machine may be busy

LETTERS = st.sampled_from(["a", "\x00", "\xe9", "\u20ac", "\N{GRINNING FACE}"])
SOME_TEXT = st.lists(LETTERS, max_size=80).map(lambda letters: "".join(letters).encode())
SOME_BYTES = st.one_of(st.binary(max_size=40), SOME_TEXT, st.just(b"\xff" * 130))
CONTROLS = st.builds(
    Frame, st.sampled_from([0x89, 0x8A]), st.binary(max_size=125) | st.just(b"a" * 125)
)
CLOSE_CODES = st.sampled_from([1000, 1001, 1014, 3000, 4999, 999, 1005, 1016, 5000])
CLOSES = st.tuples(CLOSE_CODES, SOME_BYTES).map(
    lambda close: Frame(0x88, close[0].to_bytes(2, "big") + close[1][:60])
)
ODD_FRAMES = st.builds(
    Frame,
    st.integers(0, 255) | st.sampled_from([0x00, 0x01, 0x02, 0x80, 0x81, 0x82, 0x88]),
    SOME_BYTES,
    st.none() | st.sampled_from([2, 8]),
    st.none() | st.integers(127, 2**16 - 1),
    st.booleans(),
).filter(lambda frame: frame.length is None or frame.length_bytes is not None)


@st.composite
def messages(draw: st.DrawFn) -> list[Frame]:
    """A legal message, whole or in fragments, perhaps with control frames between them."""
    first, payload = draw(
        st.tuples(st.just(0x81), SOME_TEXT) | st.tuples(st.just(0x82), SOME_BYTES)
    )
    cuts = sorted(draw(st.lists(st.integers(0, len(payload)), max_size=3)))
    parts = [payload[a:b] for a, b in zip([0, *cuts], [*cuts, len(payload)], strict=True)]
    if len(parts) == 1:
        return [Frame(first, payload)]
    firsts = [first & 0x7F, *[0x00] * (len(parts) - 2), 0x80]
    frames: list[Frame] = []
    for head, part in zip(firsts, parts, strict=True):
        frames += draw(st.lists(CONTROLS, max_size=1))
        frames.append(Frame(head, part))
    return frames


GROUPS = st.one_of(
    messages(),
    messages(),
    CONTROLS.map(lambda frame: [frame]),
    CLOSES.map(lambda frame: [frame]),
    ODD_FRAMES.map(lambda frame: [frame]),
)


@st.composite
def streams(draw: st.DrawFn, role: Role) -> bytes:
    """Frames legal and not, then perhaps with bytes changed, dropped or put in."""
    stream = bytearray()
    for group in draw(st.lists(GROUPS, min_size=1, max_size=6)):
        for frame in group:
            stream += encode(frame, role, draw(st.binary(min_size=4, max_size=4)))
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        at = draw(st.integers(0, len(stream) - 1))
        replaced = draw(st.integers(0, 1))
        stream[at : at + replaced] = draw(st.binary(max_size=2))
        if not stream:
            break
    return complete(bytes(stream), LIMIT)


@st.composite
def cut(draw: st.DrawFn, stream: bytes) -> list[bytes]:
    """The stream in up to eight pieces, some of them empty."""
    cuts = sorted(draw(st.lists(st.integers(0, len(stream)), max_size=7)))
    return [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]


def assert_all_agree(stream: bytes, pieces: list[bytes], role: Role) -> Outcome:
    outcomes = {name: feed(make(role, LIMIT), pieces) for name, make in ENGINES.items()}
    fast = outcomes["fast"]
    assert outcomes == dict.fromkeys(ENGINES, fast)
    if fast.code != 1009:  # wsproto has no limit of its own
        assert raw_wsproto(stream, role) in (fast, None)
    return fast


@pytest.mark.parametrize("role", Role)
@thoroughly
@given(data=st.data())
def test_all_engines_agree_on_frames_legal_and_broken(role: Role, data: st.DataObject) -> None:
    stream = data.draw(streams(role))
    assert_all_agree(stream, data.draw(cut(stream)), role)


@pytest.mark.parametrize("role", Role)
@thoroughly
@given(data=st.data())
def test_all_engines_agree_on_any_bytes(role: Role, data: st.DataObject) -> None:
    stream = complete(data.draw(st.binary(max_size=200)), LIMIT)
    assert_all_agree(stream, data.draw(cut(stream)), role)


@pytest.mark.parametrize("role", Role)
@thoroughly
@given(data=st.data())
def test_legal_messages_are_all_received(role: Role, data: st.DataObject) -> None:
    groups = data.draw(st.lists(messages(), max_size=5))
    stream = b"".join(encode(frame, role) for group in groups for frame in group)
    outcome = assert_all_agree(stream, data.draw(cut(stream)), role)
    assert outcome.code is None
    data_messages = [payload for kind, payload in outcome.received if kind < Kind.CLOSE]
    joined = [b"".join(f.payload for f in group if f.first & 0x0F < 8) for group in groups]
    assert data_messages == joined


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("case", WITHOUT_LIMIT, ids=lambda case: case.name)
def test_wsproto_by_itself_agrees_with_the_table(case: Case, role: Role) -> None:
    stream = b"".join(encode(frame, role) for frame in case.frames)
    raw = raw_wsproto(stream, role)
    if raw is None:
        assert "close code" in case.name
    else:
        assert (raw.received, raw.code) == (case.received, case.code)
