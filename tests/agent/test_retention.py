"""The plan: what the article promises, each reason to keep, random inventories by the oracle."""

import random
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from preloader.agent import order, retention
from preloader.agent.cleanup import listed_forms
from preloader.agent.messages import Image
from preloader.agent.observation import Observation
from preloader.agent.retention import Action, Plan, Reason, Rules, images_to_date, plan
from preloader.agent.usage import Usage
from tests.agent import oracle
from tests.agent.oracle import Case, World, created_of, is_unprotected, removed

RULES = Rules(keep_versions=2)


def images(*tags: str) -> tuple[Image, ...]:
    """An image for each tag, with its tag as its ID."""
    return tuple(Image(tag, (f"docker.io/library/{tag}",)) for tag in tags)


def digest(letter: str) -> str:
    return f"sha256:{letter * 64}"


def observation(given: Iterable[Image], **values: object) -> Observation:
    return replace(Observation(tuple(given), Usage()), **values)  # type: ignore[arg-type]


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


def test_an_image_without_any_reference_is_its_own_repository() -> None:
    seen = [Image(key) for key in ("a", "b", "c")]
    assert set(reasons(plan(observation(seen), RULES)).values()) == {Reason.NEWEST}


class TestOrder:
    """An image without a version tag is placed by its creation time."""

    VERSIONED = (Image("v3", ("docker.io/a:3",)), Image("v2", ("docker.io/a:2",)))
    NIGHTLY = Image("nightly", ("docker.io/a:nightly",))

    def going(self, created: dict[str, float | None], *more: Image, keep: int = 2) -> list[str]:
        seen = observation((*self.VERSIONED, self.NIGHTLY, *more), created=created)
        return going(plan(seen, Rules(keep_versions=keep)))

    def test_newer_than_all_it_is_the_newest(self) -> None:
        assert self.going({"v3": 30, "v2": 20, "nightly": 40}) == ["v2"]

    def test_between_two_it_is_between_them(self) -> None:
        assert self.going({"v3": 30, "v2": 20, "nightly": 25}) == ["v2"]

    def test_of_the_same_time_it_is_the_newer(self) -> None:
        assert self.going({"v3": 30, "v2": 20, "nightly": 20}) == ["v2"]

    def test_older_than_all_it_is_the_oldest(self) -> None:
        assert self.going({"v3": 30, "v2": 20, "nightly": 10}) == ["nightly"]

    def test_where_version_and_time_contradict_each_other_none_is_older(self) -> None:
        # 2 was built after 3, and the nightly in between.
        contradiction = {"v3": 30.0, "v2": 50.0, "nightly": 40.0}
        assert self.going(contradiction, keep=1) == []
        newest = Image("v4", ("docker.io/a:4",))
        oldest = Image("v1", ("docker.io/a:1",))
        times = {**contradiction, "v4": 60.0, "v1": 5.0}
        assert self.going(times, newest, oldest, keep=2) == ["v1"]
        assert set(self.going(times, newest, oldest, keep=1)) == {"v1", "v2", "v3", "nightly"}

    def test_two_without_version_are_ordered_by_time_and_then_by_id(self) -> None:
        more = Image("edge", ("docker.io/a:edge",))
        times = {"v3": 30.0, "v2": 20.0, "nightly": 25.0}
        assert self.going({**times, "edge": 26}, more, keep=2) == ["v2", "nightly"]
        assert self.going({**times, "edge": 25}, more, keep=2) == ["v2", "edge"]

    def test_without_its_time_it_stays_and_counts_for_nothing(self) -> None:
        seen = observation(
            (*self.VERSIONED, Image("v1", ("docker.io/a:1",)), self.NIGHTLY),
            created={"v3": 30.0, "v2": 20.0, "v1": 10.0, "nightly": None},
        )
        decided = plan(seen, RULES)
        assert going(decided) == ["v1"]
        assert reasons(decided)["nightly"] is Reason.UNKNOWN

    def test_it_may_be_newer_than_a_version_without_a_time(self) -> None:
        assert self.going({"v3": 30, "nightly": 10}) == []
        assert self.going({"v3": 30, "nightly": 10}, Image("v1", ("docker.io/a:1",))) == []
        dated = {"v3": 30.0, "nightly": 10.0, "v1": 5.0}
        assert self.going(dated, Image("v1", ("docker.io/a:1",))) == ["v1"]


