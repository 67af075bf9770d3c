"""The page of a plan as a document. How it looks is looked at in test_in_chromium.py."""

import re
from dataclasses import replace
from itertools import pairwise

import pytest

from nodepools.changes import Effect
from preloadctl.plan.formats.drawing.style import COLOURS
from preloadctl.plan.formats.page.elements import EFFECT_CLASSES
from preloadctl.plan.formats.page.page import page
from preloadctl.plan.model import Changes, LockState, Plan
from tests.preloadctl.plan.document import Document, Element, rows, words
from tests.preloadctl.plan.example import PLAN, REFUSED
from tests.preloadctl.plan.example_pools import EMPTY, LONG, MARKUP, ML, ML_LANES, ONE, WEB

NO_CHANGES = Changes(since="commit 314fb1b", pools=(), not_compared=None)
LOCKED = LockState(path="images.json", exists=True, not_locked=(), not_listed=())


def parsed(plan: Plan) -> Element:
    return Document(page(plan)).root


def with_pools(*pools: object) -> Plan:
    return replace(PLAN, pools=pools)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def root() -> Element:
    return parsed(PLAN)


@pytest.mark.parametrize("plan", [PLAN, REFUSED])
def test_it_loads_nothing_and_runs_nothing(plan: Plan) -> None:
    text = page(plan)
    for forbidden in ("http", "<script", " src=", "url(", "@import", "@font-face", "<link"):
        assert forbidden not in text
    for element in parsed(plan).all("a"):
        assert (element.attributes["href"] or "").startswith("#")


@pytest.mark.parametrize("plan", [PLAN, REFUSED])
def test_it_has_what_readers_and_phones_go_by(plan: Plan) -> None:
    root = parsed(plan)
    assert root.all("html")[0].attributes["lang"] == "en"
    viewport = {"name": "viewport", "content": "width=device-width, initial-scale=1"}
    assert viewport in [meta.attributes for meta in root.all("meta")]
    levels = [int(tag[1]) for tag in re.findall(r"<(h[1-6])", page(plan))]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))
    for drawing in root.all("svg"):
        assert drawing.attributes["role"] == "img"
        assert drawing.attributes["aria-label"]


def test_links_lead_to_the_pools(root: Element) -> None:
    targets = {heading.attributes.get("id") for heading in root.all("h2")}
    links = [(a.attributes["href"] or "").removeprefix("#") for a in root.all("a")]
    assert len(links) == len(PLAN.pools)
    assert set(links) <= targets


def test_each_image_is_drawn_and_in_a_table(root: Element) -> None:
    table = rows(root)
    titles = " ".join(words(title) for title in root.all("title"))
    images = [(number, image) for number, images in enumerate(ML_LANES) for image in images]
    for index, (lane, image) in enumerate(images):
        assert f"{index + 1}: {image.reference}, " in titles
        assert any(row[:3] == [str(index + 1), str(lane), image.reference] for row in table)
    assert ["2", "0", "registry.example.com/ml/training-job:2025.11.3", "4.1 GB", "220 MB",
            "2 min 36 s", "2 min 45 s"] in table  # fmt: skip


def test_times_are_compared_in_words(root: Element) -> None:
    said = words(root)
    assert (
        "A new node has every image after 2 min 52 s. One lane would take 8 min 28 s, 3 times as "
        "long. More lanes would not be faster."
    ) in said
    assert "A new node has every image after 12 s, pulling one after the other." in said


def test_what_more_lanes_would_gain_is_said() -> None:
    assert ML.times is not None
    slow = replace(ML, times=replace(ML.times, bound_seconds=60))
    assert "However many the lanes, it takes at least 1 min." in words(parsed(with_pools(slow)))


def test_the_facts_of_a_pool_are_said(root: Element) -> None:
    facts = [words(entry) for entry in root.all("dl")[0].children]
    assert facts == [
        "architecture amd64",
        "nodes 1 to 6",
        "images 8 images in 3 lanes",
        "lanes at most 4",
        "mode hold",
        "to pull on a new node 12.8 GB",
        "layers shared 8.1 GB",
    ]


def test_a_disk_says_its_parts_and_what_happens_when_it_fills(root: Element) -> None:
    assert ["A", "images", "72 GiB"] in rows(root)
    assert ["", "free", "50 GiB"] in rows(root)
    said = words(root)
    assert "node_group.root_volume.size_gib is 334 GiB, chosen to fit." in said
    assert "node_group.data_volume.size_gib is 40 GiB; at least 19 GiB are needed." in said
    assert "node_group.root_volume.size_gib is 60 GiB; what it has to hold is not known." in said
    assert (
        "At 84 % the cleanup removes images; at 85 % the kubelet deletes images, the least "
        "recently used first; at 90 % the kubelet deletes every unused image, and then evicts pods."
    ) in said
    assert said.count("Image GC is off.") == 1


