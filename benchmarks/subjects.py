"""The servers that are measured: ours and its rivals, as commands to run."""

import importlib.util
import subprocess
import sys
import venv
from pathlib import Path

import msgspec

from .process import ROOT

__all__ = (
    "LOOPS",
    "Subject",
    "conversing",
    "idle_subjects",
    "rivals",
    "subjects",
    "webrtc_rivals",
    "webrtc_subjects",
)

_FASTRTC = "fastrtc==0.0.34"
_FASTRTC_HOME = ROOT / ".artifacts" / "rivals" / "fastrtc"

LOOPS = ("asyncio", "uvloop")
rivals = ("wsproto", "fastrtc")
webrtc_rivals = ("aiortc", "fastrtc")


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


def _served(name: str, about: str, stream: str, module: str = "antiphon_echo") -> Subject:
    serve = ("-m", "antiphon", "serve", f"benchmarks.servers.{module}:{stream}")
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
    return _fastrtc_at("at 8 kHz", "--rate", "8000")


def _fastrtc_at(rates: str, *arguments: str) -> Subject:
    about = f"asynchronous echo handler {rates}"
    return _fastrtc_served("fastrtc", about, "fastrtc_echo", *arguments)


def _fastrtc_served(name: str, about: str, module: str, *arguments: str) -> Subject:
    return Subject(
        name=name,
        about=f"{_FASTRTC}, {about} under uvicorn",
        command=(str(fastrtc_python()), "-m", f"benchmarks.servers.{module}", *arguments),
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


def _antiphon_webrtc() -> Subject:
    about = "`antiphon serve`, the native echo handler at its default rates"
    return _served("antiphon", about, "webrtc")


def _anew_webrtc() -> Subject:
    return _served("anew", "the same, with every frame made anew from its samples", "webrtc_anew")


def _aiortc() -> Subject:
    return Subject(
        name="aiortc",
        about="bare echo on aiortc: the received track is the sent one, no handler",
        command=(sys.executable, "-m", "benchmarks.servers.aiortc_echo"),
        stop_event=False,
    )


def _fastrtc_webrtc() -> Subject:
    return _fastrtc_at("at its default rates (48 kHz in, 24 kHz out)")


def conversing(name: str, reply: str, rate: int = 24_000) -> Subject:
    """ReplyOnPause with its defaults: ours with the engine of that name, or "fastrtc". `reply` is
    one of `servers.replies`, or "head".
    """
    settings = {"TURNS_REPLY": reply, "TURNS_RATE": str(rate)}
    if name == "fastrtc":
        rival = _fastrtc()
        server = (str(fastrtc_python()), "-m", "benchmarks.servers.fastrtc_turns")
        about = f"{_FASTRTC}, ReplyOnPause under uvicorn, loudness in the place of its network"
        env = {**rival.env, **settings}
        return Subject(name=name, about=about, command=server, stop_event=True, env=env)
    serve = ("-m", "antiphon", "serve", "benchmarks.servers.antiphon_turns:stream")
    where = ("--host", "127.0.0.1", "--port", "0", "--log-level", "warning")
    return Subject(
        name=name,
        about=f"`antiphon serve`, ReplyOnPause with {name}",
        command=(sys.executable, *serve, *where),
        stop_event=True,
        env={"TURNS_VAD": name, **settings},
    )


_MAKERS = {"antiphon": _antiphon, "anew": _anew, "wsproto": _wsproto, "fastrtc": _fastrtc}
_WEBRTC_MAKERS = {
    "antiphon": _antiphon_webrtc,
    "anew": _anew_webrtc,
    "aiortc": _aiortc,
    "fastrtc": _fastrtc_webrtc,
}


def subjects(rival: str | None, loops: list[str], variants: tuple[str, ...] = ()) -> list[Subject]:
    """Ours and variants of it, the bare echo, and the rival that was asked for. SystemExit if a
    loop is missing.
    """
    _check_loops(loops)
    names = ["antiphon", *variants, "wsproto"]
    if rival is not None and rival not in names:
        names.append(rival)
    return [_MAKERS[name]() for name in names]


def webrtc_subjects(rivals: list[str], loops: list[str]) -> list[Subject]:
    """Ours, a variant of it and these rivals, over WebRTC. SystemExit if a loop is missing."""
    _check_loops(loops)
    return [_WEBRTC_MAKERS[name]() for name in ("antiphon", "anew", *rivals)]


def idle_subjects(*, rival: bool) -> list[Subject]:
    """Our classic handlers with nothing to say, and FastRTC's if it was asked for."""
    blocks, waits = "StreamHandler whose emit returns None", "AsyncStreamHandler whose emit waits"
    found = [
        _served("antiphon sync", blocks, "sync", "antiphon_idle"),
        _served("antiphon async", waits, "later", "antiphon_idle"),
    ]
    if rival:
        for kind, about in (("sync", blocks), ("async", waits)):
            arguments = ("--rate", "8000", "--kind", kind)
            found.append(_fastrtc_served(f"fastrtc {kind}", about, "fastrtc_idle", *arguments))
    return found


def _check_loops(loops: list[str]) -> None:
    for loop in loops:
        if importlib.util.find_spec(loop) is None:
            sys.exit(f"{loop} is not installed: pip install 'antiphon[uvloop]'")
