"""What the cleanup agent gains and costs on a real containerd, with the article's script beside it.

Both clean up the same 60 images, with 30 containers on the node, one right after the other. The
agent's time is that of the whole command, from Python's start on.
"""

import base64
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.pairs import Measurement, Pair, Summary, process_seconds, summarise
from preloader.bundle import build_agent
from tests.agent.containerd import BIN, PAUSE, Containerd, run_containerd
from tests.agent.images import TestImage, sleeper

RUNS = 5
REPOSITORIES, VERSIONS = 10, 6
# As many pods as repositories.
CONTAINERS_A_POD = 3
IMAGE_BYTES = 256 * 1024
KIB, MIB = 1024, 1024 * 1024

MEMORY_LIMIT_MIB = 25
IDLE_CPU_LIMIT_PERCENT = 0.1
CONFIG_MAP_LIMIT_KIB = 400
START_LIMIT_SECONDS = 0.5
IDLE_SECONDS = 30
# The agent's first steps: Python's own start, imports, the first run.
SETTLE_SECONDS = 3

# The script of the article as it is, but for the address of containerd in place of nsenter, and for
# one run in place of its wait for 03:00.
ARTICLE = r"""
cleanup_images() {
  echo "=== Image cleanup on $(hostname) at $(date) ==="

  # Get all images grouped by base name
  CTR images ls -q | while read image; do
    # Extract base name (without tag/digest)
    base=$(echo "$image" | sed 's/:.*$//' | sed 's/@.*$//')
    echo "$base|$image"
  done | sort > FOLDER/all_images.txt

  # For each unique base, keep last 2 versions
  cat FOLDER/all_images.txt | cut -d'|' -f1 | uniq | while read base; do
    # Get all versions of this image, keep newest 2
    grep "^${base}|" FOLDER/all_images.txt | cut -d'|' -f2 | tail -n +3 | while read old_image; do
      # Check if image is in use
      in_use=$(CTR containers ls -q | \
        xargs -I {} CTR containers info {} 2>/dev/null | \
        grep -c "$old_image" || true)

      if [ "$in_use" -eq 0 ]; then
        echo "  Removing old version: $old_image"
        CTR images rm "$old_image" 2>/dev/null || true
      else
        echo "  Keeping (in use): $old_image"
      fi
    done
  done

  rm -f FOLDER/all_images.txt
  echo "=== Cleanup complete ==="
}
cleanup_images
"""


def measure(
    runs: int = RUNS, idle_seconds: float = IDLE_SECONDS, repositories: int = REPOSITORIES
) -> list[Measurement]:
    """Returns the ratio of the article's script to the agent, and of the agent to its limits."""
    with TemporaryDirectory() as folder, run_containerd() as containerd:
        containerd.add(sleeper(PAUSE))
        agent = Agent(Path(folder), containerd)
        images = _images(repositories)
        with _inventory(containerd, images):
            pairs = [_pair(containerd, agent, images) for _ in range(runs)]
            containerd.add(*images)
            starts = [Pair(agent.start_seconds(), START_LIMIT_SECONDS) for _ in range(runs)]
            memory, cpu = agent.idle(idle_seconds)
        containerd.clear()
    size = len(base64.b64encode(build_agent())) / KIB
    return [
        each.as_measurement()
        for each in (
            summarise("cleanup_article_over_ours", pairs, lambda pair: pair.other_over_ours),
            _over_limit("cleanup_start_over_limit", starts, "s"),
            _over_limit("cleanup_memory_over_limit", [Pair(memory, MEMORY_LIMIT_MIB)], "MiB"),
            _over_limit("cleanup_idle_cpu_over_limit", [Pair(cpu, IDLE_CPU_LIMIT_PERCENT)], "%"),
            _over_limit("cleanup_config_map_over_limit", [Pair(size, CONFIG_MAP_LIMIT_KIB)], "KiB"),
        )
    ]


def _over_limit(name: str, pairs: list[Pair], unit: str) -> Summary:
    return summarise(name, pairs, lambda pair: pair.ours_over_other, unit)


class Agent:
    """The agent's archive, for one containerd."""

    def __init__(self, folder: Path, containerd: Containerd) -> None:
        self._folder = folder
        archive = folder / "agent.pyz"
        archive.write_bytes(build_agent())
        policy = folder / "policy.json"
        policy.write_text(json.dumps({"pool": "bench", "minimum_age_seconds": 0}))
        # As the pod starts it: nothing of this machine's own Python packages.
        self._python = [sys.executable, "-I", "-S"]
        self._agent = [*self._python, str(archive)]
        self._options = ["--policy", str(policy), "--socket", str(containerd.socket)]
        self._options += ["--state", str(folder)]

    def clean_up(self) -> float:
        """Returns how long one run takes, in seconds."""
        return process_seconds([*self._agent, "run", "--once", *self._options])

    def start_seconds(self) -> float:
        """Returns how long it takes to the first plan, beyond Python's own start."""
        python = process_seconds([*self._python, "-c", ""])
        return process_seconds([*self._agent, "plan", *self._options]) - python

    def idle(self, idle_seconds: float) -> tuple[float, float]:
        """Returns the most memory it ever had, in MiB, and what it uses of a core, in percent."""
        line = [*self._agent, "run", *self._options, "--ready", str(self._folder / "ready")]
        with (
            (self._folder / "log").open("w") as log,
            subprocess.Popen(line, stdout=log) as process,  # noqa: S603 - the agent's own
        ):
            try:
                time.sleep(SETTLE_SECONDS)
                before = _cpu_seconds(process.pid)
                time.sleep(idle_seconds)
                percent = 100 * (_cpu_seconds(process.pid) - before) / idle_seconds
                return _peak_memory(process.pid) / MIB, percent
            finally:
                process.terminate()


def _pair(containerd: Containerd, agent: Agent, images: Sequence[TestImage]) -> Pair:
    containerd.add(*images)
    script = ARTICLE.replace("CTR", f"{BIN / 'ctr'} -a {containerd.socket} -n k8s.io")
    with TemporaryDirectory() as folder:
        other = process_seconds(["/bin/sh", "-c", script.replace("FOLDER", folder)])
    containerd.add(*images)
    return Pair(agent.clean_up(), other)


@contextmanager
def _inventory(containerd: Containerd, images: Sequence[TestImage]) -> Iterator[None]:
    containerd.add(*images)
    names = [image.name for image in images]
    for pod in range(len(images) // VERSIONS):
        first = pod * CONTAINERS_A_POD
        containerd.run_pod(f"pod-{pod}", names[first : first + CONTAINERS_A_POD])
    yield


def _images(repositories: int) -> list[TestImage]:
    return [
        TestImage(
            f"docker.io/bench/app-{repository}:1.{version}",
            content=f"{repository}.{version}".encode().ljust(IMAGE_BYTES, b"."),
        )
        for repository in range(repositories)
        for version in range(VERSIONS)
    ]


def _cpu_seconds(pid: int) -> float:
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def _peak_memory(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    peak = next(line for line in lines if line.startswith("VmHWM:"))
    return int(peak.split()[1]) * KIB
