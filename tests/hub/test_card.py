"""Cards: every rule of the format, the shipped cards, the user's own, and writing them back."""

from __future__ import annotations

import dataclasses
import hashlib
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.errors import CardError, ModelNotFound
from descant.hub.card import (
    SHIPPED_CARDS,
    SHIPPED_WEIGHTS,
    Card,
    CardFile,
    Download,
    Quality,
    Source,
    TrainingData,
    Wheel,
    all_cards,
    card_names,
    load_card,
    parse_card,
    read_card,
)
from descant.hub.card_writer import set_digest, write_card
from descant.hub.convert import CONVERTERS
from descant.hub.files import sha256_of

GOOD = """
format = 1
name = "tiny"
title = "Tiny"
task = "play"
summary = "A sound set."
architecture = "soundfont-2"
[licence]
weights = "CC0-1.0"
[[source]]
kind = "wheel"
distribution = "tiny-sounds"
version = "1.0"
sha256 = "{digest}"
size = 10
[source.members]
"a.sf2" = "tiny/a.sf2"
[[file]]
path = "a.sf2"
sha256 = "{digest}"
size = 5
""".replace("{digest}", "0" * 64)


def test_a_card_is_read() -> None:
    card = parse_card(GOOD)
    assert (card.name, card.licence, card.size, card.download_size) == ("tiny", "CC0-1.0", 5, 10)
    assert card.sources[0].wheels[0].members == (("a.sf2", "tiny/a.sf2"),)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("format = 1", "format = 2", "format 2"),
        ("format = 1", "", "'format' is missing"),
        ("format = 1", "format = true", "wrong type"),
        ("format = 1", "format = 1 1", "not valid TOML"),
        ('name = "tiny"', 'name = "../tiny"', "lower-case"),
        ('title = "Tiny"', 'title = " "', "empty"),
        ('title = "Tiny"', "title = 3", "wrong type"),
        ('title = "Tiny"', 'title = "Tiny"\ntitel = "x"', "unknown key"),
        ('architecture = "soundfont-2"', 'architecture = "time-machine"', "unknown to this Descant"),
        ('weights = "CC0-1.0"', "", "'weights' is missing"),
        ('[licence]\nweights = "CC0-1.0"', "", "'licence' is missing"),
        ('weights = "CC0-1.0"', 'weights = ""', "empty"),
        ('kind = "wheel"', 'kind = "torrent"', "torrent"),
        ('distribution = "tiny-sounds"', 'distribution = "--index-url=http://x"', "plain distribution"),
        ('version = "1.0"', 'version = "1.0 ; os_name"', "plain distribution"),
        ('"a.sf2" = "tiny/a.sf2"', '"../a.sf2" = "tiny/a.sf2"', "without '..'"),
        ('"a.sf2" = "tiny/a.sf2"', '"a.sf2" = "../../etc/passwd"', "without '..'"),
        ('path = "a.sf2"', 'path = "/etc/passwd"', "without '..'"),
        ('path = "a.sf2"', 'path = "b/../../a.sf2"', "without '..'"),
        ('path = "a.sf2"', 'path = "c:\\\\a.sf2"', "without '..'"),
        ('path = "a.sf2"', 'path = "card.toml"', "card.toml"),
        ("size = 5", "size = 0", "positive"),
        ("size = 5", "", "no sha256 or no size"),
        (f'path = "a.sf2"\nsha256 = "{"0" * 64}"', 'path = "a.sf2"\nsha256 = "abc"', "hexadecimal"),
        ("[[file]]", "[file]", "wrong type"),
    ],
)
def test_a_malformed_card_says_what_is_wrong(old: str, new: str, said: str) -> None:
    assert old in GOOD
    with pytest.raises(CardError) as caught:
        parse_card(GOOD.replace(old, new, 1), origin=Path("tiny.toml"))
    assert said in caught.value.message
    assert "tiny.toml" in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("url", ["http://example.org/a", "ftp://example.org/a", "file:///etc/passwd", "https:///a"])
