"""Engines by name."""

import sys

import pytest

from antiphon.core.errors import MissingExtraError
from antiphon.core.wire import Kind, Role
from antiphon.transports.engines import ENGINES, make_engine
from antiphon.transports.frame_engine import FrameError
from tests.transports.frame_cases import Frame, encode


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("role", Role)
def test_an_engine_made_by_name_reads_what_came_behind_the_upgrade(name: str, role: Role) -> None:
    stream = encode(Frame(0x81, b"Spam"), role) + encode(Frame(0x82, b"Eggs"), role)
    for cut in range(len(stream) + 1):
        engine = make_engine(name, role, 4, stream[:cut])
        received = [*engine.receive(b""), *engine.receive(stream[cut:])]
        assert received == [(Kind.TEXT, b"Spam"), (Kind.BINARY, b"Eggs")]


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_made_by_name_keeps_the_limit(name: str) -> None:
    engine = make_engine(name, Role.CLIENT, 3)
    with pytest.raises(FrameError, match="4 bytes; 3 are allowed"):
        engine.receive(b"\x81\x04Spam")


def test_an_unknown_name_is_refused_with_those_that_exist() -> None:
    with pytest.raises(ValueError, match="no frame engine 'picows'; there are wsproto, websockets"):
        make_engine("picows", Role.SERVER, 1)


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "antiphon.transports.websockets_engine", raising=False)
    monkeypatch.setitem(sys.modules, "websockets.protocol", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'antiphon\[websockets\]'"):
        make_engine("websockets", Role.SERVER, 1)
