"""Writes docs/asyncapi.json: the messages of a call as an AsyncAPI 3.0 document.

Source: AsyncAPI 3.0.0. The schemas are msgspec's, and say nothing that is not in draft 7 too, of
which AsyncAPI's own kind of schema is a superset.
"""

import json
from typing import Any

import msgspec

from antiphon.core.messages import ClientMessage, ServerMessage, tag_of
from tools.message_types import summary
from tools.wire_examples import example_text

__all__ = ("asyncapi", "asyncapi_text")

_SCHEMAS = "#/components/schemas/"
_CLIENT: tuple[type[Any], ...] = ClientMessage.__args__
_SERVER: tuple[type[Any], ...] = ServerMessage.__args__
_SOUND = {
    "name": "sound",
    "title": "sound",
    "summary": "Samples in the agreed encoding and nothing else, as a binary message.",
    "contentType": "application/octet-stream",
}


def asyncapi_text() -> str:
    """The file."""
    return json.dumps(asyncapi(), indent=2) + "\n"


def asyncapi() -> dict[str, Any]:
    """The document. The version is the protocol's, which has none but 1 so far."""
    messages = {f"client.{tag_of(each)}": _message(each) for each in _CLIENT}
    messages |= {f"server.{tag_of(each)}": _message(each) for each in _SERVER}
    messages |= {"sound": _SOUND}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "antiphon",
            "version": "1",
            "description": "The messages of a live call. docs/protocol.md tells what they mean.",
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "channels": {
            "call": {
                "address": "/websocket/offer",
                "title": "A call over a WebSocket",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
                "bindings": {"ws": {"method": "GET", "bindingVersion": "0.1.0"}},
            },
            "events": {
                "address": "/http/{id}/events",
                "title": "What the server says in a call over HTTP, as server-sent events",
                "parameters": {"id": {"description": "`session_id`, as the offer was answered."}},
                "messages": {
                    name: {"$ref": f"#/components/messages/{name}"}
                    for name in messages
                    if name.startswith("server.")
                },
                "bindings": {"http": {"bindingVersion": "0.3.0"}},
            },
        },
        "operations": {
            "listen": _operation("receive", "call", "client", sound=True),
            "speak": _operation("send", "call", "server", sound=True),
            "tell": _operation("send", "events", "server", sound=False),
        },
        "components": {"messages": messages, "schemas": _schemas()},
    }


def _operation(action: str, channel: str, speaker: str, *, sound: bool) -> dict[str, Any]:
    """Seen from the server: it receives what clients send."""
    spoken = _CLIENT if speaker == "client" else _SERVER
    names = [f"{speaker}.{tag_of(each)}" for each in spoken] + ["sound"] * sound
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in names],
    }


def _message(message: type[Any]) -> dict[str, Any]:
    return {
        "name": tag_of(message),
        "title": tag_of(message),
        "summary": summary(message),
        "contentType": "application/json",
        "payload": {"$ref": _SCHEMAS + message.__name__},
        "examples": [{"payload": json.loads(example_text(message))}],
    }


def _schemas() -> dict[str, Any]:
    types = tuple(dict.fromkeys((*_CLIENT, *_SERVER)))
    _, components = msgspec.json.schema_components(types, ref_template=_SCHEMAS + "{name}")
    return dict(sorted(components.items()))
