"""Images are spread evenly by their layers where these are known, and in turn where not."""

from collections.abc import Callable, Mapping
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from preloader.lanes import LEAST_GAIN, MAX_IMAGES_A_LANE, Lanes, spread
from preloader.layers import Layers, union_bytes

# The compressed sizes in the article's repro: py-kube, python, golang, rust.
ARTICLE_BYTES = {"py-kube": 129_338_587, "python": 43_474_862, "golang": 293_403_951}
ARTICLE_BYTES |= {"rust": 590_583_972}

SIZES = st.lists(st.integers(1, 1000), min_size=1, max_size=7)
# Few digests, so that most images share some; a layer has one size wherever it is.
LAYER_BYTES = {f"shared {index}": size for index, size in enumerate((900, 500, 250, 80, 20))}
IMAGES = st.lists(
    st.tuples(st.sets(st.sampled_from(sorted(LAYER_BYTES)), max_size=4), st.integers(1, 1000)),
    min_size=1,
    max_size=6,
).map(
    lambda drawn: [
        {f"own {index}": own} | {digest: LAYER_BYTES[digest] for digest in shared}
        for index, (shared, own) in enumerate(drawn)
    ]
)


def alone(sizes: Mapping[str, int]) -> Callable[[str], Layers]:
    return lambda name: {name: sizes[name]}


def by_index(images: list[dict[str, int]]) -> Callable[[int], Layers]:
    return lambda index: images[index]


def unshared(sizes: list[int]) -> list[dict[str, int]]:
    return [{str(index): size} for index, size in enumerate(sizes)]


def fullest(images: list[dict[str, int]], lanes: Lanes[int]) -> int:
    return max(union_bytes(images[index] for index in lane) for lane in lanes)


def best_possible(images: list[dict[str, int]], count: int) -> int:
    """The lowest fullest lane of every way to spread the images."""
    return min(
        max(
            union_bytes(image for image, lane in zip(images, choice, strict=True) if lane == n)
            for n in range(count)
        )
        for choice in product(range(count), repeat=len(images))
    )


def test_no_more_lanes_than_shorten_the_pull() -> None:
    # A third lane gains nothing: the largest image alone takes as long.
    lanes = spread(list(ARTICLE_BYTES), 4, alone(ARTICLE_BYTES))
    assert lanes == (("golang", "py-kube", "python"), ("rust",))


def test_a_lane_more_that_gains_nothing_hides_no_gain_of_two_more() -> None:
    sizes = dict.fromkeys("abcd", 5)
    assert spread("abcd", 2, alone(sizes)) == (("a", "c"), ("b", "d"))
    # Three lanes are no better than two, four are.
    assert spread("abcd", 4, alone(sizes)) == (("a",), ("b",), ("c",), ("d",))


def test_a_lane_more_has_to_gain_five_percent() -> None:
    # Two lanes take 100 each, three take what is written first.
    assert len(spread("abcd", 3, alone({"a": 94, "b": 94, "c": 6, "d": 6}))) == 3
    assert len(spread("abcd", 3, alone({"a": 96, "b": 96, "c": 4, "d": 4}))) == 2


def test_unknown_sizes_are_dealt_out_in_the_order_written() -> None:
    assert spread("abcde", 2, lambda _: None) == (("b", "d"), ("a", "c", "e"))


def test_one_unknown_size_makes_all_sizes_unknown() -> None:
    layers = {"a": {"a": 1}, "b": None, "c": {"c": 9}}
    assert spread("abc", 2, layers.get) == (("b",), ("a", "c"))


def test_there_are_never_more_lanes_than_images() -> None:
    assert spread("ab", 4, lambda _: None) == (("b",), ("a",))
    assert spread("ab", 4, alone({"a": 7, "b": 7})) == (("a",), ("b",))


def test_images_on_one_base_share_a_lane_where_that_is_better() -> None:
    base = {"base": 100}
    images = [base | {"a": 10}, {"other": 105}, base | {"b": 9}]
    assert spread(range(3), 2, by_index(images)) == ((1,), (0, 2))


def test_images_on_one_base_are_apart_where_that_is_better() -> None:
    images = [{"base": 10, "a": 100}, {"base": 10, "b": 90}, {"other": 20}]
    assert spread(range(3), 2, by_index(images)) == ((0,), (1, 2))


def test_an_image_whose_layers_are_all_in_another_costs_no_lane() -> None:
    images = [{"a": 5, "b": 5}, {"a": 5}, {"b": 5}]
    assert spread(range(3), 4, by_index(images)) == ((0, 1, 2),)


def test_no_lane_is_empty_where_images_have_nothing_of_their_own() -> None:
    images = [{"c": 1}, {"a": 5}, {"a": 5, "b": 1}, {"c": 1}, {"b": 1, "c": 1}]
    assert all(spread(range(5), 4, by_index(images)))


def test_two_images_of_the_very_same_layers_are_both_placed() -> None:
    layers = {"a": 5}
    assert spread("xy", 4, lambda _: layers) == (("x", "y"),)


@given(SIZES, st.integers(1, 3))
def test_the_fullest_lane_is_within_four_thirds_of_the_best(sizes: list[int], count: int) -> None:
    images = unshared(sizes)
    lanes = spread(range(len(images)), count, by_index(images))
    # Fewer lanes than allowed may cost the least gain on top.
    best = best_possible(images, len(lanes))
    assert 3 * fullest(images, lanes) <= 4 * best


@given(IMAGES, st.integers(1, 3))
def test_so_it_is_with_shared_layers(images: list[dict[str, int]], count: int) -> None:
    lanes = spread(range(len(images)), count, by_index(images))
    assert 3 * fullest(images, lanes) <= 4 * best_possible(images, len(lanes))


@given(IMAGES, st.integers(1, 6))
def test_no_other_number_of_lanes_gains_the_least_gain(
    images: list[dict[str, int]], most: int
) -> None:
    chosen = fullest(images, spread(range(len(images)), most, by_index(images)))
    for fewer in range(1, most):
        other = fullest(images, spread(range(len(images)), fewer, by_index(images)))
        assert chosen * (1 - LEAST_GAIN) < other


@given(IMAGES, st.integers(1, 20))
def test_the_lane_with_the_least_to_pull_is_the_first(
    images: list[dict[str, int]], count: int
) -> None:
    lanes = spread(range(len(images)), count, by_index(images))
    fills = [union_bytes(images[index] for index in lane) for lane in lanes]
    assert fills == sorted(fills)


@given(IMAGES, st.integers(1, 20))
def test_every_image_is_in_exactly_one_lane(images: list[dict[str, int]], count: int) -> None:
    lanes = spread(range(len(images)), count, by_index(images))
    assert sorted(index for lane in lanes for index in lane) == list(range(len(images)))
    assert all(lanes)


def test_no_lane_has_more_images_than_a_pod_may() -> None:
    # One image outweighs all others together, so that two lanes would do.
    images = unshared([10**9, *[1] * (2 * MAX_IMAGES_A_LANE)])
    lanes = spread(range(len(images)), 4, by_index(images))
    assert sorted(map(len, lanes)) == [1, MAX_IMAGES_A_LANE, MAX_IMAGES_A_LANE]


def test_an_exchange_of_shared_layers_leaves_no_lane_too_full() -> None:
    count = MAX_IMAGES_A_LANE + 5
    images = [{"shared": 1000} | {f"own {index}": index} for index in range(count)]
    lanes = spread(range(count), 2, by_index(images))
    assert sorted(index for lane in lanes for index in lane) == list(range(count))
    assert max(map(len, lanes)) <= MAX_IMAGES_A_LANE
