"""YAML means here what it means to Pulumi's engine, and what the engine refuses is refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preloader.yaml_values import MAX_DEPTH, MAX_VALUES, InvalidYaml, read_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("on", "on"),
        ("12:30", "12:30"),
        ("1.3e9", 1_300_000_000),
        ("0o14", 12),
        ("0777", 0o777),
        ("08", 8),
        ("1_000", 1000),
        ("1.0", 1),
        ("1e400", "1e400"),
        ("'5'", "5"),
        ("!!str 5", "5"),
        ("!!binary aGk=", "hi"),
        ("2024-01-01", "2024-01-01 00:00:00 +0000 UTC"),
        ("2024-02-30", "2024-02-30"),
        ("~", None),
        ("!!set {a, b}", {"a": None, "b": None}),
        ("a: &a {x: 1, y: 1}\nb: {<<: *a, x: 2}", {"a": {"x": 1, "y": 1}, "b": {"x": 2, "y": 1}}),
        ("a: 1\n---\nb: 2", {"a": 1}),
    ],
)
def test_a_value_is_what_a_program_gets_from_the_engine(text: str, value: object) -> None:
    read = read_yaml(text)
    assert (read, type(read)) == (value, type(value))


def laughs(depth: int) -> str:
    first = "a0: &a0 [x, x, x, x, x, x, x, x, x]"
    others = (f"a{each}: &a{each} [{', '.join([f'*a{each - 1}'] * 9)}]" for each in range(1, depth))
    return "\n".join((first, *others))


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        ("a: 1\nb: 2\na: 3", "3:1", "the key 'a' is on line 1 already"),
        ("a:\n  b: 1\n  'b': 2", "3:3", "the key 'b' is on line 2 already"),
        ("1: a", "1:1", "the key '1' must be a text; quote it"),
        ("2024-01-01: a", "1:1", "must be a text; quote it"),
        ("? [a]\n: b", "1:3", "a key must be a text"),
        ("a: .inf", "1:4", "is not a number that a program can be given"),
        ("a: !!int b", "1:4", "is not what its tag says, !!int"),
        ("a: !!binary '*'", "1:4", "is not base64 of a text"),
        ("a: &a [*a]", "1:8", "the value of anchor 'a' contains itself"),
        ("a: *b", "1:4", "there is no anchor 'b' before this"),
        ("a: {<<: 1}", "1:9", "must be a map, or a list of maps"),
        ("[" * 5000, "1:101", f"nested more than {MAX_DEPTH} levels deep"),
        (laughs(8), "6:", f"stands for more than {MAX_VALUES} values"),
        ('"\\ud83d"', "1:4", "invalid Unicode"),
        ("\0", "1:1", "control characters"),
    ],
)
def test_what_is_refused_is_named_by_its_place(text: str, place: str, reason: str) -> None:
    with pytest.raises(InvalidYaml) as caught:
        read_yaml(text)
    assert str(caught.value).startswith(place)
    assert reason in str(caught.value)


@given(st.text(max_size=60))
def test_any_text_is_data_or_refused(text: str) -> None:
    try:
        read = read_yaml(text)
    except InvalidYaml:
        return
    json.dumps(read, allow_nan=False)
