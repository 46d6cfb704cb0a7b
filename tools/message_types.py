"""What the reference tells of a message type: its fields, read from the type and its source."""

import ast
import inspect
import textwrap
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import inspect as types

__all__ = ("FieldRow", "field_rows", "summary")


class FieldRow(msgspec.Struct, frozen=True):
    """One line of a table of fields."""

    name: str
    """With the names of the objects that hold it: `media.payload`."""
    kind: str
    required: bool
    text: str


def summary(message_type: type[Any]) -> str:
    """What the type's docstring says, in one line."""
    return " ".join(inspect.cleandoc(message_type.__doc__ or "").split())


def field_rows(message_type: type[Any], prefix: str = "") -> Iterator[FieldRow]:
    """The fields of a message, the tag not among them; those of objects inside it follow theirs."""
    info = types.type_info(message_type)
    assert isinstance(info, types.StructType), "messages are structs"
    texts = _texts(message_type)
    for field in info.fields:
        name = prefix + field.encode_name
        yield FieldRow(name, _kind(field.type), field.required, texts.get(field.name, ""))
        for inner in _structs(field.type):
            yield from field_rows(inner, f"{name}.")


def _structs(kind: types.Type) -> tuple[type[Any], ...]:
    members = kind.types if isinstance(kind, types.UnionType) else (kind,)
    return tuple(member.cls for member in members if isinstance(member, types.StructType))


def _kind(kind: types.Type) -> str:
    match kind:
        case types.UnionType():
            return " or ".join(_kind(member) for member in kind.types)
        case types.StrType():
            return "text"
        case types.BytesType():
            return "base64"
        case types.IntType():
            return "integer"
        case types.FloatType():
            return "number"
        case types.NoneType():
            return "null"
        case types.DictType() | types.StructType():
            return "object"
        case types.AnyType():
            return "anything"
        case _:
            raise TypeError(f"the reference has no word for {kind!r}")


def _texts(message_type: type[Any]) -> dict[str, str]:
    """The texts that stand below the fields: no object holds them at run time."""
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(message_type))).body
    assert isinstance(body, ast.ClassDef)
    found: dict[str, str] = {}
    for field, below in zip(body.body, body.body[1:], strict=False):
        match field, below:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                found[name] = " ".join(text.split())
            case _:
                pass
    return found
