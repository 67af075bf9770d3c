"""Pull times are those of lanes that share a node's bandwidth, and lie between what bounds them."""

from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preloadctl.plan.facts.times import lane_pulls, pull_times
from preloadctl.plan.model import Bandwidth
from preloader.layers import Layers, union_bytes

DIGESTS = "abcdefgh"
Lanes = list[list[Layers]]


@st.composite
def lanes(draw: st.DrawFn) -> Lanes:
    """Lanes of images that share layers; a layer has one size wherever it is."""
    sizes = {digest: draw(st.integers(0, 10**10)) for digest in DIGESTS}
    image = st.sets(st.sampled_from(DIGESTS), min_size=1, max_size=4).map(
        lambda digests: {digest: sizes[digest] for digest in sorted(digests)}
    )
    return draw(st.lists(st.lists(image, min_size=1, max_size=4), min_size=1, max_size=5))


bandwidths = st.builds(
    Bandwidth,
    image_bytes_per_second=st.integers(1, 10**9),
    node_bytes_per_second=st.none() | st.integers(1, 10**9),
)


def simulated_ends(lanes: Sequence[Sequence[Layers]], bandwidth: Bandwidth) -> list[list[Fraction]]:
    """When each image is there, found by letting time pass from one end of an image to the next."""
    left = [queue(lane) for lane in lanes]
    ends: list[list[Fraction]] = [[] for _ in lanes]
    now = Fraction(0)
    while pulling := [number for number, images in enumerate(left) if images]:
        rate = Fraction(bandwidth.image_bytes_per_second)
        if bandwidth.node_bytes_per_second is not None:
            rate = min(rate, Fraction(bandwidth.node_bytes_per_second, len(pulling)))
        step = min(left[number][0] for number in pulling)
        now += step / rate
        for number in pulling:
            left[number][0] -= step
            # An image without layers of its own is there as soon as the one before it.
            while left[number] and left[number][0] == 0:
                left[number].pop(0)
                ends[number].append(now)
    return ends


def queue(lane: Sequence[Layers]) -> list[Fraction]:
    present: set[str] = set()
    sizes: list[Fraction] = []
    for image in lane:
        sizes.append(Fraction(sum(size for digest, size in image.items() if digest not in present)))
        present |= image.keys()
    return sizes


@given(lanes(), bandwidths)
def test_images_are_there_when_a_simulation_of_the_node_has_them(
    lanes: Lanes, bandwidth: Bandwidth
) -> None:
    found = [[pull.end_seconds for pull in lane] for lane in lane_pulls(lanes, bandwidth)]
    expected = [[float(end) for end in lane] for lane in simulated_ends(lanes, bandwidth)]
    assert found == [pytest.approx(lane, rel=1e-9) for lane in expected]


@given(lanes(), bandwidths)
def test_a_lane_pulls_one_image_at_a_time_and_every_layer_once(
    lanes: Lanes, bandwidth: Bandwidth
) -> None:
    for lane, pulls in zip(lanes, lane_pulls(lanes, bandwidth), strict=True):
        starts = [pull.start_seconds for pull in pulls]
        assert starts == [0, *(pull.end_seconds for pull in pulls[:-1])]
        assert sum(pull.new_bytes for pull in pulls) == union_bytes(lane)


@given(lanes(), bandwidths)
def test_no_lanes_are_faster_than_the_bound(lanes: Lanes, bandwidth: Bandwidth) -> None:
    times = pull_times(lanes, bandwidth)
    assert times.bound_seconds <= times.lanes_seconds * (1 + 1e-9)
    assert times.bound_seconds <= times.one_lane_seconds * (1 + 1e-9)


@given(lanes(), bandwidths)
def test_lanes_are_slower_than_one_lane_by_no_more_than_the_layers_that_they_share(
    lanes: Lanes, bandwidth: Bandwidth
) -> None:
    times = pull_times(lanes, bandwidth)
    waited_for = sum(union_bytes(lane) for lane in lanes)
    alone = min(
        bandwidth.image_bytes_per_second,
        bandwidth.node_bytes_per_second or bandwidth.image_bytes_per_second,
    )
    assert times.lanes_seconds <= waited_for / alone * (1 + 1e-9)
    if bandwidth.node_bytes_per_second is None:
        assert times.lanes_seconds <= times.one_lane_seconds * (1 + 1e-9)


@given(lanes(), bandwidths)
def test_one_lane_of_all_images_takes_as_long_as_it_is_said_to(
    lanes: Lanes, bandwidth: Bandwidth
) -> None:
    together = [[image for lane in lanes for image in lane]]
    said = pull_times(lanes, bandwidth).one_lane_seconds
    assert pull_times(together, bandwidth).lanes_seconds == pytest.approx(said, rel=1e-9)


def test_the_article_s_node_pulls_its_images_at_the_default_bandwidth() -> None:
    sizes = (129338587, 43474862, 293403951, 590583972)
    images: Lanes = [[{str(size): size} for size in sizes]]
    times = pull_times(
        images, Bandwidth(image_bytes_per_second=25 * 10**6, node_bytes_per_second=None)
    )
    assert times.one_lane_seconds == pytest.approx(42.3, abs=0.1)


def test_a_node_s_bandwidth_is_shared_by_the_lanes_that_still_pull() -> None:
    bandwidth = Bandwidth(image_bytes_per_second=10, node_bytes_per_second=10)
    pulls = lane_pulls([[{"a": 100}], [{"b": 50}, {"c": 100}]], bandwidth)
    assert [[pull.end_seconds for pull in lane] for lane in pulls] == [[20], [10, 25]]
