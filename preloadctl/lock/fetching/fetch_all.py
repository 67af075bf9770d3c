"""Many images at a time, on a bounded number of threads."""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Event, Thread, Timer

from preloadctl.lock.fetching.fetch import fetch_image
from preloadctl.lock.images import WantedImage
from preloadctl.lock.registries.deadline import Deadline
from preloadctl.lock.registries.errors import NotLocked
from preloadctl.lock.registries.patience import Patience
from preloadctl.lock.registries.registry import Asker, Registries
from preloadctl.lock.registries.transport import Transport
from preloader.lock import LockedImage

Results = SimpleQueue[tuple[WantedImage, LockedImage | NotLocked]]


@dataclass(frozen=True, slots=True)
class Fetched:
    """What registries said: images, and why not, both by the reference as written."""

    images: dict[str, LockedImage] = field(default_factory=dict[str, LockedImage])
    failures: dict[str, str] = field(default_factory=dict[str, str])


def fetch_all(
    images: Sequence[WantedImage],
    *,
    concurrency: int,
    timeout_seconds: float,
    done: Callable[[], None],
    patience: Patience | None = None,
) -> Fetched:
    """Asks for every image; one that fails keeps no other from being asked for.

    Never more than `concurrency` requests are under way, and none of an image after its time.
    `done` is called after each image. An interrupt is passed on at once: the threads end with the
    process, which an executor of the standard library would keep waiting for them.
    """
    todo: SimpleQueue[WantedImage] = SimpleQueue()
    for wanted in images:
        todo.put(wanted)
    results: Results = SimpleQueue()
    stopped = Event()
    registries = Registries(patience or Patience())

    def work() -> None:
        with closing(Transport()) as transport:
            while not stopped.is_set():
                try:
                    wanted = todo.get_nowait()
                except Empty:
                    return
                deadline = Deadline(timeout_seconds, stopped)
                results.put((wanted, _outcome(registries, transport, deadline, wanted)))

    threads = [Thread(target=work, daemon=True) for _ in range(min(concurrency, len(images)))]
    try:
        for thread in threads:
            thread.start()
        fetched = _collected(results, len(images), done)
    finally:
        stopped.set()
    for thread in threads:
        thread.join()
    return fetched


def _outcome(
    registries: Registries, transport: Transport, deadline: Deadline, wanted: WantedImage
) -> LockedImage | NotLocked:
    cut = Timer(deadline.timeout_seconds, transport.cut)
    cut.daemon = True
    cut.start()
    try:
        return fetch_image(registries, Asker(transport, deadline, wanted.reference), wanted)
    except NotLocked as error:
        return error
    # Whatever one registry makes go wrong, the others' answers are not lost for it.
    except Exception as error:  # noqa: BLE001
        return NotLocked(f"its answer made preloadctl fail; report this: {error!r}")
    finally:
        cut.cancel()


def _collected(results: Results, count: int, done: Callable[[], None]) -> Fetched:
    fetched = Fetched()
    for _ in range(count):
        wanted, outcome = results.get()
        match outcome:
            case NotLocked():
                fetched.failures[wanted.written] = str(outcome)
            case _:
                fetched.images[wanted.written] = outcome
        done()
    return fetched
