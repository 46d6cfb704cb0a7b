"""Completion in the shells themselves, with the script that the command prints."""

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from antiphon.cli.grammar import read_grammar
from antiphon.cli.main import main, make_parser

COMMANDS = {command.name for command in read_grammar(make_parser()).commands}


@pytest.fixture(name="script")
def make_script(
    request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Path:
    """The script for the shell that a test is about."""
    path = tmp_path / "completion"
    assert main(["completion", request.param]) == 0
    path.write_text(capsys.readouterr().out)
    return path


def shell(name: str, text: str, *, folder: Path) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    options = {"bash": ["--norc", "--noprofile"], "zsh": ["-f"], "fish": ["--no-config"]}[name]
    done = subprocess.run(
        [found, *options, "-c", text], cwd=folder, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return done.stdout


def completed_by_bash(script: Path, *words: str) -> set[str]:
    """What bash proposes in the place of the last of these words."""
    line = " ".join(shlex.quote(word) for word in words)
    return set(
        shell(
            "bash",
            f"source {script}; COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _antiphon;"
            ' printf "%s\\n" "${COMPREPLY[@]}"',
            folder=script.parent,
        ).splitlines()
    ) - {""}


@pytest.mark.parametrize("script", ["bash"], indirect=True)
def test_bash_knows_whom_to_ask(script: Path) -> None:
    told = shell("bash", f"source {script}; complete -p antiphon", folder=script.parent)
    assert told == "complete -F _antiphon antiphon\n"


@pytest.mark.parametrize("script", ["bash"], indirect=True)
@pytest.mark.parametrize(
    ("words", "proposed"),
    [
        (("",), COMMANDS | {"-h", "--help", "--version"}),
        (("se",), {"serve"}),
        (("serve", "--tls"), {"--tls-cert", "--tls-key"}),
        (("serve", "--modality", ""), {"audio", "video", "audio-video"}),
        (("call", "--encoding", "a"), {"alaw"}),
        (("call", "--seconds", ""), set[str]()),
        (("call", "--play", "a "), {"a song.wav"}),
        (("completion", ""), {"-h", "--help", "bash", "zsh", "fish"}),
        (("models", ""), {"-h", "--help", "list", "install", "remove"}),
        (("models", "install", ""), {"-h", "--help", "--wheel", "ge2e"}),
        (("models", "install", "ge2e", "--wheel", "a "), {"a song.wav"}),
        (("models", "remove", "g"), {"ge2e"}),
        (("call", "--id", "serve", "--enc"), {"--encoding"}),
        (("doctor", "--i"), {"--ice", "--ice-user", "--ice-password", "--insecure"}),
    ],
)
def test_bash_completes(script: Path, words: tuple[str, ...], proposed: set[str]) -> None:
    (script.parent / "a song.wav").touch()
    assert completed_by_bash(script, "antiphon", *words) == proposed


@pytest.mark.parametrize("script", ["zsh"], indirect=True)
def test_zsh_reads_its_script(script: Path) -> None:
    assert shell("zsh", f"zsh -n {script}", folder=script.parent) == ""


@pytest.mark.parametrize("script", ["fish"], indirect=True)
def test_fish_completes(script: Path) -> None:
    told = shell(
        "fish", f"source {script}; complete -C 'antiphon serve --modality '", folder=script.parent
    )
    assert {line.split("\t")[0] for line in told.splitlines()} == {"audio", "video", "audio-video"}


@pytest.mark.parametrize("script", ["fish"], indirect=True)
@pytest.mark.parametrize(
    ("line", "proposed"),
    [
        ("models ", {"list", "install", "remove"}),
        ("models install ", {"ge2e"}),
        ("models remove --", {"--help"}),
    ],
)
def test_fish_completes_actions(script: Path, line: str, proposed: set[str]) -> None:
    told = shell("fish", f"source {script}; complete -C 'antiphon {line}'", folder=script.parent)
    assert {each.split("\t")[0] for each in told.splitlines()} == proposed


@pytest.mark.parametrize("shell_name", ["bash", "zsh", "fish"])
def test_every_option_of_every_command_is_in_every_script(
    shell_name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["completion", shell_name]) == 0
    told = capsys.readouterr().out
    commands = read_grammar(make_parser()).commands
    for command in (*commands, *(each for one in commands for each in one.commands)):
        assert command.name in told
        for option in command.options:
            for name in option.names:
                assert (name if shell_name != "fish" else name.lstrip("-")) in told


def test_a_shell_that_is_not_known_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["completion", "tcsh"])
    assert ended.value.code == 2
    assert "bash" in capsys.readouterr().err
