"""gRPC over the socket: every fault ends in an error in time, and none in a wrong answer.

The server is a fake: a real runtime cannot be made to break the protocol. What a real one does is
in test_containerd.py.
"""

import contextlib
import re
import time
from collections.abc import Iterator

import pytest
from hpack import Encoder
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from preloader.agent.cri import channel
from preloader.agent.cri.channel import Channel
from preloader.agent.cri.faults import BadAnswer, Refused, RuntimeFault, TooLarge, Unavailable
from preloader.agent.cri.frames import GoAwayFilter
from tests.agent.fake_runtime import (
    Answer,
    FakeRuntime,
    Frames,
    GoAway,
    HangUp,
    Raw,
    Reset,
    Server,
    Silence,
    Status,
    prefixed,
    serve,
)

pytestmark = pytest.mark.slow

METHOD = "runtime.v1.RuntimeService/Version"
HEADERS = [(":status", "200"), ("content-type", "application/grpc")]
OK = [("grpc-status", "0")]


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    head = len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big")
    return head + payload


def goaway(last_stream: int, error: int = 0) -> bytes:
    return frame(7, 0, 0, last_stream.to_bytes(4, "big") + error.to_bytes(4, "big"))


def answered(message: bytes) -> bytes:
    """The frames of a whole answer to a connection's first call."""
    encode = Encoder().encode
    headers = frame(1, 4, 1, encode(HEADERS))
    return headers + frame(0, 0, 1, prefixed(message)) + frame(1, 5, 1, encode(OK))


ANSWERED = answered(b"first")
# Long enough for a busy machine, short enough to wait for.
SECONDS = 0.3


def ask(server: Server, answer: Answer, seconds: float = 5) -> bytes:
    server.runtime.handlers["Version"] = lambda _: answer
    client = Channel(server.path)
    try:
        return client.call(METHOD, b"", seconds)
    finally:
        client.close()


@pytest.fixture
def client(server: Server) -> Iterator[Channel]:
    client = Channel(server.path)
    yield client
    client.close()


def test_the_answer_is_returned_as_it_was_sent(server: Server) -> None:
    assert ask(server, b"hello") == b"hello"


def test_the_request_arrives_as_it_was_made(server: Server, client: Channel) -> None:
    server.runtime.handlers["Version"] = lambda request: request[::-1]
    assert client.call(METHOD, b"abc", 5) == b"cba"


def test_an_answer_larger_than_the_flow_control_window_arrives_whole(server: Server) -> None:
    message = bytes(range(256)) * 4096
    assert ask(server, message) == message


def test_an_answer_in_many_small_frames_arrives_whole(server: Server) -> None:
    framed = prefixed(b"many small frames")
    pieces = tuple(framed[index : index + 1] for index in range(len(framed)))
    assert ask(server, Frames(HEADERS, pieces, OK)) == b"many small frames"


def test_calls_share_one_connection(server: Server, client: Channel) -> None:
    for _ in range(3):
        client.call(METHOD, b"", 5)
    assert server.accepted == 1


def test_a_refusal_keeps_the_connection_and_says_why(server: Server, client: Channel) -> None:
    server.runtime.handlers["Version"] = lambda _: Status(5, "no such thing %E2%80%94 sorry")
    for _ in range(2):
        with pytest.raises(Refused, match="no such thing — sorry") as refusal:
            client.call(METHOD, b"", 5)
        assert refusal.value.status == channel.NOT_FOUND
    assert server.accepted == 1


def test_a_refusal_without_a_body_is_understood(server: Server) -> None:
    only_headers = Frames([*HEADERS, ("grpc-status", "12")], (), [("x", "y")])
    with pytest.raises(Refused, match="gRPC status 12"):
        ask(server, only_headers)


@pytest.mark.parametrize("code", [1, 4, 14])
def test_a_runtime_that_is_not_ready_is_unavailable(server: Server, code: int) -> None:
    with pytest.raises(Unavailable, match="server is not initialized yet"):
        ask(server, Status(code, "server is not initialized yet"))


