from antiphon.cli.diagnosis.finding import is_well
from antiphon.cli.diagnosis.installation import extras, look_at_installation


def test_this_installation_is_well_and_says_what_it_has() -> None:
    found = list(look_at_installation())
    assert is_well(found)
    told = "\n".join(finding.text for finding in found)
    assert "Python 3." in told
    assert "aiortc 1." in told
    assert "libopus" in told


def test_every_extra_of_the_package_is_told() -> None:
    told = "\n".join(finding.text for finding in look_at_installation())
    for extra in ("uvloop", "vad", "websockets"):
        assert f"extra {extra}" in told


def test_one_of_several_packages_of_an_extra_is_enough() -> None:
    (here,) = extras({"vad": ["no-such-package", "numpy"]})
    assert here.verdict == "ok"
    assert "numpy" in here.text


def test_a_missing_extra_is_a_note_that_says_what_it_brings_and_how_to_get_it() -> None:
    (missing,) = extras({"uvloop": ["no-such-package"]})
    assert missing.verdict == "note"
    assert "less CPU" in missing.text
    assert missing.advice == "pip install 'antiphon[uvloop]'"
