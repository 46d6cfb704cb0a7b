"""The OpenAPI 3.1 document of an application, made from its routes and the types that they read.

Which paths there are is the routes' to say; how they read stands in tables of `Operation`.
Schemas come from the records that the server decodes and encodes.
"""

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from importlib.metadata import version
from typing import Any, cast

import msgspec

from ..core.agreement import HIGHEST_WIRE_RATE, LOWEST_WIRE_RATE
from ..core.audio.codecs import ENCODINGS
from ..core.signaling import REFUSALS
from .input_types import CALL_ID as ID_FIELD
from .input_types import InputType
from .operations import CALL_ID, Answer, OneOf, Operation, Parameter, Schema

__all__ = ("document",)

_REF = "#/components/schemas/{name}"
_BASE64 = "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"
_INPUTS = "inputs."  # before the names of an application's types, which may be those of ours
_BY_ANY = ("forbidden_origin", "invalid_body", "internal_error")
"""What any route may be answered with, whatever is asked there."""
_TOKEN: Sequence[Mapping[str, Sequence[str]]] = [{"callToken": []}, {"callTokenInQuery": []}]
_SECURITY = {
    "callToken": {
        "type": "http",
        "scheme": "bearer",
        "description": "The token that the call was opened with.",
    },
    "callTokenInQuery": {
        "type": "apiKey",
        "in": "query",
        "name": "token",
        "description": "The same where no header can be set.",
    },
}
_ID_OR_NUMBER: Schema = {"anyOf": [CALL_ID, {"type": "number"}]}
_FAILURES: Mapping[str, Schema] = {
    "Refusal": {
        "description": "Why a request is refused.",
        "type": "object",
        "properties": {
            "status": {"const": "failed"},
            "meta": {
                "type": "object",
                "properties": {
                    "error": {"enum": list(REFUSALS)},
                    "limit": {"type": "integer"},
                    "detail": {"type": "string"},
                },
                "required": ["error"],
            },
        },
        "required": ["status", "meta"],
    },
    "SpeechError": {
        "description": "Why a request is refused.",
        "type": "object",
        "properties": {"error": {"type": "string"}},
        "required": ["error"],
    },
}


def document(
    operations: Iterable[tuple[str, str, Operation]],
    *,
    inputs: InputType | None,
    require_token: bool,
    root_path: str = "",
) -> dict[str, Any]:
    """The document of routes given as (method, path, operation).

    inputs: what the stream declares for `/input_hook`. root_path: where the routes are mounted.
    """
    listed = list(operations)
    paths: dict[str, dict[str, Any]] = {}
    for method, path, operation in listed:
        paths.setdefault(path, {})[method.lower()] = _operation(operation, require_token)
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "antiphon",
            "version": version("antiphon"),
            "summary": "Live voice and video sessions",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": root_path or "/"}],
        "tags": [{"name": name} for name in dict.fromkeys(each.tag for _, _, each in listed)],
        "paths": paths,
        "components": {
            "schemas": {**_components(listed), **_inputs(inputs), **_FAILURES},
            "securitySchemes": _SECURITY,
        },
    }


def _operation(operation: Operation, require_token: bool) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
    }
    if operation.description:
        told["description"] = operation.description
    if operation.parameters:
        told["parameters"] = [_parameter(each) for each in operation.parameters]
    if operation.bodies:
        content = {kind: {"schema": _schema(body)} for kind, body in operation.bodies}
        told["requestBody"] = {"required": operation.body_required, "content": content}
    told["responses"] = _answers(operation.answers) | _refusals(operation)
    if operation.token == "always" or (operation.token == "if required" and require_token):
        told["security"] = _TOKEN
    return told


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "description": parameter.description,
        "required": parameter.required,
        "schema": parameter.schema,
    }