def test_an_answer_after_a_goaway_is_used_and_the_next_call_connects_anew(
    server: Server, client: Channel
) -> None:
    answers: Iterator[Answer] = iter([Raw(goaway(1) + ANSWERED, then_close=False), b"second"])
    server.runtime.handlers["Version"] = lambda _: next(answers)
    assert client.call(METHOD, b"", 5) == b"first"
    assert client.call(METHOD, b"", 5) == b"second"
    assert server.accepted == 2


@pytest.mark.parametrize("frame", [goaway(0), goaway(1, error=2)], ids=["not this call", "error"])
def test_a_goaway_that_leaves_the_call_unanswered_is_unavailable(
    server: Server, frame: bytes
) -> None:
    with pytest.raises(Unavailable, match="ended the connection"):
        ask(server, Raw(frame, then_close=False))


@pytest.mark.parametrize("size", range(1, 30))
def test_a_goaway_in_pieces_is_read_all_the_same(size: int) -> None:
    data = goaway(1) + ANSWERED
    taken = GoAwayFilter()
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    assert b"".join(map(taken.take, pieces)) == ANSWERED
    assert (taken.is_going, taken.last_stream, taken.error) == (True, 1, 0)


@pytest.mark.parametrize(
    ("settings_sent", "reason"),
    [
        ({3: 0}, "could not begin: the runtime allows 0 calls at a time"),
        ({4: 0}, "the runtime takes no more of the request"),
        ({4: 3}, "the runtime takes no more of the request"),
    ],
    ids=["no streams", "no window", "a window of three bytes"],
)
def test_a_peer_that_takes_no_request_is_unavailable_after_the_time_limit(
    server: Server, settings_sent: dict[int, int], reason: str
) -> None:
    server.runtime.settings = settings_sent
    client = Channel(server.path)
    # What the peer allows comes with its first answer at the latest.
    with contextlib.suppress(Unavailable):
        client.call(METHOD, b"request", 5)
    with pytest.raises(Unavailable, match=re.escape(reason)):
        client.call(METHOD, b"request", SECONDS)
    client.close()


def test_a_window_of_three_bytes_that_is_given_back_is_enough(server: Server) -> None:
    server.runtime.settings = {4: 3}
    server.runtime.gives_back = True
    server.runtime.handlers["Version"] = lambda request: request[::-1]
    client = Channel(server.path)
    request = bytes(range(200))
    assert [client.call(METHOD, request, 5) for _ in range(2)] == [request[::-1]] * 2
    client.close()


@pytest.mark.parametrize("answer", [HangUp(), GoAway(), Reset()])
def test_a_connection_that_ends_is_unavailable(server: Server, answer: Answer) -> None:
    with pytest.raises(Unavailable):
        ask(server, answer)


def test_a_runtime_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(Unavailable, match="No such file"):
        Channel("/nowhere/containerd.sock").call(METHOD, b"", 5)


def test_a_socket_that_nobody_listens_to_is_unavailable() -> None:
    with serve(FakeRuntime()) as server:
        server.stop(leave_file=True)
        with pytest.raises(Unavailable, match="refused"):
            Channel(server.path).call(METHOD, b"", 5)


def test_no_answer_is_unavailable_after_the_time_limit(server: Server) -> None:
    start = time.monotonic()
    with pytest.raises(Unavailable, match=f"no answer in {SECONDS:g} s"):
        ask(server, Silence(), SECONDS)
    assert time.monotonic() - start >= SECONDS


def test_an_answer_that_never_ends_is_unavailable_after_the_time_limit(server: Server) -> None:
    with pytest.raises(Unavailable, match="no answer"):
        ask(server, Frames(HEADERS, (prefixed(b"message"),)), SECONDS)


def test_after_a_fault_the_next_call_makes_a_new_connection(
    server: Server, client: Channel
) -> None:
    answers: Iterator[Answer] = iter([HangUp(), b"well again"])
    server.runtime.handlers["Version"] = lambda _: next(answers)
    with pytest.raises(Unavailable):
        client.call(METHOD, b"", 5)
    assert client.call(METHOD, b"", 5) == b"well again"
    assert server.accepted == 2


