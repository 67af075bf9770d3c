"""Lists of images for pools, as the workloads that there are would have them."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from preloadctl.lock.images import Pool
from preloadctl.lock.proposing.fit import Fit, Labels, fit
from preloadctl.lock.proposing.workloads import Workload
from preloader.images import InvalidReference, parse_reference
from preloader.printable import printable, shortened
from preloader.yaml_scalars import is_plain
from preloader.yaml_values import InvalidYaml, read_yaml

# Those of Helm, of shells and `envsubst`, and of Kustomize's variables.
TEMPLATE_MARKS = ("{{", "${", "$(")
# Of the names of workloads, and of images that might run on a pool.
USERS_SHOWN, POSSIBLE_SHOWN = 3, 10
MOST_OF_A_NAME = 200


@dataclass(frozen=True, slots=True)
class Use:
    """An image under the name that workloads use, and their names."""

    written: str
    users: set[str] = field(default_factory=set[str])


@dataclass(frozen=True, slots=True)
class Proposal:
    """The images that a pool's own workloads use, and those of others that may run there.

    Both are by the normal form of the reference.
    """

    pool: Pool
    used: Mapping[str, Use]
    possible: Mapping[str, Use]


def proposals(
    pools: Iterable[Pool], workloads: Sequence[Workload], nodes: Mapping[str, Labels]
) -> list[Proposal]:
    """Returns a proposal for each pool; images that are no references are left out."""
    return [_proposal(pool, workloads, nodes) for pool in pools]


def invalid_images(workloads: Iterable[Workload]) -> list[str]:
    """Returns what to say of images that no runtime accepts, such as those of a template."""
    return sorted(
        {
            ": ".join(map(_named, (workload.name, repr(image), _reason(image, error))))
            for workload in workloads
            for image in workload.images
            for error in (_error(image),)
            if error
        }
    )


def proposal_lines(each: Proposal) -> Iterator[str]:
    """Yields the pool's part of the stack file, what is listed first and in its order."""
    listed = {str(parse_reference(image)): image for image in each.pool.images}
    yield f"  {_scalar(each.pool.name)}:"
    yield "    images:"
    for normal, image in listed.items():
        use = each.used.get(normal)
        yield f"      - {_scalar(use.written if use else image)}{_note(use, image)}"
    new = sorted(use.written for normal, use in each.used.items() if normal not in listed)
    users = {use.written: use.users for use in each.used.values()}
    for image in new:
        yield f"      - {_scalar(image)}  # not in the list yet; used by {_names(users[image])}"
    yield from _possible_lines([use for key, use in each.possible.items() if key not in listed])


def _proposal(pool: Pool, workloads: Sequence[Workload], nodes: Mapping[str, Labels]) -> Proposal:
    by_fit: dict[Fit, dict[str, Use]] = defaultdict(dict)
    for workload in workloads:
        uses = by_fit[fit(workload, pool, nodes)]
        for image in workload.images:
            if not _error(image):
                normal = str(parse_reference(image))
                uses.setdefault(normal, Use(image)).users.add(workload.name)
    own = by_fit[Fit.ITS_OWN]
    possible = {key: use for key, use in by_fit[Fit.POSSIBLE].items() if key not in own}
    return Proposal(pool, own, possible)


def _reason(image: str, error: InvalidReference) -> str:
    is_template = any(mark in image for mark in TEMPLATE_MARKS)
    return "is a template; render it first" if is_template else error.reason


def _error(image: str) -> InvalidReference | None:
    try:
        parse_reference(image)
    except InvalidReference as error:
        return error
    return None


def _note(use: Use | None, listed: str) -> str:
    if use is None:
        return "  # in the list, and used by none of the pool's workloads"
    return "" if use.written == listed else f"  # in the list as {listed}"


def _possible_lines(uses: Sequence[Use]) -> Iterator[str]:
    if not uses:
        return
    users = {user for use in uses for user in use.users}
    who = "1 workload that chooses" if len(users) == 1 else f"{len(users)} workloads that choose"
    yield f"      # {who} no pool may run here too, with:"
    for use in sorted(uses, key=lambda use: use.written)[:POSSIBLE_SHOWN]:
        yield f"      #   {use.written}  ({_names(use.users)})"
    if len(uses) > POSSIBLE_SHOWN:
        yield f"      #   and {len(uses) - POSSIBLE_SHOWN} more images"


def _names(users: Iterable[str]) -> str:
    names = sorted(map(_named, users))
    more = [f"{len(names) - USERS_SHOWN} more"] if len(names) > USERS_SHOWN else []
    return ", ".join([*names[:USERS_SHOWN], *more])


def _named(text: str) -> str:
    return shortened(printable(text), MOST_OF_A_NAME)


def _scalar(text: str) -> str:
    """A text as YAML: what would be read as a number, or an address in brackets, needs quotes."""
    try:
        is_text = not text.startswith("[") and read_yaml(text) == text and is_plain(text)
    except InvalidYaml:
        is_text = False
    return text if is_text else json.dumps(text, ensure_ascii=False)
