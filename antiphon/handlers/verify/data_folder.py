"""Where the models are kept that a user installs."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from ...core.errors import ConfigurationError

__all__ = ("data_folder",)

_PLACES = {
    "darwin": ("", "Library/Application Support"),
    "win32": ("LOCALAPPDATA", "AppData/Local"),
}
"""By platform, the variable that names the place, and where in the home it is without one."""


def data_folder(environment: Mapping[str, str] = os.environ, platform: str = sys.platform) -> Path:
    """ANTIPHON_DATA if it is set, else `antiphon` in the platform's place for a user's data.

    ConfigurationError where nothing says which that is.
    """
    if named := environment.get("ANTIPHON_DATA"):
        return Path(named)
    variable, usual = _PLACES.get(platform, ("XDG_DATA_HOME", ".local/share"))
    place = Path(environment.get(variable, ""))
    # The XDG specification has paths ignored that are not absolute.
    if not place.is_absolute():
        try:
            place = Path.home() / usual
        except RuntimeError as error:
            raise ConfigurationError(f"{error} ANTIPHON_DATA names a folder for models") from error
    return place / "antiphon"
