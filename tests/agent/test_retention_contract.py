"""Ten thousand random inventories: what the oracle says, and the contract by itself."""

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from preloader.agent.retention import order
from preloader.agent.retention import plan as retention
from preloader.agent.retention.explanation import NAMED, REPOSITORIES
from preloader.agent.retention.observation import NoTime
from preloader.agent.retention.plan import Decision, Reason, images_to_date, plan
from tests.agent import oracle
from tests.agent.inventories import observe, roll
from tests.agent.oracle import Case, World, is_unprotected, removed, repositories, time_of

pytestmark = pytest.mark.slow

BATCH = 250
LONGEST_NAME = 255

Check = Callable[[World, random.Random], None]


@pytest.fixture(scope="module", autouse=True)
def _each_name_is_parsed_once() -> Iterator[None]:
    """Parsing the same few names again and again would take most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        for module, name in ((retention, "parse_reference"), (order, "parse_version")):
            patch.setattr(module, name, cache(getattr(module, name)))
        patch.setattr(oracle, "parse_reference", cache(oracle.parse_reference))
        yield


def check_each(check: Check, seed: int) -> None:
    """Made without hypothesis, which takes longer to draw an inventory than all the checks do."""
    dice = random.Random(seed)  # noqa: S311 - reproducible by its seed
    for _ in range(BATCH):
        check(roll(dice), dice)


def inventories(count: int) -> Callable[[Check], Callable[[], None]]:
    def decorate(check: Check) -> Callable[[], None]:
        @settings(max_examples=count // BATCH, phases=[Phase.generate])
        @given(st.integers(0, 2**64))
        def test(seed: int) -> None:
            check_each(check, seed)

        return test

    return decorate


def going(world: World) -> set[str]:
    return {decision.image.id for decision in plan(*observe(world)).removals}


def left_of(world: World) -> World:
    gone = going(world)
    return replace(world, cases=tuple(case for case in world.cases if case.id not in gone))


@inventories(10_000)
def test_what_goes_is_what_the_oracle_says(world: World, dice: random.Random) -> None:
    gone = going(world)
    assert gone == removed(world)
    # Nothing protected is removed: said again, because nothing matters more.
    assert all(is_unprotected(case, world) for case in world.cases if case.id in gone)


@inventories(2_500)
def test_a_plan_has_one_decision_an_image_in_any_order(world: World, dice: random.Random) -> None:
    decided = plan(*observe(world))
    assert sorted(each.image.id for each in decided.decisions) == sorted(
        case.id for case in world.cases
    )
    shuffled = plan(*observe(world, dice))
    assert said(shuffled.decisions) == said(decided.decisions)
    assert [each.image.id for each in shuffled.removals] == [
        each.image.id for each in decided.removals
    ]


def said(decisions: tuple[Decision, ...]) -> dict[str, tuple[str, ...]]:
    return {each.image.id: (each.action, each.reason, each.explain) for each in decisions}


@inventories(2_500)
def test_only_the_times_that_are_asked_for_decide(world: World, dice: random.Random) -> None:
    seen, rules = observe(world)
    asked = set(images_to_date(seen, rules))
    known = {key: value for key, value in seen.created.items() if key in asked}
    with_less = plan(replace(seen, created=known), rules)
    assert {each.image.id: each.reason for each in with_less.decisions} == {
        each.image.id: each.reason for each in plan(seen, rules).decisions
    }


@inventories(2_500)
def test_once_carried_out_there_is_nothing_left_to_do(world: World, dice: random.Random) -> None:
    assert going(left_of(world)) == set()


@inventories(2_500)
def test_of_each_repository_stay_no_more_than_are_kept_and_one(
    world: World, dice: random.Random
) -> None:
    world = replace(world, minimum_age=0)
    for name, members in by_repository(left_of(world)).items():
        free = [
            case for case in members if is_unprotected(case, world) and repositories(case) == {name}
        ]
        if all(case.created is not NoTime.UNANSWERED for case in members):
            assert len(free) <= world.keep + 1


@inventories(2_500)
def test_no_fewer_stay_than_are_kept(world: World, dice: random.Random) -> None:
    if world.evict:
        return
    left = by_repository(left_of(world))
    for name, members in by_repository(world).items():
        assert len(left[name]) >= min(world.keep, len(members))


@inventories(2_500)
def test_what_was_built_last_stays(world: World, dice: random.Random) -> None:
    if world.evict:
        return
    gone = going(world)
    for members in by_repository(world).values():
        if all(case.created is not NoTime.UNANSWERED for case in members):
            latest = max(time_of(case) for case in members)
            assert any(time_of(case) == latest and case.id not in gone for case in members)


@inventories(2_500)
def test_no_higher_or_later_version_goes_before_a_lower_or_earlier_one(
    world: World, dice: random.Random
) -> None:
    world = replace(world, minimum_age=0, evict=False)
    decisions = {each.image.id: each for each in plan(*observe(world)).decisions}
    for name, members in by_repository(world).items():
        alone = [case for case in members if repositories(case) == {name}]
        for one in alone:
            for other in alone:
                if is_newer(one, other, name) and decisions[one.id].reason is Reason.OLD:
                    assert decisions[other.id].reason is not Reason.NEWEST


def is_newer(one: Case, other: Case, name: str) -> bool:
    versions = [oracle.version_of(case.names, name) for case in (one, other)]
    times = [time_of(case) for case in (one, other)]
    if any(case.created is NoTime.UNANSWERED for case in (one, other)):
        times = [0, 0]
    return versions[0][0] == versions[1][0] and (versions[0], times[0]) > (versions[1], times[1])


@inventories(2_500)
def test_every_decision_is_explained_in_a_line_of_bounded_length(
    world: World, dice: random.Random
) -> None:
    for each in plan(*observe(world)).decisions:
        assert each.explain
        assert each.explain.isprintable()
        assert len(each.explain) < 2 * REPOSITORIES * (NAMED + 1) * LONGEST_NAME
        assert (each.reason is Reason.OLD) <= (", which stay" in each.explain)


def by_repository(world: World) -> dict[str, list[Case]]:
    members: dict[str, list[Case]] = {}
    for case in world.cases:
        for name in repositories(case):
            members.setdefault(name, []).append(case)
    return members


def test_the_inventories_have_what_is_hard() -> None:
    """Else the tests above would show little."""
    dice = random.Random(0)  # noqa: S311 - reproducible by its seed
    worlds = [roll(dice) for _ in range(2000)]
    reasons = [each.reason for world in worlds for each in plan(*observe(world)).decisions]
    seen = {reason: reasons.count(reason) for reason in Reason if reasons.count(reason) < 50}
    # Told before these, and by a test of its own: another list, another sandbox.
    assert set(seen) <= {Reason.SANDBOX, Reason.LISTED_BEFORE, Reason.LISTED_ELSEWHERE}
