"""The browser client that is committed: what its sources give, small enough, ready for npm."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tests.npm import node, npm, packages_of

ROOT = Path(__file__).parents[2]
CLIENT = ROOT / "web" / "client"
ASSETS = ROOT / "antiphon" / "transports" / "assets"
BUILT = ("client.js", "client.d.ts")
LIMIT = 20_000  # bytes, gzipped

installing = pytest.mark.timeout(180)  # npm fetches two packages on a busy machine


@pytest.fixture(scope="module")
def packages() -> Path:
    return packages_of(CLIENT)


@installing
def test_what_is_committed_is_what_the_sources_give(packages: Path, tmp_path: Path) -> None:
    built = node(CLIENT, "build.mjs", str(tmp_path))
    assert built.returncode == 0, built.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(BUILT)
    for name in BUILT:
        assert (tmp_path / name).read_text() == (ASSETS / name).read_text(), "run `make web`"


@installing
def test_the_sources_and_a_page_that_uses_the_types_are_sound(packages: Path) -> None:
    done = npm(CLIENT, "run", "check")
    assert done.returncode == 0, done.stdout


@installing
def test_the_package_holds_the_module_its_types_and_what_tells_of_them(packages: Path) -> None:
    done = npm(CLIENT, "pack", "--dry-run", "--json")
    assert done.returncode == 0, done.stderr
    # What the build prints comes before.
    packed: list[dict[str, Any]] = json.loads(done.stdout[done.stdout.index("[") :])
    (package,) = packed
    paths = {file["path"] for file in package["files"]}
    assert paths == {
        "LICENSE",
        "README.md",
        "package.json",
        "dist/client.js",
        "dist/client.d.ts",
    }
    print(f"{package['id']}: {package['size']} bytes packed")


def test_the_client_is_small() -> None:
    size = len(gzip.compress((ASSETS / "client.js").read_bytes(), 9, mtime=0))
    print(f"client.js: {size} bytes gzipped")
    assert size < LIMIT


def test_the_licence_in_the_package_is_the_project_s() -> None:
    assert (CLIENT / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()
