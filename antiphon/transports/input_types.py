"""The types that an application declares for its inputs, and how JSON is read into them."""

import dataclasses
import typing
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import import_module
from typing import (
    Any,
    NotRequired,
    Protocol,
    Required,
    TypeGuard,
    get_origin,
    get_type_hints,
    is_typeddict,
)

import msgspec
import msgspec.inspect

__all__ = ("CALL_ID", "InputError", "InputType", "input_type")

CALL_ID = "webrtc_id"
MAX_TOLD = 10  # of the errors in one set of inputs; a long list may have one in every item


class InputError(ValueError):
    """Inputs that do not fit; `refusal` names how they are refused."""

    def __init__(self, refusal: str, detail: str) -> None:
        super().__init__(detail)
        self.refusal = refusal


class InputType(Protocol):
    """Reads JSON objects into a declared type."""

    keys: tuple[str, ...]
    """The names of the values as JSON has them, in declared order, without the call's id."""
    id_key: str | None
    """Under which name the type wants the call's id, if it does."""

    def read(self, fields: dict[str, Any]) -> tuple[Any, ...]:
        """The values in declared order; optional ones that were left out at the end are not among
        them. Raises InputError, which names the path of each field that is wrong.
        """
        ...

    def schema(self) -> dict[str, Any]:
        """The type as a JSON schema of an object, its properties in declared order and without the
        call's id; empty, which fits anything, for a type that no schema can describe.
        """
        ...


def input_type(declared: Any) -> InputType:
    """How inputs of this type are read: a msgspec Struct, a dataclass, a TypedDict, or a model or
    dataclass of pydantic. Raises TypeError for anything else.
    """
    if _is_class(declared):
        if hasattr(declared, "__pydantic_validator__"):
            return _Pydantic(declared)
        if (
            issubclass(declared, msgspec.Struct)
            or is_typeddict(declared)
            or dataclasses.is_dataclass(declared)
        ):
            return _Msgspec(declared)
    raise TypeError(
        "inputs are declared by a msgspec Struct, a dataclass, a TypedDict or a pydantic model,"
        f" not by {declared!r}"
    )


def _is_class(declared: Any) -> TypeGuard[type[Any]]:
    return isinstance(declared, type)


def _told(errors: Sequence[str]) -> InputError:
    more = [f"and {len(errors) - MAX_TOLD} more"] if len(errors) > MAX_TOLD else []
    return InputError("invalid_field", "; ".join([*errors[:MAX_TOLD], *more]))


class _Msgspec:
    """Structs, dataclasses and TypedDicts."""

    def __init__(self, declared: Any) -> None:
        info: Any = msgspec.inspect.type_info(declared)
        if getattr(info, "array_like", False):
            raise TypeError(f"inputs are declared by names: {declared!r} reads arrays")
        self._type = declared
        self._mapping = is_typeddict(declared)
        hints = get_type_hints(declared, include_extras=True)
        fields = list(info.fields)
        if self._mapping:  # msgspec sorts them by name
            fields.sort(key=lambda field: list(hints).index(field.name))
        wanted = [field for field in fields if field.encode_name != CALL_ID]
        self.keys: tuple[str, ...] = tuple(field.encode_name for field in wanted)
        self.id_key = CALL_ID if len(wanted) < len(fields) else None
        self._names = [field.name for field in wanted]
        self._required = {field.encode_name for field in wanted if field.required}
        self._hints = {field.encode_name: _bare(hints[field.name]) for field in wanted}

    def read(self, fields: dict[str, Any]) -> tuple[Any, ...]:
        try:
            value = msgspec.convert(fields, type=self._type, strict=True)
        except msgspec.ValidationError as error:
            raise _told(self._errors(fields) or [str(error)]) from error
        if self._mapping:
            return _without_tail(value, self._names)
        return tuple(getattr(value, name) for name in self._names)

    def schema(self) -> dict[str, Any]:
        return _schema(partial(msgspec.json.schema, self._type), self.keys)

    def _errors(self, fields: Mapping[str, Any]) -> list[str]:
        """One for each field that is wrong by itself: msgspec stops at the first."""
        errors: list[str] = []
        for key, hint in self._hints.items():
            if key in fields:
                try:
                    msgspec.convert(fields[key], type=hint, strict=True)
                except msgspec.ValidationError as error:
                    text, _, below = str(error).partition(" - at `$")
                    errors.append(f"{text} - at `$.{key}{below or '`'}")
            elif key in self._required:
                errors.append(f"Object missing required field - at `$.{key}`")
        return errors


