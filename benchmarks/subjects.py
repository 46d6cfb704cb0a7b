"""The servers that are measured: ours and its rivals, as commands to run."""

import importlib.util
import subprocess
import sys
import venv
from pathlib import Path

import msgspec

from .process import ROOT

__all__ = ("LOOPS", "Subject", "rivals", "subjects")

_FASTRTC = "fastrtc==0.0.34"
_FASTRTC_HOME = ROOT / ".artifacts" / "rivals" / "fastrtc"

LOOPS = ("asyncio", "uvloop")
rivals = ("wsproto", "fastrtc")


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """A server and how its sessions are ended."""

    name: str
    about: str
    command: tuple[str, ...]
    """Without the event loop, which is added by `--loop`."""
    stop_event: bool
    """Ends a call on `{"event":"stop"}`; others get a close frame."""
    env: dict[str, str] = {}

    def on(self, loop: str) -> tuple[str, ...]:
        """The command for one event loop."""
        return (*self.command, "--loop", loop)


def _antiphon() -> Subject:
    about = "`antiphon serve`, the native echo handler, 8 kHz both ways; frames go out as they came"
    return _served("antiphon", about, "stream")


def _anew() -> Subject:
    return _served("anew", "the same, with every frame made anew: decoded and encoded", "anew")


def _served(name: str, about: str, stream: str) -> Subject:
    serve = ("-m", "antiphon", "serve", f"benchmarks.servers.antiphon_echo:{stream}")
    where = ("--host", "127.0.0.1", "--port", "0", "--log-level", "warning")
    command = (sys.executable, *serve, *where)
    return Subject(name=name, about=about, command=command, stop_event=True)


def _wsproto() -> Subject:
    return Subject(
        name="wsproto",
        about="bare echo of the same bytes on wsproto events, no JSON, no audio, no session",
        command=(sys.executable, "-m", "benchmarks.servers.wsproto_echo"),
        stop_event=False,
    )


def _fastrtc() -> Subject:
    return Subject(
        name="fastrtc",
        about=f"{_FASTRTC}, asynchronous echo handler at 8 kHz under uvicorn",
        command=(str(fastrtc_python()), "-m", "benchmarks.servers.fastrtc_echo"),
        stop_event=True,
        env={"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_OFFLINE": "1"},
    )


def fastrtc_python() -> Path:
    """The interpreter of FastRTC's own environment, made on first use."""
    python = _FASTRTC_HOME / "bin" / "python"
    complete = _FASTRTC_HOME / ".complete"
    if not complete.exists():
        print(f"installing {_FASTRTC} into {_FASTRTC_HOME}: about 1 GB, a minute", file=sys.stderr)
        venv.create(_FASTRTC_HOME, with_pip=True)
        install = (python, "-m", "pip", "install", "--quiet", _FASTRTC, "uvicorn", "uvloop")
        subprocess.run(install, check=True)
        complete.touch()
    return python


_MAKERS = {"antiphon": _antiphon, "anew": _anew, "wsproto": _wsproto, "fastrtc": _fastrtc}


def subjects(rival: str | None, loops: list[str], variants: tuple[str, ...] = ()) -> list[Subject]:
    """Ours and variants of it, the bare echo, and the rival that was asked for. SystemExit if a
    loop is missing.
    """
    for loop in loops:
        if importlib.util.find_spec(loop) is None:
            sys.exit(f"{loop} is not installed: pip install 'antiphon[uvloop]'")
    names = ["antiphon", *variants, "wsproto"]
    if rival is not None and rival not in names:
        names.append(rival)
    return [_MAKERS[name]() for name in names]
