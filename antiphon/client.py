"""The client's end of a call."""

__all__ = ("connect",)


def connect(target: str) -> None:
    raise NotImplementedError
