"""Reads what `/input_hook` is given into the positional values that a handler gets."""

from typing import Any, get_type_hints, is_typeddict

import msgspec

from ..core.ports import positional
from ..core.signaling import check_call_id

__all__ = ("InputError", "read_inputs")


class InputError(ValueError):
    """A body that does not fit; `refusal` names how it is refused."""

    def __init__(self, refusal: str, detail: str) -> None:
        super().__init__(detail)
        self.refusal = refusal


class _Head(msgspec.Struct):
    webrtc_id: str | int | float


class _Plain(msgspec.Struct):
    inputs: Any


def read_inputs(body: bytes, input_type: Any) -> tuple[str, tuple[Any, ...]]:
    """The call's id and the positional values of a body `{"webrtc_id": id, ...}`.

    Without a type, `inputs` is taken: a list gives all values, anything else one. With a type
    (msgspec Struct, dataclass, TypedDict or pydantic model) the other fields are read into it and
    become the values in declared order. Raises InputError.
    """
    try:
        call_id = check_call_id(msgspec.json.decode(body, type=_Head).webrtc_id)
        if input_type is None:
            return call_id, positional(msgspec.json.decode(body, type=_Plain).inputs)
        return call_id, _typed(body, input_type)
    except msgspec.ValidationError as error:
        raise InputError("invalid_field", str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError("invalid_body", f"the body cannot be read: {error}") from error
    except InputError:
        raise
    except ValueError as error:
        raise InputError("invalid_field", f"webrtc_id: {error}") from error


def _typed(body: bytes, input_type: Any) -> tuple[Any, ...]:
    fields = msgspec.json.decode(body, type=dict[str, Any])
    call_id = fields.pop("webrtc_id")
    validate = getattr(input_type, "model_validate", None)
    if validate is not None:
        return _pydantic(fields, call_id, input_type)
    names = list(get_type_hints(input_type))
    if "webrtc_id" in names:
        fields["webrtc_id"] = str(call_id)
        names.remove("webrtc_id")
    value = msgspec.convert(fields, type=input_type, strict=True)
    if is_typeddict(input_type):
        return tuple(value[name] for name in names if name in value)
    return tuple(getattr(value, name) for name in names)


def _pydantic(fields: dict[str, Any], call_id: Any, model: Any) -> tuple[Any, ...]:
    """A model of the documents' own example may declare `webrtc_id` itself; it is not an input."""
    names = [name for name in model.model_fields if name != "webrtc_id"]
    if "webrtc_id" in model.model_fields:
        fields["webrtc_id"] = str(call_id)
    try:
        value = model.model_validate(fields)
    except ValueError as error:
        errors = getattr(error, "errors", None)
        if errors is None:
            raise
        first = errors()[0]
        path = ".".join(str(part) for part in first["loc"])
        raise InputError("invalid_field", f"{first['msg']} - at `$.{path}`") from error
    return tuple(getattr(value, name) for name in names)
