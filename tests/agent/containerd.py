"""A real containerd in namespaces of its own: what it starts ends with it, and so do its mounts."""

import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from preloader.agent.cri.channel import Channel, RuntimeFault
from preloader.agent.cri.runtime import Runtime
from preloader.agent.cri.wire import Schema, encode_message, encode_number, encode_text, text
from tests.agent.images import Built, TestImage, write_layout

BIN = Path(__file__).parents[2] / ".work" / "bin"
PAUSE = "registry.example/pause:3.10"
START_SECONDS = 30
_CALL_SECONDS = 60
_NODE_NETWORK = 2
_ID: Schema[str] = Schema(lambda value: value, {1: text("value")})
_NOTHING: Schema[None] = Schema(lambda: None, {})
T = TypeVar("T")

_CONFIG = """\
version = 3
root = "{folder}/root"
state = "{folder}/state"
disabled_plugins = ["io.containerd.nri.v1.nri"]
[grpc]
address = "{folder}/run/containerd.sock"
[ttrpc]
address = "{folder}/run/ttrpc.sock"
[plugins.'io.containerd.cri.v1.runtime']
restrict_oom_score_adj = true
[plugins.'io.containerd.cri.v1.images'.pinned_images]
sandbox = "{pause}"
"""


class Containerd:
    """A containerd that can be stopped and started again while its containers go on."""

    def __init__(self, folder: Path, disk_mib: int) -> None:
        self.folder = folder
        self.socket = folder / "run" / "containerd.sock"
        for name in ("run", "root", "state", "bin"):
            (folder / name).mkdir()
        # A file system of its own, so that what is freed can be counted to the byte.
        mount = f"mount -t tmpfs -o size={disk_mib}m tmpfs {folder}/root && exec sleep infinity"
        namespaces = ["--pid", "--mount", "--fork", "--kill-child", "--mount-proc"]
        self._holder = subprocess.Popen(["unshare", *namespaces, "sh", "-c", mount])
        self._init = _wait_for(lambda: _child(self._holder.pid))
        self._daemon: subprocess.Popen[bytes] | None = None
        self._archives = 0
        _wait_for(lambda: "sleep" in Path(f"/proc/{self._init}/comm").read_text())

    @property
    def disk(self) -> Path:
        """The file system of the images, as it can be seen from outside."""
        return Path(f"/proc/{self._init}/root{self.folder}/root")

    @property
    def pid(self) -> int:
        """The process of containerd itself."""
        assert self._daemon is not None
        return _child(self._daemon.pid)

    def start(self, sandbox_image: str = PAUSE) -> None:
        """Starts containerd and waits until it answers."""
        config = _CONFIG.format(folder=self.folder, pause=sandbox_image)
        (self.folder / "config.toml").write_text(config)
        with (self.folder / "containerd.log").open("ab") as log:
            self._daemon = subprocess.Popen(
                self._inside(str(BIN / "containerd"), "--config", f"{self.folder}/config.toml"),
                stdout=log,
                stderr=log,
                env={"PATH": f"{BIN}:/usr/sbin:/usr/bin:/sbin:/bin"},
            )
        runtime = Runtime(str(self.socket))
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                runtime.containers()
            except RuntimeFault as fault:
                if time.monotonic() > deadline or self._daemon.poll() is not None:
                    log_text = (self.folder / "containerd.log").read_text()[-2000:]
                    raise RuntimeError(f"containerd does not start: {fault}\n{log_text}") from None
                time.sleep(0.02)
            else:
                break
        runtime.close()

    def stop(self, by: signal.Signals = signal.SIGTERM) -> None:
        """Ends containerd; its containers go on."""
        assert self._daemon is not None
        subprocess.run(["kill", f"-{by.value}", str(self.pid)], check=True)
        self._daemon.wait(timeout=START_SECONDS)
        self._daemon = None

    def end(self) -> None:
        """Ends everything that was started here."""
        self._holder.kill()
        self._holder.wait()
        if self._daemon is not None:
            self._daemon.wait(timeout=START_SECONDS)

    def ctr(self, *arguments: str) -> str:
        """Runs containerd's own client; returns what it prints."""
        command = [str(BIN / "ctr"), "-a", str(self.socket), "-n", "k8s.io", *arguments]
        result = subprocess.run(self._inside(*command), capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise RuntimeError(f"{' '.join(arguments)}: {result.stderr}")
        return result.stdout

    def add(self, *images: TestImage, as_pulled: bool = True) -> dict[str, Built]:
        """Imports images; `as_pulled` also under their digests, as a pull leaves them."""
        self._archives += 1
        path = self.folder / f"images-{self._archives}.tar"
        built = write_layout(images, path)
        self.ctr("images", "import", "--local", str(path))
        path.unlink()
        if as_pulled:
            for name, image in built.items():
                repository = name.rpartition(":")[0]
                self.tag(name, f"{repository}@{image.digest}")
        self.wait_until_listed(image.image_id for image in built.values())
        return built

    def tag(self, name: str, *others: str) -> None:
        self.ctr("images", "tag", "--force", "--skip-reference-check", name, *others)

    def untag(self, *names: str) -> None:
        self.ctr("images", "rm", "--sync", *names)

    def unpin(self, name: str) -> None:
        """Takes the pin off an image that the configuration does not pin any more."""
        [image] = [
            image for image in self._runtime(lambda runtime: runtime.images()) if name in image.tags
        ]
        for reference in (*image.tags, *image.digests, image.id):
            self.ctr("images", "label", reference, "io.cri-containerd.pinned=")

        def is_pinned() -> bool:
            now = self._runtime(lambda runtime: runtime.image(image.id))
            return now is None or now.pinned

        _wait_for(lambda: not is_pinned())

    def references(self) -> set[str]:
        """Every name under which containerd keeps an image, as `ctr images ls -q` prints them."""
        return set(self.ctr("images", "ls", "-q").split())

    def tags(self) -> set[str]:
        """The tags that CRI lists, but for the sandbox image's."""
        images = self._runtime(lambda runtime: runtime.images())
        return {tag for image in images for tag in image.tags} - {PAUSE}

    def wait_until_listed(self, image_ids: Iterable[str]) -> None:
        # CRI learns of what `ctr` does by events.
        wanted = set(image_ids)
        _wait_for(lambda: wanted <= {image.id for image in self._runtime(lambda r: r.images())})

    def run_pod(self, name: str, images: Iterable[str] = (), *, start: bool = False) -> "Pod":
        """Makes a sandbox with a container of each image; `start` them too."""
        sandbox_config = encode_message(
            1, encode_text(1, name) + encode_text(2, f"uid-{name}") + encode_text(3, "default")
        )
        node = encode_number(1, _NODE_NETWORK)
        linux = encode_message(8, encode_message(2, encode_message(1, node)))
        labels = _label("io.kubernetes.pod.namespace", "default") + _label(
            "io.kubernetes.pod.name", name
        )
        config = sandbox_config + encode_text(3, f"{self.folder}/logs") + linux + labels
        sandbox = self._call("RunPodSandbox", encode_message(1, config), _ID)
        pod = Pod(self, sandbox, config)
        for index, image in enumerate(images):
            pod.add_container(f"c{index}", image, start=start)
        return pod

    def process_of(self, container: str) -> int:
        """The process of a running container, as this side numbers it."""
        for line in self.ctr("tasks", "ls").splitlines():
            name, pid, *_ = line.split()
            if name == container:
                return self._outside(int(pid))
        raise LookupError(container)

    def _outside(self, pid: int) -> int:
        # The last number of NSpid is that in the innermost of the process's namespaces.
        for status in Path("/proc").glob("[0-9]*/status"):
            with suppress(OSError):
                numbers = next(
                    line.split()[1:]
                    for line in status.read_text().splitlines()
                    if line.startswith("NSpid:")
                )
                if len(numbers) > 1 and int(numbers[1]) == pid and self._is_inside(numbers[0]):
                    return int(numbers[0])
        raise LookupError(pid)

    def _is_inside(self, pid: str) -> bool:
        while pid not in {"0", str(self._init)}:
            pid = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]
        return pid == str(self._init)

    def clear(self) -> None:
        """Removes all pods and images."""
        for sandbox in self._runtime(lambda runtime: runtime.sandboxes()):
            Pod(self, sandbox.id, b"").remove()
        names = self.references()
        if names:
            self.untag(*names)
        _wait_for(lambda: not self._runtime(lambda runtime: runtime.images()))

    def _call(self, method: str, request: bytes, schema: Schema[T]) -> T:
        channel = Channel(str(self.socket))
        try:
            answer = channel.call(f"runtime.v1.RuntimeService/{method}", request, _CALL_SECONDS)
        finally:
            channel.close()
        return schema.decode(answer)

    def _runtime(self, ask: Callable[[Runtime], T]) -> T:
        runtime = Runtime(str(self.socket))
        try:
            return ask(runtime)
        finally:
            runtime.close()

    def _inside(self, *command: str) -> list[str]:
        return ["nsenter", "-t", str(self._init), "-p", "-m", "--", *command]


