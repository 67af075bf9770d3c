"""The picture of a plan as a file. How it looks is looked at in test_in_chromium.py."""

import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from preloadctl.plan.formats.drawing.chart import disk_bar, gantt, short_name
from preloadctl.plan.formats.picture.picture import picture
from preloadctl.plan.model import DiskPart, Plan
from preloader.printable import printable
from tests.preloadctl.plan.example import PLAN, REFUSED
from tests.preloadctl.plan.example_pools import (
    BURST,
    GIB,
    MARKUP,
    ML,
    ML_LANES,
    WEB,
    lane,
    times,
)

SVG = "{http://www.w3.org/2000/svg}"


def drawn(plan: Plan) -> ET.Element:
    return ET.fromstring(picture(plan))  # noqa: S314 it is our own


def texts(root: ET.Element) -> list[str]:
    return [(text.text or "").strip() for text in root.iter(f"{SVG}text")]


def share(percent: str | None) -> float:
    assert percent is not None
    return float(percent.removesuffix("%")) / 100


def group(root: ET.Element, class_: str) -> list[ET.Element]:
    return [each for each in root.iter(f"{SVG}g") if each.get("class") == class_]


def line_at(root: ET.Element, class_: str) -> float:
    (found,) = group(root, class_)
    line = found.find(f"{SVG}line")
    assert line is not None
    return share(line.get("x1"))


def only(pool: object) -> Plan:
    return replace(PLAN, pools=(pool,))  # type: ignore[arg-type]


@pytest.fixture
def ml() -> ET.Element:
    return drawn(only(ML))


def test_each_image_is_drawn_as_long_as_it_is_pulled(ml: ET.Element) -> None:
    assert ML.times is not None
    whole = ML.times.one_lane_seconds
    bars = [
        (share(rect.get("x")), share(rect.get("width")))
        for bar in group(ml, "filled images")
        if (rect := bar.find(f"{SVG}rect")) is not None
        and (title := bar.find(f"{SVG}title")) is not None
        and "new in its lane" in (title.text or "")
    ]
    pulls = [
        ((image.start_seconds or 0) / whole, (image.end_seconds or 0) / whole)
        for images in ML_LANES
        for image in images
    ]
    assert bars == [
        (pytest.approx(start, abs=1e-5), pytest.approx(end - start, abs=1e-5))
        for start, end in pulls
    ]


def test_each_image_says_its_whole_reference(ml: ET.Element) -> None:
    titles = " ".join(title.text or "" for title in ml.iter(f"{SVG}title"))
    for image in (image for images in ML_LANES for image in images):
        assert image.reference in titles


def test_each_image_is_named_beside_its_bar_where_that_is_too_narrow(
    ml: ET.Element,
) -> None:
    said = " ".join(texts(ml))
    for image in (image for images in ML_LANES for image in images):
        assert short_name(image.reference) in said


def test_a_name_that_does_not_fit_into_the_last_bar_is_after_it(ml: ET.Element) -> None:
    (name,) = [text for text in ml.iter(f"{SVG}text") if text.text == "scipy-notebook:latest"]
    assert ML.times is not None
    end = (ML_LANES[1][-1].end_seconds or 0) / ML.times.one_lane_seconds
    assert share(name.get("x")) == pytest.approx(end, abs=1e-5)


def test_the_times_to_compare_are_where_the_axis_has_them(ml: ET.Element) -> None:
    assert ML.times is not None
    bound = ML.times.bound_seconds / ML.times.one_lane_seconds
    assert line_at(ml, "mark bound") == pytest.approx(bound, abs=1e-5)
    assert line_at(ml, "mark one-lane") == 1
    ticks = [
        share(line.get("x1")) for tick in group(ml, "tick") for line in tick.iter(f"{SVG}line")
    ]
    assert ticks == pytest.approx([120 * n / ML.times.one_lane_seconds for n in range(5)], abs=1e-5)


def test_the_marks_of_a_disk_are_at_their_share_of_it(ml: ET.Element) -> None:
    assert line_at(ml, "mark high-water") == 0.84
    assert line_at(ml, "mark gc") == 0.85
    assert line_at(ml, "mark eviction") == 0.9


def test_collection_that_never_begins_has_no_mark() -> None:
    assert not group(drawn(only(WEB)), "mark gc")


