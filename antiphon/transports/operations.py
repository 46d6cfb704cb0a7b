"""How one method of one path reads in the OpenAPI document. Pure records, without any route."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

__all__ = (
    "CALL_ID",
    "EVENT_STREAM_ANSWER",
    "INPUTS",
    "Answer",
    "Link",
    "OneOf",
    "Operation",
    "Operations",
    "Parameter",
    "Schema",
)

Schema = Mapping[str, Any]
"""A JSON Schema, 2020-12."""

INPUTS: Schema = {"$ref": "#/components/schemas/Inputs"}
"""What `/input_hook` takes; the stream says what that is."""
CALL_ID: Schema = {"type": "string", "pattern": "^[\\x20-\\x7e]{1,128}$"}


class OneOf(msgspec.Struct, frozen=True):
    """Bodies of which one is to fit."""

    bodies: tuple[Any, ...]


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the path, the query or the headers."""

    name: str
    place: Literal["path", "query", "header"]
    description: str
    schema: Schema
    required: bool = False


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """An operation that may follow, and where its parameters are found in the answer."""

    operation: str
    parameters: Mapping[str, str]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What is answered when all is well."""

    status: int = 200
    description: str
    body: Any = None
    """A type that msgspec knows, a schema or `OneOf`; None for no body."""
    media_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    """Those that are always there, with their descriptions."""
    links: tuple[tuple[str, Link], ...] = ()


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One method of one path."""

    name: str
    """Unique: the `operationId`."""
    tag: str
    summary: str
    description: str = ""
    parameters: tuple[Parameter, ...] = ()
    bodies: tuple[tuple[str, Any], ...] = ()
    """Media types with bodies as in `Answer`."""
    body_required: bool = True
    answers: tuple[Answer, ...]
    refusals: tuple[str, ...] = ()
    """Names of `antiphon.core.signaling.REFUSALS`, beside those that any route may give."""
    token: Literal["never", "if required", "always"] = "never"
    """Whether the call's token has to be shown."""
    plain_errors: bool = False
    """Whether a refusal reads `{"error": text}`, as on the speech endpoints."""


Operations = Mapping[tuple[str, str], Operation]
"""By method and path, the path as in the document: `("POST", "/http/{id}/send")`."""

EVENT_STREAM_ANSWER = Answer(
    description="Server-sent events, as they come. What is no longer kept is told as `event: gap`,"
    " a comment breaks long silence, and `event: end` closes.",
    body={"description": "Events, which are no JSON; the `data` of most is."},
    media_type="text/event-stream",
)
