"""Random inventories of a node, as the oracle and as the agent see them."""

import random
from typing import Any

from preloader.agent.cleanup import listed_forms
from preloader.agent.cri.messages import Image
from preloader.agent.retention.observation import NoTime, Observation
from preloader.agent.retention.plan import Rules
from preloader.agent.retention.usage import Usage
from tests.agent.oracle import NOW, Case, World, created_of

REPOSITORIES = (
    "docker.io/library/nginx",
    "reg.local:5000/app",
    "ghcr.io/acme/app",
    "localhost/kubernetes/pause",
    "localhost:5000/app",
)
# By kind, so that each kind is as likely as another: an inventory takes a few of them.
TAGS = (
    ("1.9", "1.10", "v1.10.0", "2.0-rc1", "2.0", "2.0-1", "2.0-10", "2.0.1-r2"),
    ("1.4.0-9f2a1bc", "1.4.0-b81c22e", "1.4.0-1234567", "1.4.0-alpine", "1.4.0", "1.4.0-slim"),
    ("20240828", "2024-12-01", "2024_08_28", "bookworm-20240901", "2024.8.5", "20240828101500"),
    ("RELEASE.2024-08-28T10-15-00Z", "2024-08-28-9f2a1bc", "2024.1", "2024.12.0", "20240828-1"),
    ("417", "v418", "22-alpine", "20-alpine", "9", "22"),
    ("latest", "main", "0a1b2c3", "7654321", "28-08-2024", "main-9f2a1bc-1700000000", "2fa"),
)
GLOBS = ((), (), ("nginx:1.*",), ("ghcr.io/*",), ("*:latest", "reg.local:5000/app"))
# What the runtime may list as well: a name that is none.
ODD = "Not A Name"
# Few, so that ties are frequent; beyond them the image or the runtime does not say.
TIMES = 7


def digest(letter: str) -> str:
    return f"sha256:{letter * 64}"


def roll(dice: random.Random) -> World:
    """An inventory of up to nine images, most of them in one repository."""
    tags = tuple(tag for kind in dice.sample(TAGS, dice.randint(1, 3)) for tag in kind)
    return World(
        tuple(_roll_case(dice, number, tags) for number in range(dice.randint(0, 9))),
        dice.randint(1, 3),
        dice.randrange(3),
        tuple(_roll_name(dice, tags, "") for _ in range(dice.choice((0, 0, 1, 2)))),
        dice.choice(GLOBS),
        unknown_user=dice.random() < 0.03,
        evict=dice.random() < 0.1,
    )


def _roll_case(dice: random.Random, number: int, tags: tuple[str, ...]) -> Case:
    # IDs in no order, so that what depends on them shows.
    image_id = f"{number * 7 % 10}"
    count = dice.choice((0, 1, 1, 1, 1, 2, 3))
    names = tuple(dict.fromkeys(_roll_name(dice, tags, image_id) for _ in range(count)))
    created: float | NoTime = float(dice.randrange(TIMES)) + NOW - TIMES
    if dice.random() < 0.15:
        created = dice.choice((NoTime.UNSAID, NoTime.UNSAID, NoTime.UNANSWERED))
    return Case(
        image_id,
        (*names, ODD) if dice.random() < 0.02 else names,
        pinned=dice.random() < 0.05,
        used=dice.random() < 0.15,
        age=dice.randrange(5),
        created=created,
    )


def _roll_name(dice: random.Random, tags: tuple[str, ...], image_id: str) -> str:
    name = dice.choice(REPOSITORIES) if dice.random() < 0.3 else REPOSITORIES[0]
    # An image that lost its tag has only its digest.
    if image_id and dice.random() < 0.2:
        return f"{name}@{digest(image_id)}"
    return f"{name}:{dice.choice(tags)}"


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
        NOW,
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
    names: list[Any] = list(case.names)
    if shuffle:
        shuffle.shuffle(names)
    return Image(
        case.id,
        tuple(name for name in names if "@" not in name),
        tuple(name for name in names if "@" in name),
        pinned=case.pinned,
    )
