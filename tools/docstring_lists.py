"""Lets the API reference show lists in docstrings as lists: lines that read `name: text`."""

import re
from typing import Any

import griffe

__all__ = ("DocstringLists", "with_lists")

_ITEM = re.compile(r"(\w+(?:, \w+)*): (.*)", re.DOTALL)


class DocstringLists(griffe.Extension):
    """Rewrites each docstring as it is read."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """One object with its docstring."""
        if obj.docstring is not None:
            obj.docstring.value = with_lists(obj.docstring.value)


def with_lists(text: str) -> str:
    """The text, with each paragraph of such lines as a Markdown list."""
    return "\n\n".join(_as_list(paragraph) for paragraph in text.split("\n\n"))


def _as_list(paragraph: str) -> str:
    items = re.split(r"\n(?! )", paragraph)
    found = [_ITEM.fullmatch(item) for item in items]
    if not all(found):
        return paragraph
    return "\n".join(f"- `{item[1]}`: {item[2]}" for item in found if item is not None)
