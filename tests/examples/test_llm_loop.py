"""The transcript holds what was heard."""

from collections.abc import AsyncIterator

import pytest

from antiphon import Output
from examples import llm_stand_in
from examples.llm_loop import sentences, shorten, stream
from examples.llm_stand_in import answer_to
from tests.examples.talking import talking
from tests.transports.asgi_servers import on_uvicorn


@pytest.fixture
async def model(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """The stand-in, on a free port."""
    async with on_uvicorn(llm_stand_in.app) as served:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{served.http}/v1")
        yield


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize("by", ["memory", "websocket"])
async def test_a_question_is_answered_sentence_by_sentence(by: str) -> None:
    async with talking(stream, by) as talker:
        await talker.say("Tell me something.")
        await talker.until_told("fetch_output")
        messages = (await stream.fetch_latest_output("one")).value
        assert [message["role"] for message in messages] == ["system", "user", "assistant"]
        assert messages[1]["content"].startswith("something of ")
        assert messages[2]["content"] == answer_to(messages[:2])
        await talker.until_heard(1.5)


@pytest.mark.usefixtures("model")
async def test_an_interrupted_answer_is_remembered_as_far_as_it_was_heard() -> None:
    async with talking(stream, "websocket") as talker:
        await talker.say("Tell me something.")
        await talker.until_heard(1.0)
        before = talker.speech
        await talker.say("Stop. I want something else, please.")
        await talker.until_told("fetch_output", times=2)
        outputs = [output async for output in _first(2)]
        cut, whole = outputs[0].value, outputs[1].value
        complete = answer_to(cut[:2])
        assert [message["role"] for message in cut] == ["system", "user", "assistant"]
        heard = cut[2]["content"]
        assert heard.endswith(" -")
        assert complete.startswith(heard.removesuffix("-"))
        assert 1 <= len(heard.split()) - 1 < len(complete.split())
        assert before >= 1.0
        assert whole[2] == cut[2]
        assert whole[4]["content"] == answer_to(whole[:4])
        assert heard in whole[4]["content"]


async def _first(count: int) -> AsyncIterator[Output]:
    async for output in stream.output_stream("one"):
        yield output
        count -= 1
        if not count:
            return


SPOKEN = [("One two three.", 300), ("Four five.", 100), ("Six.", 10)]


@pytest.mark.parametrize(
    ("heard", "text"),
    [
        (0, "-"),
        (99, "-"),
        (100, "One -"),
        (299, "One two -"),
        (300, "One two three. -"),
        (350, "One two three. Four -"),
        (400, "One two three. Four five. -"),
        (410, "One two three. Four five. Six."),
        (999, "One two three. Four five. Six."),
    ],
)
def test_a_transcript_is_cut_between_words(heard: int, text: str) -> None:
    assert shorten(SPOKEN, heard) == text


@pytest.mark.parametrize("size", [1, 2, 5, 100])
async def test_sentences_are_found_however_their_text_is_cut(size: int) -> None:
    text = "One two. Three? Four! and five"

    async def pieces() -> AsyncIterator[str]:
        for at in range(0, len(text), size):
            yield text[at : at + size]

    assert [each async for each in sentences(pieces())] == [
        "One two.",
        "Three?",
        "Four!",
        "and five",
    ]
