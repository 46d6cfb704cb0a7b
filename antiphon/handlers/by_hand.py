"""Messages to the client that a program writes as JSON by hand."""

from contextlib import suppress
from typing import Any, cast

import msgspec

from ..core.ports import Call

__all__ = ("ask_for_inputs", "say_by_hand")

_SAID_BY_ITSELF = {
    "fetch_output": "return AdditionalOutputs",
    "end_stream": "return CloseStream",
}


async def say_by_hand(call: Call, text: str) -> None:
    """Send a JSON text such as `{"type": "log", "data": ...}` as the message that it is: `log`,
    `error`, `warning`, `stopword`, `send_input` or `message`. Any other JSON, or text, becomes the
    data of a `message`. ValueError for those that the library says by itself.
    """
    value = _parsed(text)
    match value:
        case {"type": "log", "data": data}:
            await call.log(data)
        case {"type": "error"}:
            await call.error(_text_of(value))
        case {"type": "warning"}:
            await call.warning(_text_of(value))
        case {"type": "stopword"}:
            await call.stopword()
        case {"type": "send_input"}:
            await ask_for_inputs(call)
        case {"type": "message", "data": data}:
            await call.send(data)
        case {"type": "fetch_output" | "end_stream" as kind}:
            raise ValueError(f"{kind} is not sent by hand: {_SAID_BY_ITSELF[kind]}")
        case _:
            await call.send(value)


async def ask_for_inputs(call: Call) -> None:
    """Ask the client for inputs, and do not wait for them."""
    with suppress(TimeoutError):
        await call.wait_for_inputs(0)


def _parsed(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return text


def _text_of(fields: dict[str, Any]) -> str:
    return cast(str, fields.get("data") or fields.get("message", ""))
