"""The plan: what the article promises, the order, each reason to keep, and its explanation."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from preloader.agent.cleanup import listed_forms
from preloader.agent.cri.messages import Image
from preloader.agent.retention.observation import NoTime, Observation
from preloader.agent.retention.plan import Action, Plan, Reason, Rules, images_to_date, plan
from preloader.agent.retention.usage import Usage
from tests.agent.inventories import digest

NOW = 1_800_000_000.0
DAY = 86_400.0
RULES = Rules(keep_versions=2)


def images(*tags: str) -> tuple[Image, ...]:
    """An image for each tag, with its tag as its ID."""
    return tuple(Image(tag, (f"docker.io/library/{tag}",)) for tag in tags)


def observation(given: Iterable[Image], **values: object) -> Observation:
    return replace(Observation(tuple(given), Usage(), NOW), **values)  # type: ignore[arg-type]


def going(decided: Plan) -> list[str]:
    return [decision.image.id for decision in decided.removals]


def reasons(decided: Plan) -> dict[str, Reason]:
    return {decision.image.id: decision.reason for decision in decided.decisions}


def test_the_article_s_inventory_gives_the_article_s_result() -> None:
    seen = images(
        *("nginx:1.23", "nginx:1.24", "nginx:1.25", "nginx:1.26"),
        *("python:3.12", "python:3.13", "python:3.14"),
        *("golang:1.24", "golang:1.25"),
        *("the-app:v1.0", "the-app:v1.1", "the-app:v1.2", "the-app:v1.3"),
    )
    gone = {"nginx:1.23", "nginx:1.24", "python:3.12", "the-app:v1.0", "the-app:v1.1"}
    assert set(going(plan(observation(seen), RULES))) == gone


def test_versions_are_compared_as_numbers() -> None:
    assert going(plan(observation(images("a:1.9", "a:1.10", "a:1.11")), RULES)) == ["a:1.9"]


def test_a_registry_s_port_is_part_of_the_repository() -> None:
    names = [f"reg.local:5000/{name}:1" for name in ("app", "db", "web", "api")]
    assert going(plan(observation(Image(name, (name,)) for name in names), RULES)) == []


def test_an_image_with_only_a_digest_counts_with_its_repository() -> None:
    name = "ghcr.io/acme/app"
    seen = [Image(letter, digests=(f"{name}@{digest(letter)}",)) for letter in ("a", "b", "c")]
    created = {"a": 3.0, "b": 1.0, "c": 2.0}
    assert going(plan(observation(seen, created=created), RULES)) == ["b"]


def test_several_tags_of_one_image_are_one_version() -> None:
    names = {"new": ("1.3", "latest"), "middle": ("1.2", "1.2.0", "stable"), "old": ("1.1",)}
    seen = [Image(key, tuple(f"docker.io/a:{tag}" for tag in names[key])) for key in names]
    assert going(plan(observation(seen), RULES)) == ["old"]


def test_an_image_in_two_repositories_goes_only_when_both_let_it_go() -> None:
    shared = Image("shared", ("docker.io/a:1", "ghcr.io/mirror:1"))
    others = (Image("a2", ("docker.io/a:2",)), Image("a3", ("docker.io/a:3",)))
    assert going(plan(observation((shared, *others)), RULES)) == []
    mirror = (Image("m2", ("ghcr.io/mirror:2",)), Image("m3", ("ghcr.io/mirror:3",)))
    assert going(plan(observation((shared, *others, *mirror)), RULES)) == ["shared"]


def built(*image_ids: str, every: float = DAY) -> dict[str, float]:
    """When they were built: one after another."""
    return {image_id: NOW - 1000 * DAY + day * every for day, image_id in enumerate(image_ids)}


def tagged(tags: Iterable[str], name: str = "a") -> tuple[Image, ...]:
    """An image for each tag, with its tag as its ID."""
    return tuple(Image(tag, (f"docker.io/library/{name}:{tag}",)) for tag in tags)


def untagged(count: int, name: str = "a") -> tuple[Image, ...]:
    return tuple(
        Image(f"u{number}", digests=(f"docker.io/library/{name}@sha256:{number:064x}",))
        for number in range(count)
    )


def staying(seen: Observation, keep: int = 2) -> set[str]:
    gone = going(plan(seen, Rules(keep_versions=keep)))
    return {image.id for image in seen.images} - set(gone)


class TestOrder:
    """By version where tags name versions of one scheme, else by when the image was built."""

    @pytest.mark.parametrize(
        ("oldest_first", "stay"),
        [
            # A commit says nothing of order, and neither does any other word.
            ("1.4.0-9f2a1bc 1.4.0-b81c22e 1.4.0-3d0e9aa 1.4.0-0a1b2c3", 2),
            ("1.4.0-9999999 1.4.0-2222222 1.4.0-1111111", 2),
            ("1.4.0-main-g9f2a1bc 1.4.0-main-g0f2a1bc 1.4.0-main-g1f2a1bc", 2),
            ("2.1-cuda12.1 2.1-cuda11.8 2.1-cuda11.7", 2),
            ("1.25-slim 1.25-alpine3.19 1.25-alpine3.9 1.25", 2),
            # One calendar, two spellings.
            ("20240828 2024-12-01 2025-03-26 2025-04-02", 2),
            ("2024-12-01 20241202 2024_12_03 2024.12.4", 2),
            ("RELEASE.2024-01-16T16-07-38Z 20240116170000 2024-01-17", 2),
            ("bookworm-20240828 bookworm-20240910-slim trixie-2024-10-01", 2),
            # Two schemes in one repository: those built last stay.
            ("2023.4 2024.1 1.0 1.1", 2),
            ("415 416 417 2.3.0 2.3.1", 2),
            ("1.2.3 2.0.0 20240828 20240901", 2),
            ("9f2a1bc 0a1b2c3 1.0 1.1", 2),
            ("1.0 1.1 9f2a1bc 0a1b2c3", 2),
            ("417 1.2.0 418 419 1.3.0", 2),
        ],
    )
    def test_what_was_built_last_is_the_newest(self, oldest_first: str, stay: int) -> None:
        tags = oldest_first.split()
        seen = observation(tagged(tags), created=built(*tags))
        assert staying(seen, stay) == set(tags[-stay:])
        shuffled = observation(tagged(sorted(tags)), created=built(*tags))
        assert staying(shuffled, stay) == set(tags[-stay:])

    def test_an_old_tag_and_one_that_moves_do_not_keep_what_lost_its_tag(self) -> None:
        lost = untagged(100, "node")
        names = ["22-alpine", *(image.id for image in lost)]
        created = {**built(*names), "20-alpine": NOW - DAY}
        seen = observation((*tagged(["22-alpine", "20-alpine"], "node"), *lost), created=created)
        assert staying(seen) == {"22-alpine", "20-alpine"}

    def test_two_release_lines_and_a_tag_that_moves_keep_no_more_than_one_more(self) -> None:
        lines = [f"{line}.{patch}" for patch in range(10) for line in (1, 2)]
        times = built(*lines)
        lost = untagged(10)
        times |= {image.id: times[f"1.{day}"] + 1 for day, image in enumerate(lost)}
        times["latest"] = times["2.9"] + 1
        seen = observation((*tagged([*lines, "latest"]), *lost), created=times)
        assert staying(seen) == {"latest", "2.9"}
        # A patch of the old line that is built last is no newer, and stays for that alone.
        seen = replace(seen, created={**times, "1.9": times["latest"] + 1})
        assert staying(seen) == {"2.9", "2.8", "1.9"}
        assert reasons(plan(seen, RULES))["1.9"] is Reason.BUILT_LAST

    def test_a_higher_version_is_newer_whenever_it_was_built(self) -> None:
        seen = observation(tagged(["1.3", "1.2", "1.1"]), created=built("1.3", "1.2", "1.1"))
        assert staying(seen, keep=1) == {"1.3", "1.1"}
        assert staying(seen, keep=2) == {"1.3", "1.2", "1.1"}

    def test_of_several_that_were_built_last_one_stays_for_it(self) -> None:
        seen = observation(tagged(["main", "dev", "test"]), created=built(*"abc", every=0))
        seen = replace(seen, created=dict.fromkeys(("main", "dev", "test"), NOW))
        assert len(staying(seen, keep=1)) == 1

    def test_a_plan_leaves_what_it_would_leave_again(self) -> None:
        # 2 is as new as 1, which goes: then what is in use is newer than 2.
        times = {"2": 1.0, "1": 100.0, "used": 50.0, "main": 200.0}
        seen = observation(tagged(times), created=times, usage=Usage({"used": "app"}))
        assert staying(seen) == {"main", "used"}
        left = tuple(image for image in seen.images if image.id in ("main", "used"))
        assert going(plan(replace(seen, images=left), RULES)) == []


class TestUnknownTimes:
    """What the image does not say, and what the runtime does not answer, are different."""

    TAGS = ("main", "dev", "test", "edge")

    def test_what_does_not_say_counts_as_built_when_it_appeared(self) -> None:
        ages = {"main": 50 * DAY, "dev": 60 * DAY, "test": 70 * DAY}
        created: dict[str, float | NoTime] = dict.fromkeys(ages, NoTime.UNSAID)
        seen = observation(tagged(self.TAGS), ages=ages, created=created)
        seen = replace(seen, created={**created, "edge": NOW - 55 * DAY})
        assert staying(seen) == {"main", "edge"}

    def test_what_never_says_does_not_stay_without_limit(self) -> None:
        images = untagged(100)
        ages = {image.id: DAY * int(image.id[1:]) for image in images}
        seen = observation(images, ages=ages)
        assert staying(seen) == {"u0", "u1"}

    def test_what_the_runtime_does_not_answer_stays_for_now_and_alone(self) -> None:
        times: dict[str, float | NoTime] = dict(built(*self.TAGS))
        times["main"] = NoTime.UNANSWERED
        seen = observation(tagged(self.TAGS), created=times)
        assert staying(seen) == {"main", "test", "edge"}
        assert reasons(plan(seen, RULES))["main"] is Reason.UNKNOWN

    def test_what_may_supersede_it_stays_for_now(self) -> None:
        # If 1 was built last, then 2 is the newest.
        times: dict[str, float | NoTime] = {**built("2", "main", "edge"), "1": NoTime.UNANSWERED}
        seen = observation(tagged(times), created=times)
        assert staying(seen, keep=1) == {"1", "2", "edge"}
        assert reasons(plan(seen, Rules(keep_versions=1)))["2"] is Reason.UNKNOWN

    def test_versions_above_it_in_its_scheme_are_newer_all_the_same(self) -> None:
        times: dict[str, float | NoTime] = dict(built("1", "2", "3", "4"))
        seen = observation(tagged(times), created={**times, "2": NoTime.UNANSWERED})
        assert staying(seen) == {"2", "3", "4"}


class TestWithoutReference:
    """Left by `ctr image rm`: nothing can name it, and nothing can start it."""

    SEEN = observation(Image(key) for key in ("a", "b", "c"))

    def test_it_goes(self) -> None:
        assert set(going(plan(self.SEEN, RULES))) == {"a", "b", "c"}
        decision = plan(self.SEEN, RULES).decisions[0]
        assert decision.reason is Reason.UNNAMED
        assert decision.explain == "no tag or digest refers to it"

    def test_it_stays_while_it_may_be_a_pull_in_progress(self) -> None:
        rules = replace(RULES, minimum_age_seconds=60)
        assert set(reasons(plan(self.SEEN, rules)).values()) == {Reason.YOUNG}

    def test_it_stays_while_it_is_used(self) -> None:
        seen = replace(self.SEEN, usage=Usage({"a": "app"}))
        assert set(going(plan(seen, RULES))) == {"b", "c"}


class TestCreationTimes:
    """Asking for them costs a call each."""

    def asked(self, *given: Image, rules: Rules = RULES, usage: Usage | None = None) -> set[str]:
        return set(images_to_date(Observation(given, usage or Usage(), NOW), rules))

    NAMES = ("latest", "1", "2", "3")
    IMAGES = tuple(Image(name, (f"docker.io/a:{name}",)) for name in NAMES)

    def test_not_where_none_could_go(self) -> None:
        assert self.asked(*self.IMAGES[:2]) == set()

    def test_not_where_all_are_protected_anyway(self) -> None:
        usage = Usage(dict.fromkeys(self.NAMES, "app"))
        assert self.asked(*self.IMAGES, usage=usage) == set()

    def test_of_the_whole_repository_where_one_could_go(self) -> None:
        assert self.asked(*self.IMAGES, *images("b:1", "b:2")) == set(self.NAMES)


OLD, *NEWER = images("nginx:1", "nginx:2", "nginx:3")


@pytest.mark.parametrize(
    ("reason", "image", "values", "rules"),
    [
        (Reason.PINNED, replace(OLD, pinned=True), {}, RULES),
        (Reason.CONTAINER, OLD, {"usage": Usage(containers={OLD.id: "app"})}, RULES),
        (Reason.SANDBOX, OLD, {"usage": Usage(sandboxes={OLD.id: "pod"})}, RULES),
        (Reason.UNKNOWN, OLD, {"usage": Usage(unknown=("app",))}, RULES),
        (Reason.LOCAL, replace(OLD, tags=(*OLD.tags, "localhost/nginx:1")), {}, RULES),
        (Reason.LISTED, OLD, {}, replace(RULES, listed=listed_forms(["nginx:1"]))),
        (Reason.LISTED_BEFORE, OLD, {}, replace(RULES, listed_before=listed_forms(["nginx:1"]))),
        (
            Reason.LISTED_ELSEWHERE,
            OLD,
            {},
            replace(RULES, listed_elsewhere=listed_forms(["nginx:1"])),
        ),
        (Reason.PROTECTED, OLD, {}, replace(RULES, protect=("nginx:1",))),
        (Reason.UNKNOWN, replace(OLD, tags=(*OLD.tags, "Not A Name")), {}, RULES),
        (Reason.UNKNOWN, replace(OLD, id=""), {}, RULES),
        (Reason.YOUNG, OLD, {"ages": {OLD.id: 59.0}}, replace(RULES, minimum_age_seconds=60)),
        (Reason.YOUNG, OLD, {}, replace(RULES, minimum_age_seconds=1)),
        (Reason.OLD, OLD, {"ages": {OLD.id: 60.0}}, replace(RULES, minimum_age_seconds=60)),
        (Reason.NEWEST, OLD, {}, replace(RULES, keep_versions=3)),
        # Not young: nothing becomes of it when it grows older.
        (Reason.NEWEST, OLD, {}, replace(RULES, keep_versions=3, minimum_age_seconds=60)),
        (Reason.OLD, OLD, {}, RULES),
    ],
)
def test_each_reason_by_itself_decides(
    reason: Reason, image: Image, values: dict[str, object], rules: Rules
) -> None:
    decided = plan(observation((image, *NEWER), **values), rules)
    assert reasons(decided)[image.id] is reason
    assert going(decided) == ([image.id] if reason is Reason.OLD else [])


@pytest.mark.parametrize(
    ("listed", "is_kept"),
    [
        ("nginx:1", True),
        ("docker.io/library/nginx:1", True),
        ("index.docker.io/library/nginx:1", True),
        (f"nginx@{digest('a')}", True),
        (f"nginx:9@{digest('a')}", True),
        (f"nginx:1@{digest('b')}", True),
        ("nginx:2", False),
        ("nginx", False),
        ("reg.local:5000/nginx:1", False),
        (f"nginx@{digest('b')}", False),
    ],
)
def test_the_pool_s_list_means_tags_and_digests_in_any_spelling(
    listed: str, *, is_kept: bool
) -> None:
    old = replace(OLD, digests=(f"docker.io/library/nginx@{digest('a')}",))
    decided = plan(observation((old, *NEWER)), replace(RULES, listed=listed_forms([listed])))
    assert (reasons(decided)[OLD.id] is Reason.LISTED) is is_kept


def test_localhost_with_a_port_is_a_registry_like_any_other() -> None:
    seen = [Image(tag, (f"localhost:5000/app:{tag}",)) for tag in ("1", "2", "3")]
    assert going(plan(observation(seen), RULES)) == ["1"]


def test_what_is_kept_for_its_version_counts_even_when_an_older_one_is_in_use() -> None:
    seen = images("a:1", "a:2", "a:3", "a:4")
    decided = plan(observation(seen, usage=Usage({"a:1": "app"})), RULES)
    assert going(decided) == ["a:2"]


class TestHighWater:
    RULES = replace(RULES, evict=True)

    def test_old_versions_go_first_and_then_the_longest_on_the_node(self) -> None:
        seen = images("a:1", "a:2", "a:3", "b:1", "c:1")
        ages = {"a:1": 1.0, "a:2": 50.0, "a:3": 5.0, "b:1": 90.0, "c:1": 90.0}
        created = built(*ages)
        decided = plan(observation(seen, ages=ages, created=created), self.RULES)
        assert going(decided) == ["a:1", "b:1", "c:1", "a:2", "a:3"]
        actions = [decision.action for decision in decided.removals]
        assert actions == [Action.REMOVE] + [Action.EVICT] * 4

    def test_an_older_version_of_the_same_age_goes_before_a_newer_one(self) -> None:
        seen = images("a:1", "a:2")
        assert going(plan(observation(seen), self.RULES)) == ["a:1", "a:2"]

    def test_what_is_protected_stays(self) -> None:
        seen = images("a:1", "a:2", "a:3", "a:4")
        rules = replace(self.RULES, listed=listed_forms(["a:4"]), minimum_age_seconds=60)
        ages = {"a:1": 99.0, "a:2": 99.0, "a:3": 9.0, "a:4": 99.0}
        decided = plan(observation(seen, ages=ages, usage=Usage({"a:2": "app"})), rules)
        assert going(decided) == ["a:1"]
        assert reasons(decided)["a:3"] is Reason.YOUNG

    def test_the_order_need_not_be_known(self) -> None:
        seen = images("a:1", "a:2", "a:latest")
        created = dict.fromkeys((image.id for image in seen), NoTime.UNANSWERED)
        decided = plan(observation(seen, created=created), self.RULES)
        assert {each.action for each in decided.decisions} == {Action.EVICT}


class TestExplanation:
    """In words that a person follows: what is newer, and which comparison says so."""

    def explained(self, seen: Observation, keep: int = 2) -> dict[str, str]:
        decided = plan(seen, Rules(keep_versions=keep))
        return {each.image.id: each.explain for each in decided.decisions}

    def test_by_version(self) -> None:
        tags = ("1.23", "1.24", "1.25", "1.26")
        told = self.explained(observation(tagged(tags), created=built(*tags)))
        assert told["1.23"] == "version 1.23 is older than 1.26 and 1.25, which stay"
        assert told["1.26"] == (
            "the newest 2 stay, and this is 1 of 4 of docker.io/library/a: "
            "version 1.26, built 2024-04-23T08:00:00Z"
        )

    def test_by_time(self) -> None:
        tags = ("main", "1.0", "1.0-slim")
        told = self.explained(observation(tagged(tags), created=built(*tags)), keep=1)
        assert told["main"] == (
            "built 2024-04-20T08:00:00Z, before 1.0-slim (built 2024-04-22T08:00:00Z), which stays"
        )
        assert told["1.0"] == (
            "built 2024-04-21T08:00:00Z, before 1.0-slim (built 2024-04-22T08:00:00Z), which stays"
        )

    def test_by_what_a_version_supersedes(self) -> None:
        tags = ("22", "main", "20", "edge")
        told = self.explained(observation(tagged(tags), created=built(*tags)))
        assert told["main"] == (
            "built 2024-04-21T08:00:00Z, before edge (built 2024-04-23T08:00:00Z) and "
            "22 (as new as 20, built 2024-04-22T08:00:00Z), which stay"
        )

    def test_by_when_it_appeared(self) -> None:
        created = dict.fromkeys(("main", "dev"), NoTime.UNSAID)
        ages = {"main": 2 * DAY, "dev": DAY}
        told = self.explained(observation(tagged(created), created=created, ages=ages), keep=1)
        assert told["main"] == (
            "on the node since 2027-01-13T08:00:00Z, "
            "before dev (on the node since 2027-01-14T08:00:00Z), which stays"
        )

    def test_by_the_id(self) -> None:
        created = {"main": NOW, "dev": NOW}
        told = self.explained(observation(tagged(created), created=created), keep=1)
        assert told["dev"].startswith("built 2027-01-15T08:00:00Z, no later than main (built ")
        assert "the ID decides" in told["dev"]

    def test_for_having_been_built_last(self) -> None:
        tags = ("1.3", "1.2", "1.1")
        told = self.explained(observation(tagged(tags), created=built(*tags)), keep=1)
        assert told["1.1"] == "built 2024-04-22T08:00:00Z, last of all of docker.io/library/a"

    def test_for_what_is_not_known(self) -> None:
        times: dict[str, float | NoTime] = {**built("2", "main", "edge"), "1": NoTime.UNANSWERED}
        told = self.explained(observation(tagged(times), created=times), keep=1)
        assert told["1"] == "not known when it was built, for its order in docker.io/library/a"
        assert told["2"] == (
            "not known when others of docker.io/library/a were built that it may supersede"
        )

    def test_for_being_one_of_few(self) -> None:
        assert self.explained(observation(tagged(["1"]))) == {"1": "only 1 of docker.io/library/a"}

    def test_in_each_repository_and_of_many_in_two(self) -> None:
        names = [f"ghcr.io/r{number}" for number in range(9)]
        seen = [Image(tag, tuple(f"{name}:{tag}" for name in names)) for tag in ("1", "2", "3")]
        told = self.explained(observation(seen), keep=2)
        why = "version 1 is older than 3 and 2, which stay"
        assert told["1"] == (
            f"in ghcr.io/r0: {why}; in ghcr.io/r1: {why}; and so in 7 more repositories"
        )

    def test_of_many_that_stay_it_names_three(self) -> None:
        tags = [f"1.{number}" for number in range(10)]
        told = self.explained(observation(tagged(tags), created=built(*tags)), keep=9)
        assert told["1.0"] == "version 1.0 is older than 1.9, 1.8 and 1.7 and 6 more, which stay"
