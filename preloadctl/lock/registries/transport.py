"""Requests over HTTP that end in time, and keep credentials where they belong."""

import contextlib
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any
from weakref import WeakSet

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from preloadctl.lock.registries.deadline import Deadline
from preloadctl.lock.registries.hosts import host_of, is_loopback

# What a registry has to accept at most:
# https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-manifests
BODY_MAX_BYTES = 4 * 1024 * 1024
CHUNK_BYTES = 64 * 1024
# A connection that takes longer is tried again rather than waited for.
CONNECT_TIMEOUT_SECONDS = 10.0
MAX_REDIRECTS = 5


class TooLarge(requests.RequestException):
    """An answer above BODY_MAX_BYTES."""


class PlainHttp(requests.RequestException):
    """A URL without TLS, of another machine or of this one where another one names it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer read in full; `url` is what answered in the end. Header names are lower case."""

    status: int
    url: str
    headers: Mapping[str, str]
    body: bytes


class Transport:
    """The connections of one thread, which another can cut.

    Requests raise RequestException, also where the connection is cut, and NotLocked when the time
    is over.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._sockets: WeakSet[socket.socket] = WeakSet()
        self._session = _Session()
        self._session.mount("https://", _Adapter(self._connected))
        self._plain = _LoopbackAdapter(self._connected)
        self._session.mount("http://", self._plain)

    def close(self) -> None:
        """Closes the connections; another thread must not be waiting for them."""
        self._session.close()

    def get(
        self, url: str, headers: Mapping[str, str], deadline: Deadline, *, is_local: bool
    ) -> Answer:
        """Follows redirects; credentials stay with the URL's own host and port.

        Plain HTTP is spoken for a registry that `is_local` alone: what another one names may be any
        program of this machine.
        """
        self._plain.is_allowed = is_local
        return self._request("GET", url, deadline, headers=dict(headers))

    def post(
        self, url: str, form: Mapping[str, str], deadline: Deadline, *, is_local: bool
    ) -> Answer:
        """Sends a form, to this URL alone; for plain HTTP see `get`."""
        self._plain.is_allowed = is_local
        return self._request("POST", url, deadline, data=dict(form), allow_redirects=False)

    def cut(self) -> None:
        """Ends what another thread is waiting for; later requests connect anew.

        A handshake of TLS is not cut: each of its steps has the connection's own time limit.
        """
        with self._lock:
            sockets = list(self._sockets)
        for each in sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _connected(self, connection: socket.socket) -> None:
        with self._lock:
            self._sockets.add(connection)

    def _request(self, method: str, url: str, deadline: Deadline, **options: Any) -> Answer:  # noqa: ANN401
        host = host_of(url)
        remaining_seconds = deadline.remaining_seconds(host)
        timeout = (min(CONNECT_TIMEOUT_SECONDS, remaining_seconds), remaining_seconds)
        try:
            with self._session.request(
                method, url, timeout=timeout, stream=True, **options
            ) as response:
                answer = _read(response)
        except requests.RequestException:
            raise
        except (ValueError, HTTPError) as error:
            # Of hosts and redirects that cannot be parsed `requests` passes some errors on.
            raise requests.exceptions.InvalidURL from error
        # Headers that are cut off look as if they had ended.
        deadline.remaining_seconds(host)
        return answer


def _read(response: requests.Response) -> Answer:
    body = bytearray()
    for chunk in response.iter_content(CHUNK_BYTES):
        body += chunk
        if len(body) > BODY_MAX_BYTES:
            raise TooLarge
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(response.status_code, response.url, headers, bytes(body))


class _Session(requests.Session):
    """Sends the credentials that it is given and no others, while `requests` reads ~/.netrc."""

    def __init__(self) -> None:
        super().__init__()
        self.max_redirects = MAX_REDIRECTS
        self.auth = lambda request: request
        # Bodies are compared with their digests as they are sent.
        self.headers.update({"Accept-Encoding": "identity", "User-Agent": "preloadctl"})

    def rebuild_auth(
        self, prepared_request: requests.PreparedRequest, response: requests.Response
    ) -> None:
        redirected_from, redirected_to = response.request.url, prepared_request.url
        if self.should_strip_auth(str(redirected_from), str(redirected_to)):
            prepared_request.headers.pop("Authorization", None)


class _Adapter(HTTPAdapter):
    """Tells of each connection that it makes."""

    def __init__(self, connected: Callable[[socket.socket], None]) -> None:
        self._pool_classes = _pool_classes(connected)
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 the base class's
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = self._pool_classes

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:  # noqa: ANN401 the base class's
        manager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = self._pool_classes
        return manager


class _LoopbackAdapter(_Adapter):
    """Speaks plain HTTP with this machine alone, and past any proxy, as container runtimes do."""

    is_allowed = False

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> Any:  # noqa: ANN401
        if not (self.is_allowed and is_loopback(host_of(str(request.url)))):
            raise PlainHttp(request=request)
        return super().send(request, *args, **{**options, "proxies": None})


def _pool_classes(
    connected: Callable[[socket.socket], None],
) -> dict[str, type[HTTPConnectionPool]]:
    class Connection(HTTPConnection):
        def connect(self) -> None:
            super().connect()
            connected(self.sock)

    class SecureConnection(HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            connected(self.sock)

    class Pool(HTTPConnectionPool):
        ConnectionCls = Connection  # pyright: ignore[reportAssignmentType] urllib3's own type

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = SecureConnection  # pyright: ignore[reportAssignmentType] as above

    return {"http": Pool, "https": SecurePool}
