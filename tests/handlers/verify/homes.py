"""A user whom the system does not know."""

from pathlib import Path

import pytest

__all__ = ("nowhere",)


def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container whose user has no entry in the list of users, nor a HOME."""

    def home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("ANTIPHON_DATA", raising=False)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setattr(Path, "home", home)
