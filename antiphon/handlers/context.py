"""Which call a function belongs to, under the names that FastRTC's users know."""

import msgspec

from ..core.context import current_call
from ..core.ports import Call

__all__ = ("Context", "get_current_context")


class Context(msgspec.Struct, frozen=True):
    """Where code runs."""

    webrtc_id: str
    """The id of the call, whatever its transport."""
    call: Call
    websocket: None = None
    """Not handed out: no transport's own socket is."""


def get_current_context() -> Context:
    """The call that the code belongs to, in the tasks and worker threads of its handler. Raises
    RuntimeError elsewhere.
    """
    call = current_call()
    return Context(call.id, call)
