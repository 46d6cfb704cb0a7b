from antiphon.cli.diagnosis.finding import as_text, is_well, note, ok, problem, skipped


def test_findings_stand_below_their_check_with_what_to_do() -> None:
    found = [
        ok("port", "8000 is free"),
        problem("TLS", "the key is another's", "take both from one folder"),
        skipped("TLS", "nobody looked"),
    ]
    assert as_text(found) == (
        "port\n"
        "  ok       8000 is free\n"
        "TLS\n"
        "  problem  the key is another's\n"
        "           -> take both from one folder\n"
        "  skipped  nobody looked\n"
        "\n"
        "1 problem, 0 notes"
    )


def test_only_problems_are_bad() -> None:
    found = [ok("a", "."), note("a", ".", "."), skipped("a", ".")]
    assert is_well(found)
    assert as_text(found).endswith("no problem, 1 note")
    assert not is_well([*found, problem("a", ".", ".")])


def test_long_texts_break_at_the_width_below_themselves() -> None:
    lines = as_text([problem("a", "word " * 30, "do " * 40)], columns=60).splitlines()
    assert all(len(line) <= 60 for line in lines)
    assert lines[2].startswith(" " * 11 + "word")
