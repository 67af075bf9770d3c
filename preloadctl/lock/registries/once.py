"""What several threads need and one of them gets: it is asked for once, and kept."""

from collections.abc import Callable, Hashable
from concurrent.futures import Future
from threading import Lock
from typing import Generic, TypeVar

from preloadctl.lock.registries.deadline import Deadline

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class OncePerKey(Generic[Key, Value]):
    """Makes the value of each key once; who asks meanwhile waits, and an error is kept as well."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._futures: dict[Key, Future[Value]] = {}

    def get(self, key: Key, make: Callable[[], Value], deadline: Deadline) -> Value:
        """Returns the value; raises what `make` raised, or NotLocked where others take too long."""
        with self._lock:
            known = self._futures.get(key)
            future = self._futures.setdefault(key, Future[Value]())
        if known is None:
            try:
                future.set_result(make())
            except BaseException as error:  # noqa: BLE001 those who wait get the same
                future.set_exception(error)
            return future.result()
        return deadline.wait_for(future)

    def forget(self, key: Key, value: Value) -> None:
        """Has the value made again, unless another thread has seen to that already."""
        with self._lock:
            future = self._futures.get(key)
            if future and future.done() and not future.exception() and future.result() == value:
                del self._futures[key]
