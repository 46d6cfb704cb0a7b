"""`antiphon models install` and `remove`: what is downloaded, and only when a user asks for it."""

import argparse
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..core.errors import AntiphonError
from ..handlers.verify.ge2e_weights import (
    REQUIREMENT,
    ge2e_file,
    weights_in_wheel,
    write_weights,
)

__all__ = ("add_parsers",)

INSTALL = f"""\
ge2e: a speaker encoder of 2018, trained by Resemble AI on
LibriSpeech and VoxCeleb. pip downloads {REQUIREMENT} (16 MB, without
what it depends on) from the index that it is set up for. 3 MB of it are kept:
16-bit weights, with their licence (Apache 2.0). Nothing of the wheel is run.

Files are kept in antiphon's folder for a user's data; the variable
ANTIPHON_DATA names another.

exit status:
  0  installed
  1  the download failed, it is another file than expected, or it cannot be kept
  2  wrong usage
"""
NAMES = ("ge2e",)


class _InstallError(AntiphonError):
    """What a user can mend."""


def add_parsers(actions: Any) -> None:
    """Add both actions."""
    install: argparse.ArgumentParser = actions.add_parser(
        "install",
        help="download an engine's weights",
        description="Download the weights of an engine that is not part of this package.",
        epilog=INSTALL,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    install.add_argument("name", choices=NAMES, help="which")
    install.add_argument(
        "--wheel", type=Path, metavar="FILE", help=f"the wheel of {REQUIREMENT}, no download"
    )
    install.set_defaults(run=_install)
    remove: argparse.ArgumentParser = actions.add_parser(
        "remove",
        help="delete an engine's weights",
        description="Delete the weights that `antiphon models install` brought.",
    )
    remove.add_argument("name", choices=NAMES, help="which")
    remove.set_defaults(run=_remove)


def _install(arguments: argparse.Namespace) -> int:
    wheel: Path | None = arguments.wheel
    try:
        if wheel is None:
            with tempfile.TemporaryDirectory() as folder:
                return _write(_downloaded(Path(folder)))
        return _write(wheel)
    except (AntiphonError, ValueError, OSError) as error:
        return _failed("install", error)


def _remove(arguments: argparse.Namespace) -> int:
    try:
        path = ge2e_file()
        if not path.exists():
            raise FileNotFoundError(f"ge2e is not installed: there is no {path}")
        path.unlink()
    except (AntiphonError, OSError) as error:
        return _failed("remove", error)
    print(f"{path} is deleted")
    return 0


def _downloaded(folder: Path) -> Path:
    """The wheel, in `folder`. pip shows how far it is."""
    by_hand = (
        f"Where there is a network, `pip download --no-deps {REQUIREMENT}` brings the wheel;"
        " then: antiphon models install ge2e --wheel FILE"
    )
    if find_spec("pip") is None:
        raise _InstallError(f"this Python has no pip. {by_hand}")
    # -P: not a pip.py, or whatever pip imports, of the current folder. Only a wheel: pip would run
    # the program in a source archive to learn its name.
    command = [sys.executable, "-P", "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--disable-pip-version-check", "--dest", str(folder), REQUIREMENT]
    if subprocess.run(command, check=False, stdin=subprocess.DEVNULL).returncode:
        raise _InstallError(f"pip could not download {REQUIREMENT}. {by_hand}")
    wheel = next(folder.glob("*.whl"), None)
    if wheel is None:
        raise _InstallError(f"pip brought no wheel of {REQUIREMENT}. {by_hand}")
    return wheel


def _write(wheel: Path) -> int:
    weights, licence = weights_in_wheel(wheel)
    path = ge2e_file()
    write_weights(path, weights, licence)
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB, checked; `speaker_encoder` finds it there")
    return 0


def _failed(action: str, error: Exception) -> int:
    print(f"antiphon models {action}: {error}", file=sys.stderr)
    return 1
