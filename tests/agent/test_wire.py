"""The protocol buffer codec: what it reads, what it skips, and what it refuses."""

import itertools
from contextlib import suppress
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preloader.agent.cri import wire
from preloader.agent.cri.wire import Malformed, Schema


@dataclass
class Inner:
    label: str
    count: int


@dataclass
class Outer:
    name: str
    names: tuple[str, ...]
    size: int
    is_set: bool
    inner: Inner | None
    inners: tuple[Inner, ...]
    pairs: tuple[tuple[str, str], ...]


INNER = Schema(Inner, {1: wire.text("label"), 2: wire.number("count")})
OUTER = Schema(
    Outer,
    {
        1: wire.text("name"),
        2: wire.texts("names"),
        3: wire.number("size"),
        4: wire.flag("is_set"),
        5: wire.message("inner", INNER),
        6: wire.messages("inners", INNER),
        17: wire.text_map("pairs"),
    },
)
ABSENT = Outer("", (), 0, is_set=False, inner=None, inners=(), pairs=())

inners = st.builds(Inner, st.text(), st.integers(0, 2**64 - 1))
NAME: Schema[str] = Schema(lambda name: name, {1: wire.text("name")})
outers = st.builds(
    Outer,
    name=st.text(),
    names=st.lists(st.text()).map(tuple),
    size=st.integers(0, 2**64 - 1),
    is_set=st.booleans(),
    inner=st.none() | inners,
    inners=st.lists(inners).map(tuple),
    pairs=st.lists(st.tuples(st.text(), st.text())).map(tuple),
)


def encode_inner(inner: Inner) -> bytes:
    return wire.encode_text(1, inner.label) + wire.encode_number(2, inner.count)


def encode_outer(outer: Outer) -> list[bytes]:
    """Its fields, each encoded."""
    return [
        wire.encode_text(1, outer.name),
        *(wire.encode_text(2, name) for name in outer.names),
        wire.encode_number(3, outer.size),
        wire.encode_flag(4, value=outer.is_set),
        *([wire.encode_message(5, encode_inner(outer.inner))] if outer.inner else []),
        *(wire.encode_message(6, encode_inner(inner)) for inner in outer.inners),
        *(
            wire.encode_message(17, wire.encode_text(1, key) + wire.encode_text(2, value))
            for key, value in outer.pairs
        ),
    ]


@given(outers)
def test_what_was_encoded_is_decoded(outer: Outer) -> None:
    assert OUTER.decode(b"".join(encode_outer(outer))) == outer


@given(outers, st.lists(st.integers(1, 9), min_size=1))
def test_a_message_may_come_in_pieces(outer: Outer, sizes: list[int]) -> None:
    encoded = b"".join(encode_outer(outer))
    decoder = wire.Decoder(OUTER)
    for size in itertools.cycle(sizes):
        piece, encoded = encoded[:size], encoded[size:]
        if not piece:
            break
        decoder.take(piece)
    assert decoder.message() == outer


def test_a_field_that_may_come_so_often_may_not_come_once_more() -> None:
    schema = Schema(lambda names: names, {2: wire.messages("names", NAME, most=2)})
    two = wire.encode_message(2, b"") * 2
    assert schema.decode(two) == ("", "")
    with pytest.raises(Malformed, match="more than 2 names"):
        schema.decode(two + wire.encode_message(2, b""))


UNKNOWN = st.one_of(
    st.integers(0, 2**64 - 1).map(lambda value: wire.encode_number(9, value)),
    st.binary(max_size=300).map(lambda value: wire.encode_message(900, value)),
    st.binary(min_size=4, max_size=4).map(lambda value: b"\x55" + value),
    st.binary(min_size=8, max_size=8).map(lambda value: b"\x51" + value),
)


@given(outers, st.lists(UNKNOWN, min_size=1, max_size=5))
def test_fields_of_a_newer_runtime_are_skipped(outer: Outer, unknown: list[bytes]) -> None:
    assert OUTER.decode(b"".join([*unknown, *encode_outer(outer), *unknown])) == outer


def test_absent_fields_have_the_value_that_proto3_gives_them() -> None:
    assert OUTER.decode(b"") == ABSENT


def test_the_last_of_several_values_of_one_field_counts() -> None:
    assert OUTER.decode(wire.encode_text(1, "old") + wire.encode_text(1, "new")).name == "new"


def test_encoding_is_that_of_the_specification() -> None:
    # The examples of https://protobuf.dev/programming-guides/encoding/.
    assert wire.encode_number(1, 150) == bytes.fromhex("089601")
    assert wire.encode_text(2, "testing") == bytes.fromhex("120774657374696e67")
    assert wire.encode_message(3, wire.encode_number(1, 150)) == bytes.fromhex("1a03089601")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\x0a\x05abc", "ends 2 bytes after"),
        (b"\x0a", "inside a number"),
        (b"\x18\x80", "inside a number"),
        (b"\x18" + b"\xff" * 10 + b"\x01", "longer than 10 bytes"),
        (b"\x00\x01", "field number 0"),
        (b"\x4b", "wire type 3"),
        (b"\x4f", "wire type 7"),
        (b"\x08\x01", "bytes were expected"),
        (b"\x1a\x01a", "a number was expected"),
        (b"\x0a\x01\xff", "not UTF-8"),
        (b"\x2a\x02\x0a\x05", "ends 5 bytes after"),
        (b"\x49\x00", "ends 7 bytes after"),
    ],
)
def test_broken_bytes_are_refused_with_the_reason(data: bytes, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        OUTER.decode(data)


@settings(max_examples=1000)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_malformed(data: bytes) -> None:
    with suppress(Malformed):
        assert isinstance(OUTER.decode(data), Outer)


@settings(max_examples=200)
@given(outers, st.data())
def test_a_message_cut_short_never_gains_anything(outer: Outer, data: st.DataObject) -> None:
    encoded = b"".join(encode_outer(outer))
    cut = data.draw(st.integers(0, len(encoded)))
    try:
        decoded = OUTER.decode(encoded[:cut])
    except Malformed:
        return
    assert set(decoded.names) <= set(outer.names)
    assert len(decoded.inners) <= len(outer.inners)


def test_a_number_of_any_length_is_bounded() -> None:
    assert OUTER.decode(b"\x18" + b"\xff" * 9 + b"\x7f").size == 2**64 - 1
