"""Which marks a client answers when."""

from math import inf

from antiphon.core.listener import MAX_MARKS, Listener


def test_a_mark_behind_sound_is_answered_when_the_sound_has_been_played() -> None:
    listener = Listener()
    listener.play(0.5, 10.0)
    assert listener.mark("a", 10.0) == []
    listener.play(0.25, 10.1)
    assert listener.mark("b", 10.1) == []
    assert listener.deadline() == 10.5
    assert listener.reached(10.49) == []
    assert listener.reached(10.5) == ["a"]
    assert listener.deadline() == 10.75
    assert listener.reached(11.0) == ["b"]
    assert listener.deadline() == inf


def test_a_mark_behind_nothing_is_answered_at_once() -> None:
    listener = Listener()
    assert listener.mark("a", 10.0) == ["a"]
    listener.play(0.5, 10.0)
    assert listener.mark("b", 10.5) == ["b"]


def test_the_listener_waits_when_it_runs_out() -> None:
    listener = Listener()
    listener.play(0.5, 10.0)
    listener.play(0.5, 20.0)
    listener.mark("a", 20.0)
    assert listener.deadline() == 20.5


def test_a_clear_answers_all_marks_in_order_and_forgets_the_sound() -> None:
    listener = Listener()
    listener.play(5.0, 10.0)
    listener.mark("a", 10.0)
    listener.mark("b", 10.0)
    assert listener.clear(10.1) == ["a", "b"]
    assert listener.deadline() == inf
    assert listener.mark("c", 10.1) == ["c"]


def test_a_flood_of_marks_is_answered_instead_of_kept() -> None:
    listener = Listener()
    listener.play(5.0, 0.0)
    names = [str(n) for n in range(MAX_MARKS + 1)]
    answered = [listener.mark(name, 0.0) for name in names]
    assert answered == [[]] * MAX_MARKS + [names]
