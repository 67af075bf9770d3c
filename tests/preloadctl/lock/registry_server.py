"""The reading side of a registry on loopback, over real HTTP, which can misbehave as told."""

import base64
import json
import ssl
import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import parse_qs, urlsplit

from tests.preloadctl.lock.made_images import Part

USER, PASSWORD = "someone", "a password: of two parts"
IDENTITY_TOKEN = "an identity token"  # noqa: S105 the test's own


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    authorization: str
    form: Mapping[str, list[str]]
    at_seconds: float = field(default_factory=time.monotonic)


@dataclass(frozen=True)
class Response:
    """An answer; `drip_seconds` passes between its single bytes, with its headers or without."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    drip_seconds: float = 0
    drip_headers: bool = False
    said_length: int | None = None


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Says nothing: clients that hang up are what these tests are about."""


class RegistryServer:
    """A running registry. `auth` is "", "basic", "bearer" or "anonymous" (a token for anyone)."""

    def __init__(self) -> None:
        self.auth = ""
        self.delay_seconds = 0.0
        self.token_url = ""
        self.requests: list[Request] = []
        self.most_at_once = 0
        self.tokens: dict[str, str] = {}
        self.open_paths: set[str] = set()
        self._content: dict[str, Response] = {}
        self._next: dict[str, deque[Response]] = defaultdict(deque)
        self._always: dict[str, Response] = {}
        self._lock = threading.Lock()
        self._at_once = 0
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.host = f"127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def use_tls(self, context: ssl.SSLContext) -> None:
        """Speaks TLS from the next connection on; each shakes hands in its own thread."""
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )

    def push(self, repository: str, tag: str, top: Part, *others: Part) -> str:
        """Serves `top` under a tag, and everything under its digest; returns top's digest."""
        for each in (top, *others):
            answer = Response(
                body=each.body,
                headers={"Content-Type": each.media_type, "Docker-Content-Digest": each.digest},
            )
            for kind in ("manifests", "blobs"):
                self._content[f"/v2/{repository}/{kind}/{each.digest}"] = answer
        self._content[f"/v2/{repository}/manifests/{tag}"] = Response(
            body=top.body,
            headers={"Content-Type": top.media_type, "Docker-Content-Digest": top.digest},
        )
        return top.digest

    def then(self, path: str, *responses: Response) -> None:
        """Answers a path, for those who are let in, with each of these once."""
        self._next[path].extend(responses)

    def always(self, path: str, response: Response) -> None:
        self._always[path] = response

    def paths(self) -> list[str]:
        return [request.path for request in self.requests]

    def expire_tokens(self) -> None:
        self.tokens.clear()

    def answer(self, request: Request) -> Response:
        url = urlsplit(request.path)
        if url.path == "/token":
            return self._token(request, parse_qs(url.query))
        refusal = None if url.path in self.open_paths else self._refusal(request, url.path)
        if refusal:
            return refusal
        with self._lock:
            if self._next[url.path]:
                return self._next[url.path].popleft()
        if url.path in self._always:
            return self._always[url.path]
        if url.path == "/v2/":
            return Response(body=b"{}")
        return self._content.get(url.path, Response(404, b'{"errors": []}'))

    def _refusal(self, request: Request, path: str) -> Response | None:
        if self.auth == "basic" and request.authorization != basic(USER, PASSWORD):
            return Response(401, headers={"WWW-Authenticate": 'Basic realm="here"'})
        if self.auth in ("bearer", "anonymous"):
            repository = path.removeprefix("/v2/").partition("/manifests/")[0].partition("/blobs/")
            token = self.tokens.get(repository[0])
            if token is None or request.authorization != f"Bearer {token}":
                realm = self.token_url or f"http://{self.host}/token"
                challenge = f'Bearer realm="{realm}",service="the registry",scope="x:y:z"'
                return Response(401, headers={"WWW-Authenticate": challenge})
        return None

    def _token(self, request: Request, query: Mapping[str, list[str]]) -> Response:
        asked = request.form if request.method == "POST" else query
        known = (
            self.auth == "anonymous"
            or request.authorization == basic(USER, PASSWORD)
            or asked.get("refresh_token") == [IDENTITY_TOKEN]
        )
        if not known or asked.get("service") != ["the registry"]:
            return Response(401, b'{"errors": []}')
        repository = asked["scope"][0].removeprefix("repository:").removesuffix(":pull")
        with self._lock:
            self.tokens[repository] = f"token-{len(self.tokens)}-for-{repository}"
        return Response(body=json.dumps({"token": self.tokens[repository]}).encode())

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        registry = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1

            def do_GET(self) -> None:
                self._serve(b"")

            def do_POST(self) -> None:
                self._serve(self.rfile.read(int(self.headers["Content-Length"])))

            def log_message(self, *arguments: object) -> None:
                pass

            def _serve(self, body: bytes) -> None:
                authorization = self.headers.get("Authorization", "")
                request = Request(self.command, self.path, authorization, parse_qs(body.decode()))
                with registry.counted(request):
                    time.sleep(registry.delay_seconds)
                    send(self, registry.answer(request))

        return Handler

    @contextmanager
    def counted(self, request: Request) -> Iterator[None]:
        with self._lock:
            self.requests.append(request)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            yield
        finally:
            with self._lock:
                self._at_once -= 1

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def send(handler: BaseHTTPRequestHandler, response: Response) -> None:
    length = len(response.body) if response.said_length is None else response.said_length
    lines = {"Content-Length": str(length), **response.headers}
    head = f"HTTP/1.1 {response.status} X\r\n" + "".join(
        f"{name}: {value}\r\n" for name, value in lines.items()
    )
    content = head.encode() + b"\r\n" + response.body
    if response.said_length is not None:
        handler.close_connection = True
    try:
        if response.drip_seconds:
            start = 0 if response.drip_headers else len(content) - len(response.body)
            handler.wfile.write(content[:start])
            for number in range(start, len(content)):
                handler.wfile.write(content[number : number + 1])
                handler.wfile.flush()
                time.sleep(response.drip_seconds)
        else:
            handler.wfile.write(content)
            handler.wfile.flush()
    except OSError:
        handler.close_connection = True


def basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"