def test_the_parts_of_a_disk_are_as_wide_as_their_share_of_it(ml: ET.Element) -> None:
    assert ML.disk is not None
    drawn_parts = [
        share(rect.get("width"))
        for kind in ("workloads", "rollout", "pulling", "buffer", "writable", "system")
        for part in group(ml, f"filled {kind}")
        for rect in part.iter(f"{SVG}rect")
    ]
    sizes = [part.size_bytes / GIB for part in ML.disk.parts[1:]]
    assert drawn_parts == pytest.approx([size / ML.disk.size_gib for size in sizes], abs=1e-5)


def test_a_disk_that_is_too_small_ends_before_its_parts() -> None:
    assert WEB.disk is not None
    parts = (DiskPart(name="images", size_bytes=30 * GIB), DiskPart(name="x", size_bytes=20 * GIB))
    bar = disk_bar(replace(WEB.disk, parts=parts))
    assert bar.volume == 0.8
    assert bar.free_bytes == 0
    assert [mark.at for mark in bar.marks] == pytest.approx([0.8 * 0.35, 0.8 * 0.85])
    assert [(part.start, part.width) for part in bar.parts] == [(0, 0.6), (0.6, 0.4)]
    assert bar.parts[1].kind == "other"


def test_parts_of_no_bytes_are_left_out() -> None:
    assert WEB.disk is not None
    empty = (DiskPart(name="buffer", size_bytes=0), *WEB.disk.parts)
    assert disk_bar(replace(WEB.disk, parts=empty)) == disk_bar(WEB.disk)


@pytest.mark.parametrize("megabytes", [1, 3, 40, 900, 7000, 50_000, 900_000, 10**8])
def test_the_axis_has_few_ticks_and_all_of_them_in_the_drawing(megabytes: int) -> None:
    lanes = (lane(("a:1", megabytes, megabytes)),)
    chart = gantt(replace(ML, lanes=lanes, times=times(lanes, megabytes)))
    assert chart is not None
    assert 1 <= len(chart.ticks) <= 7
    assert all(0 <= tick.at <= 1 for tick in chart.ticks)


def test_without_sizes_the_lanes_are_listed() -> None:
    root = drawn(only(BURST))
    assert not group(root, "filled images")
    assert "worker:main, redis:7-alpine" in texts(root)
    assert "3 images in 2 lanes, sizes not known, amd64" in texts(root)


def test_a_pool_whose_images_take_no_time_is_listed_too() -> None:
    lanes = (lane(("a:1", 0, 0)),)
    assert gantt(replace(ML, lanes=lanes, times=times(lanes, 0))) is None


def test_what_is_refused_is_said() -> None:
    said = " ".join(texts(drawn(REFUSED)))
    for refusal in REFUSED.refusals:
        assert refusal.path in said
        assert refusal.accepted[:20] in said


@pytest.mark.parametrize("name", [MARKUP, "a\x00b\x1b[31m", "\ud800"])
def test_a_name_is_text_whatever_it_says(name: str) -> None:
    plan = only(replace(ML, name=name))
    root = drawn(plan)
    assert "<script" not in picture(plan)
    assert printable(name) in texts(root)


def test_it_loads_nothing_and_runs_nothing() -> None:
    svg = picture(PLAN).replace('xmlns="http://www.w3.org/2000/svg"', "")
    for forbidden in ("http", "<script", "href", "url(", "@import", "@font-face", "foreignObject"):
        assert forbidden not in svg


def test_it_has_a_scheme_for_dark_pages_and_a_size() -> None:
    root = drawn(PLAN)
    assert "prefers-color-scheme: dark" in (root.findtext(f"{SVG}style") or "")
    assert re.fullmatch(r"0 0 880 \d+", root.get("viewBox") or "")


@pytest.mark.parametrize(
    ("reference", "short"),
    [
        ("nginx", "nginx"),
        ("registry.example.com:5000/a/b:1.2", "b:1.2"),
        (f"a/b@sha256:{'0f' * 32}", "b@0f0f0f0f"),
        (f"a/b:1@sha256:{'0f' * 32}", "b:1"),
    ],
)
def test_a_short_name_is_what_people_call_an_image(reference: str, short: str) -> None:
    assert short_name(reference) == short
