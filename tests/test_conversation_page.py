"""docs/conversation.md: its code does what it says, its table of options is that of the code."""

import re
from typing import Any

import msgspec
import numpy as np

from antiphon import AlgoOptions, Stream, connect
from antiphon.core.audio.frames import Samples
from tests.core.loudness import loud, quiet
from tests.documents.pages import page

PAGE = page("docs/conversation.md")


async def block(with_text: str) -> dict[str, Any]:
    """The names of the first block that holds a text, run by itself."""
    found = next(block for block in PAGE.of("python") if with_text in block.code)
    names: dict[str, Any] = {"__name__": "page"}
    await found.run(names)
    return names


async def test_every_block_makes_a_stream_by_itself() -> None:
    for each in PAGE.of("python"):
        names: dict[str, Any] = {"__name__": "page"}
        await each.run(names)
        assert isinstance(names["stream"], Stream), each.id


async def test_the_first_agent_greets() -> None:
    async with connect((await block("def greeting"))["stream"], encoding="audio/pcm") as call:
        assert len(await anext(call.audio)) > 0


async def test_the_first_agent_answers_backwards() -> None:
    sound: Samples = np.concatenate((loud(0.1), quiet(0.1))).reshape(1, -1)
    answered, outputs = (await block("def greeting"))["answer"]((24000, sound))
    assert np.array_equal(answered[1], sound[:, ::-1])
    assert outputs.args == ({"seconds": sound.size / 24000},)


async def test_the_class_echoes_at_its_own_rate() -> None:
    names = await block("class Echo")
    async with connect(names["stream"], encoding="audio/pcm", sample_rate=16000) as call:
        await call.send_audio((16000, np.full(320, 1000, np.int16)))
        assert (await anext(call.audio)).samples.tolist() == [1000] * 320


def test_the_options_are_those_of_the_code() -> None:
    section = PAGE.text[PAGE.text.index("## Turns\n") :]
    table = re.search(r"(?:^\|.*\n)+", section, re.MULTILINE)
    assert table is not None
    shown: dict[str, str] = {}
    for line in table[0].splitlines()[2:]:
        name, default, _ = (cell.strip().strip("`") for cell in line.strip("|").split("|", 2))
        shown[name] = default
    options = AlgoOptions()
    told = {field.name: getattr(options, field.name) for field in msgspec.structs.fields(options)}
    told["max_continuous_speech_s"] = "none"
    told["interrupt_on"] = f'"{options.interrupt_on}"'
    assert shown == {name: str(value) for name, value in told.items()}
