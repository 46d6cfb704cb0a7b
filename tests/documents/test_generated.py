"""What the documentation takes from the code is what the code says now."""

import json
import re
from typing import Any

import jsonschema
import pytest

from antiphon import Stream, echo
from antiphon.core.dialects.browser import decode_client, decode_server
from antiphon.core.messages import ClientMessage, ServerMessage, tag_of
from antiphon.core.states import TO_CLIENT, TO_SERVER, SessionState
from antiphon.transports.routes import WEBSOCKET, Routes
from tests.documents.pages import ROOT
from tests.npm import package
from tools.asyncapi import asyncapi
from tools.generate import GENERATED
from tools.message_types import field_rows
from tools.messages_page import SPEECH_FORMS, messages_page
from tools.state_diagram import diagram, moves
from tools.wire_examples import EXAMPLES, example_text

CLIENT: tuple[type[Any], ...] = ClientMessage.__args__
SERVER: tuple[type[Any], ...] = ServerMessage.__args__
EITHER = tuple(dict.fromkeys((*CLIENT, *SERVER)))
DOCUMENT = asyncapi()


def resolved(reference: str) -> Any:
    """What a reference inside the document points at; KeyError when nothing is there."""
    value: Any = DOCUMENT
    for key in reference.removeprefix("#/").split("/"):
        value = value[key]
    return value


def references() -> list[str]:
    """All of the document."""
    return re.findall(r'"\$ref": "([^"]+)"', json.dumps(DOCUMENT))


@pytest.mark.parametrize("name", GENERATED)
def test_a_generated_file_is_current(name: str) -> None:
    held = (ROOT / name).read_text(encoding="utf-8")
    assert held == GENERATED[name](), "run `python -m tools.generate`"


def test_every_message_type_has_an_example_that_travels() -> None:
    assert set(EXAMPLES) == set(EITHER)
    for message in CLIENT:
        assert decode_client(example_text(message).encode()) == EXAMPLES[message]
    for message in SERVER:
        assert decode_server(example_text(message).encode()) == EXAMPLES[message]


@pytest.mark.parametrize("message", EITHER, ids=lambda message: message.__name__)
def test_every_field_of_a_message_is_on_its_page(message: type[Any]) -> None:
    page = messages_page()
    for row in field_rows(message):
        assert f"| `{row.name}` | {row.kind} |" in page
    assert example_text(message) in page


def test_every_message_is_on_the_page_and_no_other() -> None:
    told = re.findall(r"^### (\w+) \{ #(\w+)-\w+ \}$", messages_page(), re.MULTILINE)
    wanted = [(tag_of(each), "client") for each in CLIENT]
    assert told == wanted + [(tag_of(each), "server") for each in SERVER]


def test_the_parameters_of_every_speech_endpoint_are_on_the_page() -> None:
    served = Routes(Stream(echo, speech=True).host).websocket_patterns
    assert set(SPEECH_FORMS) == set(served) - {WEBSOCKET}


def test_every_reference_in_the_asyncapi_document_leads_somewhere() -> None:
    found = references()
    assert len(found) > 40
    for reference in found:
        assert resolved(reference) is not None


def test_what_an_operation_names_is_a_message_of_its_channel() -> None:
    for operation in DOCUMENT["operations"].values():
        channel = operation["channel"]["$ref"]
        assert operation["action"] in ("send", "receive")
        for message in operation["messages"]:
            assert message["$ref"].startswith(f"{channel}/messages/")


def test_the_channels_are_paths_that_are_served() -> None:
    routes = Routes(Stream(echo).host)
    assert DOCUMENT["channels"]["call"]["address"] == WEBSOCKET
    paths = [path for path, _ in routes.patterns]
    assert "/http/{rest:path}" in paths
    assert DOCUMENT["channels"]["events"]["address"].startswith("/http/")


@pytest.mark.parametrize("name", list(DOCUMENT["components"]["messages"]))
def test_every_example_fits_its_schema_and_no_schema_takes_another(name: str) -> None:
    message = DOCUMENT["components"]["messages"][name]
    if name == "sound":
        assert "payload" not in message
        return
    schema = {**message["payload"], "components": DOCUMENT["components"]}
    validator: Any = jsonschema.Draft7Validator(schema)
    for example in message["examples"]:
        validator.validate(example["payload"])
    others: list[Any] = [{}, [], {"event": "nothing"}, {"type": "nothing"}]
    assert not any(validator.is_valid(other) for other in others)


@pytest.fixture(scope="module")
def official() -> Any:
    """The JSON Schema of AsyncAPI 3.0 by those who make it."""
    folder = package("@asyncapi/specs", "6.11.1")
    schema = json.loads((folder / "schemas/3.0.0.json").read_text(encoding="utf-8"))
    return jsonschema.Draft7Validator(schema)


def test_the_document_is_asyncapi(official: Any) -> None:
    official.validate(DOCUMENT)
    assert not official.is_valid({**DOCUMENT, "channels": {"call": {"adress": "/"}}})


def test_the_document_stands_in_the_file_as_it_is() -> None:
    assert json.loads((ROOT / "docs/asyncapi.json").read_text()) == DOCUMENT


def test_every_state_and_every_message_is_in_the_drawing() -> None:
    drawn = diagram()
    names = re.findall(r'class="name"[^>]*>(\w+)<', drawn)
    assert names == [state.value for state in SessionState]
    for speaker, rows in (("client", TO_SERVER), ("server", TO_CLIENT)):
        lines = " ".join(re.findall(rf'class="{speaker}"[^>]*>([^<]*)<', drawn))
        said = re.findall(r"\w+", lines.replace(f"{speaker}:", ""))
        wanted = [tag_of(message) for row in rows.values() for message in row]
        assert sorted(said) == sorted(wanted)


def test_no_move_leads_back() -> None:
    """The drawing has no place for one: its arrows go down."""
    order = list(SessionState)
    assert all(order.index(a) <= order.index(b) for a, b in moves())
