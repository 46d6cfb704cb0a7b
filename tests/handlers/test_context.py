"""The current call, under FastRTC's name."""

from typing import Any

import pytest

from antiphon import CloseStream, Stream, connect
from antiphon.handlers.context import get_current_context
from tests.handlers.classics import HANDLERS, classic, say
from tests.handlers.pictures import told


def test_outside_of_a_call_there_is_none() -> None:
    with pytest.raises(RuntimeError, match="no call is handled here"):
        get_current_context()


@pytest.mark.parametrize("base", HANDLERS)
async def test_it_is_found_in_every_method(base: Any) -> None:
    """23."""
    found: dict[str, str] = {}

    def noting(name: str) -> Any:
        def note(self: Any, *args: Any) -> Any:
            context = get_current_context()
            assert context.websocket is None
            assert context.call.id == context.webrtc_id
            found[name] = context.webrtc_id
            return CloseStream() if name == "emit" and len(found) == 3 else None

        return note

    methods = {name: noting(name) for name in ("start_up", "receive", "emit", "shutdown")}
    stream = Stream(classic(base, **methods))
    async with stream.running(), connect(stream, call_id="a") as call:
        await say(call, 5)
        await told(call)
    assert found == dict.fromkeys(methods, "a")
