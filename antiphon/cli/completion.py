"""`antiphon completion`: a script that completes this command in a shell."""

import argparse
from typing import Any

from .completion_scripts import SHELLS
from .grammar import read_grammar

__all__ = ("add_parser",)

EPILOG = """\
examples:
  eval "$(antiphon completion bash)"      for this shell alone
  antiphon completion bash \\
      > ~/.local/share/bash-completion/completions/antiphon
  antiphon completion zsh > ~/.zfunc/_antiphon
      with `fpath+=~/.zfunc` before `compinit` in ~/.zshrc
  antiphon completion fish > ~/.config/fish/completions/antiphon.fish

The script is made from the options that this version has: make it anew after an
upgrade.
"""


def add_parser(commands: Any, parser: argparse.ArgumentParser) -> None:
    """Add this command. `parser`: that of the program, whose commands are completed."""
    own: argparse.ArgumentParser = commands.add_parser(
        "completion",
        help="print a script that completes this command in your shell",
        description="Print a script that completes commands, options, choices and files.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    own.add_argument("shell", choices=tuple(SHELLS), help="whose language it is written in")

    def run(arguments: argparse.Namespace) -> int:
        print(SHELLS[arguments.shell](read_grammar(parser)), end="")
        return 0

    own.set_defaults(run=run)
