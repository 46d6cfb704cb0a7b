"""The types that inputs are declared by, and what is said of those that do not fit."""

import json
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any, ClassVar, NotRequired, TypedDict

import msgspec
import pydantic
import pydantic.dataclasses
import pytest
from msgspec import Meta
from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from antiphon import Stream, echo
from antiphon.transports.input_types import InputError, input_type
from antiphon.transports.inputs import read_inputs

Share = Annotated[float, Meta(ge=0, le=1)]


class AsStruct(msgspec.Struct):
    """The documents' example as a Struct."""

    conf_threshold: Share
    prompt: str = "none"


@dataclass
class AsDataclass:
    """As a dataclass."""

    conf_threshold: Share
    prompt: str = "none"


class AsTypedDict(TypedDict):
    """As a TypedDict, its fields not in the order of the alphabet."""

    conf_threshold: Share
    prompt: NotRequired[str]


class AsModel(BaseModel):
    """As the documents have it: with the id among the fields."""

    webrtc_id: str
    conf_threshold: float = Field(ge=0, le=1)
    prompt: str = "none"


@pydantic.dataclasses.dataclass
class AsPydanticDataclass:
    """As a dataclass of pydantic's own."""

    conf_threshold: float = Field(ge=0, le=1)
    prompt: str = "none"


ALL = [AsStruct, AsDataclass, AsTypedDict, AsModel, AsPydanticDataclass]


def read(declared: Any, text: bytes | None = None, **fields: Any) -> tuple[Any, ...]:
    """The values of a body."""
    body = text or json.dumps({"webrtc_id": "one", **fields}).encode()
    call_id, values = read_inputs(body, input_type(declared))
    assert call_id == "one"
    return values


def refused(declared: Any, text: bytes | None = None, **fields: Any) -> tuple[str, str]:
    """How a body is refused, and the detail."""
    with pytest.raises(InputError) as caught:
        read(declared, text, **fields)
    return caught.value.refusal, str(caught.value)


@pytest.mark.parametrize("declared", ALL)
def test_the_fields_are_the_values_in_declared_order(declared: Any) -> None:
    assert read(declared, prompt="p", conf_threshold=0.5) == (0.5, "p")
    assert read(declared, conf_threshold=1) in ((1.0, "none"), (1.0,))
    assert read(declared, inputs={"conf_threshold": 0.5, "prompt": "p"}) == (0.5, "p")
    assert read(declared, inputs=[0.5, "p"]) == (0.5, "p")


@pytest.mark.parametrize("declared", ALL)
@pytest.mark.parametrize(
    ("fields", "paths"),
    [
        ({"conf_threshold": 1.5}, ["$.conf_threshold"]),
        ({"conf_threshold": -0.1}, ["$.conf_threshold"]),
        ({"conf_threshold": None}, ["$.conf_threshold"]),
        ({"conf_threshold": "high"}, ["$.conf_threshold"]),
        ({}, ["$.conf_threshold"]),
        ({"conf_threshold": 0.5, "prompt": 5}, ["$.prompt"]),
        ({"conf_threshold": 2, "prompt": 5}, ["$.conf_threshold", "$.prompt"]),
        ({"prompt": []}, ["$.conf_threshold", "$.prompt"]),
    ],
)
def test_every_field_that_is_wrong_is_named_by_its_path(
    declared: Any, fields: dict[str, Any], paths: list[str]
) -> None:
    refusal, detail = refused(declared, **fields)
    assert refusal == "invalid_field"
    assert [part.partition(" - at ")[2] for part in detail.split("; ")] == [f"`{p}`" for p in paths]


@pytest.mark.parametrize("declared", [*ALL, None])
@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        (b'{"webrtc_id": "one", "conf_threshold": NaN}', "invalid_body"),
        (b'{"webrtc_id": "one", "conf_threshold": Infinity}', "invalid_body"),
        (b'{"webrtc_id": "one", "conf_threshold": -Infinity}', "invalid_body"),
        (b'{"webrtc_id": "one", "conf_threshold": 1e999}', "invalid_field"),
        (b'{"webrtc_id": "one", "inputs": ' + b"[" * 65 + b"]" * 65 + b"}", "invalid_body"),
        (b'{"webrtc_id": "one", "inputs": ' + b"[" * 9999 + b"]" * 9999 + b"}", "invalid_body"),
        (b'{"webrtc_id": "one"', "invalid_body"),
        (b'"one"', "invalid_field"),
        (b"null", "invalid_field"),
        (b'{"conf_threshold": 0.5, "inputs": []}', "invalid_field"),
        (b'{"webrtc_id": true, "conf_threshold": 0.5, "inputs": []}', "invalid_field"),
        (b'{"webrtc_id": "\\u00fc", "conf_threshold": 0.5, "inputs": []}', "invalid_field"),
    ],
)
def test_what_json_does_not_know_never_reaches_a_handler(
    declared: Any, text: bytes, refusal: str
) -> None:
    with pytest.raises(InputError) as caught:
        read_inputs(text, None if declared is None else input_type(declared))
    assert caught.value.refusal == refusal


