import pytest

from antiphon import AddressPolicy
from antiphon.cli.diagnosis.finding import Finding
from antiphon.cli.diagnosis.reachability import (
    host_addresses,
    look_at_addresses,
    look_at_hooks,
    look_at_servers,
)
from antiphon.cli.diagnosis.rehearsal import rehearse
from antiphon.core.address_policy import AddressKind
from antiphon.core.ice_servers import IceServer
from tests.cli.diagnosis.stun_server import stun_server

DEFAULT = AddressPolicy()


def verdicts(found: list[Finding]) -> list[str]:
    return [finding.verdict for finding in found]


async def test_the_addresses_of_this_machine_are_found() -> None:
    if not (addresses := await host_addresses()):
        pytest.skip("this machine has no network")
    assert "127.0.0.1" not in addresses


def test_private_addresses_alone_are_told_unless_there_is_a_server() -> None:
    alone = look_at_addresses(["10.1.2.3"], DEFAULT, "0.0.0.0", servers=False)
    assert verdicts(alone) == ["ok", "note", "ok"]
    assert "10.1.2.3 (private)" in alone[0].text
    assert "TURN" in alone[1].advice
    assert verdicts(look_at_addresses(["10.1.2.3"], DEFAULT, "", servers=True)) == ["ok", "ok"]
    assert verdicts(look_at_addresses(["1.2.3.4"], DEFAULT, "", servers=False)) == ["ok", "ok"]


def test_no_address_at_all_is_a_problem() -> None:
    assert verdicts(look_at_addresses([], DEFAULT, "127.0.0.1", servers=False)) == ["problem"]


def test_the_policy_decides_what_clients_may_name() -> None:
    strict = AddressPolicy(refuse=frozenset({AddressKind.PRIVATE, AddressKind.MDNS}))
    taken = look_at_addresses(["1.2.3.4"], strict, "0.0.0.0", servers=False)[-1].text
    assert taken.endswith("addresses that are public")
    usual = look_at_addresses(["1.2.3.4"], DEFAULT, "127.0.0.1", servers=False)[-1].text
    assert usual.endswith("public, private, mdns, loopback")


async def test_a_stun_server_that_answers_tells_our_address() -> None:
    if not await host_addresses():
        pytest.skip("this machine has no network")
    async with stun_server(("203.0.113.9", 4242)) as port:
        server = IceServer(urls=(f"stun:127.0.0.1:{port}",))
        (found,) = [finding async for finding in look_at_servers((server,))]
    assert found.verdict == "ok", found
    assert found.text.endswith("sees this machine as 203.0.113.9")


async def test_urls_that_the_server_cannot_use_are_a_note() -> None:
    server = IceServer(urls=("stuns:stun.example.org:5349",))
    (found,) = [finding async for finding in look_at_servers((server,))]
    assert found.verdict == "note"


async def test_a_call_to_this_machine_comes_about() -> None:
    assert (await look_at_hooks()).verdict == "ok"
    found = await rehearse()
    assert found.verdict == "ok", found
    assert "its sound came back" in found.text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("server", "words"),
    [
        (IceServer(urls=("stun:127.0.0.1:9",)), "does not answer a binding request"),
        (
            IceServer(urls=("turn:127.0.0.1:9",), username="u", credential="c"),
            "gives no relayed address",
        ),
    ],
)
async def test_a_server_that_is_silent_is_a_problem(server: IceServer, words: str) -> None:
    (found,) = [finding async for finding in look_at_servers((server,))]
    assert found.verdict == "problem"
    assert words in found.text
