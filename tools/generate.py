"""Writes what the documentation takes from the code.

python -m tools.generate
"""

from collections.abc import Callable
from pathlib import Path

from tools.asyncapi import asyncapi_text
from tools.messages_page import messages_page
from tools.state_diagram import diagram

__all__ = ("GENERATED",)

GENERATED: dict[str, Callable[[], str]] = {
    "docs/asyncapi.json": asyncapi_text,
    "docs/reference/messages.md": messages_page,
    "docs/states.svg": diagram,
}
"""The files, below the project's folder, and what each must hold."""

if __name__ == "__main__":
    root = Path(__file__).resolve().parents[1]
    for name, written in GENERATED.items():
        (root / name).write_text(written(), encoding="utf-8")
        print(name)
