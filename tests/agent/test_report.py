"""The report: for programs one JSON object a line, for people a sentence."""

import io
import json
from datetime import UTC, datetime
from typing import Any

from preloader.agent.cleanup import Summary
from preloader.agent.cri.messages import Image
from preloader.agent.disk import Disk
from preloader.agent.policy import ReportFormat
from preloader.agent.reporting.report import Report
from preloader.agent.retention.act import Outcome, Result
from preloader.agent.retention.plan import Action, Decision, Reason

IMAGE = Image("sha256:1", ("docker.io/library/nginx:1",), ("docker.io/library/nginx@x",), 5)
REMOVE = Decision(IMAGE, Action.REMOVE, Reason.OLD, "version 1 is older than 3 and 2, which stay")
KEEP = Decision(IMAGE, Action.KEEP, Reason.CONTAINER, "web/shop/app")


def report(form: ReportFormat) -> tuple[Report, io.StringIO]:
    stream = io.StringIO()
    return Report(form, "node-1", "web", stream), stream


def as_json(result: Result) -> dict[str, Any]:
    told, stream = report(ReportFormat.JSON)
    told.result(result)
    return json.loads(stream.getvalue())


def as_text(result: Result) -> str:
    told, stream = report(ReportFormat.TEXT)
    told.result(result)
    return stream.getvalue()


def test_a_decision_is_one_object_with_all_that_is_known() -> None:
    assert as_json(Result(REMOVE, Outcome.REMOVED)) == {
        "event": "decision",
        "decision": "remove",
        "outcome": "removed",
        "reason": "old-version",
        "explain": "version 1 is older than 3 and 2, which stay",
        "image": "sha256:1",
        "tags": ["docker.io/library/nginx:1"],
        "digests": ["docker.io/library/nginx@x"],
        "size_bytes": 5,
        "node": "node-1",
        "pool": "web",
    }


def test_what_was_not_carried_out_says_why() -> None:
    told = as_json(Result(REMOVE, Outcome.KEPT, "used by web/shop/app since"))
    assert (told["decision"], told["outcome"]) == ("remove", "kept")
    assert told["change"] == "used by web/shop/app since"
    assert "used by web/shop/app since; planned for old-version" in as_text(
        Result(REMOVE, Outcome.KEPT, "used by web/shop/app since")
    )


def test_a_decision_for_a_person_is_one_line() -> None:
    assert as_text(Result(KEEP, Outcome.KEPT)) == (
        "kept          docker.io/library/nginx:1  (used-by-container: web/shop/app)\n"
    )


def test_an_image_without_tags_is_told_by_its_digest_or_id() -> None:
    untagged = Decision(Image("id", (), ("docker.io/a@x",)), Action.KEEP, Reason.NEWEST, "")
    assert "docker.io/a@x" in as_text(Result(untagged, Outcome.KEPT))
    bare = Decision(Image("id"), Action.KEEP, Reason.NEWEST, "")
    assert " id " in as_text(Result(bare, Outcome.KEPT))


FORGED = "a:1\x1b[31m\u202e\u2028\r\nremoved  b"


def test_for_a_person_no_foreign_text_begins_a_line_or_moves_the_terminal() -> None:
    told, stream = report(ReportFormat.TEXT)
    image = Image(FORGED, (FORGED,), (FORGED,))
    for shown in (image, Image(FORGED, (), (FORGED,)), Image(FORGED)):
        told.result(Result(Decision(shown, Action.KEEP, Reason.NEWEST, FORGED), Outcome.KEPT))
    told.result(Result(REMOVE, Outcome.KEPT, FORGED))
    told.summary(summary(fault=FORGED, missing=(FORGED,), problems=[FORGED]))
    lines = stream.getvalue().split("\n")
    assert len(lines) == 4 + 2 + 1
    for line in lines[:-1]:
        assert line.isprintable()
        assert r"a:1\x1b[31m\u202e\u2028\r\n" in line


def test_for_a_person_one_name_does_not_look_like_several() -> None:
    spaced = Decision(Image("id", ("a:1  (old) b:2",)), Action.KEEP, Reason.NEWEST, "it is")
    assert as_text(Result(spaced, Outcome.KEPT)) == (
        "kept          a:1\\x20\\x20(old)\\x20b:2  (newest: it is)\n"
    )