def test_only_safe_addresses_are_accepted(url: str) -> None:
    text = GOOD.split("[[source]]")[0] + (
        f'[[source]]\nkind = "url"\n[[source.download]]\npath = "a.sf2"\nurl = "{url}"\n'
        f'sha256 = "{"0" * 64}"\nsize = 5\n[[file]]\npath = "a.sf2"\nsha256 = "{"0" * 64}"\nsize = 5\n'
    )
    parse_card(text.replace(url, "https://example.org/a"))
    with pytest.raises(CardError, match="https"):
        parse_card(text)


def test_a_newer_format_says_update() -> None:
    with pytest.raises(CardError) as caught:
        parse_card(GOOD.replace("format = 1", "format = 7"))
    assert "Update Descant" in caught.value.hint


def test_a_card_knows_its_architecture() -> None:
    card = parse_card(GOOD)
    card.require_architecture("soundfont-2")
    with pytest.raises(CardError, match="whisper"):
        card.require_architecture("whisper")


_TABLE = GOOD[GOOD.index("distribution") : GOOD.index("[[file]]")].replace("[source.members]", "[source.wheel.members]")
SEVERAL = (
    f"{GOOD[: GOOD.index('distribution')]}[[source.wheel]]\n{_TABLE}[[source.wheel]]\n{_TABLE}"
    + GOOD[GOOD.index("[[file]]") :]
)


def test_a_source_may_be_several_wheels() -> None:
    card = parse_card(SEVERAL)
    (source,) = card.sources
    assert [wheel.pinned for wheel in source.wheels] == ["tiny-sounds==1.0"] * 2
    assert (card.size, card.download_size) == (5, 20)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('version = "1.0"', "", "[[source]] 1 [[wheel]] 1: 'version' is missing"),
        ('"a.sf2" = "tiny/a.sf2"', '"../a.sf2" = "a"', "without '..'"),
        ("[source.wheel.members]", 'convert = "x"\n[source.wheel.members]', "[[wheel]] 1: unknown key(s): convert"),
        ('kind = "wheel"', 'kind = "wheel"\nversion = "1.0"', "[[source]] 1: unknown key(s): version"),
        ('kind = "wheel"', 'kind = "package"', "[[source]] 1: unknown key(s): wheel"),
    ],
)
def test_a_malformed_one_of_several_wheels_is_named(old: str, new: str, said: str) -> None:
    assert old in SEVERAL
    with pytest.raises(CardError) as caught:
        parse_card(SEVERAL.replace(old, new, 1))
    assert said in caught.value.message


def test_every_shipped_card_is_valid_and_complete() -> None:
    cards = [read_card(path) for path in sorted(SHIPPED_CARDS.glob("*.toml"))]
    assert {"spleeter-2stems", "swift-f0", "basic-pitch", "whisper-tiny-en", "timgm6mb", "fluidr3"} <= {
        card.name for card in cards
    }
    for card in cards:
        assert card.origin is not None
        assert card.origin.stem == card.name
        assert card.credit, card.name
        assert len(card.summary) < 240, card.name
        for source in card.sources:
            assert not source.convert or source.convert in CONVERTERS
            if not source.convert and source.kind == "wheel":
                assert {path for wheel in source.wheels for path, _ in wheel.members} == {
                    file.path for file in card.files
                }


def test_shipped_weights_are_what_their_cards_say_and_stay_small() -> None:
    for path in sorted(SHIPPED_CARDS.glob("*.toml")):
        card = read_card(path)
        if any(source.kind == "package" for source in card.sources):
            for file in card.files:
                assert sha256_of(SHIPPED_WEIGHTS / card.name / file.path) == file.sha256, (card.name, file.path)
    shipped = [path for path in SHIPPED_WEIGHTS.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in shipped) <= 24 * 2**20
    named = {SHIPPED_WEIGHTS / card.name / file.path for card in all_cards(skip_broken=True) for file in card.files}
    assert not set(shipped) - named, "weights that no card names"


def test_a_users_card_wins_and_is_listed(home) -> None:
    folder = '[[source]]\nkind = "path"\nfolders = ["/nowhere"]'
    home.write_card("my-band", folder, {"a.sf2": b"abc"})
    home.write_card("timgm6mb", folder, {"a.sf2": b"abc"}, summary='"Mine."')
    assert "my-band" in card_names()
    assert load_card("timgm6mb").summary == "Mine."
    assert {card.name for card in all_cards()} == set(card_names())