def _answers(answers: Sequence[Answer]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for answer in answers:
        shown: dict[str, Any] = {"description": answer.description}
        if answer.body is not None:
            shown["content"] = {answer.media_type: {"schema": _schema(answer.body)}}
        if answer.headers:
            shown["headers"] = {
                name: {"description": text, "required": True, "schema": {"type": "string"}}
                for name, text in answer.headers
            }
        if answer.links:
            shown["links"] = {
                name: {"operationId": link.operation, "parameters": link.parameters}
                for name, link in answer.links
            }
        told[str(answer.status)] = shown
    return told


def _refusals(operation: Operation) -> dict[str, Any]:
    """By status; a status that is also an answer's keeps that."""
    by_status: dict[int, list[str]] = {}
    for name in dict.fromkeys((*operation.refusals, *_BY_ANY)):
        by_status.setdefault(REFUSALS[name].status, []).append(name)
    body = "SpeechError" if operation.plain_errors else "Refusal"
    told: dict[str, Any] = {}
    given = {answer.status for answer in operation.answers}
    for status, names in sorted(by_status.items()):
        if status in given:
            continue
        shown: dict[str, Any] = {
            "description": f"{HTTPStatus(status).phrase}: "
            + ", ".join(f"`{name}`" for name in names),
            "content": {"application/json": {"schema": {"$ref": _REF.format(name=body)}}},
        }
        told[str(status)] = shown
    return told


def _schema(body: Any) -> Any:
    """What stands for a body: a type, a schema, or several of which one is to fit."""
    if isinstance(body, Mapping):
        return cast("Schema", body)
    if isinstance(body, OneOf):
        return {"anyOf": [_schema(each) for each in body.bodies]}
    (schema,), _ = msgspec.json.schema_components([body], ref_template=_REF)
    return schema


def _types(body: Any) -> Iterable[Any]:
    if isinstance(body, OneOf):
        for each in body.bodies:
            yield from _types(each)
    elif body is not None and not isinstance(body, Mapping):
        yield body


def _components(operations: Iterable[tuple[str, str, Operation]]) -> dict[str, Any]:
    bodies = [
        body
        for _, _, operation in operations
        for body in (
            *(body for _, body in operation.bodies),
            *(answer.body for answer in operation.answers),
        )
    ]
    types = [each for body in bodies for each in _types(body)]
    _, components = msgspec.json.schema_components(types, ref_template=_REF)
    for name, schema in components.items():
        _refine(name, schema)
    return components


def _refine(name: str, schema: dict[str, Any]) -> None:
    """What the types do not say, because it is refused by another rule than theirs."""
    properties: dict[str, Any] = schema.get("properties", {})
    match name:
        case "Start":  # of the two names the first counts, and the other is not looked at
            named = {"required": ["websocket_id"], "properties": {"websocket_id": _ID_OR_NUMBER}}
            alias = {"required": [ID_FIELD], "properties": {ID_FIELD: _ID_OR_NUMBER}}
            schema["anyOf"] = [named, {**alias, "not": {"required": ["websocket_id"]}}]
        case "OfferBody" | "CandidateBody":
            properties[ID_FIELD] = _ID_OR_NUMBER
        case "MediaFormat":
            properties["encoding"] = {"enum": list(ENCODINGS)}
            rate = {"minimum": LOWEST_WIRE_RATE, "maximum": HIGHEST_WIRE_RATE}
            properties["sample_rate"] = properties["sample_rate"] | rate
        case "MediaBody":
            properties["payload"] = properties["payload"] | {"pattern": _BASE64}
        case _:
            pass


def _inputs(declared: InputType | None) -> dict[str, Any]:
    """The body of `/input_hook`, with the schemas that it refers to."""
    plain: dict[str, Any] = {
        "description": "A list gives positional values, anything else is one value.",
        "type": "object",
        "properties": {ID_FIELD: _ID_OR_NUMBER, "inputs": {}},
        "required": [ID_FIELD, "inputs"],
    }
    if declared is None:
        return {"Inputs": plain}
    schema, components = _parts(declared.schema())
    own = {
        "type": "object",
        **schema,
        "properties": {ID_FIELD: _ID_OR_NUMBER, **schema.get("properties", {})},
        "required": [ID_FIELD, *schema.get("required", ())],
    }
    by_place = {
        **plain,
        "description": "The same fields by place, from a list, or by name, from an object.",
        "additionalProperties": False,
    }
    if "inputs" in declared.keys:  # then it is a field like any other
        return {**components, "Inputs": own}
    return {**components, "Inputs": {"anyOf": [own, by_place]}}


def _parts(schema: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A schema, and those that it holds as its own, as components."""
    text = msgspec.json.encode(schema).replace(b'"#/$defs/', f'"{_REF[:-6]}{_INPUTS}'.encode())
    moved: dict[str, Any] = msgspec.json.decode(text)
    shared: dict[str, Any] = moved.pop("$defs", {})
    return moved, {f"{_INPUTS}{name}": value for name, value in shared.items()}
