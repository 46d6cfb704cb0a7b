from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from antiphon.cli.diagnosis.certificate import look_at_certificate
from antiphon.cli.diagnosis.finding import Finding, is_well
from antiphon.transports.http import server_context

AUTHORITY = trustme.CA()
Make = Callable[..., tuple[str, str]]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Writes a certificate and its key; `days` until its end."""

    def write(*names: str, days: float = 90, intermediate: bool = False) -> tuple[str, str]:
        authority = AUTHORITY.create_child_ca() if intermediate else AUTHORITY
        made = authority.issue_cert(*names, not_after=datetime.now(UTC) + timedelta(days=days))
        stem = tmp_path / f"{names[0]}-{days}"
        chain, key = stem.with_suffix(".pem"), stem.with_suffix(".key")
        chain.write_bytes(b"".join(blob.bytes() for blob in made.cert_chain_pems))
        key.write_bytes(made.private_key_pem.bytes())
        return str(chain), str(key)

    return write


def look(cert: str, key: str | None, host: str = "0.0.0.0") -> list[Finding]:
    return list(look_at_certificate(cert, key, host))


def test_a_good_pair_is_told_with_its_names_and_its_end(make: Make) -> None:
    found = look(*make("voice.example.org", "192.0.2.7", intermediate=True))
    assert [finding.verdict for finding in found] == ["ok", "ok", "ok"]
    assert "for voice.example.org, 192.0.2.7" in found[2].text


def test_a_leaf_without_its_chain_is_told(make: Make) -> None:
    found = look(*make("voice.example.org"))
    assert is_well(found)
    assert "fullchain.pem" in found[-1].advice


def test_a_key_of_another_certificate_is_told(make: Make) -> None:
    cert, _ = make("a.example.org")
    _, key = make("b.example.org")
    (found, *_) = look(cert, key)
    assert found.verdict == "problem"
    assert f"{key} is not the key of {cert}" in found.text


@pytest.mark.parametrize(
    ("days", "verdict", "words"),
    [(-1, "problem", "ended on"), (3.5, "note", "ends in 3 days"), (90, "ok", "good until")],
)
def test_the_end_of_a_certificate_is_told(
    make: Make, days: float, verdict: str, words: str
) -> None:
    (found,) = [f for f in look(*make("voice.example.org", days=days)) if words in f.text]
    assert found.verdict == verdict


@pytest.mark.parametrize(
    ("host", "verdict"),
    [
        ("voice.example.org", "ok"),
        ("call.wild.example.org", "ok"),
        ("other.example.org", "note"),
        ("0.0.0.0", "ok"),
    ],
)
def test_a_host_that_the_certificate_does_not_name_is_told(
    make: Make, host: str, verdict: str
) -> None:
    found = look(*make("voice.example.org", "*.wild.example.org"), host)
    (named,) = [finding for finding in found if "certificate is for" in finding.text]
    assert named.verdict == verdict


def test_a_key_with_a_password_is_told_and_nobody_is_asked_for_it(make: Make) -> None:
    cert, key = make("voice.example.org")
    plain = load_pem_private_key(Path(key).read_bytes(), None)
    locked = plain.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x"))
    Path(key).write_bytes(locked)
    (found, *_) = look(cert, key)
    assert found.text == f"the key in {key} has a password"
    assert f"`openssl pkey -in {key} -out FILE`" in found.advice
    with pytest.raises(ValueError, match="has a password"):
        server_context(cert, key)


def test_files_that_cannot_be_used_are_told(make: Make, tmp_path: Path) -> None:
    cert, key = make("voice.example.org")
    garbage = tmp_path / "garbage.pem"
    garbage.write_text("nothing")
    missing = str(tmp_path / "missing.pem")
    assert "cannot be read: No such file" in look(missing, key)[0].text
    assert "cannot be read: No such file" in look(cert, missing)[0].text
    assert "holds no certificate" in look(str(garbage), key)[0].text
    assert look(cert, str(garbage))[0].verdict == "problem"