class TestCreationTimes:
    """Asking for them costs a call each."""

    def asked(self, *given: Image, rules: Rules = RULES, usage: Usage | None = None) -> set[str]:
        return set(images_to_date(Observation(given, usage or Usage()), rules))

    NAMES = ("latest", "1", "2", "3")
    IMAGES = tuple(Image(name, (f"docker.io/a:{name}",)) for name in NAMES)

    def test_not_where_every_image_has_a_version(self) -> None:
        assert self.asked(*self.IMAGES[1:]) == set()

    def test_not_where_none_could_go(self) -> None:
        assert self.asked(*self.IMAGES[:2]) == set()

    def test_not_where_all_are_protected_anyway(self) -> None:
        usage = Usage(dict.fromkeys(self.NAMES, "app"))
        assert self.asked(*self.IMAGES, usage=usage) == set()

    def test_of_the_whole_repository_where_the_order_depends_on_it(self) -> None:
        others = images("b:1", "b:2", "b:3")
        assert self.asked(*self.IMAGES, *others) == set(self.NAMES)


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


def test_a_reason_says_what_it_rests_on() -> None:
    seen = observation((*images("a:1", "a:2", "a:3", "b:1", "b:2"), Image("c")))
    details = {each.image.id: each.detail for each in plan(seen, RULES).decisions}
    assert details == {
        "a:1": "2 of 3 of docker.io/library/a are newer",
        "a:2": "1 of 3 of docker.io/library/a are newer",
        "a:3": "0 of 3 of docker.io/library/a are newer",
        "b:1": "only 2 of docker.io/library/b",
        "b:2": "only 2 of docker.io/library/b",
        "c": "it has no repository",
    }


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
        decided = plan(observation(seen, ages=ages), self.RULES)
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

    def test_the_order_of_versions_need_not_be_known(self) -> None:
        decided = plan(observation(images("a:1", "a:2", "a:latest")), self.RULES)
        assert {each.action for each in decided.decisions} == {Action.EVICT}


REPOSITORIES = (
    "docker.io/library/nginx",
    "reg.local:5000/app",
    "ghcr.io/acme/app",
    "localhost/kubernetes/pause",
    "localhost:5000/app",
)
TAGS = ("1.9", "1.10", "v1.2", "1.2.0", "2.0-rc1", "2.0", "20240101", "latest", "main", "0a1b2c3")
GLOBS = ((), (), ("nginx:1.*",), ("ghcr.io/*",), ("*:latest", "reg.local:5000/app"))
# What the runtime may list as well: a name that is none.
ODD = "Not A Name"

_reference = st.tuples(
    st.integers(0, len(REPOSITORIES) - 1) | st.just(0), st.integers(-3, len(TAGS) - 1)
)
_case = st.tuples(
    st.lists(_reference, max_size=3),
    st.integers(0, 7),
    st.integers(0, 19),
    st.integers(0, 3),
    st.integers(-1, 5),
)
_world = st.tuples(
    st.lists(_case, max_size=9),
    st.integers(1, 3),
    st.integers(0, 2),
    st.lists(_reference, max_size=2),
    st.sampled_from(GLOBS),
    st.integers(0, 30),
)


def build(drawn: tuple[Any, ...]) -> World:
    cases, keep, minimum_age, lists, globs, dice = drawn
    return World(
        tuple(_build_case(number, *case) for number, case in enumerate(cases)),
        keep,
        minimum_age,
        tuple(_name(repository, max(0, tag), "") for repository, tag in lists),
        globs,
        unknown_user=dice == 0,
        evict=dice > 20,
    )


def _build_case(number: int, references: list[tuple[int, int]], *rolls: int) -> Case:
    pin, use, age, created = rolls
    # IDs in no order, so that what depends on them shows.
    image_id = f"{number * 7 % 10}"
    names = tuple(dict.fromkeys(_name(*reference, image_id) for reference in references))
    return Case(
        image_id,
        (*names, ODD) if pin == 1 and use == 1 else names,
        pinned=pin == 0 and use < 10,
        used=use > 16,
        age=age,
        created=None if created < 0 else created,
    )


