"""How long `preloadctl lock` takes for images of one registry, one by one over all at once.

The registry is on this machine and answers each request after 20 ms, as one in the same region may;
each image takes a token, an index and a manifest.
"""

import time
from functools import partial

from bench.pairs import Measurement, measure_pairs, summarise
from preloadctl.lock.fetching.fetch_all import fetch_all
from preloadctl.lock.images import WantedImage
from preloadctl.lock.options import DEFAULT_CONCURRENCY, DEFAULT_TIMEOUT_SECONDS
from preloader.images import parse_reference
from tests.preloadctl.lock.made_images import AMD64, index, layer, manifest
from tests.preloadctl.lock.registry_server import RegistryServer

IMAGES = 100
ANSWER_SECONDS = 0.02


def measure(runs: int = 5, images: int = IMAGES) -> list[Measurement]:
    """Returns how many times faster the default concurrency is than one image after the other."""
    with RegistryServer() as registry:
        registry.auth = "anonymous"
        registry.delay_seconds = ANSWER_SECONDS
        on_amd64 = manifest([layer("base")])
        for number in range(images):
            registry.push(f"app-{number}", "1", index((on_amd64, AMD64)), on_amd64)
        pairs = measure_pairs(
            partial(_lock_seconds, registry, images, DEFAULT_CONCURRENCY),
            partial(_lock_seconds, registry, images, 1),
            runs=runs,
        )
    summary = summarise("lock_one_by_one_over_concurrent", pairs, lambda pair: pair.other_over_ours)
    return [summary.as_measurement()]


def _lock_seconds(registry: RegistryServer, count: int, concurrency: int) -> float:
    names = [f"{registry.host}/app-{number}:1" for number in range(count)]
    images = [WantedImage(name, parse_reference(name), ("amd64",)) for name in names]
    start = time.perf_counter()
    fetched = fetch_all(
        images,
        concurrency=concurrency,
        timeout_seconds=DEFAULT_TIMEOUT_SECONDS,
        done=lambda: None,
    )
    seconds = time.perf_counter() - start
    if len(fetched.images) != count:
        raise RuntimeError(f"not all images were locked: {fetched.failures}")
    return seconds
