"""A container runtime's socket that speaks real CRI, and can be made to misbehave.

Only for what a real containerd cannot be made to show.
"""

# ruff: noqa: N802 - the methods are called as CRI calls them

import json
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, StreamEnded

from preloader.agent.cri.messages import Container, Image, Sandbox
from preloader.agent.cri.wire import encode_flag, encode_message, encode_number, encode_text

Headers = list[tuple[str, str]]


@dataclass(frozen=True)
class Status:
    """An answer that is a gRPC error."""

    code: int
    text: str = ""


@dataclass(frozen=True)
class Raw:
    """Bytes sent in place of any HTTP/2; then the connection is closed, if `then_close`."""

    data: bytes
    then_close: bool = True


@dataclass(frozen=True)
class Frames:
    """An answer of the given headers, bodies and trailers, right or wrong."""

    headers: Headers
    bodies: tuple[bytes, ...] = ()
    trailers: Headers | None = None


class Silence:
    """No answer at all."""


class HangUp:
    """The connection is closed without an answer."""


class GoAway:
    """The connection is ended as HTTP/2 asks."""


class Reset:
    """The call's stream is reset."""


Answer = bytes | Status | Raw | Frames | Silence | HangUp | GoAway | Reset
Handler = Callable[[bytes], Answer]


@dataclass
class FakeRuntime:
    """What is on the node, and how each method answers; every call is noted."""

    images: dict[str, Image] = field(default_factory=dict)
    containers: list[Container] = field(default_factory=list)
    sandboxes: list[Sandbox] = field(default_factory=list)
    mounts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    pause: str = "registry.example/pause:3.10"
    created: dict[str, str] = field(default_factory=dict)
    directories: tuple[str, ...] = ()
    calls: list[str] = field(default_factory=list)
    handlers: dict[str, Handler] = field(default_factory=dict)
    """Overrides, by the method's name without its service."""
    settings: dict[int, int] = field(default_factory=dict)
    """HTTP/2 settings by their number: https://www.rfc-editor.org/rfc/rfc9113#section-6.5.2."""
    gives_back: bool = False
    """Whether what was taken of a request's window is given back."""

    def add(self, *images: Image) -> None:
        self.images.update((image.id, image) for image in images)

    def removals(self) -> int:
        return self.calls.count("RemoveImage")

    def answer(self, method: str, request: bytes) -> Answer:
        name = method.rpartition("/")[2]
        self.calls.append(name)
        handler = self.handlers.get(name) or getattr(self, f"_{name}")
        return handler(request)

    def _Version(self, _: bytes) -> bytes:
        return encode_text(2, "fake") + encode_text(3, "1.0")

    def _ListImages(self, _: bytes) -> bytes:
        return b"".join(encode_message(1, encode_image(image)) for image in self.images.values())

    def _ListContainers(self, _: bytes) -> bytes:
        return b"".join(encode_message(1, encode_container(each)) for each in self.containers)

    def _ListPodSandbox(self, _: bytes) -> bytes:
        return b"".join(encode_message(1, encode_text(1, each.id)) for each in self.sandboxes)

    def _ContainerStatus(self, request: bytes) -> bytes:
        mounts = self.mounts.get(asked_for(request), ())
        encoded = (encode_message(14, encode_message(9, encode_text(1, name))) for name in mounts)
        return encode_message(1, b"".join(encoded))

    def _PodSandboxStatus(self, _: bytes) -> bytes:
        return encode_info({"image": self.pause}, 2)

    def _ImageStatus(self, request: bytes) -> bytes:
        image = self.images.get(asked_for(request[2:]))
        if image is None:
            return b""
        info = {"imageSpec": {"created": self.created.get(image.id)}}
        return encode_message(1, encode_image(image)) + encode_info(info, 2)

    def _RemoveImage(self, request: bytes) -> bytes:
        self.images.pop(asked_for(request[2:]), None)
        return b""

    def _ImageFsInfo(self, _: bytes) -> bytes:
        return b"".join(
            encode_message(1, encode_message(2, encode_text(1, path))) for path in self.directories
        )


def asked_for(request: bytes) -> str:
    """The text in field 1 of a request: an ID shorter than 128 bytes."""
    assert request[0] == 1 << 3 | 2
    return request[2 : 2 + request[1]].decode()


def encode_image(image: Image) -> bytes:
    return (
        encode_text(1, image.id)
        + b"".join(encode_text(2, tag) for tag in image.tags)
        + b"".join(encode_text(3, digest) for digest in image.digests)
        + encode_number(4, image.size)
        + encode_flag(8, value=image.pinned)
    )


