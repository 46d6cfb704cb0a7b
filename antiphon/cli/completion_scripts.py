"""Scripts that complete a command in bash, zsh and fish, from its grammar. Pure text."""

import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from .grammar import Command, Option

__all__ = ("SHELLS",)

_MOST = 72  # characters that are shown of what an option is about


def bash(program: Command) -> str:
    """For bash 3.2 (of macOS) and later."""
    function = f"_{program.name}"
    paths = dict(_paths(program))
    names = "|".join(f"' {path}'" if " " not in path else f"'{path}'" for path in paths)
    cases = [_bash_case("''", program), *(_bash_case(f"'{p}'", c) for p, c in paths.items())]
    return f"""\
# bash completion of {program.name}: made by `{program.name} completion bash`.
{function}() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}}
    local command='' words='' word
    local IFS=$' \\t\\n'
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        case "$command $word" in {names}) command="${{command:+$command }}$word" ;; esac
    done
    COMPREPLY=()
    case $command in
{chr(10).join(cases)}
    esac
    COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -F {function} {program.name}
"""


def _paths(program: Command) -> Iterator[tuple[str, Command]]:
    """Commands by their names, actions by both names."""
    for command in program.commands:
        yield command.name, command
        for action in command.commands:
            yield f"{command.name} {action.name}", action


def _bash_case(pattern: str, command: Command) -> str:
    files = [name for option in command.options if option.file for name in option.names]
    values: list[str] = []
    if files:
        values.append(
            f"        {'|'.join(files)})\n"
            "            compopt -o filenames 2>/dev/null\n"
            "            IFS=$'\\n'\n"
            '            COMPREPLY=($(compgen -f -- "$current"))\n'
            "            return ;;"
        )
    for option in command.options:
        if option.choices:
            words = shlex.quote(" ".join(option.choices))
            values.append(
                f"        {'|'.join(option.names)})\n"
                f'            COMPREPLY=($(compgen -W {words} -- "$current"))\n'
                "            return ;;"
            )
    others = [
        name
        for option in command.options
        if option.value and not (option.file or option.choices)
        for name in option.names
    ]
    if others:
        values.append(f"        {'|'.join(others)}) return ;;")
    offered = [name for option in command.options for name in option.names]
    offered += [*command.choices, *(each.name for each in command.commands)]
    lines = [f"    {pattern})"]
    if values:
        lines += ["        case $before in", *values, "        esac"]
    lines.append(f"        words={shlex.quote(' '.join(offered))} ;;")
    return "\n".join(lines)


def zsh(program: Command) -> str:
    """For zsh's `_arguments`."""
    listed = " ".join(_zsh_quoted(f"{each.name}:{_short(each.about)}") for each in program.commands)
    cases = "\n".join(
        f"        {each.name})\n            _arguments -s {' '.join(_zsh_command(each))} ;;"
        for each in program.commands
    )
    return f"""\
#compdef {program.name}
# zsh completion of {program.name}: made by `{program.name} completion zsh`.
_{program.name}() {{
    local context state state_descr line
    local -a commands
    typeset -A opt_args
    commands=({listed})
    _arguments -C {" ".join(_zsh_words(program.options))} \\
        '1:command:->command' '*::argument:->argument'
    case $state in
    command) _describe command commands ;;
    argument)
        case $line[1] in
{cases}
        esac ;;
    esac
}}
if [[ $funcstack[1] == _{program.name} ]]; then
    _{program.name} "$@"
else
    compdef _{program.name} {program.name}
fi
"""


def _zsh_words(options: Iterable[Option]) -> Iterator[str]:
    for option in options:
        about = re.sub(r"([\\[\]:])", r"\\\1", _short(option.about))
        value = ""
        if option.value:
            action = "_files" if option.file else f"({' '.join(option.choices)})"
            value = f":{option.value.split(':')[0].lower()}:{action if action != '()' else ' '}"
        for name in option.names:
            yield _zsh_quoted(f"{name}[{about}]{value}")


def _zsh_command(command: Command) -> Iterator[str]:
    """With the options of its actions, which `_arguments` does not tell apart."""
    options = {each.names: each for one in (*command.commands, command) for each in one.options}
    yield from _zsh_words(options.values())
    for place, choices in enumerate(_places(command), 1):
        yield _zsh_quoted(f"{place}:argument:({' '.join(choices)})")


def _places(command: Command) -> Iterator[Sequence[str]]:
    """What each argument may be: an action, then what actions take."""
    if command.choices:
        yield command.choices
    elif any(action.choices for action in command.commands):
        yield [action.name for action in command.commands]
        yield sorted({each for action in command.commands for each in action.choices})


def _zsh_quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def fish(program: Command) -> str:
    """For fish 3 and later."""
    lines = [f"# fish completion of {program.name}: made by `{program.name} completion fish`."]
    lines.append(f"complete -c {program.name} -f")
    begin = "__fish_use_subcommand"
    lines += [_fish_line(program.name, begin, option) for option in program.options]
    lines += _fish_commands(program.name, begin, program.commands)
    for command in program.commands:
        seen = f"__fish_seen_subcommand_from {command.name}"
        names = " ".join(action.name for action in command.commands)
        none = f"{seen}; and not __fish_seen_subcommand_from {names}"
        lines += _fish_commands(program.name, none, command.commands)
        for action in command.commands:
            both = f"{seen}; and __fish_seen_subcommand_from {action.name}"
            lines += _fish_arguments(program.name, both, action)
        lines += _fish_arguments(program.name, seen if not names else none, command)
    return "\n".join(lines) + "\n"


def _fish_commands(program: str, condition: str, commands: Sequence[Command]) -> Iterator[str]:
    for command in commands:
        about = _fish_quoted(_short(command.about))
        yield f"complete -c {program} -n '{condition}' -a {command.name} -d {about}"


def _fish_arguments(program: str, condition: str, command: Command) -> Iterator[str]:
    for option in command.options:
        yield _fish_line(program, condition, option)
    if command.choices:
        words = _fish_quoted(" ".join(command.choices))
        yield f"complete -c {program} -n '{condition}' -a {words}"


def _fish_line(program: str, condition: str, option: Option) -> str:
    words = [f"complete -c {program} -n '{condition}'"]
    words += [
        f"{'-l' if name.startswith('--') else '-s'} {name.lstrip('-')}" for name in option.names
    ]
    if option.file:
        words.append("-r -F")
    elif option.choices:
        words.append(f"-x -a {_fish_quoted(' '.join(option.choices))}")
    elif option.value:
        words.append("-x")
    words.append(f"-d {_fish_quoted(_short(option.about))}")
    return " ".join(words)


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _short(about: str) -> str:
    """Its first part, without what is in brackets at the end."""
    text = re.split(r"; | \(", about, maxsplit=1)[0]
    return text if len(text) <= _MOST else f"{text[: _MOST - 3]}..."


SHELLS: Mapping[str, Callable[[Command], str]] = {"bash": bash, "zsh": zsh, "fish": fish}
"""The scripts by the names of their shells."""