class Inner(msgspec.Struct):
    """A field with fields."""

    low: Share
    names: list[str]


class Renamed(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """Other names in JSON, and no others than these."""

    version: ClassVar[int] = 1
    max_share: Share
    in_ner: Inner | None = None


def test_a_struct_is_read_by_its_names_in_json() -> None:
    assert read(Renamed, maxShare=0.5, inNer={"low": 0, "names": ["a"]}) == (
        0.5,
        Inner(0.0, ["a"]),
    )
    _, detail = refused(Renamed, maxShare=7, inNer={"low": 0, "names": ["a", 5]})
    assert detail == (
        "Expected `float` <= 1.0 - at `$.maxShare`; Expected `str`, got `int` - at"
        " `$.inNer.names[1]`"
    )
    assert refused(Renamed, maxShare=1, other=2)[1] == "Object contains unknown field `other`"


@dataclass
class Rich:
    """More than its fields."""

    kind: ClassVar[str] = "rich"
    day: date
    tags: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        if "bad" in self.tags:
            raise ValueError("bad tags are not taken")


def test_a_dataclass_gives_its_fields_and_is_checked_by_its_own_code() -> None:
    assert read(Rich, day="2026-01-02") == (date(2026, 1, 2), [])
    assert refused(Rich, day="2026-01-02", tags=["bad"])[1] == "bad tags are not taken"
    assert refused(Rich, day="soon")[1].endswith("at `$.day`")


class Loose(TypedDict, total=False):
    """Nothing has to be there."""

    zoom: int
    angle: int
    label: str


@pytest.mark.parametrize(
    ("fields", "values"),
    [
        ({}, ()),
        ({"zoom": 1}, (1,)),
        ({"angle": 2}, (None, 2)),
        ({"label": "x", "zoom": 1}, (1, None, "x")),
    ],
)
def test_no_value_takes_the_place_of_one_that_was_left_out(
    fields: dict[str, Any], values: tuple[Any, ...]
) -> None:
    assert read(Loose, **fields) == values


class Aliased(BaseModel):
    """Other names in JSON, one of them for the id, and no others than these."""

    model_config = ConfigDict(extra="forbid", strict=True)

    call: str = Field(alias="webrtc_id")
    day: date = Field(alias="onDay")
    box: "Box | None" = None
    size: int = Field(default=1, validation_alias=AliasChoices("size", "length"))

    @pydantic.field_validator("size")
    @classmethod
    def _is_even(cls, size: int) -> int:
        if size % 2:
            raise ValueError("odd sizes are not taken")
        return size

    @pydantic.model_validator(mode="after")
    def _fits(self) -> "Aliased":
        if self.call == "one" and self.size == 66:
            raise ValueError("not 66 for one")
        return self


class Box(BaseModel):
    """A field with fields."""

    corners: list[int] = Field(max_length=3)


def test_a_model_is_read_by_its_aliases_and_checked_by_its_own_code() -> None:
    assert read(Aliased, onDay="2026-01-02", length=4) == (date(2026, 1, 2), None, 4)
    assert read(Aliased, inputs=["2026-01-02", {"corners": [1]}, 4]) == (
        date(2026, 1, 2),
        Box(corners=[1]),
        4,
    )
    told = refused(Aliased, onDay="soon", box={"corners": [1, "x"]}, size=3, more=1)[1].split("; ")
    assert [part.partition(" - at ")[2] for part in told] == [
        "`$.onDay`",
        "`$.box.corners[1]`",
        "`$.size`",
        "`$.more`",
    ]
    assert "odd sizes are not taken" in told[2]
    assert refused(Aliased, onDay="2026-01-02", size=66)[1] == (
        "Value error, not 66 for one - at `$`"
    )


class Many(BaseModel):
    """A field that may be wrong in many places."""

    numbers: list[int]


def test_a_thousand_mistakes_are_not_told_one_by_one() -> None:
    detail = refused(Many, numbers=["x" * 1000] * 1000)[1]
    assert detail.endswith("at `$.numbers[9]`; and 990 more")
    assert len(detail) < 2000


class Broken(BaseModel):
    """Its own code fails, which is no mistake of the client."""

    size: int

    @pydantic.field_validator("size")
    @classmethod
    def _fails(cls, size: int) -> int:
        raise ZeroDivisionError("a defect")


def test_a_defect_of_a_validator_is_not_blamed_on_the_client() -> None:
    with pytest.raises(ZeroDivisionError):
        read(Broken, size=1)


class Rows(msgspec.Struct, array_like=True):
    """Has no names in JSON."""

    size: int


@pytest.mark.parametrize(
    "declared", [int, list[int], "AsModel", AsStruct(0.5), dict, Rows, object()]
)
def test_other_types_are_refused_when_the_stream_is_made(declared: Any) -> None:
    with pytest.raises(TypeError, match="inputs are declared by"):
        Stream(echo, inputs=declared)
