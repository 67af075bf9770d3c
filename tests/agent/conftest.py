"""What the agent's tests share."""

from collections.abc import Iterator

import pytest

from preloader.agent.cri.runtime import Runtime
from tests.agent.fake_runtime import FakeRuntime, Server, serve


@pytest.fixture
def fake() -> FakeRuntime:
    """A runtime that behaves, until a test tells it otherwise."""
    return FakeRuntime()


@pytest.fixture
def server(fake: FakeRuntime) -> Iterator[Server]:
    with serve(fake) as server:
        yield server


@pytest.fixture
def runtime(server: Server) -> Iterator[Runtime]:
    """The agent's side of the fake runtime's socket."""
    runtime = Runtime(server.path)
    yield runtime
    runtime.close()
