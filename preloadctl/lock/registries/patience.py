"""Requests that are made again: after a while that grows, or the one that the host asks for."""

import random
import time
from collections.abc import Callable, Sequence

import requests
from urllib3.exceptions import InvalidHeader
from urllib3.util import Retry

from preloadctl.lock.registries.deadline import Deadline
from preloadctl.lock.registries.failures import (
    TRANSIENT_STATUSES,
    connection_failure,
    is_transient,
    pause_failure,
)
from preloadctl.lock.registries.hosts import host_of
from preloadctl.lock.registries.transport import Answer

BACKOFF_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0)
# Threads that were refused together do not come back together.
JITTER = (0.75, 1.25)
# Beyond any image's time.
LONGEST_PAUSE_SECONDS = 6 * 3600


class Patience:
    """Makes requests until they are answered.

    A pause that a host asks one thread for is kept by all, unless it is longer than their images
    have: then they ask for themselves, since it may be for one repository alone. Where a host names
    two pauses at a time the last one holds; who comes too early is told again.
    """

    def __init__(self, backoff_seconds: Sequence[float] = BACKOFF_SECONDS) -> None:
        self._backoff_seconds = backoff_seconds
        self._not_before: dict[str, float] = {}

    def ask(self, url: str, deadline: Deadline, request: Callable[[], Answer]) -> Answer:
        """Returns the first lasting answer, or the last one; raises NotLocked without any."""
        host = host_of(url)
        pauses_seconds = iter(self._backoff_seconds)
        while True:
            self._wait(host, deadline)
            pause_seconds = next(pauses_seconds, None)
            try:
                answer = request()
            except requests.RequestException as error:
                if pause_seconds is None or deadline.is_over or not is_transient(error):
                    raise connection_failure(error, url, deadline) from None
                deadline.sleep(pause_seconds * _jitter())
                continue
            if pause_seconds is None or answer.status not in TRANSIENT_STATUSES:
                return answer
            pause_seconds = max(pause_seconds * _jitter(), _retry_after_seconds(answer))
            if pause_seconds >= deadline.remaining_seconds(host):
                raise pause_failure(host, pause_seconds, deadline)
            self._not_before[host] = time.monotonic() + pause_seconds

    def _wait(self, host: str, deadline: Deadline) -> None:
        pause_seconds = self._not_before.get(host, 0) - time.monotonic()
        if 0 < pause_seconds < deadline.remaining_seconds(host):
            deadline.sleep(pause_seconds)


def _jitter() -> float:
    return random.uniform(*JITTER)  # noqa: S311 no secret


def _retry_after_seconds(answer: Answer) -> float:
    try:
        seconds = Retry().parse_retry_after(answer.headers.get("retry-after", "0"))
    except (InvalidHeader, ValueError, OverflowError):
        return 0
    return min(seconds, LONGEST_PAUSE_SECONDS)