class Pod:
    """A pod as a kubelet makes it, without the kubelet."""

    def __init__(self, containerd: Containerd, sandbox: str, config: bytes) -> None:
        self.sandbox = sandbox
        self._containerd, self._config = containerd, config

    def add_container(
        self, name: str, image: str, *, start: bool = False, volumes: Iterable[str] = ()
    ) -> str:
        """Creates a container of `image`, a name or ID, that mounts `volumes`, other images."""
        mounts = b"".join(
            encode_message(
                7,
                encode_text(1, f"/mnt/{index}")
                + encode_number(3, 1)
                + encode_message(9, encode_text(1, volume)),
            )
            for index, volume in enumerate(volumes)
        )
        config = (
            encode_message(1, encode_text(1, name))
            + encode_message(2, encode_text(1, image) + encode_text(18, image))
            # The image says what is run; one that says nothing is never started.
            + (b"" if start else encode_text(3, "/nothing"))
            + mounts
            + _label("io.kubernetes.pod.namespace", "default", number=9)
            + _label("io.kubernetes.container.name", name, number=9)
        )
        request = (
            encode_text(1, self.sandbox)
            + encode_message(2, config)
            + encode_message(3, self._config)
        )
        container = self._containerd._call("CreateContainer", request, _ID)  # noqa: SLF001
        if start:
            self._containerd._call("StartContainer", encode_text(1, container), _NOTHING)  # noqa: SLF001
        return container

    def stop(self) -> None:
        """Ends its processes; what it was stays until it is removed."""
        self._containerd._call("StopPodSandbox", encode_text(1, self.sandbox), _NOTHING)  # noqa: SLF001

    def remove(self) -> None:
        self.stop()
        self._containerd._call("RemovePodSandbox", encode_text(1, self.sandbox), _NOTHING)  # noqa: SLF001


@contextmanager
def run_containerd(disk_mib: int = 512) -> Iterator[Containerd]:
    """A containerd with the sandbox image, on a file system of `disk_mib` in memory."""
    # Short, because a socket's path is limited to 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="ctrd-"))
    containerd = Containerd(folder, disk_mib)
    try:
        containerd.start()
        yield containerd
    finally:
        containerd.end()
        shutil.rmtree(folder)


def _label(key: str, value: str, number: int = 6) -> bytes:
    return encode_message(number, encode_text(1, key) + encode_text(2, value))


def _child(pid: int) -> int:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(children[0]) if children else 0


def _wait_for(condition: Callable[[], T]) -> T:
    deadline = time.monotonic() + START_SECONDS
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(condition)
        time.sleep(0.01)
    return value
