import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from antiphon.cli import model_install
from antiphon.cli.main import main
from antiphon.handlers.verify.ge2e_weights import REQUIREMENT, Weights, ge2e_file
from tests.handlers.verify.ge2e_by_hand import some_weights
from tests.handlers.verify.homes import nowhere

INSTALL = ["models", "install", "ge2e"]


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for models, and pip without any index."""
    monkeypatch.setenv("ANTIPHON_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    return tmp_path / "data"


def test_offline_it_says_how_to_bring_the_wheel(
    data: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(INSTALL) == 1
    told = capfd.readouterr().err
    assert "antiphon models install: pip could not download resemblyzer==0.1.4" in told
    assert "--wheel FILE" in told
    assert not data.exists()


def test_without_pip_it_says_how_to_bring_the_wheel(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(model_install, "find_spec", dict[str, object]().get)
    assert main(INSTALL) == 1
    told = capfd.readouterr().err
    assert "this Python has no pip" in told
    assert "--wheel FILE" in told


def test_pip_is_asked_for_one_wheel_that_it_does_not_run(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    asked: list[list[str]] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[bytes]:
        asked.append(command)
        Path(command[command.index("--dest") + 1], "r.whl").write_bytes(b"of somebody else")
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", run)
    assert main(INSTALL) == 1
    assert "is not the wheel of resemblyzer==0.1.4" in capfd.readouterr().err
    ((python, *arguments),) = asked
    assert python == sys.executable
    assert {"--no-deps", "--only-binary=:all:", REQUIREMENT} < set(arguments)
    assert not ge2e_file().exists()


def test_what_lies_in_the_current_folder_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pip.py").write_text("open('mark', 'w').close()")
    monkeypatch.chdir(tmp_path)
    assert main(INSTALL) == 1
    assert not (tmp_path / "mark").exists()


def test_pip_that_brings_nothing_is_told_of(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[bytes]:
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", run)
    assert main(INSTALL) == 1
    assert "pip brought no wheel of resemblyzer==0.1.4. Where" in capfd.readouterr().err


def test_another_wheel_is_refused_and_nothing_is_written(
    data: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    wheel = tmp_path / "resemblyzer.whl"
    assert main([*INSTALL, "--wheel", str(wheel)]) == 1
    assert f"antiphon models install: [Errno 2] No such file or directory: '{wheel}'" in (
        capfd.readouterr().err
    )
    wheel.write_bytes(b"")
    assert main([*INSTALL, "--wheel", str(wheel)]) == 1
    assert "is not the wheel of resemblyzer==0.1.4: its SHA-256 is e3b0" in capfd.readouterr().err
    assert not data.exists()


def test_the_wheel_becomes_weights_which_can_be_removed(
    data: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def weights_in_wheel(_: Path) -> tuple[Weights, str]:
        return some_weights(), "a licence"

    monkeypatch.setattr(model_install, "weights_in_wheel", weights_in_wheel)
    assert main([*INSTALL, "--wheel", "r.whl"]) == 0
    path = data / "models" / "ge2e.npz"
    assert f"{path}: 2.9 MB, checked" in capfd.readouterr().out
    assert [file.name for file in path.parent.iterdir()] == ["ge2e.npz"]
    assert main(["models", "remove", "ge2e"]) == 0
    assert list(path.parent.iterdir()) == []


def test_what_is_not_there_cannot_be_removed(data: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "remove", "ge2e"]) == 1
    path = data / "models" / "ge2e.npz"
    assert capfd.readouterr().err == (
        f"antiphon models remove: ge2e is not installed: there is no {path}\n"
    )


def test_without_a_home_it_says_how_to_name_a_folder(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    nowhere(monkeypatch)
    assert main(["models", "remove", "ge2e"]) == 1
    assert "ANTIPHON_DATA names a folder for models" in capfd.readouterr().err


@pytest.mark.parametrize("command", ["install", "remove"])
def test_other_names_are_wrong_usage(command: str, capfd: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["gmm"]):
        with pytest.raises(SystemExit) as ended:
            main(["models", command, *arguments])
        assert ended.value.code == 2
    assert "ge2e" in capfd.readouterr().err
