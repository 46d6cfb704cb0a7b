from pathlib import Path

import pytest

from antiphon.handlers.verify.data_folder import data_folder

HOME = Path.home()


@pytest.mark.parametrize(
    ("environment", "platform", "expected"),
    [
        ({}, "linux", HOME / ".local/share/antiphon"),
        ({"XDG_DATA_HOME": "/data"}, "linux", Path("/data/antiphon")),
        ({"XDG_DATA_HOME": ""}, "linux", HOME / ".local/share/antiphon"),
        ({"XDG_DATA_HOME": "here"}, "linux", HOME / ".local/share/antiphon"),
        ({"XDG_DATA_HOME": "/data"}, "darwin", HOME / "Library/Application Support/antiphon"),
        ({"LOCALAPPDATA": "/local"}, "win32", Path("/local/antiphon")),
        ({}, "win32", HOME / "AppData/Local/antiphon"),
        ({"ANTIPHON_DATA": "models", "XDG_DATA_HOME": "/data"}, "linux", Path("models")),
        ({"ANTIPHON_DATA": ""}, "linux", HOME / ".local/share/antiphon"),
    ],
)
def test_data_is_kept_where_the_user_or_else_the_platform_says(
    environment: dict[str, str], platform: str, expected: Path
) -> None:
    assert data_folder(environment, platform) == expected
