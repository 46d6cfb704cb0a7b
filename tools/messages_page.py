"""Writes docs/reference/messages.md from the message types, the tables of states and the forms of
the speech endpoints.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from antiphon.core.dialects.parameters import (
    ENDPOINT_FORM,
    ENDPOINT_OPUS_FORM,
    SUMMARY_FORM,
    SUMMARY_OPUS_FORM,
    Form,
    verification_form,
)
from antiphon.core.messages import ClientMessage, ServerMessage, tag_of
from antiphon.core.states import TO_CLIENT, TO_SERVER, Row, SessionState
from tools.message_types import field_rows, summary
from tools.wire_examples import example_text

__all__ = ("SPEECH_FORMS", "messages_page")

SPEECH_FORMS: dict[str, Form] = {
    "/speech_endpoint_detector": ENDPOINT_FORM,
    "/speech_endpoint_detector_opus": ENDPOINT_OPUS_FORM,
    "/speech_summary_stream": SUMMARY_FORM,
    "/speech_summary_stream_opus": SUMMARY_OPUS_FORM,
    "/voice_verify_stream": verification_form(str),
    "/voice_verify_stream_opus": verification_form(str, opus=True),
}
"""The paths whose connections begin with parameters."""

_HEAD = """\
# Messages

Every message of a call, as the types in
[`antiphon/core/messages.py`](../../antiphon/core/messages.py) define it. What they are for, and
what follows what, is told by [the protocol](../protocol.md); the same as a file for programs is
[asyncapi.json](../asyncapi.json). This page is written by `python -m tools.generate`.

A message is a JSON object: on a WebSocket, on a data channel, as a line of a body or as the data
of a server-sent event. What is not listed is passed over. A dot in a name stands for an object in
the object. Sound also travels as binary messages that hold what `media.payload` holds.
"""

_SPEECH = """\
## Parameters of the speech endpoints

Connections to the [speech endpoints](../speech.md) carry no JSON: text messages are parameters, in
this order, then binary messages are sound.

| Path | Parameters |
|---|---|
"""


def messages_page() -> str:
    """The whole page."""
    return "\n".join(
        (
            _HEAD,
            *_section("What a client says", "client", ClientMessage.__args__, TO_SERVER),
            *_section("What a server says", "server", ServerMessage.__args__, TO_CLIENT),
            _SPEECH + "\n".join(_speech_row(path, form) for path, form in SPEECH_FORMS.items()),
            "",
        )
    )


def _section(
    title: str,
    speaker: str,
    messages: tuple[type[Any], ...],
    rows: Mapping[SessionState, Row],
) -> Iterator[str]:
    yield f"## {title}\n"
    for message in messages:
        tag = tag_of(message)
        yield f"### {tag} {{ #{speaker}-{tag} }}\n"
        yield f"{summary(message)} {_allowed(message, rows)}\n"
        yield from _fields(message)
        yield f"```json\n{example_text(message)}\n```\n"


def _allowed(message: type[Any], rows: Mapping[SessionState, Row]) -> str:
    """When it may be said, and where it leads."""
    parts = [
        state.value if row[message] is state else f"{state.value} → {row[message].value}"
        for state, row in rows.items()
        if message in row
    ]
    return f"*States: {', '.join(parts)}.*"


def _fields(message: type[Any]) -> Iterator[str]:
    rows = list(field_rows(message))
    tag_field = str(message.__struct_config__.tag_field)
    yield "| Field | Kind | | Meaning |\n|---|---|---|---|"
    yield f"| `{tag_field}` | text | required | `{tag_of(message)}` |"
    for row in rows:
        needed = "required" if row.required else "optional"
        yield f"| `{row.name}` | {row.kind} | {needed} | {row.text} |"
    yield ""


def _speech_row(path: str, form: Form) -> str:
    names = [f"`{parameter.name}`" for parameter in form.required]
    if form.optional is not None:
        names.append(f"`{form.optional.name}` (may be left out)")
    return f"| `{path}` | {', '.join(names)} |"