def encode_container(container: Container) -> bytes:
    image_id, *others = (*container.images, "", "", "")
    spec = encode_text(1, others[0]) + encode_text(18, others[1])
    label = encode_text(1, "io.kubernetes.container.name") + encode_text(2, container.name)
    return (
        encode_text(1, container.id)
        + encode_message(4, spec)
        + encode_text(5, image_id)
        + encode_message(8, label)
        + encode_text(10, image_id)
    )


def encode_info(info: object, number: int) -> bytes:
    return encode_message(number, encode_text(1, "info") + encode_text(2, json.dumps(info)))


class Server:
    """The socket of a fake runtime, for as many connections as come."""

    def __init__(self, path: str, runtime: FakeRuntime) -> None:
        self.path, self.runtime = path, runtime
        self.accepted = 0
        self.start()

    def start(self) -> None:
        self._connections: list[socket.socket] = []
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(self.path)
        self._listener.listen()
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def stop(self, *, leave_file: bool = False) -> None:
        """Ends every connection, and removes the socket, if it is not to be left as by a crash."""
        for each in (self._listener, *self._connections):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        if not leave_file:
            Path(self.path).unlink(missing_ok=True)

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                self.accepted += 1
                self._connections.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        http = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        http.initiate_connection()
        methods: dict[int, str] = {}
        bodies: dict[int, bytes] = {}
        with suppress(OSError):
            # Not by the library, which would hold the client to them before they have arrived.
            connection.sendall(http.data_to_send() + _settings_frame(self.runtime.settings))
            while data := connection.recv(65536):
                for event in http.receive_data(data):
                    if isinstance(event, RequestReceived):
                        methods[event.stream_id] = dict(event.headers)[":path"]
                        bodies[event.stream_id] = b""
                    elif isinstance(event, DataReceived):
                        bodies[event.stream_id] += event.data
                        if self.runtime.gives_back:
                            for stream in (None, event.stream_id):
                                http.increment_flow_control_window(len(event.data), stream)
                            connection.sendall(http.data_to_send())
                    elif isinstance(event, StreamEnded):
                        stream = event.stream_id
                        answer = self.runtime.answer(methods.pop(stream), bodies.pop(stream)[5:])
                        if not self._send(connection, http, stream, answer):
                            connection.close()
                            return
                connection.sendall(http.data_to_send())

    def _send(
        self, connection: socket.socket, http: H2Connection, stream: int, answer: Answer
    ) -> bool:
        """Returns whether the connection goes on."""
        if isinstance(answer, Raw):
            connection.sendall(http.data_to_send() + answer.data)
            return not answer.then_close
        if isinstance(answer, Silence | HangUp):
            return isinstance(answer, Silence)
        if isinstance(answer, Reset):
            http.reset_stream(stream)
            return True
        if isinstance(answer, GoAway):
            http.close_connection()
            connection.sendall(http.data_to_send())
            return False
        frames = answer if isinstance(answer, Frames) else _frames(answer)
        http.send_headers(stream, frames.headers)
        for body in frames.bodies:
            self._send_body(connection, http, stream, body)
        if frames.trailers is not None:
            http.send_headers(stream, frames.trailers, end_stream=True)
        return True

    def _send_body(
        self, connection: socket.socket, http: H2Connection, stream: int, body: bytes
    ) -> None:
        while body:
            size = min(
                len(body), http.local_flow_control_window(stream), http.max_outbound_frame_size
            )
            if size == 0:
                connection.sendall(http.data_to_send())
                http.receive_data(connection.recv(65536))
                continue
            http.send_data(stream, body[:size])
            body = body[size:]


def _settings_frame(settings: Mapping[int, int]) -> bytes:
    payload = b"".join(
        number.to_bytes(2, "big") + value.to_bytes(4, "big") for number, value in settings.items()
    )
    return len(payload).to_bytes(3, "big") + b"\4\0\0\0\0\0" + payload


def _frames(answer: bytes | Status) -> Frames:
    headers = [(":status", "200"), ("content-type", "application/grpc")]
    if isinstance(answer, Status):
        return Frames(
            headers, (), [("grpc-status", str(answer.code)), ("grpc-message", answer.text)]
        )
    return Frames(headers, (prefixed(answer),), [("grpc-status", "0"), ("grpc-message", "")])


def prefixed(message: bytes) -> bytes:
    """A message as gRPC frames it."""
    return b"\0" + len(message).to_bytes(4, "big") + message


@contextmanager
def serve(runtime: FakeRuntime) -> Iterator[Server]:
    # Short, because a socket's path is limited to 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="cri-"))
    server = Server(str(folder / "s"), runtime)
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)
