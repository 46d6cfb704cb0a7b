"""RTC configurations in the shape that browsers take."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.core.ice_servers import (
    IceServer,
    RtcConfiguration,
    configuration_fields,
    read_configuration,
)

TURN = {"urls": "turn:turn.example.org", "username": "u", "credential": "hush"}


def test_a_url_may_be_one_text_or_many() -> None:
    read = read_configuration(
        {
            "iceServers": [
                {"urls": "stun:stun.example.org:3478"},
                {
                    "urls": ["turn:192.0.2.1:80?transport=tcp", "turns:[2001:db8::1]:443"],
                    "username": "u",
                    "credential": "hush",
                },
            ],
            "iceTransportPolicy": "relay",
        }
    )
    assert [server.urls for server in read.servers] == [
        ("stun:stun.example.org:3478",),
        ("turn:192.0.2.1:80?transport=tcp", "turns:[2001:db8::1]:443"),
    ]
    assert [server.relays for server in read.servers] == [False, True]
    assert (read.servers[1].username, read.servers[1].credential) == ("u", "hush")
    assert read.transport_policy == "relay"


def test_nothing_is_a_configuration_without_servers() -> None:
    assert read_configuration({}) == RtcConfiguration()
    assert configuration_fields(RtcConfiguration())["iceServers"] == []


def test_what_providers_add_to_a_server_is_passed_over() -> None:
    fields = {**TURN, "url": "turn:turn.example.org", "credentialType": "password"}
    assert read_configuration({"iceServers": [fields]}).servers[0].credential == "hush"


SLIPS: list[tuple[Any, str]] = [
    ([], "is a dict, not a list"),
    ({"iceserver": []}, "iceserver"),
    ({"iceServers": {}}, r"\$.iceServers"),
    ({"iceServers": [{}]}, "missing required field `urls`"),
    ({"iceServers": [{"urls": []}]}, "1 to 16 urls, not 0"),
    ({"iceServers": [{"urls": ["stun:a.example"] * 17}]}, "1 to 16 urls, not 17"),
    ({"iceServers": [{"urls": 5}]}, r"\$.iceServers\[0\].urls"),
    ({"iceServers": [{"urls": "http://a.example"}]}, "reads stun:host:port"),
    ({"iceServers": [{"urls": "stun://a.example"}]}, "reads stun:host:port"),
    ({"iceServers": [{"urls": "stun:a.example?transport=udp"}]}, "reads stun:host:port"),
    ({"iceServers": [{**TURN, "urls": "turn:a.example?transport=sctp"}]}, "reads stun"),
    ({"iceServers": [{**TURN, "username": ""}]}, "needs a username and a credential"),
    ({"iceServers": [{**TURN, "credential": None}]}, "needs a username and a credential"),
    ({"iceServers": [TURN] * 17}, "at most 16"),
    ({"iceTransportPolicy": "relay"}, "needs a TURN server"),
    ({"iceTransportPolicy": "none"}, r"\$.iceTransportPolicy"),
    ({"bundlePolicy": "none"}, r"\$.bundlePolicy"),
    ({"iceCandidatePoolSize": 256}, "0 to 255"),
]


@pytest.mark.parametrize(("fields", "reason"), SLIPS)
def test_a_slip_is_told(fields: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        read_configuration(fields)
    assert "hush" not in str(caught.value)


def test_a_secret_is_not_shown() -> None:
    server = IceServer(urls=("turn:a.example",), username="someone", credential="hush")
    shown = repr(RtcConfiguration(servers=(server,)))
    assert "turn:a.example" in shown
    assert "hush" not in shown
    assert "someone" not in shown
    assert repr(IceServer(urls=("stun:a.example",))) == "IceServer(urls=('stun:a.example',))"


HOSTS = st.sampled_from(["a.example", "192.0.2.1:3478", "[2001:db8::1]:5349"])
STUN = st.builds("{}:{}".format, st.sampled_from(["stun", "stuns"]), HOSTS)
RELAY = st.builds(
    "{}:{}{}".format,
    st.sampled_from(["turn", "turns"]),
    HOSTS,
    st.sampled_from(["", "?transport=udp", "?transport=tcp"]),
)
SERVERS = st.builds(IceServer, urls=st.tuples(STUN)) | st.builds(
    IceServer,
    urls=st.lists(STUN | RELAY, min_size=1, max_size=3).map(tuple),
    username=st.text(min_size=1),
    credential=st.text(min_size=1),
)


@given(
    st.builds(
        RtcConfiguration,
        servers=st.lists(SERVERS, max_size=3).map(tuple),
        bundle_policy=st.sampled_from(["balanced", "max-compat", "max-bundle"]),
        pool_size=st.integers(0, 255),
    )
)
def test_what_a_browser_is_given_reads_back(configuration: RtcConfiguration) -> None:
    assert read_configuration(configuration_fields(configuration)) == configuration


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["iceServers", "urls", "username", "credential"]) | st.text(max_size=3),
            inner,
        )
    ),
    max_leaves=6,
)


@given(ANY_JSON)
def test_no_value_makes_anything_but_a_value_error(value: Any) -> None:
    for fields in (value, {"iceServers": value}, {"iceServers": [value]}):
        try:
            assert isinstance(read_configuration(fields), RtcConfiguration)
        except ValueError:
            continue
