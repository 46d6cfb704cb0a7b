"""Where the models are kept that a user installs."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

__all__ = ("data_folder",)


def data_folder(environment: Mapping[str, str] = os.environ, platform: str = sys.platform) -> Path:
    """ANTIPHON_DATA if it is set, else `antiphon` in the platform's place for a user's data."""
    if named := environment.get("ANTIPHON_DATA"):
        return Path(named)
    if platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "antiphon"
    if platform == "win32":
        usual, variable = Path.home() / "AppData" / "Local", "LOCALAPPDATA"
    else:
        usual, variable = Path.home() / ".local" / "share", "XDG_DATA_HOME"
    place = Path(environment.get(variable, ""))
    # The XDG specification has paths ignored that are not absolute.
    return (place if place.is_absolute() else usual) / "antiphon"
