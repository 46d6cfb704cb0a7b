import os
import socket
import sys

import msgspec
import pytest

from antiphon import Stream, echo
from antiphon.cli.diagnosis.listening import (
    is_loopback,
    look_at_files,
    look_at_microphone,
    look_at_port,
)

SETTINGS = Stream(echo).host.settings


def test_a_free_port_is_free_and_stays_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert look_at_port("127.0.0.1", port).verdict == "ok"
    assert look_at_port("127.0.0.1", port).verdict == "ok"


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_a_port_in_use_names_who_listens_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        found = look_at_port("127.0.0.1", server.getsockname()[1])
    assert found.verdict == "problem"
    assert f"(pid {os.getpid()})" in found.text
    assert "--port" in found.advice


def test_an_address_of_another_machine_is_told() -> None:
    found = look_at_port("198.51.100.7", 0)
    assert found.verdict == "problem"
    assert "no address of this machine" in found.text


def test_a_host_that_is_no_name_is_told() -> None:
    assert "is no address" in look_at_port("no such host", 0).text


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("voice.localhost", True),
        ("0.0.0.0", False),
        ("192.168.1.7", False),
        ("localhost.example.org", False),
    ],
)
def test_browsers_give_a_microphone_on_loopback_and_by_https(host: str, loopback: bool) -> None:
    assert is_loopback(host) == loopback
    assert look_at_microphone(host, 8000, tls=False).verdict == ("ok" if loopback else "note")
    assert look_at_microphone(host, 8000, tls=True).verdict == "ok"


@pytest.mark.parametrize(
    ("host", "port", "tunnel"),
    [
        ("0.0.0.0", 80, "`ssh -L 8000:localhost:80 MACHINE`"),
        ("::", 8000, "`ssh -L 8000:localhost:8000 MACHINE`"),
        ("192.0.2.7", 9000, "`ssh -L 8000:192.0.2.7:9000 MACHINE`"),
        ("2001:db8::7", 0, "`ssh -L 8000:[2001:db8::7]:PORT MACHINE`"),
    ],
)
def test_the_way_to_a_look_leads_to_where_the_server_listens(
    host: str, port: int, tunnel: str
) -> None:
    assert tunnel in look_at_microphone(host, port, tls=False).advice


def test_open_files_are_held_against_the_limit_of_calls() -> None:
    many = msgspec.structs.replace(SETTINGS, concurrency_limit=10_000_000)
    found = look_at_files(many, 2, relayed=True)
    assert found.verdict == "problem"
    assert "40000164 needed for 10000000 calls of 4 each" in found.text
    assert "LimitNOFILE=40000164" in found.advice
    few = msgspec.structs.replace(SETTINGS, concurrency_limit=1, connecting_limit=1)
    assert look_at_files(few, 1, relayed=False).verdict == "ok"


def test_calls_without_a_limit_are_told() -> None:
    endless = msgspec.structs.replace(SETTINGS, concurrency_limit=None)
    found = look_at_files(endless, 1, relayed=False)
    assert found.verdict == "note"
    assert "concurrency_limit" in found.advice
