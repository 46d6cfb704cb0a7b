import sys

import pytest

from benchmarks import speaker_verification, train_speaker_model


@pytest.mark.parametrize("arguments", [[], ["--speech", "no/such/folder"]])
def test_without_speakers_it_says_what_is_needed(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["speaker_verification", *arguments])
    with pytest.raises(SystemExit) as left:
        speaker_verification.main()
    assert left.value.code == 2
    assert "--speech FOLDER" in capsys.readouterr().err


def test_training_without_speakers_writes_nothing_and_says_how_many_are_needed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "argv", ["train_speaker_model", "--speech", "no/such/folder"])
    with pytest.raises(SystemExit, match="10 or more"):
        train_speaker_model.main()
