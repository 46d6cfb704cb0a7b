"""docs/conversation.md: its code runs as it stands, its table of options is that of the code."""

import re
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from antiphon import AlgoOptions, Stream, connect
from antiphon.core.audio.frames import Samples
from tests.core.loudness import loud, quiet

PAGE = (Path(__file__).parent.parent / "docs" / "conversation.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)


def block(with_text: str) -> dict[str, Any]:
    (found,) = [text for text in BLOCKS if with_text in text]
    names: dict[str, Any] = {"__name__": "page"}
    exec(compile(found, "conversation.md", "exec"), names)
    return names


@pytest.mark.parametrize("text", BLOCKS)
def test_every_block_runs_and_makes_a_stream(text: str) -> None:
    names: dict[str, Any] = {"__name__": "page"}
    exec(compile(text, "conversation.md", "exec"), names)
    assert isinstance(names["stream"], Stream)


async def test_the_first_agent_greets() -> None:
    async with connect(block("def greeting")["stream"], encoding="audio/pcm") as call:
        assert len(await anext(call.audio)) > 0


def test_the_first_agent_answers_backwards() -> None:
    sound: Samples = np.concatenate((loud(0.1), quiet(0.1))).reshape(1, -1)
    answered, outputs = block("def greeting")["answer"]((24000, sound))
    assert np.array_equal(answered[1], sound[:, ::-1])
    assert outputs.args == ({"seconds": sound.size / 24000},)


async def test_the_class_echoes_at_its_own_rate() -> None:
    names = block("class Echo")
    async with connect(names["stream"], encoding="audio/pcm", sample_rate=16000) as call:
        await call.send_audio((16000, np.full(320, 1000, np.int16)))
        assert (await anext(call.audio)).samples.tolist() == [1000] * 320


def test_the_options_are_those_of_the_code() -> None:
    section = PAGE[PAGE.index("## Turns\n") :]
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
