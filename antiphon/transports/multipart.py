"""Bodies of type multipart/form-data: RFC 7578, RFC 2046 section 5.1."""

import re
from collections.abc import Iterator

__all__ = ("parts",)

_BOUNDARY = re.compile(r';\s*boundary=(?:"([^"]{1,70})"|([^;,\s"]{1,70}))', re.IGNORECASE)
_NAME = re.compile(rb';\s*name=(?:"([^"]*)"|([^;\s"]+))', re.IGNORECASE)
_MAX_PARTS = 64
_MAX_HEAD = 16 * 1024  # bytes of one part's headers


def parts(content_type: str, body: bytes) -> Iterator[tuple[str, memoryview]]:
    """The name and the contents of each part, in order; no copies. ValueError, saying what is
    wrong, for what cannot be read.
    """
    found = _BOUNDARY.search(content_type)
    if found is None:
        raise ValueError("the content type names no boundary")
    boundary = b"--" + (found[1] or found[2]).encode("latin-1")
    # What stands before the first boundary is not part of it; it has no line before.
    at = 0 if body.startswith(boundary) else _after(body, b"\r\n" + boundary, 0, 2)
    view = memoryview(body)
    for _ in range(_MAX_PARTS):
        at += len(boundary)
        if body.startswith(b"--", at):
            return
        start = _after(body, b"\r\n\r\n", at, 4, at + _MAX_HEAD)
        end = _after(body, b"\r\n" + boundary, start, 0)
        yield _name(body[at:start]), view[start:end]
        at = end + 2
    raise ValueError(f"the body has more than {_MAX_PARTS} parts")


def _after(body: bytes, mark: bytes, start: int, step: int, limit: int | None = None) -> int:
    """`step` bytes behind the beginning of the next mark."""
    found = body.find(mark, start, limit)
    if found < 0:
        raise ValueError("the body breaks off, or is not of this boundary")
    return found + step


def _name(head: bytes) -> str:
    for line in head.split(b"\r\n"):
        key, _, value = line.partition(b":")
        if key.strip().lower() == b"content-disposition" and (found := _NAME.search(value)):
            return (found[1] if found[1] is not None else found[2]).decode("utf-8", "replace")
    raise ValueError("a part of the body has no name")