def test_settings_say_what_a_change_of_them_does(root: Element) -> None:
    table = rows(root)
    for setting in ML.settings:
        assert [setting.path, setting.value, setting.effect.value] in table
    assert set(EFFECT_CLASSES) == set(Effect)


def test_settings_files_are_whole(root: Element) -> None:
    (details,) = root.all("details")
    assert words(details.all("summary")[0]) == "user-data.yaml"
    assert details.all("pre")[0].text == ML.settings_files[0].text


def test_unknown_sizes_are_said_once_with_what_to_do(root: Element) -> None:
    said = words(root)
    assert said.count("sizes are not known") == 1
    assert "Run preloadctl lock --stack prod to look the sizes up." in said
    lists = [[words(item) for item in ol.all("li")] for ol in root.all("ol")]
    assert lists == [
        ["ghcr.io/example/worker:main", "redis:7-alpine 17 MB"],
        ["ghcr.io/example/render:5.2"],
    ]


def test_known_sizes_are_no_subject() -> None:
    assert "not known" not in words(parsed(replace(with_pools(WEB), changes=NO_CHANGES)))


def test_a_pool_that_preloads_nothing_says_only_that() -> None:
    root = parsed(with_pools(EMPTY))
    assert [words(entry) for entry in root.all("dl")[0].children] == [
        "architecture amd64",
        "nodes not known",
        "images none",
    ]
    assert ["empty", "amd64", "not known", "no images", "", "", ""] in rows(root)


def test_changes_say_images_bytes_and_settings(root: Element) -> None:
    said, table = words(root), rows(root)
    assert "commit 314fb1b" in said
    assert "ml Each of 1 to 6 nodes pulls 8.2 GB." in said
    assert "burst (new) " in said
    assert "batch (gone) " in said
    assert ["added", LONG] in table
    assert ["dropped", "jupyter/tensorflow-notebook:2023-10-20"] in table
    assert ["other content", "jupyter/scipy-notebook:latest"] in table
    before, after = "pytorch/pytorch:2.0.1-cuda11.7-cudnn8-runtime", ML_LANES[0][0].reference
    assert ["retagged", f"{before} -> {after}"] in table
    assert ["node_group.image_gc.high_percent", "80", "85", "rolls the nodes"] in table
    assert ["node_group.tags", "team: platform", "not written", "changes in place"] in table
    assert ["cleanup.keep_versions", "2", "3", ""] in table


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (NO_CHANGES, "Nothing is different from the configuration of commit 314fb1b."),
        (replace(NO_CHANGES, not_compared="this is no repository"), "this is no repository."),
    ],
)  # fmt: skip
def test_no_changes_are_said_too(changes: Changes, said: str) -> None:
    assert said in words(parsed(replace(PLAN, changes=changes)))


@pytest.mark.parametrize(
    ("lock", "said"),
    [
        (LOCKED, "images.json has every image of the stack, and no other."),
        (replace(LOCKED, exists=False),
         "There is no images.json. Run preloadctl lock --stack prod to write it."),
        (replace(LOCKED, not_locked=("a:1", "b:2")),
         "images.json does not have 2 images of the stack: a:1 b:2 Run preloadctl lock"),
        (replace(LOCKED, not_listed=("c:3",)),
         "images.json has 1 image that no pool lists any more: c:3 Run preloadctl lock"),
    ],
)  # fmt: skip
def test_the_lock_file_is_held_against_the_stack(lock: LockState, said: str) -> None:
    assert said in words(parsed(replace(with_pools(ONE), lock=lock)))


def test_a_refused_stack_says_why_before_anything_else() -> None:
    root = parsed(REFUSED)
    said = words(root)
    assert [words(heading) for heading in root.all("h2")] == ["Refused: 4 mistakes"]
    assert (
        "NodePool 'ml' node_group.image_gc.low_percent: 85 must be below high_percent (80), or the "
        "kubelet does not start and the node never joins"
    ) in said
    assert words(root.all("li")[-1]) == "the region of this stack is not ours"


@pytest.mark.parametrize("plan", [PLAN, REFUSED, replace(PLAN, stack=MARKUP)])
def test_what_people_write_is_text(plan: Plan) -> None:
    assert MARKUP in words(parsed(plan))
    assert MARKUP not in page(plan)


@pytest.mark.parametrize("scheme", [0, 1])
@pytest.mark.parametrize(
    ("text", "ground"),
    [
        *((text, "paper") for text in ("ink", "muted", "link", "bad", "warning")),
        *(("ink", name) for name in COLOURS if name.endswith("-fill") or name == "box"),
        ("bad", "bad-fill"),
    ],
)
def test_text_is_seen_against_its_ground(text: str, ground: str, scheme: int) -> None:
    light, dark = sorted(
        (luminance(COLOURS[name][scheme]) for name in (text, ground)), reverse=True
    )
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def luminance(colour: str) -> float:
    """As https://www.w3.org/TR/WCAG22/#dfn-relative-luminance has it."""
    linear = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in (int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5))
    ]
    return sum(part * value for part, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