def test_for_programs_every_line_is_ascii() -> None:
    told, stream = report(ReportFormat.JSON)
    told.problem("x", FORGED + "\udce9é")
    assert stream.getvalue().isascii()
    assert json.loads(stream.getvalue())["problem"] == FORGED + "\udce9é"


def summary(**values: Any) -> Summary:
    told = Summary("schedule", dry_run=False, started=datetime(2026, 3, 4, 3, tzinfo=UTC))
    for key, value in values.items():
        setattr(told, key, value)
    return told


FULL = summary(
    images_before=9,
    images_after=7,
    outcomes={Outcome.KEPT: 6, Outcome.REMOVED: 2, Outcome.FAILED: 1},
    disk_before=Disk("/", 10 * 2**30, 2 * 2**30),
    disk_after=Disk("/", 10 * 2**30, 5 * 2**30 + 2**29),
    missing=("rust:1.83",),
    duration=1.23456,
    next_run=datetime(2026, 3, 5, 3, 4, 5, tzinfo=UTC),
)


def test_a_summary_is_one_object_with_all_that_is_known() -> None:
    told, stream = report(ReportFormat.JSON)
    told.summary(FULL)
    assert json.loads(stream.getvalue()) == {
        "event": "summary",
        "time": "2026-03-04T03:00:00Z",
        "trigger": "schedule",
        "dry_run": False,
        "images_before": 9,
        "images_after": 7,
        "outcomes": {"kept": 6, "removed": 2, "failed": 1, "gone": 0, "would-remove": 0},
        "freed_bytes": 3 * 2**30 + 2**29,
        "disk_before": {
            "path": "/",
            "size_bytes": 10 * 2**30,
            "free_bytes": 2 * 2**30,
            "used_percent": 80.0,
        },
        "disk_after": {
            "path": "/",
            "size_bytes": 10 * 2**30,
            "free_bytes": 5 * 2**30 + 2**29,
            "used_percent": 45.0,
        },
        "missing_images": ["rust:1.83"],
        "duration_seconds": 1.235,
        "next_run": "2026-03-05T03:04:05Z",
        "problems": [],
        "fault": None,
        "node": "node-1",
        "pool": "web",
    }


def test_a_summary_for_a_person_is_one_sentence() -> None:
    told, stream = report(ReportFormat.TEXT)
    told.summary(FULL)
    assert stream.getvalue() == (
        "run (schedule) in 1.23 s: 6 kept, 2 removed, 1 failed, 3.5 GiB freed, disk 45.0 % used, "
        "not on the node: rust:1.83, next run 2026-03-05T03:04:05Z\n"
    )


def test_a_run_that_broke_off_says_so() -> None:
    told, stream = report(ReportFormat.TEXT)
    told.summary(summary(fault="the runtime went away", dry_run=True))
    assert stream.getvalue() == (
        "run (schedule, dry) in 0.00 s: broke off: the runtime went away\n"
    )


def test_sizes_are_in_the_unit_that_fits() -> None:
    told, stream = report(ReportFormat.TEXT)
    for free in (1023, 1024, -5 * 2**20, 3 * 2**50):
        told.summary(summary(disk_before=Disk("/", 0, 0), disk_after=Disk("/", 0, free)))
    freed = [line.split(": ")[1].split(" freed")[0] for line in stream.getvalue().splitlines()]
    assert freed == ["1023 B", "1.0 KiB", "-5.0 MiB", "3072.0 TiB"]


def test_a_problem_is_told_once_until_it_changes_or_is_solved() -> None:
    told, stream = report(ReportFormat.TEXT)
    for text in ("broken", "broken", "more broken", "broken"):
        told.problem("disk", text)
    told.problem("state", "broken")
    told.solved("disk")
    told.solved("never told")
    told.problem("disk", "broken")
    assert stream.getvalue().splitlines() == [
        f"problem: {text}" for text in ("broken", "more broken", "broken", "broken", "broken")
    ]


def test_the_problems_of_a_run_are_told_before_its_summary() -> None:
    told, stream = report(ReportFormat.JSON)
    for _ in range(2):
        told.summary(summary(problems=["state: cannot be written"]))
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ["problem", "summary", "summary"]
    assert lines[2]["problems"] == ["state: cannot be written"]
