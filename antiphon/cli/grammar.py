"""What a parser of argparse takes, as records: for scripts that complete its words."""

import argparse
from collections.abc import Iterator, Mapping
from typing import Any, cast

import msgspec

__all__ = ("Command", "Option", "read_grammar")

_FILES = ("FILE",)  # metavars of what is a file


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """One option with all its names."""

    names: tuple[str, ...]
    about: str
    value: str = ""
    """The name of its value in the help; empty when it takes none."""
    choices: tuple[str, ...] = ()
    file: bool = False
    """Whether its value is the name of a file."""


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """A command, or the program itself."""

    name: str
    about: str
    options: tuple[Option, ...]
    choices: tuple[str, ...] = ()
    """What its first argument may be, where that is known."""
    commands: tuple["Command", ...] = ()


def read_grammar(parser: argparse.ArgumentParser, about: str = "") -> Command:
    """What the parser takes, with its commands."""
    options: list[Option] = []
    choices: tuple[str, ...] = ()
    commands: tuple[Command, ...] = ()
    for action in _actions(parser):
        if isinstance(action, argparse._SubParsersAction):  # pyright: ignore[reportPrivateUsage]
            # argparse has no public way to the parsers of commands; it has been so since 2.7.
            commands = tuple(_commands(cast("Any", action)))
        elif action.option_strings:
            options.append(_option(action))
        elif action.choices is not None:
            choices = tuple(map(str, action.choices))
    return Command(
        name=parser.prog.rpartition(" ")[2],
        about=about,
        options=tuple(options),
        choices=choices,
        commands=commands,
    )


def _actions(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return parser._actions  # pyright: ignore[reportPrivateUsage]  # as above


def _commands(action: Any) -> Iterator[Command]:
    abouts: Mapping[str, str] = {
        choice.dest: choice.help or "" for choice in action._choices_actions
    }
    for name, parser in cast("Mapping[str, argparse.ArgumentParser]", action.choices).items():
        yield read_grammar(parser, abouts.get(name, ""))


def _option(action: argparse.Action) -> Option:
    taken = action.nargs != 0
    metavar = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    about = (action.help or "").replace("%(default)s", str(action.default))
    return Option(
        names=tuple(action.option_strings),
        about=about.replace("%(default)g", str(action.default)),
        value=metavar if taken else "",
        choices=tuple(map(str, action.choices)) if action.choices is not None else (),
        file=taken and metavar in _FILES,
    )
