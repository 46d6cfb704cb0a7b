"""Lists in docstrings are lists in the reference."""

from tools.docstring_lists import with_lists


def test_lines_of_names_become_a_list() -> None:
    text = "Does it.\n\none: the first\n    of all.\ntwo, three: the others.\n\nRaises it."
    shown = "Does it.\n\n- `one`: the first\n    of all.\n- `two, three`: the others.\n\nRaises it."
    assert with_lists(text) == shown


def test_prose_with_a_colon_stays_prose() -> None:
    for text in (
        "Sound from the peer: as it comes.",
        "one: two\nbut then it goes on",
        "",
        "A line",
    ):
        assert with_lists(text) == text
