"""Chromium, which pages are looked at with: installs it, and drives it without a window.

Run as `python -m tests.chromium`; only root on Debian installs it. A second run changes nothing.
"""

import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

PACKAGE = "chromium"
MISSING = f"no Chromium on PATH; Debian's package is `{PACKAGE}`"
# As root it has no sandbox; the pages are our own.
OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--hide-scrollbars",
    "--no-first-run",
    "--disable-background-networking",
    "--remote-debugging-pipe",
)
# Chromium reads commands from file 3 and writes answers to file 4. Not every shell can redirect a
# file whose number has two digits.
REDIRECT = """\
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.dup2(int(sys.argv[2]), 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


def find() -> str | None:
    """Returns the path of a Chromium, or None."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)


def install() -> None:
    """Makes Chromium present where that is possible, and says what it did."""
    if find() is not None:
        print(f"{PACKAGE} is there")
    elif os.geteuid() or shutil.which("apt-get") is None:
        print(f"{MISSING}, which root installs")
    else:
        print(_apt_get("update") or _apt_get("install", PACKAGE) or f"installed {PACKAGE}")


@dataclass(slots=True)
class Browser:
    """A running Chromium with one page.

    The protocol is https://chromedevtools.github.io/devtools-protocol/, over a pipe: JSON messages
    that end in a zero byte.
    """

    commands: BinaryIO
    answers: BinaryIO
    requested: list[str] = field(default_factory=list[str])
    """The addresses of everything that pages have asked for."""
    _session: str | None = None
    _last_id: int = 0
    _read: bytes = b""

    def start(self) -> None:
        """Opens the page."""
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        attached = self._call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        self._call("Page.enable")
        self._call("Network.enable")

    def open(self, file: Path, size: tuple[int, int], scheme: str) -> None:
        """Shows a file in a window of that size, with `light` or `dark` preferred."""
        width, height = size
        self._call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        preferred = [{"name": "prefers-color-scheme", "value": scheme}]
        self._call("Emulation.setEmulatedMedia", features=preferred)
        self._call("Page.navigate", url=file.as_uri())
        while self._next().get("method") != "Page.loadEventFired":
            pass

    def value(self, expression: str) -> Any:
        """Returns what a JavaScript expression is on the page, as JSON says it."""
        answer = self._call("Runtime.evaluate", expression=expression, returnByValue=True)
        return answer["result"]["value"]

    def screenshot(self, size: tuple[int, int], top: float = 0) -> bytes:
        """Returns the left of the page from `top` on as a PNG file."""
        clip = {"x": 0, "y": top, "width": size[0], "height": size[1], "scale": 1}
        answer = self._call("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
        return base64.b64decode(answer["data"])

    def _call(self, method: str, **parameters: Any) -> Any:
        self._last_id += 1
        session = {} if self._session is None else {"sessionId": self._session}
        message = {"id": self._last_id, "method": method, "params": parameters} | session
        self.commands.write(json.dumps(message).encode() + b"\0")
        self.commands.flush()
        while (answer := self._next()).get("id") != self._last_id:
            pass
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._read:
            part = os.read(self.answers.fileno(), 2**16)
            if not part:
                raise RuntimeError("Chromium has ended")
            self._read += part
        message, _, self._read = self._read.partition(b"\0")
        event: dict[str, Any] = json.loads(message)
        if event.get("method") == "Network.requestWillBeSent":
            self.requested.append(event["params"]["request"]["url"])
        return event


@contextmanager
def running(path: str) -> Iterator[Browser]:
    """Starts the Chromium of that path, and ends it afterwards."""
    (reads, commands), (answers, writes) = os.pipe(), os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = _start((path, *OPTIONS, f"--user-data-dir={profile}"), reads, writes)
        try:
            with os.fdopen(commands, "wb") as written, os.fdopen(answers, "rb") as read:
                browser = Browser(written, read)
                browser.start()
                yield browser
        finally:
            # It ends with its pipe, and takes its own children along.
            process.wait(timeout=30)


def first_pixel(png: bytes) -> tuple[int, ...]:
    """Returns red, green and blue of the first pixel of a PNG file with 8 bits a colour."""
    data, at = b"", 8
    while at < len(png):
        length, kind = int.from_bytes(png[at : at + 4]), png[at + 4 : at + 8]
        if kind == b"IDAT":
            data += png[at + 8 : at + 8 + length]
        at += length + 12
    # Before the first pixel is the filter of its line, none of which changes that pixel.
    return tuple(zlib.decompress(data)[1:4])


def _apt_get(*arguments: str) -> str | None:
    """Returns why it failed."""
    result = subprocess.run(
        ("apt-get", "-qq", "--assume-yes", "--no-install-recommends", *arguments),
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
    )
    said = result.stderr.strip().splitlines()[-1:]
    return f"could not install {PACKAGE}: {''.join(said)}" if result.returncode else None


def _start(command: Sequence[str], reads: int, writes: int) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        (sys.executable, "-c", REDIRECT, str(reads), str(writes), *command),
        pass_fds=(reads, writes),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(reads)
    os.close(writes)
    return process


if __name__ == "__main__":
    install()