def test_an_unknown_name_lists_the_known_ones(home) -> None:
    for name in ("spleeter", "../cards/timgm6mb", "", ".locks", "Ü"):
        with pytest.raises(ModelNotFound) as caught:
            load_card(name)
        assert "spleeter-2stems" in caught.value.hint


def test_a_misnamed_or_undecodable_card_is_reported(home) -> None:
    (home.cards / "other.toml").write_text(GOOD, encoding="utf-8")
    with pytest.raises(CardError, match="named 'tiny' inside"):
        load_card("other")
    (home.cards / "other.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CardError, match="cannot be read"):
        load_card("other")
    with pytest.raises(CardError):
        all_cards()
    assert "swift-f0" in {card.name for card in all_cards(skip_broken=True)}


_words = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12).filter(lambda s: s.strip())
_text = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
_slugs = st.from_regex(r"[a-z0-9]{1,6}(-[a-z0-9]{1,6}){0,2}", fullmatch=True)
_digests = st.binary(min_size=32, max_size=32).map(bytes.hex)
_sizes = st.integers(1, 2**40)
_paths = st.lists(_slugs, min_size=1, max_size=3).map("/".join)
_wheels = st.builds(
    Wheel,
    distribution=_slugs,
    version=st.just("1.0.post1"),
    sha256=_digests,
    size=_sizes,
    members=st.dictionaries(_paths, _paths, min_size=1, max_size=3).map(lambda d: tuple(d.items())),
    tags=st.sampled_from(["", "cp311-cp311-manylinux_2_28_x86_64"]),
)
_sources = st.one_of(
    st.just(Source("package")),
    st.builds(
        Source,
        kind=st.just("wheel"),
        wheels=st.lists(_wheels, min_size=1, max_size=3).map(tuple),
        convert=_slugs,
    ),
    st.builds(
        Source,
        kind=st.just("url"),
        downloads=st.lists(
            st.builds(Download, _paths, st.just("https://example.org/ä?b=c"), _digests, _sizes), min_size=1, max_size=2
        ).map(tuple),
    ),
    st.builds(Source, kind=st.just("path"), folders=st.lists(_words, min_size=1).map(tuple), obtain=_text),
    st.builds(Source, kind=st.just("import"), sha256=_digests, obtain=_words),
)


@given(
    st.builds(
        Card,
        name=_slugs,
        title=_words,
        task=_words,
        summary=_words,
        architecture=st.just("whisper"),
        licence=_words,
        credit=_text,
        files=st.lists(st.builds(CardFile, _paths, _digests, _sizes), min_size=1, unique_by=lambda f: f.path).map(
            tuple
        ),
        sources=st.lists(_sources, min_size=1, max_size=3).map(tuple),
        sample_rate=st.none() | _sizes,
        channels=st.none() | _sizes,
        stems=st.lists(_words, max_size=3).map(tuple),
        data=st.lists(st.builds(TrainingData, _words, _words, _text), max_size=2).map(tuple),
        quality=st.lists(st.builds(Quality, _words, _words, _words), max_size=2).map(tuple),
        licence_note=_text,
        homepage=_text,
    )
)
def test_writing_a_card_is_the_inverse_of_reading_it(card: Card) -> None:
    assert dataclasses.replace(parse_card(write_card(card)), text="") == card


def test_a_digest_is_set_in_its_place_or_at_the_end(tmp_path: Path) -> None:
    card, file, other = tmp_path / "card.toml", tmp_path / "a.bin", tmp_path / "b.bin"
    card.write_text('name = "x"\n\n[[file]]\npath = "a.bin"\nsha256 = "00"\nsize = 1\n')
    file.write_bytes(b"abc")
    other.write_bytes(b"")
    set_digest(card, file)
    set_digest(card, other)
    set_digest(card, file)
    found = tomllib.loads(card.read_text())
    assert found["name"] == "x"
    assert [(one["path"], one["size"]) for one in found["file"]] == [("a.bin", 3), ("b.bin", 0)]
    assert found["file"][0]["sha256"] == hashlib.sha256(b"abc").hexdigest()