def test_a_late_answer_is_not_taken_for_the_next_call_s(server: Server, client: Channel) -> None:
    answers: Iterator[Answer] = iter([Silence(), b"second"])
    server.runtime.handlers["Version"] = lambda _: next(answers)
    with pytest.raises(Unavailable):
        client.call(METHOD, b"", SECONDS)
    assert client.call(METHOD, b"", 5) == b"second"


def test_a_runtime_behind_a_replaced_socket_is_found_again(server: Server, client: Channel) -> None:
    client.call(METHOD, b"", 5)
    server.stop()
    with pytest.raises(Unavailable):
        client.call(METHOD, b"", 5)
    server.start()
    client.call(METHOD, b"", 5)


def test_a_connection_that_ended_since_the_last_call_costs_the_next_one_nothing(
    server: Server, client: Channel
) -> None:
    client.call(METHOD, b"", 5)
    server.stop()
    server.start()
    client.call(METHOD, b"", 5)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Frames([(":status", "502")], (), OK), id="HTTP error"),
        pytest.param(Frames(HEADERS, (prefixed(b"x"),), [("x", "y")]), id="no gRPC status"),
        pytest.param(Frames(HEADERS, (), [("grpc-status", "-0")]), id="gRPC status no number"),
        pytest.param(Frames(HEADERS, (), [("grpc-status", "9" * 5000)]), id="gRPC status too long"),
        pytest.param(Frames(HEADERS, (), OK), id="no message"),
        pytest.param(Frames(HEADERS, (b"\0\0\0\0",), OK), id="half a prefix"),
        pytest.param(Frames(HEADERS, (prefixed(b"xy")[:-1],), OK), id="too short"),
        pytest.param(Frames(HEADERS, (prefixed(b"xy") + b"z",), OK), id="too long"),
        pytest.param(Frames(HEADERS, (b"\1" + prefixed(b"x")[1:],), OK), id="compressed"),
        pytest.param(Raw(b"\0\0\1\0\0\0\0\0\1x", then_close=False), id="body before headers"),
    ],
)
def test_what_is_not_an_answer_is_refused_as_such(server: Server, answer: Answer) -> None:
    with pytest.raises(BadAnswer):
        ask(server, answer)


def test_an_answer_beyond_the_size_limit_is_refused(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel, "ANSWER_MAX_BYTES", 1000)
    assert len(ask(server, bytes(1000))) == 1000
    with pytest.raises(TooLarge, match="1001 bytes, more than the 1000"):
        ask(server, bytes(1001))


def test_a_server_of_something_else_is_no_runtime(server: Server) -> None:
    with pytest.raises(RuntimeFault):
        ask(server, Raw(b"HTTP/1.1 400 Bad Request\r\n\r\n", then_close=False), SECONDS)


FRAMES = st.builds(
    lambda kind, flags, stream, payload: (
        len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload
    ),
    st.integers(0, 12),
    st.sampled_from((0, 1, 4, 5, 8, 0x20, 0xFF)),
    st.sampled_from((0, 1, 2, 3, 2**31 - 1)),
    st.binary(max_size=40),
)


@pytest.fixture(scope="module")
def fuzzed() -> Iterator[Server]:
    with serve(FakeRuntime()) as server:
        yield server


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.one_of(st.binary(max_size=200), st.lists(FRAMES, max_size=8).map(b"".join)))
@example(data=b"\0\0\0\1\5\0\0\0\1")
def test_whatever_bytes_come_the_call_ends_in_a_fault(fuzzed: Server, data: bytes) -> None:
    with pytest.raises(RuntimeFault):
        ask(fuzzed, Raw(data))


@settings(max_examples=300)
@given(cut=st.integers(0, 300), flip=st.integers(0, 300), bit=st.integers(0, 7))
def test_a_damaged_answer_is_never_taken_for_another(
    fuzzed: Server, cut: int, flip: int, bit: int
) -> None:
    body = bytearray(prefixed(bytes(range(200))))
    body[flip % len(body)] ^= 1 << bit
    damaged = bytes(body[: cut % len(body)])
    with pytest.raises(RuntimeFault):
        ask(fuzzed, Frames(HEADERS, (damaged,) if damaged else (), OK))
