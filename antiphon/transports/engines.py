"""Frame engines by name."""

from ..core.wire import Role
from .frame_engine import FrameEngine
from .wsproto_engine import WsprotoEngine

__all__ = ("ENGINES", "make_engine")

ENGINES = ("wsproto", "websockets")


def make_engine(name: str, role: Role, max_message: int, trailing: bytes = b"") -> FrameEngine:
    """The frame engine of that name, for a connection whose upgrade was followed by `trailing`.

    ValueError names what is allowed; MissingExtraError when its package is not installed.
    """
    match name:
        case "wsproto":
            return WsprotoEngine(role, max_message, trailing=trailing)
        case "websockets":
            from .websockets_engine import WebsocketsEngine  # an optional extra

            return WebsocketsEngine(role, max_message, trailing)
        case _:
            raise ValueError(f"no frame engine {name!r}; there are {', '.join(ENGINES)}")
