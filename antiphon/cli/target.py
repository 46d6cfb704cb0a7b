"""What `module:stream` on the command line names."""

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from ..stream import Stream

__all__ = ("load_stream",)


def load_stream(target: str) -> Stream:
    """The stream that a target names, with the current folder on the path. Raises ValueError and
    ImportError, which say what to write instead.
    """
    module_name, colon, name = target.partition(":")
    if not (colon and name) or module_name.endswith(".py") or not _is_module(module_name):
        raise ValueError(f"a target reads module:stream, not {target!r}{_meant(target)}")
    sys.path.insert(0, "")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name != module_name.partition(".")[0] and error.name != module_name:
            raise
        raise ImportError(f"{error.msg} in {Path.cwd()} or among what is installed") from error
    value: Any = module
    for part in name.split("."):
        if not hasattr(value, part):
            raise ValueError(f"{module_name} has no {name!r}{_others(module)}")
        value = getattr(value, part)
    if not isinstance(value, Stream):
        raise ValueError(
            f"{target} is a {type(value).__name__}, not an antiphon Stream{_others(module)}"
        )
    return value


def _is_module(name: str) -> bool:
    """Whether it is no path: importlib takes `./app` for a module beside that of the caller."""
    return "/" not in name and all(name.split("."))


def _meant(target: str) -> str:
    """A proposal, where a file shows what was meant."""
    path, _, name = target.partition(":")
    stem = str(Path(path.removesuffix(".py"))).strip("/").replace("/", ".")
    if stem and Path(f"{stem.replace('.', '/')}.py").is_file():
        return f"; did you mean {stem}:{name or 'stream'}?"
    return "; app:stream is `stream = Stream(...)` in app.py"


def _others(module: ModuleType) -> str:
    found = [name for name, value in vars(module).items() if isinstance(value, Stream)]
    if not found:
        return "; it has no Stream: write `stream = Stream(handler)` there"
    return f"; it has {', '.join(f'{module.__name__}:{name}' for name in found)}"
