"""What is installed: Python, packages, extras, and the codec of WebRTC's sound."""

import re
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, metadata, requires, version

from ...transports.opus import check_engine, libopus_engine, pyav_engine
from ...transports.opus_libopus import libopus_paths
from .finding import Finding, note, ok, problem

__all__ = ("look_at_installation",)

_INSTALLED, _OPUS = "installation", "Opus"
_LEAST_PYTHON = (3, 11)
_SHOWN = ("aiortc", "av", "anyio", "wsproto", "h11", "numpy", "msgspec", "soxr")
_BRINGS = {
    "uvloop": "an event loop that takes 15 to 25 % less CPU a frame",
    "vad": "Silero's voice activity detector, the better one in noise",
    "verify": "better speaker encoders for voice verification",
    "websockets": "the second WebSocket frame engine, for `serve(engine='websockets')`",
}
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_EXTRA = re.compile(r"""extra\s*==\s*['"]([A-Za-z0-9._-]+)""")


def look_at_installation() -> Iterator[Finding]:
    """Everything that is here whatever is served."""
    yield _python()
    yield _packages()
    yield from extras(_wanted())
    yield from _opus()


def _python() -> Finding:
    told = f"Python {sys.version.split()[0]} ({sys.executable})"
    if sys.version_info[:2] < _LEAST_PYTHON:
        least = ".".join(map(str, _LEAST_PYTHON))
        return problem(_INSTALLED, told, f"antiphon needs Python {least} or later")
    return ok(_INSTALLED, told)


def _packages() -> Finding:
    found = {name: _version(name) for name in ("antiphon", *_SHOWN)}
    told = ", ".join(f"{name} {number}" for name, number in found.items() if number)
    missing = [name for name, number in found.items() if not number]
    if missing:
        advice = "pip install --force-reinstall antiphon"
        return problem(_INSTALLED, f"{told}; missing: {', '.join(missing)}", advice)
    return ok(_INSTALLED, told)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _wanted() -> dict[str, list[str]]:
    """The extras of this package with the packages of each, of which one is enough."""
    names: list[str] = metadata("antiphon").get_all("Provides-Extra") or []
    wanted: dict[str, list[str]] = {name: [] for name in names if name != "all"}
    for line in requires("antiphon") or ():
        package, extra = _NAME.match(line), _EXTRA.search(line)
        if package and extra and extra[1] in wanted:
            wanted[extra[1]].append(package[0])
    return wanted


def extras(wanted: Mapping[str, list[str]]) -> Iterator[Finding]:
    """Which extras are here, and what those would bring that are not."""
    for extra, packages in wanted.items():
        here = [f"{name} {number}" for name in packages if (number := _version(name))]
        brings = _BRINGS.get(extra, ", ".join(packages))
        if here:
            yield ok(_INSTALLED, f"extra {extra}: {', '.join(here)}")
        else:
            text = f"extra {extra} is not installed; it brings {brings}"
            yield note(_INSTALLED, text, f"pip install 'antiphon[{extra}]'")


def _opus() -> Iterator[Finding]:
    """The library by its path, as the server looks for it."""
    reasons: list[str] = []
    for path in libopus_paths():
        try:
            engine = libopus_engine(path)
            check_engine(engine)
        except (OSError, AttributeError, RuntimeError) as error:
            reasons.append(f"{path}: {error}")
            continue
        yield ok(_OPUS, f"{engine.name}, called directly ({path})")
        return
    why = "; ".join(reasons) or "no library was found"
    advice = "install libopus (Debian: libopus0), or PyAV as a wheel, which brings it"
    try:
        check_engine(pyav_engine())
    except (ImportError, RuntimeError) as error:
        yield problem(_OPUS, f"no call over WebRTC has sound: {why}; PyAV: {error}", advice)
        return
    yield note(_OPUS, f"through PyAV: more CPU, more delay, no FEC ({why})", advice)
