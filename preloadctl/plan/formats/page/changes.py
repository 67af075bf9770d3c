"""The sections of the page on what is different, what is refused, and the lock file."""

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from preloadctl.plan.formats.drawing.markup import element
from preloadctl.plan.formats.page.elements import (
    CODE,
    NAME,
    PROSE,
    Column,
    code,
    effect,
    paragraph,
    references,
    table,
)
from preloadctl.plan.model import Changes, Plan, PoolChanges, Refusal
from preloadctl.plan.wording.sentences import capitalized, counted, unknown_sizes
from preloadctl.plan.wording.statements import (
    image_changes,
    novelty,
    pull_text,
    since_text,
    unpinned_text,
)

IMAGE_COLUMNS = (Column("image"), Column("reference", CODE))
SETTING_COLUMNS = (
    Column("input", NAME),
    Column("before", CODE),
    Column("now", CODE),
    Column("what it does to the nodes", PROSE),
)


def refused(plan: Plan) -> Element:
    """Returns every refusal, with what would be accepted."""
    return element(
        "section",
        element("h2", f"Refused: {counted(len(plan.refusals), 'mistake')}", id="refused"),
        paragraph("Nothing would be deployed."),
        element("ul", *map(_refusal, plan.refusals), class_="refusals"),
        class_="callout bad",
        aria_labelledby="refused",
    )


def changed(changes: Changes) -> Element:
    """Returns what is different from before, by pool."""
    return element(
        "section",
        element("h2", "Changes"),
        *_changes(changes),
    )


def lock(plan: Plan) -> Element:
    """Returns the state of the lock file, and what to do about sizes that are not known."""
    return element("section", element("h2", "Lock file"), *_lock(plan))


def _refusal(refusal: Refusal) -> Element:
    if not refusal.path:
        return element("li", refusal.accepted)
    where = element("div", refusal.subject, " ", code(refusal.path), ": ", code(refusal.value))
    return element("li", where, refusal.accepted)


def _changes(changes: Changes) -> Iterator[Element]:
    yield paragraph(since_text(changes))
    for pool in changes.pools:
        yield element("h3", f"{pool.pool}{novelty(pool)}")
        yield paragraph(f"{capitalized(pull_text(pool))}.")
        images = [(what, code(image)) for what, image in image_changes(pool)]
        if images:
            yield table(f"Changed images of {pool.pool}", IMAGE_COLUMNS, images)
        if pool.settings:
            yield _settings(pool)


def _settings(pool: PoolChanges) -> Element:
    rows = [
        (
            code(each.path),
            _value(each.before),
            _value(each.after),
            "" if each.effect is None else effect(each.effect),
        )
        for each in pool.settings
    ]
    return table(f"Changed settings of {pool.pool}", SETTING_COLUMNS, rows)


def _value(value: str | None) -> Element:
    return element("span", "not written", class_="muted") if value is None else code(value)


def _lock(plan: Plan) -> Iterator[Element]:
    state = plan.lock
    unknown, command = unknown_sizes(plan.pools), f"preloadctl lock --stack {plan.stack}"
    if not state.exists:
        yield paragraph("There is no ", code(state.path), ".")
    elif not state.not_locked and not state.not_listed:
        yield paragraph(code(state.path), " has every image of the stack, and no other.")
    if state.exists and state.not_locked:
        missing = counted(len(state.not_locked), "image")
        yield paragraph(code(state.path), f" does not have {missing} of the stack:")
        yield references(state.not_locked)
    if state.exists and state.not_listed:
        gone = counted(len(state.not_listed), "image")
        yield paragraph(code(state.path), f" has {gone} that no pool lists any more:")
        yield references(state.not_listed)
    if state.unpinned_root:
        yield paragraph(unpinned_text(state), class_="callout warning")
    if unknown:
        sizes = "size is" if len(unknown) == 1 else "sizes are"
        yield paragraph(
            f"{counted(len(unknown), 'image')} of which the {sizes} not known: their pools are "
            "shown without times and without what their disk holds. Run ",
            code(command),
            " to look the sizes up.",
            class_="callout warning",
        )
    elif not state.exists or state.not_locked or state.not_listed:
        purpose = "bring it up to date" if state.exists else "write it"
        yield paragraph("Run ", code(command), f" to {purpose}.")
