"""What `--help` shows to somebody who sees it for the first time."""

from collections.abc import Iterator

import pytest

from antiphon.cli.grammar import Command, read_grammar
from antiphon.cli.main import main, make_parser

GRAMMAR = read_grammar(make_parser())
COMMANDS = [(), *((command.name,) for command in GRAMMAR.commands)]
ACTIONS = [(one.name, each.name) for one in GRAMMAR.commands for each in one.commands]


def help_of(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> str:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as ended:
        main([*words, "--help"])
    assert ended.value.code == 0
    return capsys.readouterr().out


def options(command: Command) -> Iterator[tuple[str, str]]:
    for option in command.options:
        yield option.names[-1], option.about


@pytest.mark.parametrize("words", [*COMMANDS, *ACTIONS], ids=" ".join)
def test_help_fits_a_terminal_of_80_columns(
    words: tuple[str, ...],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = help_of(words, capsys, monkeypatch)
    assert [line for line in told.splitlines() if len(line) > 80] == []


@pytest.mark.parametrize(
    "words", [words for words in COMMANDS if words != ("models",)], ids=" ".join
)
def test_help_shows_examples(
    words: tuple[str, ...],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = help_of(words, capsys, monkeypatch)
    examples = told[told.index("\nexamples:\n") :]
    assert f"antiphon {' '.join(words)}".strip() in examples


@pytest.mark.parametrize("command", GRAMMAR.commands, ids=lambda command: command.name)
def test_every_option_is_explained(command: Command) -> None:
    assert [name for name, about in options(command) if not about] == []
