"""Draws the states of a call, as SVG, from the tables that the sessions obey.

States stand below each other in their order. What leaves a state as it is stands in its box, what
leads to the next one beside the arrow between them, what leads further beside a line on the right.
"""

from collections.abc import Iterable, Iterator
from textwrap import wrap

import msgspec

from antiphon.core.messages import tag_of
from antiphon.core.states import TO_CLIENT, TO_SERVER, SessionState

__all__ = ("diagram", "moves")

LEFT, WIDTH = 20, 430  # of the boxes, in px
LINE = 17  # px from one line of text to the next
GAP = 64  # px between two boxes
LANE = 26  # px between two lines on the right
LABEL = 108  # px for a label beside the boxes
PER_LINE = 54  # characters that fit into a box

_STYLE = (
    ".states text{font:13px system-ui,sans-serif;fill:var(--md-typeset-color,#1f2328)}"
    ".states .name{font-weight:600;font-size:15px}"
    ".states .client{fill:#0b6e63}.states .server{fill:#8a3ffc}"
    ".states rect{fill:none;stroke:var(--md-default-fg-color--light,#59636e);stroke-width:1.5}"
    ".states path{fill:none;stroke:var(--md-default-fg-color--light,#59636e);stroke-width:1.5}"
    ".states .tip{fill:var(--md-default-fg-color--light,#59636e);stroke:none}"
    "@media (prefers-color-scheme:dark){.states text{fill:var(--md-typeset-color,#e6edf3)}}"
)
_DARK = (".states .client{fill:#5fd3c4}", ".states .server{fill:#c9a6ff}")

Said = dict[str, list[str]]
"""What each end may say."""


class _Box(msgspec.Struct, frozen=True):
    state: SessionState
    top: int
    lines: tuple[tuple[str, str], ...]
    """Who says it, or "", and the text."""

    @property
    def bottom(self) -> int:
        return self.top + 30 + LINE * len(self.lines) + (8 if self.lines else 4)


def moves() -> dict[tuple[SessionState, SessionState], Said]:
    """From which state to which, by what; in the order of the states."""
    found: dict[tuple[SessionState, SessionState], Said] = {}
    for speaker, rows in (("client", TO_SERVER), ("server", TO_CLIENT)):
        for state, row in rows.items():
            for message_type, following in row.items():
                said = found.setdefault((state, following), {})
                said.setdefault(speaker, []).append(tag_of(message_type))
    return found


def diagram() -> str:
    """The whole drawing."""
    boxes = tuple(_boxes())
    lanes = len([1 for a, b in moves() if _distance(a, b) > 1])
    width = LEFT + WIDTH + LABEL + LANE * lanes + 8
    height = boxes[-1].bottom + 42
    parts = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="states" viewBox="0 0 {width} {height}">',
        "<title>The states of a call</title>",
        f"<style>{_STYLE}{_dark()}</style>",
        _ends(boxes),
        *(part for box in boxes for part in _drawn(box)),
        *_arrows(boxes),
        "</svg>",
        "",
    )
    return "\n".join(parts)


def _dark() -> str:
    """As a picture it follows the system, inside a page of the site the page's own scheme."""
    alone = "".join(f".states:root {rule.removeprefix('.states ')}" for rule in _DARK)
    site = "".join(f'[data-md-color-scheme="slate"] {rule}' for rule in _DARK)
    return f"@media (prefers-color-scheme:dark){{{alone}}}{site}"


def _distance(state: SessionState, following: SessionState) -> int:
    order = list(SessionState)
    return order.index(following) - order.index(state)


def _boxes() -> Iterator[_Box]:
    top = 44
    for state in SessionState:
        box = _Box(state, top, tuple(_lines(moves().get((state, state), {}), PER_LINE)))
        yield box
        top = box.bottom + GAP


def _lines(said: Said, per_line: int) -> Iterator[tuple[str, str]]:
    for speaker, tags in said.items():
        for text in wrap(f"{speaker}: {', '.join(sorted(tags))}", per_line):
            yield speaker, text


def _drawn(box: _Box) -> Iterator[str]:
    height = box.bottom - box.top
    yield f'<rect x="{LEFT}" y="{box.top}" width="{WIDTH}" height="{height}" rx="8"/>'
    yield _text(LEFT + 14, box.top + 22, "name", box.state.value)
    yield from _texts(LEFT + 14, box.top + 24 + LINE, box.lines)


def _arrows(boxes: tuple[_Box, ...]) -> Iterator[str]:
    """Between boxes; the lines on the right do not cross, as the longest is the outermost."""
    by_state = {box.state: box for box in boxes}
    far = [(a, b) for a, b in moves() if _distance(a, b) > 1]
    far.sort(key=lambda move: _distance(*move))
    for (a, b), said in moves().items():
        lines = tuple(_lines(said, PER_LINE))
        if _distance(a, b) == 1:
            yield from _down(by_state[a], by_state[b], lines)
        elif a is not b:
            lane = far.index((a, b))
            yield from _around(by_state[a], by_state[b], lane, lines)


def _down(above: _Box, below: _Box, lines: Iterable[tuple[str, str]]) -> Iterator[str]:
    x = LEFT + WIDTH // 3
    yield f'<path d="M{x} {above.bottom}V{below.top - 8}"/>'
    yield f'<path class="tip" d="M{x - 5} {below.top - 9}h10l-5 9z"/>'
    yield from _texts(x + 14, above.bottom + 28, lines)


def _around(
    above: _Box, below: _Box, lane: int, lines: tuple[tuple[str, str], ...]
) -> Iterator[str]:
    right = LEFT + WIDTH
    x, leaves, enters = right + LABEL + lane * LANE, above.top + 50, below.top + 12 + 14 * lane
    yield f'<path d="M{right} {leaves}H{x - 8}q8 0 8 8V{enters - 8}q0 8 -8 8H{right + 8}"/>'
    yield f'<path class="tip" d="M{right + 9} {enters - 5}v10l-9 -5z"/>'
    yield from _texts(right + 10, leaves - 6 - LINE * (len(lines) - 1), lines)


def _ends(boxes: tuple[_Box, ...]) -> str:
    x, last = LEFT + WIDTH // 3, boxes[-1].bottom
    return (
        f'<circle class="tip" cx="{x}" cy="14" r="6"/><path d="M{x} 20V{boxes[0].top - 8}"/>'
        f'<path class="tip" d="M{x - 5} {boxes[0].top - 9}h10l-5 9z"/>'
        f'<path d="M{x} {last}v14"/><path class="tip" d="M{x - 5} {last + 13}h10l-5 9z"/>'
        f'<path d="M{x - 8} {last + 31}a8 8 0 1 0 16 0a8 8 0 1 0 -16 0"/>'
        f'<circle class="tip" cx="{x}" cy="{last + 31}" r="5"/>'
    )


def _texts(x: int, y: int, lines: Iterable[tuple[str, str]]) -> Iterator[str]:
    for at, (speaker, text) in enumerate(lines):
        yield _text(x, y + LINE * at, speaker, text)


def _text(x: int, y: int, kind: str, text: str) -> str:
    return f'<text class="{kind}" x="{x}" y="{y}">{text}</text>'
