"""The OpenAPI document against the routes that it describes."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import httpx
import msgspec
import pydantic
import pytest
from fastapi import FastAPI

from antiphon import Speech, Stream, echo
from antiphon.core.signaling import REFUSALS
from antiphon.transports.answers import Health, HttpOpened
from antiphon.transports.pages import PAGES
from antiphon.transports.routes import Routes
from tests.transports.serving import client_for, either_loop, offer, serving

PROTOCOL = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text()
METHODS = {"GET", "POST", "PUT", "DELETE", "PATCH"}

__all__ = ("either_loop",)


def all_routes(**options: Any) -> Stream:
    return Stream(echo, speech=True, **options)


async def fetch(stream: Stream) -> dict[str, Any]:
    """The document, as a client gets it from an ASGI server."""
    transport = httpx.ASGITransport(stream.asgi)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        response = await client.get("/openapi.json")
    assert response.status_code == 200, response.text
    return dict(response.json())


def listed(document: dict[str, Any]) -> set[tuple[str, str]]:
    return {(method.upper(), path) for path, item in document["paths"].items() for method in item}


def references(document: dict[str, Any]) -> set[str]:
    return set(re.findall(r'"\$ref": "#/components/schemas/([^"]+)"', json.dumps(document)))


async def test_every_path_of_the_document_is_served_by_these_methods_and_no_other() -> None:
    stream = all_routes()
    async with serving(stream) as port, client_for(port) as client:
        document = (await client.get("/openapi.json")).json()
        assert document["openapi"] == "3.1.1"
        for path, item in document["paths"].items():
            served = {method.upper() for method in item}
            # Of a call's own paths DELETE may mean a call with that id: `/http/a/send`.
            spared = {"DELETE"} if path.startswith("/http/{") else set[str]()
            for method in METHODS - spared | served:
                answer = await client.request(method, path.replace("{id}", "nobody"))
                known = answer.status_code != 405
                assert known == (method in served), (method, path, answer.text)
                if answer.status_code >= 400:
                    assert "not_found" not in answer.text, (method, path)


def test_every_route_that_frameworks_are_given_is_in_the_document() -> None:
    routes = Routes(all_routes().host)
    told = {(method, path) for method, path, _ in routes.operations}
    for pattern, methods in routes.patterns:
        if pattern == "/http/{rest:path}":
            of_calls = {method for method, path in told if path.startswith("/http/{id}")}
            assert of_calls == set(methods)
            continue
        for method in methods:
            assert (method, pattern) in told
    assert len({operation.name for _, _, operation in routes.operations}) == len(routes.operations)


async def test_a_stream_without_speech_tells_of_none() -> None:
    document = await fetch(Stream(echo))
    assert not [
        path for path in document["paths"] if path.startswith(("/speech", "/core", "/voice"))
    ]


async def test_the_protocol_page_and_the_document_name_the_same_paths() -> None:
    table = PROTOCOL[PROTOCOL.index("| Path |") : PROTOCOL.index("## What a client says")]
    cells = [line.split("|")[1] for line in table.splitlines()[2:] if line.startswith("|")]
    named = {path for cell in cells for path in re.findall(r"`(/[^`]*)`", cell)}
    stems = {path.removesuffix("...") for path in named if path.endswith("...")}
    paths = {path.removesuffix("_opus") for path in (await fetch(all_routes()))["paths"]}
    for stem in stems:
        assert any(path.startswith(stem) for path in paths), stem
    paths = {path for path in paths if not path.startswith(tuple(stems))}
    assert {path for path in named if not path.endswith("...")} | set(PAGES) == paths | set(PAGES)


async def test_all_references_lead_somewhere_and_nothing_is_there_twice() -> None:
    document = await fetch(all_routes(inputs=Nested))
    schemas = document["components"]["schemas"]
    found = references(document)
    assert found <= set(schemas)
    assert {"Start", "Refusal", "Inputs", "inputs.Point"} <= found
    described = [each for item in document["paths"].values() for each in item.values()]
    names = [each["operationId"] for each in described]
    assert len(set(names)) == len(names)
    answers = [answer for each in described for answer in each["responses"].values()]
    links = [link for answer in answers for link in answer.get("links", {}).values()]
    assert {link["operationId"] for link in links} <= set(names)
    assert len(links) == 5


async def test_refusals_are_told_by_status_with_their_names() -> None:
    offered = (await fetch(all_routes()))["paths"]["/http/offer"]["post"]["responses"]
    assert "`concurrency_limit_reached`" in offered["429"]["description"]
    assert "`connection_already_exists`" in offered["409"]["description"]
    known = {str(kind.status) for kind in REFUSALS.values()}
    assert set(offered) - {"201"} <= known


async def test_what_is_answered_is_of_the_documented_type() -> None:
    async with serving(all_routes()) as port, client_for(port) as client:
        health = await client.get("/health")
        assert msgspec.json.decode(health.content, type=Health) == Health("ok", 0)
        opened = await offer(client)
        answered = await client.post("/http/offer", json={"event": "start", "websocket_id": "b"})
        assert msgspec.json.decode(answered.content, type=HttpOpened).session_id == "b"
        assert opened.session_id == "a"


@pytest.mark.parametrize("required", [True, False])
async def test_the_token_is_asked_for_where_the_stream_requires_it(required: bool) -> None:
    paths = (await fetch(all_routes(require_token=required)))["paths"]
    assert "security" in paths["/http/{id}/send"]["post"]
    assert ("security" in paths["/input_hook"]["post"]) == required
    assert "security" not in paths["/health"]["get"]


class Point(msgspec.Struct):
    x: float


class Nested(msgspec.Struct):
    at: Point
    note: str = ""


@dataclass
class Plain:
    threshold: float
    name: str = "x"


class Fields(TypedDict):
    threshold: float
    name: NotRequired[str]


class Model(pydantic.BaseModel):
    webrtc_id: str
    threshold: float
    name: str = "x"


class Aliased(msgspec.Struct, rename="camel"):
    threshold: float
    display_name: str = ""


@pytest.mark.parametrize("declared", [Plain, Fields, Model])
async def test_typed_inputs_are_the_body_of_the_input_hook(declared: Any) -> None:
    schemas = (await fetch(Stream(echo, inputs=declared)))["components"]["schemas"]
    by_name, by_place = schemas["Inputs"]["anyOf"]
    assert set(by_name["properties"]) == {"webrtc_id", "threshold", "name"}
    assert by_name["required"] == ["webrtc_id", "threshold"]
    assert by_name["properties"]["threshold"]["type"] == "number"
    assert by_place["required"] == ["webrtc_id", "inputs"]


async def test_names_of_typed_inputs_are_those_of_the_wire() -> None:
    schemas = (await fetch(Stream(echo, inputs=Aliased)))["components"]["schemas"]
    assert "displayName" in schemas["Inputs"]["anyOf"][0]["properties"]


async def test_inputs_of_a_type_that_schemas_do_not_know_are_anything() -> None:
    class Own:
        pass

    class WithOwn(msgspec.Struct):
        own: Own

    schemas = (await fetch(Stream(echo, inputs=WithOwn)))["components"]["schemas"]
    assert schemas["Inputs"]["anyOf"][0]["required"] == ["webrtc_id"]


async def test_without_a_type_inputs_are_one_field() -> None:
    schemas = (await fetch(Stream(echo)))["components"]["schemas"]
    assert schemas["Inputs"]["required"] == ["webrtc_id", "inputs"]


@pytest.mark.parametrize("path", ["", "/voice"])
async def test_a_mounted_stream_tells_its_place_and_leaves_the_applications_own(path: str) -> None:
    app = FastAPI(title="theirs")
    Stream(echo, speech=Speech()).mount(app, path)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        theirs = (await client.get("/openapi.json")).json()
        assert theirs["info"]["title"] == "theirs"
        if path:
            ours = (await client.get(f"{path}/openapi.json")).json()
            assert ours["info"]["title"] == "antiphon"
            assert ours["servers"] == [{"url": "/voice"}]


async def test_our_own_server_and_asgi_serve_the_same_document() -> None:
    stream = all_routes(inputs=Plain)
    over_asgi = await fetch(stream)
    other = all_routes(inputs=Plain)
    async with serving(other) as port, client_for(port) as client:
        response = await client.get("/openapi.json")
    assert json.loads(response.content) == over_asgi
    assert listed(over_asgi)
