"""Values of the ports: inputs and outputs as they pass between the parts."""

from typing import Any

import pytest

from antiphon.core.ports import Output, positional


@pytest.mark.parametrize(
    ("data", "values"),
    [
        ([1, "b"], (1, "b")),
        ([], ()),
        ([[1]], ([1],)),
        ({"a": 1}, ({"a": 1},)),
        ("text", ("text",)),
        (None, (None,)),
    ],
)
def test_a_list_gives_positional_inputs_anything_else_is_one(data: Any, values: Any) -> None:
    assert positional(data) == values


def test_an_output_is_its_value_or_a_list_of_several() -> None:
    assert Output(("a",)).value == "a"
    assert Output(("a", 2)).value == ["a", 2]
    assert Output(()).value == []
