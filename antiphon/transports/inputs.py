"""Reads inputs, from `/input_hook` and in band, into the positional values that a handler gets."""

from typing import Any, cast

import msgspec

from ..core.dialects.browser import MAX_DEPTH, is_too_deep
from ..core.ports import positional
from ..core.signaling import check_call_id
from .input_types import CALL_ID, InputError, InputType

__all__ = ("InputError", "read_inputs", "read_object", "typed_inputs")


class _Head(msgspec.Struct):
    webrtc_id: str | int | float


class _Plain(msgspec.Struct):
    inputs: Any


def read_object(body: bytes) -> dict[str, Any]:
    """A body as a JSON object. Raises InputError."""
    try:
        fields = msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.ValidationError as error:
        raise InputError("invalid_field", str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError("invalid_body", f"the body cannot be read: {error}") from error
    if is_too_deep(body):
        raise InputError("invalid_body", f"the body is nested deeper than {MAX_DEPTH}")
    return fields


def read_inputs(body: bytes, declared: InputType | None) -> tuple[str, tuple[Any, ...]]:
    """The call's id and the positional values of a body `{"webrtc_id": id, ...}`.

    Without a type, `inputs` is taken: a list gives all values, anything else one. With a type the
    other fields are read into it; where they are nothing but `inputs`, what that holds is read as
    if it had come in band. Raises InputError.
    """
    fields = read_object(body)
    try:
        call_id = check_call_id(msgspec.convert(fields, type=_Head).webrtc_id)
        if declared is None:
            return call_id, positional(msgspec.convert(fields, type=_Plain).inputs)
    except msgspec.ValidationError as error:
        raise InputError("invalid_field", str(error)) from error
    except ValueError as error:
        raise InputError("invalid_field", f"{CALL_ID}: {error}") from error
    del fields[CALL_ID]
    if fields.keys() == {"inputs"} and "inputs" not in declared.keys:
        return call_id, typed_inputs(positional(fields["inputs"]), declared, call_id)
    return call_id, _read(fields, declared, call_id)


def typed_inputs(
    values: tuple[Any, ...], declared: InputType | None, call_id: str
) -> tuple[Any, ...]:
    """Positional values that a client sent in band, read into the type: a single object gives its
    fields by name, anything else in declared order. Raises InputError.
    """
    if declared is None:
        return values
    if len(values) == 1 and isinstance(values[0], dict):
        return _read(dict(cast("dict[str, Any]", values[0])), declared, call_id)
    if len(values) > len(declared.keys):
        text = f"this stream takes at most {len(declared.keys)} inputs, not {len(values)}"
        raise InputError("invalid_field", text)
    return _read(dict(zip(declared.keys, values, strict=False)), declared, call_id)


def _read(fields: dict[str, Any], declared: InputType, call_id: str) -> tuple[Any, ...]:
    """The documents' own example declares the id in its model: it is no input, and not in band."""
    if declared.id_key is not None:
        fields[declared.id_key] = call_id
    return declared.read(fields)