def _bare(hint: Any) -> Any:
    """The type of a field, without what says whether a TypedDict must have it."""
    while get_origin(hint) in (Required, NotRequired, getattr(typing, "ReadOnly", Required)):
        (hint,) = typing.get_args(hint)
    return hint


def _without_tail(value: Mapping[str, Any], names: Sequence[str]) -> tuple[Any, ...]:
    """The values of a TypedDict: None for one that is left out before others, nothing at the end,
    so that none takes the place of another.
    """
    count = max((place for place, name in enumerate(names, 1) if name in value), default=0)
    return tuple(value.get(name) for name in names[:count])


class _Pydantic:
    """Models and dataclasses of pydantic, which need not be installed: it is not imported."""

    def __init__(self, declared: Any) -> None:
        fields: Mapping[str, Any] = getattr(declared, "__pydantic_fields__", None) or {}
        keys = {name: _alias(name, field) for name, field in fields.items()}
        ids = [key for name, key in keys.items() if CALL_ID in (name, key)]
        self.id_key = ids[0] if ids else None
        self._names = [name for name, key in keys.items() if key != self.id_key]
        self.keys: tuple[str, ...] = tuple(keys[name] for name in self._names)
        validator: Any = declared.__pydantic_validator__
        self._validate: Callable[[bytes], Any] = validator.validate_json
        self._describe: Callable[[], dict[str, Any]] = getattr(
            declared, "model_json_schema", partial(_dataclass_schema, declared)
        )

    def read(self, fields: dict[str, Any]) -> tuple[Any, ...]:
        try:
            # From JSON again, by whose rules strict models take texts for dates and the like.
            value = self._validate(msgspec.json.encode(fields))
        except ValueError as error:
            errors = getattr(error, "errors", None)
            if errors is None:
                raise
            found = errors(include_url=False, include_context=False, include_input=False)
            raise _told([f"{each['msg']} - at `{_path(each['loc'])}`" for each in found]) from error
        return tuple(getattr(value, name) for name in self._names)

    def schema(self) -> dict[str, Any]:
        return _schema(self._describe, self.keys)


def _dataclass_schema(declared: Any) -> dict[str, Any]:
    """A dataclass of pydantic's has no method for it; who has declared one has pydantic."""
    schema: dict[str, Any] = import_module("pydantic").TypeAdapter(declared).json_schema()
    return schema


def _schema(describe: Callable[[], dict[str, Any]], keys: Sequence[str]) -> dict[str, Any]:
    """What is described, its root in place, with these properties in this order."""
    try:
        whole = describe()
    except (TypeError, ValueError, RuntimeError):  # pydantic's own are RuntimeErrors
        return {}
    shared: dict[str, Any] = whole.pop("$defs", {})
    name = str(whole.get("$ref", "")).rpartition("/")[2]
    root = dict(shared[name]) if name else whole
    properties: dict[str, Any] = root.get("properties", {})
    root["properties"] = {key: properties[key] for key in keys if key in properties}
    root["required"] = [key for key in keys if key in root.get("required", ())]
    others = {key: value for key, value in shared.items() if key != name}
    if name and f'"#/$defs/{name}"'.encode() in msgspec.json.encode((root, others)):
        others = shared  # a type that holds itself
    return {**root, "$defs": others} if others else root


def _alias(name: str, field: Any) -> str:
    """What JSON calls a field."""
    for alias in (field.validation_alias, field.alias):
        for choice in (alias, *getattr(alias, "choices", ())):
            if isinstance(choice, str):
                return choice
    return name


def _path(location: Sequence[str | int]) -> str:
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
