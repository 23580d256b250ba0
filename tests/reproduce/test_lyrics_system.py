"""The lyrics systems as one: the smoke scale end to end, floors by hand, and the rules on made-up numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from descant.cli.app import run
from descant.errors import InputNotFound
from descant.reproduce.claims import Finding, Verdict
from descant.reproduce.lyrics.arms import VARIANTS, exact_sizes
from descant.reproduce.lyrics.claims_list import CLAIMS
from descant.reproduce.lyrics.judge import judge
from descant.reproduce.lyrics.measures import even_spread, oracle_lines, song_measures
from descant.reproduce.lyrics.scale import read_scale
from descant.reproduce.lyrics.trainings import lesson_of, loop_of
from descant.reproduce.systems import Options, make_system
from descant.text.lyrics import Line, Lyrics, Word
from descant.train.prepared import prepare

RECIPES = Path(__file__).parents[2] / "recipes"


@pytest.mark.slow
def test_the_smoke_scale_runs_and_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    command = ["reproduce", "lyrics", "--scale", "smoke", "-o", str(out), "-q"]
    assert run(command) == 0
    assert "1-size: held." in capsys.readouterr().out
    claims = json.loads((out / "claims.json").read_text())
    assert {f["verdict"] for f in claims["findings"]} == {Verdict.NOT_MEASURED, Verdict.HELD}
    assert set(claims["arms"]) == {"sizes", "floors", *(f"{name}/seed-0" for name in VARIANTS)}
    for name in VARIANTS:
        assert set(claims["arms"][f"{name}/seed-0"]["songs"]) == {"vocals/masked", "vocals/plain", "vocals/unbiased"}
    kept = {path: path.stat().st_mtime_ns for path in out.rglob("result.json")}
    assert run(command) == 0
    assert kept == {path: path.stat().st_mtime_ns for path in out.rglob("result.json")}


def test_a_missing_set_is_said_before_the_work(tmp_path: Path) -> None:
    system = make_system("lyrics", Options("cpu", None, None, None, 1, tmp_path))
    with pytest.raises(InputNotFound, match="needs data"):
        system.require([arm.name for arm in system.arms()])
    system.require(["sizes"])


@pytest.mark.parametrize(("recipe", "variant"), [("lyrics_contrastive", "contrastive"), ("lyrics_ctc", "wave_u_net")])
def test_the_recipes_train_the_same(recipe: str, variant: str) -> None:
    scale = read_scale("cpu")
    prepared = prepare(RECIPES / recipe / "cpu.toml")
    ours, theirs = prepared.config, lesson_of(scale, VARIANTS[variant])
    unused = {"seconds"} if variant == "wave_u_net" else set()
    unused |= {"width", "halvings"} if variant == "wave_u_net" else set()
    for name in set(ours.__dataclass_fields__) - unused:
        assert getattr(ours, name) == getattr(theirs, name), name
    loop = loop_of(scale, VARIANTS[variant], 0, 1)
    for name in ("steps", "optimiser", "learning_rate", "schedule", "warmup", "clip", "betas", "weight_decay"):
        assert getattr(prepared.recipe.loop, name) == getattr(loop, name), name


def test_sizes_are_those_of_the_papers() -> None:
    found = exact_sizes()
    assert found["reach_frames"] == 20
    assert found["parameters"] == 1_245_250
    assert found["frames"] == 221


LYRICS = Lyrics(
    (
        Line((Word("aa", 1.0), Word("bb", 2.0)), 1.0, 3.0),
        Line((Word("cccc", 7.0),), 7.0, 9.0),
    )
)


def test_floors_by_hand() -> None:
    assert even_spread(LYRICS).tolist() == [1.0, 3.0, 5.0]  # eight letters over eight seconds
    assert oracle_lines(LYRICS, with_ends=True).tolist() == [1.0, 2.0, 7.0]
    assert oracle_lines(LYRICS, with_ends=False).tolist() == [1.0, 4.0, 7.0]


def test_measures_by_hand() -> None:
    found = song_measures(np.array([0.1, -0.3, 0.5]))
    assert found == {
        "aae": pytest.approx(0.3),
        "medae": pytest.approx(0.3),
        "pco": pytest.approx(1 / 3),
        "bias": pytest.approx(0.1),
        "words": 3,
    }


def row(aae: float) -> dict[str, float]:
    return {"aae": aae, "medae": aae, "pco": 0.5, "bias": 0.0, "words": 3}


LANGUAGES = {"a": "en", "b": "fr", "c": "it"}


def arm(masked: float, plain: float, mixture: float, unbiased: float, foreign: float | None = None) -> dict[str, Any]:
    def songs(value: float) -> dict[str, dict[str, float]]:
        return {s: row(value if foreign is None or lang == "en" else foreign) for s, lang in LANGUAGES.items()}

    ways = {
        "separated/masked": songs(masked),
        "separated/plain": songs(plain),
        "separated/unbiased": songs(unbiased),
        "mixture/masked": songs(mixture),
    }
    return {"songs": ways, "bias_s": 0.1, "inside": 0.5, "inside_by_chance": 0.1, "symbols": 100}


def results(**changes: Any) -> dict[str, Any]:
    floors = {"even": 5.0, "line_starts": 0.7, "lines": 0.3}
    return {
        "sizes": exact_sizes(),
        "floors": {"ways": {n: {s: row(v) for s in LANGUAGES} for n, v in floors.items()}, "languages": LANGUAGES},
        "contrastive/seed-0": arm(0.2, 0.3, 0.4, 0.1),
        "ctc/seed-0": arm(0.5, 0.9, 0.6, 0.4),
        "no_context/seed-0": arm(0.4, 0.4, 0.5, 0.4),
        "english_characters/seed-0": arm(0.2, 0.2, 0.2, 0.2, foreign=0.5),
        "english_phonemes/seed-0": arm(0.1, 0.2, 0.2, 0.2, foreign=1.1),
        "wave_u_net/seed-0": arm(0.8, 0.9, 0.9, 0.8),
        **changes,
    }


def verdicts(found: dict[str, Any]) -> dict[str, Finding]:
    return {finding.claim.id: finding for finding in judge(found)}


def test_numbers_like_the_published_ones_hold() -> None:
    found = verdicts(results())
    assert {name for name, finding in found.items() if finding.verdict is not Verdict.HELD} == {"14-benchmark"}
    assert found["14-benchmark"].verdict is Verdict.NOT_MEASURED
    assert list(found) == [claim.id for claim in CLAIMS]


@pytest.mark.parametrize(
    ("changed", "value", "failing"),
    [
        ("ctc/seed-0", arm(0.1, 0.05, 0.6, 0.2), {"3-contrastive", "6-mask-on-ctc", "11-bias"}),
        ("no_context/seed-0", arm(0.2, 0.2, 0.2, 0.2), {"4-context"}),
        ("english_phonemes/seed-0", arm(0.1, 0.2, 0.2, 0.2, foreign=0.4), {"8-characters-transfer"}),
        ("english_characters/seed-0", arm(0.1, 0.2, 0.2, 0.2, foreign=0.15), {"9-more-languages"}),
        ("wave_u_net/seed-0", arm(6.0, 6.0, 6.0, 6.0), {"13-wave-u-net"}),
        (
            "contrastive/seed-0",
            {**arm(0.75, 0.7, 0.7, 0.8), "inside": 0.05},
            {
                *("3-contrastive", "4-context", "5-mask", "7-separation", "9-more-languages"),
                *("10-order-free", "11-bias", "12-floor"),
            },
        ),
    ],
)
def test_other_numbers_do_not(changed: str, value: dict[str, Any], failing: set[str]) -> None:
    found = verdicts(results(**{changed: value}))
    assert {name for name, finding in found.items() if finding.verdict is Verdict.DID_NOT_HOLD} == failing


def test_nothing_follows_from_arms_that_are_worse_than_the_even_spread() -> None:
    found = verdicts(results(**{"ctc/seed-0": arm(6.0, 7.0, 6.0, 6.0)}))
    assert found["3-contrastive"].verdict is Verdict.HELD
    assert found["6-mask-on-ctc"].verdict is Verdict.DID_NOT_HOLD
    assert "nothing follows" in found["6-mask-on-ctc"].said


def test_what_was_not_run_is_not_judged() -> None:
    assert {finding.verdict for finding in judge({})} == {Verdict.NOT_MEASURED}
