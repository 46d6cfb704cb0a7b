"""What a check has found, and how a list of findings reads. Pure text."""

import textwrap
from collections.abc import Sequence
from typing import Literal

import msgspec

__all__ = ("Finding", "Verdict", "as_text", "is_well", "note", "ok", "problem", "skipped")

Verdict = Literal["ok", "note", "problem", "skipped"]
"""`note`: it works, but there is something to know. `skipped`: nobody looked, and why."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at."""

    check: str
    """What was looked at; findings of one kind stand together."""
    verdict: Verdict
    text: str
    advice: str = ""
    """What to do; empty when nothing has to be done."""


def ok(check: str, text: str) -> Finding:
    """It is as it should be."""
    return Finding(check=check, verdict="ok", text=text)


def note(check: str, text: str, advice: str = "") -> Finding:
    """It works, but there is something to know."""
    return Finding(check=check, verdict="note", text=text, advice=advice)


def problem(check: str, text: str, advice: str) -> Finding:
    """It does not work."""
    return Finding(check=check, verdict="problem", text=text, advice=advice)


def skipped(check: str, text: str) -> Finding:
    """Nobody looked, and why."""
    return Finding(check=check, verdict="skipped", text=text)


def is_well(findings: Sequence[Finding]) -> bool:
    """Whether there is no problem among them."""
    return all(finding.verdict != "problem" for finding in findings)


def as_text(findings: Sequence[Finding], columns: int | None = None) -> str:
    """The findings below the names of their checks, with what to do; without a last newline.

    columns: of the terminal that shows it; None breaks no line.
    """
    lines: list[str] = []
    last = ""
    for finding in findings:
        if finding.check != last:
            last = finding.check
            lines.append(last)
        lines += _broken(f"  {finding.verdict:<9}", finding.text, columns)
        if finding.advice:
            lines += _broken(f"  {'':<9}-> ", finding.advice, columns)
    return "\n".join([*lines, "", _sum(findings)])


def _broken(head: str, text: str, columns: int | None) -> list[str]:
    """One line, or as many as the columns ask for, below one another behind the head."""
    if columns is None:
        return [head + text]
    return textwrap.wrap(
        text,
        max(40, columns),
        initial_indent=head,
        subsequent_indent=" " * len(head),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _sum(findings: Sequence[Finding]) -> str:
    count = sum(finding.verdict == "problem" for finding in findings)
    notes = sum(finding.verdict == "note" for finding in findings)
    told = {0: "no problem", 1: "1 problem"}.get(count, f"{count} problems")
    return f"{told}, {notes} {'note' if notes == 1 else 'notes'}"
