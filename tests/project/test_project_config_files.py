"""Configuration files: every value with its line; nothing hangs, breaks or is constructed."""

import json
import time

import pytest
from dry_debug.program.config_tree import Entry, merged
from dry_debug.project.config_files import MAX_BYTES, read_config
from hypothesis import given, settings
from hypothesis import strategies as st


def read(path: str, text: str | bytes) -> Entry:
    entry = read_config(path, text.encode() if isinstance(text, str) else text)
    assert entry is not None
    return entry


def leaves(path: str, text: str | bytes) -> dict[str, tuple[int, object]]:
    return {".".join(keys): (leaf.line, leaf.plain()) for keys, leaf in read(path, text).leaves()}


def test_yaml_values_have_the_lines_of_their_keys() -> None:
    text = """# comment
lr: 1e-4
optim: &common
  betas:
    - 0.9
    - 0.999
  name: "12"
other:
  <<: *common
  name: ~
flag: yes
long: >
  two
  lines
size: 1_000
"""
    assert leaves("a.yaml", text) == {
        "lr": (2, 1e-4),
        "optim.betas": (4, [0.9, 0.999]),
        "optim.name": (7, "12"),
        "other.name": (10, None),
        "other.betas": (4, [0.9, 0.999]),
        "flag": (11, True),
        "long": (12, "two lines\n"),
        "size": (15, 1000),
    }


def test_json_with_tabs_has_lines() -> None:
    text = '{\n\t"lr": 0.1,\n\t"deep": {"sizes": [1,\n\t2], "name": "a\\"}b"},\n"none": null}'
    assert leaves("a.json", text) == {
        "lr": (2, 0.1), "deep.sizes": (3, [1, 2]), "deep.name": (4, 'a"}b'), "none": (5, None),
    }  # fmt: skip


def test_toml_keys_tables_and_strings_have_lines() -> None:
    text = '''lr = 0.1
text = """
[fake]
bs = 1
"""
[train."a b"]
bs = 12  # [x]
betas = [0.9,  # ]
  0.99]
inline = {a = 1, b = {c = 2}}
x.y = "q"
'''
    assert leaves("a.toml", text) == {
        "lr": (1, 0.1), "text": (2, "[fake]\nbs = 1\n"), "train.a b.bs": (7, 12), "train.a b.betas": (8, [0.9, 0.99]),
        "train.a b.inline.a": (10, 1), "train.a b.inline.b.c": (10, 2), "train.a b.x.y": (11, "q"),
    }  # fmt: skip


def test_toml_arrays_of_tables_have_lines() -> None:
    layers = read("a.toml", "[[layer]]\nn = 1\n[[layer]]\nn = 2\n[layer.sub]\nk = 3\n").at(("layer",))
    assert layers is not None and layers.items is not None
    second = layers.items[1]
    assert [(keys, leaf.line) for keys, leaf in second.leaves()] == [(("n",), 4), (("sub", "k"), 6)]


def test_ini_sections_and_values() -> None:
    text = "[train]\nlr = 0.1\nEpochs: 10\n# no = 1\nflag=yes\n"
    assert leaves("a.ini", text) == {"train.lr": (2, 0.1), "train.epochs": (3, 10), "train.flag": (5, True)}


def test_what_a_later_file_says_goes_first_key_by_key() -> None:
    below, above = read("a.yaml", "x: {a: 1, b: 2}\n"), read("b.yaml", "\nx: {b: 3}\n")
    found = merged(below, above)
    assert {(keys, leaf.file, leaf.line, leaf.value) for keys, leaf in found.leaves()} == {
        (("x", "a"), "a.yaml", 1, 1),
        (("x", "b"), "b.yaml", 2, 3),
    }
    assert [leaf.value for _, leaf in below.leaves()] == [1, 2]


def bomb() -> bytes:
    lines = [b"a: &a {x: 1}"]
    for i in range(1, 25):
        before, name = chr(96 + i), chr(97 + i)
        lines.append(f"{name}: &{name} {{p: *{before}, q: *{before}, r: *{before}}}".encode())
    return b"\n".join(lines)


HOSTILE = {
    "bomb.yaml": bomb(),
    "itself.yaml": b"a: &a {b: *a, c: 1}",
    "list.yaml": b"a: &a [*a]",
    "nested.yaml": b"[" * 100_000,
    "nested.json": b"[" * 100_000,
    "deep.json": b'{"a":' * 500 + b"1" + b"}" * 500,
    "nested.toml": b"a=" + b"[" * 100_000,
    "dots.toml": b"a." * 100_000 + b"a=1",
    "keys.toml": b"[" + b"a." * 100_000 + b"a]\n",
    "spaces.ini": b"[a]\nb" + b" " * 400_000,
    "bytes.yaml": b"\xff\xfe\x00\x81",
    "bytes.json": b'{"a": "\xff"}',
    "many.yaml": b"k: v\n" * 90_000,
    "digits.json": b'{"a":' + b"9" * 9_000 + b"}",
    "digits.yaml": b"a: " + b"9" * 9_000,
    "tag.yaml": b"a: !!python/object/apply:os.system ['echo']",
    "two.yaml": b"a: 1\n---\na: 2\n",
    "colons.yaml": b"a: b: c",
    "key.yaml": b"? [a, b]\n: 1\n",
    "alias.yaml": b"a: *nowhere",
    "large.yaml": b"a: 1\n" + b"#" * MAX_BYTES,
    "empty.yaml": b"",
    "list.json": b"[1, 2]",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_read_or_not_in_bounded_time(name: str) -> None:
    start = time.process_time()
    entry = read_config(name, HOSTILE[name])
    if entry is not None:
        assert sum(1 for _ in entry.leaves()) <= 2_000
        assert sum(1 for _ in merged(entry, entry).leaves()) <= 2_000
    assert time.process_time() - start < 5


def test_a_tag_constructs_nothing() -> None:
    assert leaves("a.yaml", "a: !!python/name:os.system\nb: !!python/tuple [1]\n") == {"a": (1, ""), "b": (2, [1])}


def test_other_formats_are_not_read() -> None:
    assert read_config("weights.pt", b"a: 1") is None
    assert read_config("a.yaml", None) is None


PIECES = st.sampled_from(
    [
        *'a lr 1e-4 : - { } [ ] [[ ]] , = " \' """ # *x << !! | > ? % \\ . 0 true null ${a} --- é'.split(),
        ": ",
        "- ",
        "\n",
        "\n  ",
        "\t",
        "&x ",
        "\r\n",
        "\x00",
        "\u2028",
    ]
)


@given(st.sampled_from(["yaml", "json", "toml", "ini"]), st.lists(PIECES, max_size=60).map("".join))
@settings(max_examples=300, deadline=None)
def test_nothing_breaks_a_reader(suffix: str, text: str) -> None:
    entry = read_config(f"a.{suffix}", text.encode())
    if entry is not None:
        lines = text.count("\n") + text.count("\r") + text.count("\u2028") + 2
        assert all(1 <= leaf.line <= lines for _, leaf in entry.leaves())


@given(st.recursive(st.integers() | st.booleans() | st.none() | st.floats(allow_nan=False) | st.text(max_size=6),
                    lambda inner: st.dictionaries(st.text(max_size=6), inner, max_size=4), max_leaves=12))  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_json_values_are_those_that_json_reads(value: object) -> None:
    entry = read_config("a.json", json.dumps(value, indent=1).encode())
    assert entry is not None
    assert plain(entry) == value


def plain(entry: Entry) -> object:
    return {key: plain(child) for key, child in entry.children.items()} if entry.children is not None else entry.value
