"""Every engine, in both roles, makes the same of the same bytes (RFC 6455 sections 5 to 8)."""

import tracemalloc
from collections.abc import Iterator

import pytest

from antiphon.core.wire import Kind, Role
from antiphon.transports.frame_engine import EngineState, FrameError
from tests.transports.frame_cases import CASES, MASKS, Case, Frame, encode
from tests.transports.frame_feeding import ENGINES, Outcome, feed, splits

engines = pytest.mark.parametrize("engine", ENGINES)
roles = pytest.mark.parametrize("role", Role)

READ = 16 * 1024  # what one read of a socket gives
SLACK = 16 * 1024  # an engine's own objects


def stream_of(case: Case, role: Role) -> bytes:
    return b"".join(
        encode(frame, role, MASKS[i % len(MASKS)]) for i, frame in enumerate(case.frames)
    )


def expected(case: Case) -> Outcome:
    closed = any(kind is Kind.CLOSE for kind, _ in case.received)
    state = EngineState.CLOSING if closed else EngineState.OPEN
    return Outcome(case.received, case.code, state)


@engines
@roles
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_stream_gives_the_same_however_it_is_cut(case: Case, role: Role, engine: str) -> None:
    for pieces in splits(stream_of(case, role)):
        assert feed(ENGINES[engine](role, case.max_message), pieces) == expected(case)


def test_case_names_are_unique() -> None:
    names = [case.name for case in CASES]
    assert len(names) == len(set(names))


@engines
@roles
def test_every_message_stays_apart_when_cases_are_joined(role: Role, engine: str) -> None:
    good = [
        case for case in CASES if case.code is None and expected(case).state is EngineState.OPEN
    ]
    stream = b"".join(stream_of(case, role) for case in good)
    received = tuple(message for case in good for message in case.received)
    for size in (1000, 4096, len(stream)):
        pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
        outcome = feed(ENGINES[engine](role, 1 << 20), pieces)
        assert outcome == Outcome(received, None, EngineState.OPEN)


@engines
@roles
def test_payloads_are_bytes(role: Role, engine: str) -> None:
    frames = (Frame(0x81, b"a"), Frame(0x82, b"b"), Frame(0x89, b"c"), Frame(0x01, b"d"))
    stream = b"".join(encode(frame, role) for frame in (*frames, Frame(0x80, b"e"), Frame(0x88)))
    received = ENGINES[engine](role, 100).receive(stream)
    assert [type(payload) for _, payload in received] == [bytes] * 5


@engines
@roles
@pytest.mark.parametrize("length", [2, 1_000_000, 2**40, 2**62])
def test_too_big_is_refused_before_any_payload_comes(role: Role, engine: str, length: int) -> None:
    wide = 0 if length < 126 else 8
    header = encode(Frame(0x82, b"", wide, length), role)
    without_mask = header[: 2 + wide]
    with pytest.raises(FrameError, match="1 are allowed") as refused:
        ENGINES[engine](role, 1).receive(without_mask)
    assert refused.value.code == 1009


@engines
@roles
@pytest.mark.parametrize("first", [0x83, 0xC1, 0x09, 0xF1])
def test_a_first_byte_that_is_wrong_needs_no_payload(role: Role, engine: str, first: int) -> None:
    with pytest.raises(FrameError) as refused:
        ENGINES[engine](role, 1000).receive(encode(Frame(first, b"", 0, 100), role)[:2])
    assert refused.value.code == 1002


def unfinished_messages(role: Role, size: int) -> Iterator[tuple[str, list[bytes]]]:
    """Ways to make an engine hold `size` bytes of a message that is never finished."""
    smiles = "\N{GRINNING FACE}".encode() * (size // 4)
    for name, first, payload in (
        ("one binary frame", 0x82, b"\xff" * (size - 1)),
        ("one text frame beyond ASCII", 0x81, smiles[:-4]),
    ):
        stream = encode(Frame(first, payload, None, size), role)
        yield name, [stream[at : at + READ] for at in range(0, len(stream), READ)]
    single = encode(Frame(0x00, b"a"), role)
    count = size // 8
    pieces = [encode(Frame(0x01, b"a"), role), *[single * 1000] * (count // 1000)]
    yield "fragments of one byte", pieces


@engines
@roles
@pytest.mark.parametrize(
    "limit", [60_000, 160_000]
)  # below and above what is held to be taken whole
def test_memory_is_bounded_by_the_largest_message(role: Role, engine: str, limit: int) -> None:
    for name, pieces in unfinished_messages(role, limit):
        tracemalloc.start()
        try:
            subject = ENGINES[engine](role, limit)
            for piece in pieces:
                assert subject.receive(piece) == []
                held, _ = tracemalloc.get_traced_memory()
                # what grows asks for an eighth more than it needs
                assert held <= limit * 9 // 8 + READ + SLACK, name
        finally:
            tracemalloc.stop()


@engines
def test_a_frame_that_comes_byte_by_byte_is_not_copied_at_each_byte(engine: str) -> None:
    size = 32 * 1024
    frame = encode(Frame(0x82, b"a" * size), Role.SERVER)
    subject = ENGINES[engine](Role.SERVER, size)
    tracemalloc.start()
    try:
        for at in range(len(frame) - 1):
            assert subject.receive(frame[at : at + 1]) == []
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < size * 3 // 2
    assert len(subject.receive(frame[-1:])) == 1


@engines
@roles
def test_nothing_is_kept_between_whole_messages(role: Role, engine: str) -> None:
    frames = (
        Frame(0x82, b"a" * 100_000),
        Frame(0x81, b"b" * 50_000),
        *[Frame(0x89, b"c" * 125)] * 50,
    )
    stream = b"".join(encode(frame, role) for frame in frames)
    subject = ENGINES[engine](role, 1 << 20)
    subject.receive(stream)
    tracemalloc.start()
    try:
        for _ in range(20):
            assert len(subject.receive(stream)) == len(frames)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < SLACK