def _name(repository: int, tag: int, image_id: str) -> str:
    name = REPOSITORIES[repository]
    return f"{name}:{TAGS[tag]}" if tag >= 0 else f"{name}@{digest(image_id)}"


def observe(world: World, shuffle: random.Random | None = None) -> tuple[Observation, Rules]:
    cases = list(world.cases)
    if shuffle:
        shuffle.shuffle(cases)
    seen = Observation(
        tuple(_image(case, shuffle) for case in cases),
        Usage(
            {case.id: "app" for case in cases if case.used},
            {},
            ("odd",) if world.unknown_user else (),
        ),
        {case.id: case.age for case in cases},
        created_of(world),
    )
    rules = Rules(
        world.keep,
        world.minimum_age,
        world.globs,
        listed=listed_forms(world.lists),
        evict=world.evict,
    )
    return seen, rules


def _image(case: Case, shuffle: random.Random | None) -> Image:
    names = list(case.names)
    if shuffle:
        shuffle.shuffle(names)
    return Image(
        case.id,
        tuple(name for name in names if "@" not in name),
        tuple(name for name in names if "@" in name),
        pinned=case.pinned,
    )


@pytest.fixture(scope="module", autouse=True)
def _each_name_is_parsed_once() -> Iterator[None]:
    """Parsing the same few names again and again would take most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        for module, names in (
            (retention, ("parse_reference",)),
            (order, ("parse_version", "tag_order")),
            (oracle, ("parse_reference", "parse_version", "tag_order")),
        ):
            for name in names:
                patch.setattr(module, name, cache(getattr(module, name)))
        yield


@settings(max_examples=200, deadline=None)
@given(_world)
def test_any_inventory_loses_what_the_oracle_says_and_nothing_else(
    drawn: tuple[Any, ...],
) -> None:
    check(build(drawn), random.Random(0))  # noqa: S311 - only an order


BATCH = 100


@settings(max_examples=100, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(st.integers(0, 2**64))
def test_ten_thousand_random_inventories_lose_what_the_oracle_says(seed: int) -> None:
    """Made without hypothesis, which takes longer to draw an inventory than all the checks do."""
    dice = random.Random(seed)  # noqa: S311 - reproducible by its seed
    for _ in range(BATCH):
        check(build(roll(dice)), dice)


def roll(dice: random.Random) -> tuple[Any, ...]:
    """An inventory as `_world` draws it, but for being of any size as likely as of any other."""

    def references(most: int) -> list[tuple[int, int]]:
        return [
            (dice.randrange(len(REPOSITORIES)) if dice.random() < 0.5 else 0, dice.randint(-3, 9))
            for _ in range(dice.randint(0, most))
        ]

    def case() -> tuple[Any, ...]:
        rolls = (dice.randrange(8), dice.randrange(20), dice.randrange(4), dice.randint(-1, 5))
        return (references(3), *rolls)

    return (
        [case() for _ in range(dice.randint(0, 9))],
        dice.randint(1, 3),
        dice.randrange(3),
        references(2),
        dice.choice(GLOBS),
        dice.randrange(31),
    )


def check(world: World, dice: random.Random) -> None:
    seen, rules = observe(world)
    decided = plan(seen, rules)
    gone = set(going(decided))
    assert gone == removed(world)
    # Nothing protected is removed: said again, because nothing matters more.
    assert all(is_unprotected(case, world) for case in world.cases if case.id in gone)
    # One decision for each image, and each with its reason.
    assert sorted(reasons(decided)) == sorted(case.id for case in world.cases)
    # The order of the answers does not matter.
    shuffled, _ = observe(world, dice)
    assert [(each.image.id, each.action, each.reason) for each in plan(shuffled, rules).decisions][
        : len(gone)
    ] == [(each.image.id, each.action, each.reason) for each in decided.removals]
    # Nothing changes when only the creation times that are asked for are known.
    asked = set(images_to_date(seen, rules))
    known = {key: value for key, value in seen.created.items() if key in asked}
    with_less = plan(replace(seen, created=known), rules)
    assert reasons(with_less) == reasons(decided)
    # Once it has been carried out, there is nothing left to do.
    if not gone:
        return
    left = replace(world, cases=tuple(case for case in world.cases if case.id not in gone))
    assert going(plan(*observe(left))) == []
