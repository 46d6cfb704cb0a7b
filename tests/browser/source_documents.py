"""The JavaScript of the documents that this server's clients were written by.

They are no part of the project: the environment names their folder, and what is in them is taken
out when a test runs. What was lost before is put back here: line breaks, and a string's escapes.
"""

import os
import re
from pathlib import Path

import pytest

__all__ = ("printed_samples", "render", "websocket_samples")

FENCED = re.compile(r"```(?:javascript|js)\s(.*?)```", re.DOTALL)
TAG = re.compile(r"(\{\{.*?\}\})")
TEST = re.compile(r'it\.(\w+) (===|!==) "([^"]*)"')
# Where line breaks are lost, a comment ends before what looks like the next statement or field.
COMMENT = re.compile(r"(// .*?) (?=(?:const|let|if|function)\b|[\w.]+\(|\}|\w+:)")


def printed_samples() -> list[str]:
    """Document 000: doT templates of the sample for WebRTC and of the one for WebSocket."""
    text = re.sub(r"\\([`${])", r"\1", _document("000"))
    return [block for block in FENCED.findall(text) if "new " in block]


def websocket_samples() -> list[str]:
    """Document 002: connecting, inputs, outputs and stopping, in this order."""
    return [COMMENT.sub(r"\1\n", block) for block in FENCED.findall(_document("002"))]


def render(template: str, **it: str) -> str:
    """A doT template with these values: conditionals with their else branches, interpolation."""
    shown: list[str] = []
    branches: list[tuple[bool, bool]] = []  # whether this branch is taken, and whether any was
    for part in TAG.split(template):
        tag = part[2:-2].strip() if TAG.fullmatch(part) else None
        if tag is None:
            if all(taken for taken, _ in branches):
                shown.append(part)
        elif tag.startswith("="):
            if all(taken for taken, _ in branches):
                shown.append(it[tag.removeprefix("=it.")])
        elif tag == "?":
            branches.pop()
        elif tag.startswith("??"):
            _, before = branches.pop()
            taken = not before and (tag == "??" or _holds(tag, it))
            branches.append((taken, before or taken))
        else:
            taken = _holds(tag, it)
            branches.append((taken, taken))
    assert not branches
    return "".join(shown)


def _holds(tag: str, it: dict[str, str]) -> bool:
    """Whether one of the comparisons of a condition is true."""
    tests = TEST.findall(tag)
    assert tests, tag
    return any((it[name] == value) == (sign == "===") for name, sign, value in tests)


def _document(number: str) -> str:
    """The text of a document. Skips without it, or fails with REQUIRE_SOURCE_DOCUMENTS=1."""
    folder = os.environ.get("ANTIPHON_SOURCE_DOCUMENTS", "")
    found = list(Path(folder).glob(f"{number}*")) if folder else []
    if found:
        return found[0].read_text()
    reason = f"ANTIPHON_SOURCE_DOCUMENTS names no folder with document {number}"
    if os.environ.get("REQUIRE_SOURCE_DOCUMENTS") == "1":
        pytest.fail(f"{reason}, and REQUIRE_SOURCE_DOCUMENTS=1 asks for it")
    pytest.skip(reason)
