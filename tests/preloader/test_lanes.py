"""Images are spread evenly by size where sizes are known, and in turn where they are not."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from preloader.lanes import spread

# The compressed sizes in the article's repro: py-kube, python, golang, rust.
ARTICLE_BYTES = {"py-kube": 129_338_587, "python": 43_474_862, "golang": 293_403_951}
ARTICLE_BYTES |= {"rust": 590_583_972}


def test_longest_first_into_the_emptiest_lane() -> None:
    lanes = spread(list(ARTICLE_BYTES), 2, ARTICLE_BYTES.get)
    assert lanes == (("golang", "py-kube", "python"), ("rust",))


def test_unknown_sizes_are_dealt_out_in_the_order_written() -> None:
    assert spread("abcde", 2, lambda _: None) == (("b", "d"), ("a", "c", "e"))


def test_one_unknown_size_makes_all_sizes_unknown() -> None:
    sizes = {"a": 1, "b": None, "c": 9}
    assert spread("abc", 2, sizes.get) == (("b",), ("a", "c"))


def test_there_are_never_more_lanes_than_images() -> None:
    assert spread("ab", 4, lambda _: None) == (("b",), ("a",))
    assert spread("ab", 4, lambda _: 7) == (("a",), ("b",))


def test_equal_sizes_keep_the_order_written() -> None:
    assert spread("abcd", 2, lambda _: 5) == (("a", "c"), ("b", "d"))


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=7), st.integers(1, 3))
def test_the_fullest_lane_is_within_four_thirds_of_the_best(sizes: list[int], count: int) -> None:
    lanes = spread(list(enumerate(sizes)), count, lambda item: item[1])
    fullest = max(sum(size for _, size in lane) for lane in lanes)
    best = min(
        max(
            sum(size for size, lane in zip(sizes, choice, strict=True) if lane == n)
            for n in range(count)
        )
        for choice in product(range(count), repeat=len(sizes))
    )
    assert 3 * fullest <= 4 * best


@given(st.lists(st.integers(1, 1000), min_size=1), st.integers(1, 20))
def test_the_lane_with_the_least_to_pull_is_the_first(sizes: list[int], count: int) -> None:
    lanes = spread(list(enumerate(sizes)), count, lambda item: item[1])
    fills = [sum(size for _, size in lane) for lane in lanes]
    assert fills == sorted(fills)


@given(st.lists(st.integers(1, 1000), min_size=1), st.integers(1, 20))
def test_every_image_is_in_exactly_one_lane(sizes: list[int], count: int) -> None:
    items = list(enumerate(sizes))
    lanes = spread(items, count, lambda item: item[1])
    assert sorted(item for lane in lanes for item in lane) == items
    assert all(lanes)
