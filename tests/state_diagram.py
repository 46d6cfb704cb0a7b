"""Draws the states of a call, as Mermaid, from the tables that the sessions obey.

python -m tests.state_diagram      prints what docs/protocol.md must hold
"""

from collections.abc import Iterator

from antiphon.core.messages import tag_of
from antiphon.core.states import TO_CLIENT, TO_SERVER, SessionState

__all__ = ("diagram",)


def _moves() -> Iterator[tuple[SessionState, SessionState, str]]:
    for speaker, rows in (("client", TO_SERVER), ("server", TO_CLIENT)):
        for state, row in rows.items():
            for message_type, following in row.items():
                yield state, following, f"{speaker}: {tag_of(message_type)}"


def _lines() -> Iterator[str]:
    yield "stateDiagram-v2"
    yield f"    [*] --> {next(iter(SessionState)).value}"
    moves = list(_moves())
    for state in SessionState:
        for following in SessionState:
            names = sorted(what for a, b, what in moves if (a, b) == (state, following))
            for speaker in ("client", "server"):
                said = [name.split(": ")[1] for name in names if name.startswith(speaker)]
                if said:
                    said_list = ", ".join(said)
                    yield f"    {state.value} --> {following.value} : {speaker} says {said_list}"
    yield f"    {SessionState.CLOSED.value} --> [*]"


def diagram() -> str:
    """The whole diagram, without the fence around it."""
    return "\n".join(_lines())


if __name__ == "__main__":
    print(diagram())
