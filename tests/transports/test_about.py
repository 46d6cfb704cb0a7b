"""What `/about.json` tells, on our own server and below a mount path."""

import dataclasses
from datetime import date
from typing import Annotated, Any, NotRequired, TypedDict

import httpx
import msgspec
import pydantic
import pytest
from fastapi import FastAPI
from msgspec import Meta

from antiphon import Speech, Stream, echo
from antiphon.transports.about import About, about
from antiphon.transports.input_types import input_type
from tests.transports.serving import client_for, serving

Share = Annotated[float, Meta(ge=0, le=1)]


class Box(msgspec.Struct):
    """A field with fields, and perhaps another like it."""

    width: int
    inner: "Box | None" = None


class AsStruct(msgspec.Struct):
    """Named otherwise in JSON, and with the id of the call."""

    webrtc_id: str
    share: Share = msgspec.field(name="theShare")
    box: Box | None = None


class AsTypedDict(TypedDict):
    """Not in the order of the alphabet."""

    zoom: int
    angle: NotRequired[int]


@dataclasses.dataclass
class AsDataclass:
    """With a default."""

    day: date
    label: str = "none"


class AsModel(pydantic.BaseModel):
    """The id under another name."""

    call: str = pydantic.Field(alias="webrtc_id")
    share: float = pydantic.Field(ge=0, le=1, description="of all")


@pydantic.dataclasses.dataclass
class AsPydanticDataclass:
    """A dataclass of pydantic's own."""

    share: float = pydantic.Field(ge=0, le=1)


class Odd:
    """No schema can tell what this is."""


class Undescribed(msgspec.Struct):
    """Read by a hook, say."""

    odd: Odd


class UndescribedModel(pydantic.BaseModel):
    """As a model."""

    model_config = pydantic.ConfigDict(arbitrary_types_allowed=True)
    odd: Odd


SHARE = {"type": "number", "minimum": 0, "maximum": 1}


@pytest.mark.parametrize(
    ("declared", "properties", "required"),
    [
        (AsTypedDict, {"zoom": {"type": "integer"}, "angle": {"type": "integer"}}, ["zoom"]),
        (
            AsDataclass,
            {
                "day": {"type": "string", "format": "date"},
                "label": {"type": "string", "default": "none"},
            },
            ["day"],
        ),
        (AsModel, {"share": {**SHARE, "title": "Share", "description": "of all"}}, ["share"]),
        (AsPydanticDataclass, {"share": {**SHARE, "title": "Share"}}, ["share"]),
    ],
)
def test_inputs_are_a_schema_without_the_id_and_in_declared_order(
    declared: Any, properties: dict[str, Any], required: list[str]
) -> None:
    schema = input_type(declared).schema()
    assert schema["type"] == "object"
    assert list(schema["properties"].items()) == list(properties.items())
    assert schema["required"] == required
    assert "$defs" not in schema


def test_a_struct_within_the_inputs_stays_a_definition() -> None:
    schema = input_type(AsStruct).schema()
    assert list(schema["properties"]) == ["theShare", "box"]
    assert schema["required"] == ["theShare"]
    assert list(schema["$defs"]) == ["Box"]
    assert schema["$defs"]["Box"]["required"] == ["width"]


def test_a_type_that_holds_itself_is_also_its_own_definition() -> None:
    schema = input_type(Box).schema()
    assert list(schema["properties"]) == ["width", "inner"]
    assert list(schema["$defs"]) == ["Box"]


@pytest.mark.parametrize("declared", [Undescribed, UndescribedModel])
def test_what_no_schema_describes_may_be_anything(declared: Any) -> None:
    assert input_type(declared).schema() == {}


def told(stream: Stream, *, webrtc: bool = True) -> About:
    return about(stream.host.settings, webrtc=webrtc)


def test_only_sound_alone_travels_without_webrtc() -> None:
    assert told(Stream(echo)).transports == ("webrtc", "websocket", "http")
    assert told(Stream(echo, modality="audio-video")).transports == ("webrtc",)
    assert told(Stream(echo), webrtc=False).transports == ("websocket", "http")


def test_what_is_switched_off_and_what_has_no_limit_is_told() -> None:
    stream = Stream(
        echo,
        concurrency_limit=None,
        speech=Speech(endpoint=False, verification=False, voice_activity="compact"),
    )
    body = msgspec.to_builtins(told(stream))
    assert body["limits"] == {"time_limit": None, "concurrency_limit": None}
    assert body["speech"] == {
        "endpoint": False,
        "summary": True,
        "verification": False,
        "voice_activity": "compact",
        "speaker_encoder": None,
    }


async def test_it_is_served_to_pages_as_the_console_is() -> None:
    stream = Stream(echo, mode="send", time_limit=60, speech=True, inputs=AsTypedDict)
    async with serving(stream) as port, client_for(port) as client:
        answer = await client.get("/about.json")
        assert answer.headers["content-type"] == "application/json"
        assert msgspec.json.decode(answer.content, type=About) == told(stream)
        assert (await client.post("/about.json")).status_code == 405
        foreign = {"origin": "https://elsewhere.test"}
        statuses = {
            (await client.get(path, headers=foreign)).status_code for path in ("/", "/about.json")
        }
        assert statuses == {403}


async def test_it_is_served_below_the_path_of_a_mounted_stream() -> None:
    app = FastAPI()
    Stream(echo, modality="video").mount(app, "/voice")
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        body = (await client.get("/voice/about.json")).json()
    assert (body["modality"], body["mode"], body["inputs"]) == ("video", "send-receive", None)
