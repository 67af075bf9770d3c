"""The commands that the README names, wherever it does, and the file of the one that runs each."""

import re
from collections.abc import Iterator, Mapping

_BLOCK = re.compile(r"^```(?P<language>\w*)\n(?P<lines>.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
_COMMENT = re.compile(r"\s+# .*")
_PROGRAMS = ("make", "preloadctl", ".venv/bin/preloadctl", "python", "python3", "kubectl")

# What is in capitals, and where a registry or socket is, stands for something else when it is run.
RUN_BY: Mapping[str, tuple[str, ...]] = {
    ".ci/run": (
        "make check",
        "make test",
        "make test-engine",
        "make test-node",
        "make bench",
        "make demo",
    ),
    "tests/readme/test_commands.py": (
        ".venv/bin/preloadctl agent",
        ".venv/bin/preloadctl agent --output agent.pyz",
        ".venv/bin/preloadctl lock --stack S",
        ".venv/bin/preloadctl lock --stack dev",
        ".venv/bin/preloadctl lock --stack prod --check",
        ".venv/bin/preloadctl plan --stack S",
        ".venv/bin/preloadctl plan --stack dev",
        ".venv/bin/preloadctl render --stack S --output DIR",
        ".venv/bin/preloadctl render --stack bad",
        "preloadctl lock",
        "preloadctl lock --stack prod --check",
        "preloadctl plan --stack prod --since origin/main --format markdown --output comment.md",
        "preloadctl render --stack dev",
        "python -m bench --only SUBJECT",
        "python3 agent.pyz plan --socket /run/containerd/containerd.sock --policy policy.json",
    ),
    "tests/readme/test_deploying.py": (
        "make up",
        "make up STACK=kind",
        "make refresh",
        "make render",
    ),
    "tests/node/test_readme.py": (
        "kubectl apply -f DIR",
        "kubectl get pods -n image-preloader",
        "kubectl port-forward",
    ),
}


def commands_in(markdown: str) -> set[str]:
    """Returns each command once, as it is written, without a comment behind it."""
    return {*_in_blocks(markdown), *_in_sentences(markdown)}


def console_of(markdown: str, command: str) -> str:
    """Returns what the README shows below a command in a console."""
    shown = markdown.partition(f"\n$ {command}\n")[2].partition("```")[0]
    return shown.partition("\n$ ")[0]


def _in_blocks(markdown: str) -> Iterator[str]:
    for block in _BLOCK.finditer(markdown):
        for line in block["lines"].splitlines():
            if block["language"] == "console" and line.startswith("$ "):
                yield _COMMENT.sub("", line.removeprefix("$ "))
            elif block["language"] == "sh" and line:
                yield _COMMENT.sub("", line)


def _in_sentences(markdown: str) -> Iterator[str]:
    for span in _SPAN.findall(_BLOCK.sub("", markdown)):
        program, _, rest = span.partition(" ")
        if program in _PROGRAMS and rest:
            yield span
