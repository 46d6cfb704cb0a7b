"""Which addresses a peer may make us send to."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.core.address_policy import (
    AddressKind,
    AddressPolicy,
    address_kind,
    allowed,
    peer_address,
)

FAR = "203.0.114.9"
LAN = ("192.168.1.10", "2a00:1450::10")
UUID = "e40fb267-70f8-43bf-b367-9b9c71d15a23.local"


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        (UUID, "mdns"),
        (UUID.upper().replace("LOCAL", "local"), "mdns"),
        ("printer.local", "name"),
        ("metadata.google.internal", "name"),
        ("2130706433", "name"),
        ("0177.0.0.1", "name"),
        ("127.1", "name"),
        ("", "name"),
        ("169.254.169.254", "metadata"),
        ("169.254.170.2", "metadata"),
        ("100.100.100.200", "metadata"),
        ("168.63.129.16", "metadata"),
        ("fd00:ec2::254", "metadata"),
        ("::ffff:169.254.169.254", "metadata"),
        ("64:ff9b::a9fe:a9fe", "metadata"),
        ("2002:a9fe:a9fe::", "metadata"),
        ("0.0.0.0", "unusable"),
        ("0.1.2.3", "unusable"),
        ("::", "unusable"),
        ("224.0.0.251", "unusable"),
        ("ff02::fb", "unusable"),
        ("255.255.255.255", "unusable"),
        ("240.0.0.1", "unusable"),
        ("127.0.0.1", "loopback"),
        ("127.8.8.8", "loopback"),
        ("::1", "loopback"),
        ("::ffff:127.0.0.1", "loopback"),
        ("64:ff9b::7f00:1", "loopback"),
        ("169.254.7.7", "link-local"),
        ("fe80::1", "link-local"),
        ("10.0.0.1", "private"),
        ("192.168.1.1", "private"),
        ("100.64.0.1", "private"),
        ("fd12:3456::1", "private"),
        ("8.8.8.8", "public"),
        ("2a00:1450::1", "public"),
    ],
)
def test_the_kind_of_an_address(address: str, kind: str) -> None:
    assert address_kind(address) is AddressKind(kind)


@pytest.mark.parametrize("address", ["8.8.8.8", "192.168.1.1", "fd12::1", "100.64.0.1", UUID])
def test_public_private_and_hidden_addresses_are_allowed(address: str) -> None:
    assert allowed(address, local=LAN, peer=FAR)


@pytest.mark.parametrize(
    ("peer", "local", "near"),
    [
        ("127.0.0.1", LAN, True),
        ("::1", LAN, True),
        ("::ffff:127.0.0.1", LAN, True),
        ("192.168.1.10", LAN, True),
        ("2a00:1450::10", LAN, True),
        (FAR, LAN, False),
        ("", LAN, False),
        ("localhost", LAN, False),
        (FAR, (), False),
        (FAR, (*LAN, "127.0.0.1"), True),
        (FAR, ("::1",), True),
        (FAR, ("0.0.0.0",), False),
    ],
)
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_loopback_is_for_who_is_on_this_machine(
    address: str, peer: str, local: Sequence[str], *, near: bool
) -> None:
    assert allowed(address, local=local, peer=peer) is near


@pytest.mark.parametrize(
    ("address", "local", "linked"),
    [
        ("169.254.7.7", ("169.254.1.1",), True),
        ("169.254.7.7", ("fe80::1%eth0",), False),
        ("fe80::2", ("fe80::1%eth0",), True),
        ("fe80::2", ("169.254.1.1",), False),
        ("fe80::2", LAN, False),
        ("169.254.169.254", ("169.254.1.1",), False),
        ("fe80::2", ("not an address",), False),
    ],
)
def test_link_local_is_for_machines_on_such_a_link(
    address: str, local: Sequence[str], *, linked: bool
) -> None:
    assert allowed(address, local=local, peer=FAR) is linked


@pytest.mark.parametrize(
    ("kind", "address"),
    [
        ("loopback", "127.0.0.1"),
        ("link-local", "fe80::1"),
        ("private", "10.0.0.1"),
        ("public", "8.8.8.8"),
        ("mdns", UUID),
    ],
)
def test_a_policy_overrides_the_default_both_ways(kind: str, address: str) -> None:
    kinds = frozenset({AddressKind(kind)})
    near = ("127.0.0.1", "fe80::9")
    assert allowed(address, policy=AddressPolicy(allow=kinds), local=(), peer=FAR)
    assert not allowed(address, policy=AddressPolicy(refuse=kinds), local=near, peer="::1")


@pytest.mark.parametrize("kind", ["metadata", "unusable", "name"])
def test_what_is_never_allowed_cannot_be_allowed(kind: str) -> None:
    with pytest.raises(ValueError, match=f"always refused: {kind}"):
        AddressPolicy(allow=frozenset({AddressKind(kind)}))


def test_a_policy_does_not_contradict_itself() -> None:
    kinds = frozenset({AddressKind.PRIVATE})
    with pytest.raises(ValueError, match="both allowed and refused: private"):
        AddressPolicy(allow=kinds, refuse=kinds)


@given(address=st.text() | st.ip_addresses().map(str), local=st.lists(st.text()), peer=st.text())
def test_no_text_raises(address: str, local: list[str], peer: str) -> None:
    verdict = allowed(address, local=local, peer=peer)
    assert verdict in (True, False)
    if address_kind(address).value in ("metadata", "unusable", "name"):
        assert not verdict


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("192.0.2.1:5000", "192.0.2.1"),
        ("::1:5000", "::1"),
        ("[::1]:5000", "::1"),
        ("local", ""),
        ("testclient:50000", ""),
        ("", ""),
    ],
)
def test_the_address_of_a_request(peer: str, address: str) -> None:
    assert peer_address(peer) == address
