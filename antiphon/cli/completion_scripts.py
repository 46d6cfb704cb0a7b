"""Scripts that complete a command in bash, zsh and fish, from its grammar. Pure text."""

import re
import shlex
from collections.abc import Callable, Iterator, Mapping

from .grammar import Command, Option

__all__ = ("SHELLS",)

_MOST = 72  # characters that are shown of what an option is about


def bash(program: Command) -> str:
    """For bash 3.2 (of macOS) and later."""
    function = f"_{program.name}"
    names = "|".join(command.name for command in program.commands)
    cases = [_bash_case("''", program), *(_bash_case(c.name, c) for c in program.commands)]
    return f"""\
# bash completion of {program.name}: made by `{program.name} completion bash`.
{function}() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}}
    local command='' words='' word
    local IFS=$' \\t\\n'
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        case $word in {names}) command=$word; break ;; esac
    done
    COMPREPLY=()
    case $command in
{chr(10).join(cases)}
    esac
    COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -F {function} {program.name}
"""


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
        f"        {each.name})\n            _arguments -s {' '.join(_zsh_words(each))} ;;"
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
    _arguments -C {" ".join(_zsh_words(program))} \\
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


def _zsh_words(command: Command) -> Iterator[str]:
    for option in command.options:
        about = re.sub(r"([\\[\]:])", r"\\\1", _short(option.about))
        value = ""
        if option.value:
            action = "_files" if option.file else f"({' '.join(option.choices)})"
            value = f":{option.value.split(':')[0].lower()}:{action if action != '()' else ' '}"
        for name in option.names:
            yield _zsh_quoted(f"{name}[{about}]{value}")
    if command.choices:
        yield _zsh_quoted(f"1:argument:({' '.join(command.choices)})")


def _zsh_quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def fish(program: Command) -> str:
    """For fish 3 and later."""
    lines = [f"# fish completion of {program.name}: made by `{program.name} completion fish`."]
    lines.append(f"complete -c {program.name} -f")
    begin = "__fish_use_subcommand"
    lines += [_fish_line(program.name, begin, option) for option in program.options]
    for command in program.commands:
        lines.append(
            f"complete -c {program.name} -n __fish_use_subcommand -a {command.name}"
            f" -d {_fish_quoted(_short(command.about))}"
        )
        seen = f"__fish_seen_subcommand_from {command.name}"
        lines += [_fish_line(program.name, seen, option) for option in command.options]
        if command.choices:
            words = _fish_quoted(" ".join(command.choices))
            lines.append(f"complete -c {program.name} -n '{seen}' -a {words}")
    return "\n".join(lines) + "\n"


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
