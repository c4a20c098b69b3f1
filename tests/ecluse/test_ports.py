"""Listening sockets, and errors that say which port and what to do."""

import pytest

from ecluse.ports import PortUnavailable, accepts, listening_socket


def test_a_listening_socket_accepts_and_is_inheritable() -> None:
    with listening_socket("127.0.0.1", 0) as listening:
        assert listening.get_inheritable()
        assert accepts(listening.getsockname()[1])


def test_a_taken_port_is_named_with_what_to_do_in_one_line() -> None:
    with listening_socket("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(PortUnavailable) as refusal:
            listening_socket("127.0.0.1", port)
    told = str(refusal.value)
    assert str(port) in told
    assert "already taken" in told
    assert "--port" in told
    assert "\n" not in told


def test_a_port_just_used_can_be_had_again() -> None:
    with listening_socket("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        assert accepts(port)
    listening_socket("127.0.0.1", port).close()


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 70_000), ("192.0.2.1", 8000), ("a..b", 8000)])
def test_an_impossible_address_is_told_plainly(host: str, port: int) -> None:
    with pytest.raises(PortUnavailable, match="cannot listen on"):
        listening_socket(host, port)
