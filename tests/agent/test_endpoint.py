"""The HTTP endpoint: what it answers, and that no client costs the agent much or ends it."""

import contextlib
import http.client
import socket
import threading
import time
import tracemalloc
from collections.abc import Iterator

import pytest

from preloader.agent.reporting import endpoint
from preloader.agent.reporting.endpoint import MOST_CONNECTIONS, Endpoint
from preloader.agent.reporting.health import Health
from tests.agent.clock import SetClock

pytestmark = pytest.mark.slow

MIB = 1024 * 1024
SECONDS = 20


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    monkeypatch.setattr(endpoint, "REQUEST_SECONDS", 0.5)
    health, clock = Health("/nowhere"), SetClock()
    health.beat_at, health.why_not = clock.uptime(), None
    server = Endpoint("127.0.0.1", 0, health, clock)
    yield server
    server.shutdown()
    server.server_close()


def port(server: Endpoint) -> int:
    return server.server_address[1]


def ask(server: Endpoint, path: str, method: str = "GET") -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port(server), timeout=SECONDS)
    with contextlib.closing(connection):
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def connect(server: Endpoint) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port(server)), timeout=SECONDS)


@pytest.mark.parametrize("path", ["/metrics", "/metrics?x=1", "/metrics?", "/metrics?a=b&c=%2F"])
def test_what_a_scraper_adds_to_the_path_does_not_matter(server: Endpoint, path: str) -> None:
    status, text = ask(server, path)
    assert status == 200
    assert "image_preloader_cleanup_ready 1" in text


@pytest.mark.parametrize("path", ["/", "/metrics/", "/metricsx", "/healthz/.."])
def test_other_paths_are_not_found(server: Endpoint, path: str) -> None:
    assert ask(server, path) == (404, "not found")


def test_who_asks_for_the_head_gets_no_body(server: Endpoint) -> None:
    assert ask(server, "/healthz", "HEAD") == (200, "")


def test_other_methods_are_refused(server: Endpoint) -> None:
    assert ask(server, "/metrics", "POST")[0] == 501


def test_it_can_be_had_on_an_address_of_ipv6() -> None:
    try:
        server = Endpoint("::1", 0, Health("/nowhere"), SetClock())
    except OSError:
        pytest.skip("this machine has no IPv6")
    with contextlib.closing(socket.create_connection(server.server_address[:2])) as connection:
        connection.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.0 ")
    server.shutdown()
    server.server_close()


def is_cut_off(connection: socket.socket) -> bool:
    """Whether the server ends the connection without an answer, within the time of a test."""
    try:
        return connection.recv(1000) == b""
    except ConnectionResetError:
        return True


def test_a_request_byte_by_byte_is_cut_off(server: Endpoint) -> None:
    with connect(server) as connection, pytest.raises(ConnectionError):  # noqa: PT012
        for _ in range(SECONDS * 100):
            connection.sendall(b"G")
            time.sleep(0.01)


def test_a_request_that_does_not_come_is_cut_off(server: Endpoint) -> None:
    with connect(server) as connection:
        assert is_cut_off(connection)


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /metrics HTTP/1.1\r\n" + b"".join(b"h%d: " % n + b"x" * 65_000 for n in range(98)),
        b"GET /" + b"x" * 60_000,
        b"x" * 60_000,
    ],
    ids=["headers", "path", "no lines"],
)
def test_a_request_that_is_too_large_is_cut_off(server: Endpoint, request_bytes: bytes) -> None:
    with connect(server) as connection:
        with contextlib.suppress(OSError):
            connection.sendall(request_bytes)
        assert is_cut_off(connection)
    assert ask(server, "/healthz") == (200, "ok")


def test_large_requests_on_many_connections_take_next_to_no_memory(server: Endpoint) -> None:
    flood = b"GET /metrics HTTP/1.1\r\n" + b"".join(
        b"h%d: " % number + b"x" * 65_000 + b"\r\n" for number in range(98)
    )

    def send() -> None:
        with connect(server) as connection, contextlib.suppress(OSError):
            connection.sendall(flood)
            connection.recv(1)

    tracemalloc.start()
    try:
        senders = [threading.Thread(target=send) for _ in range(32)]
        for each in senders:
            each.start()
        for each in senders:
            each.join(SECONDS)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2 * MIB
    assert ask(server, "/healthz") == (200, "ok")


def test_while_many_clients_say_nothing_others_are_served(server: Endpoint) -> None:
    before = threading.active_count()
    with contextlib.ExitStack() as stack:
        for _ in range(4 * MOST_CONNECTIONS):
            stack.enter_context(connect(server))
        assert ask(server, "/healthz") == (200, "ok")
        assert threading.active_count() - before <= MOST_CONNECTIONS


def test_a_client_that_goes_away_leaves_no_trace_in_the_log(
    server: Endpoint, capfd: pytest.CaptureFixture[str]
) -> None:
    for _ in range(20):
        with connect(server) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            connection.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
    with connect(server) as connection:
        connection.sendall(b"\x16\x03\x01 not HTTP \xff\r\n\r\n")
        connection.recv(1000)
    assert ask(server, "/healthz") == (200, "ok")
    assert capfd.readouterr() == ("", "")
