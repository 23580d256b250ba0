"""Recipes: every key is checked, errors name file and key, and the smoke recipes reach their floors."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from descant.errors import InputNotFound, InvalidOption, TrainingFailed
from descant.train.accompaniment import AccompanimentConfig
from descant.train.config import LoopConfig, Machine, Watch
from descant.train.listening import ListeningConfig
from descant.train.loop import train
from descant.train.prepared import prepare
from descant.train.recipe import Floor, build, read_recipe
from descant.train.registry import LESSONS, plan_of
from descant.train.sung_meter import MeterConfig

RECIPES = Path(__file__).parents[2] / "recipes"
ALL = sorted(RECIPES.glob("*/*.toml"))
SMOKE = sorted(RECIPES.glob("*/smoke*.toml"))


@dataclass(frozen=True)
class Inner:
    width: int
    names: tuple[str, ...] = ()
    share: float | None = None


@dataclass(frozen=True)
class Outer:
    inner: Inner


def written(folder: Path, text: str) -> Path:
    path = folder / "recipe.toml"
    path.write_text(text, encoding="utf-8")
    return path


def name(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


@pytest.mark.parametrize("path", ALL, ids=name)
def test_every_recipe_can_be_read(path: Path) -> None:
    prepared = prepare(path)
    assert isinstance(prepared.config, prepared.plan.config)


def test_every_system_has_a_readme_and_a_smoke_recipe_with_a_floor() -> None:
    folders = {path.parent for path in ALL}
    assert folders
    for folder in folders:
        assert (folder / "README.md").is_file()
        assert read_recipe(folder / "smoke.toml").expect


@pytest.mark.slow
@pytest.mark.parametrize("path", SMOKE, ids=name)
def test_smoke_recipes_beat_their_floors_without_data(path: Path, tmp_path: Path) -> None:
    prepared = prepare(path, ("loop.tensorboard=false",))
    recipe = prepared.recipe
    lesson = prepared.plan.build(prepared.config, None, recipe.loop.seed)
    before = {"loss": float("inf"), **lesson.validate()}
    assert set(before) == {"loss", *prepared.plan.measures(prepared.config)}  # what recipes are checked against
    assert not all(floor.holds(before) for floor in recipe.expect)  # what has learned nothing stays below
    outcome = train(lesson, recipe.loop, tmp_path)
    recipe.check(outcome.measured)


def test_all_that_can_be_said(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        'lesson = "x"\n[loop]\nsteps = 7\nlearning_rate = 1\nbetas = [0.5, 0.9]\nschedule = "plateau"\n'
        '[loop.machine]\ndevices = 2\nstrategy = "fsdp"\n[loop.watch]\nmeasure = "error"\nkeep = 3\n'
        "[expect]\nloss_below = 2\nright_above = 0.5\n[x]\nany = 1\n",
    )
    recipe = read_recipe(path, ("loop.steps=9", "x.word=plain", "loop.machine.device=cpu", "x.list=[1, 2]"))
    assert recipe.loop == LoopConfig(
        steps=9,
        learning_rate=1.0,
        betas=(0.5, 0.9),
        schedule="plateau",
        machine=Machine("cpu", 2, strategy="fsdp"),
        watch=Watch("error", keep=3),
    )
    assert isinstance(recipe.loop.learning_rate, float)
    assert recipe.options == {"any": 1, "word": "plain", "list": [1, 2]}
    assert recipe.expect == (Floor("loss", 2.0, is_upper=True), Floor("right", 0.5, is_upper=False))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('lesson = "x"\n[loop]\nstepps = 3', "loop.stepps"),
        ('lesson = "x"\n[loop]\nsteps = 1.5', "loop.steps = 1.5 should be int"),
        ('lesson = "x"\n[loop]\nsteps = true', "loop.steps = True should be int"),
        ('lesson = "x"\n[loop]\nsteps = 0', "[loop]: steps = 0"),
        ('lesson = "x"\n[loop]\nlearning_rate = "fast"', "loop.learning_rate = 'fast' should be float"),
        ('lesson = "x"\n[loop]\nbetas = [0.9]', "loop.betas"),
        ('lesson = "x"\n[loop]\noptimiser = "lion"', "loop.optimiser = 'lion' should be one of 'adamw'"),
        ('lesson = "x"\n[loop.machine]\ndevice = "abacus"', "loop.machine.device"),
        ('lesson = "x"\n[loop.watch]\nkeep = 2', "[loop.watch]"),
        ('lesson = "x"\n[loop]\nmachine = 3', "loop.machine = 3"),
        ('lesson = "x"\n[expect]\nloss = 3', "expect.loss = 3"),
        ('lesson = "x"\n[expect]\nloss_below = "3"', "expect.loss_below"),
        ('lesson = "x"\n[y]\na = 1', "unknown keys: y"),
        ('lesson = "x"\nloop = 1', "loop is no table"),
        ("lesson = 3", "not a recipe"),
        ('lesson = "x"\n[expect]\nloss_below = nan', "expect.loss_below"),
        ('lesson = "x"\n[loop]\nlearning_rate = inf', "learning_rate"),
        ('lesson = "x"\n[loop]\nminutes = inf', "minutes"),
        ('lesson = "x"\n[loop]\nseed = -1', "seed"),
        ("", "not a recipe"),
        ("[[[", "not a recipe"),
        ("x = " + 100_000 * "[", "not a recipe"),
        ("x = " + 5_000 * "9", "not a recipe"),
    ],
)
def test_errors_name_the_file_and_the_key(tmp_path: Path, text: str, named: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(InvalidOption) as caught:
        read_recipe(path)
    assert str(path) in caught.value.message
    assert named in caught.value.message
    assert caught.value.hint


def test_a_dataclass_may_insist_on_a_key() -> None:
    path = Path("r.toml")
    found = build(Outer, {"inner": {"width": 3, "names": ["a", "b"], "share": 1}}, path)
    assert found == Outer(Inner(3, ("a", "b"), 1.0))
    with pytest.raises(InvalidOption, match=r"r\.toml: keys are missing: x\.inner\.width"):
        build(Outer, {"inner": {}}, path, "x")
    with pytest.raises(InvalidOption, match=r"x\.inner\.names = \['a', 1\]"):
        build(Outer, {"inner": {"width": 3, "names": ["a", 1]}}, path, "x")


@pytest.mark.parametrize("change", ["steps=3", "loop.steps", "loop.steps=", "lesson.x=3", "=3"])
def test_changes_that_change_nothing_are_refused(tmp_path: Path, change: str) -> None:
    with pytest.raises(InvalidOption, match="changes nothing"):
        read_recipe(written(tmp_path, 'lesson = "x"'), (change,))


def test_steps_that_are_asked_for_take_the_place_of_the_files_minutes(tmp_path: Path) -> None:
    path = written(tmp_path, 'lesson = "x"\n[loop]\nminutes = 40.0')
    assert read_recipe(path).loop.minutes == 40.0
    asked = read_recipe(path, ("loop.steps=3",)).loop
    assert (asked.steps, asked.minutes) == (3, None)
    assert read_recipe(path, ("loop.steps=3", "loop.minutes=2")).loop.minutes == 2.0
    assert read_recipe(path, ("loop.seed=3",)).loop.minutes == 40.0


def test_unreadable_recipes(tmp_path: Path) -> None:
    with pytest.raises(InputNotFound):
        read_recipe(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b"lesson = '\xff'")
    with pytest.raises(InvalidOption):
        read_recipe(tmp_path / "latin.toml")


def test_an_unknown_lesson_names_the_known_ones() -> None:
    with pytest.raises(InvalidOption, match="'juggling'") as caught:
        plan_of("juggling", Path("r.toml"))
    assert all(lesson in caught.value.hint for lesson in LESSONS)


@pytest.mark.parametrize(
    ("change", "key", "near"),
    [
        ("expect.chrod_right_above=0.5", "expect.chrod_right_above", "chord_right"),
        ("expect.lss_below=0.5", "expect.lss_below", "loss"),
        ("loop.watch.measure=beet", "loop.watch.measure", "beat"),
        ("loop.watch.measure=xyzzy", "loop.watch.measure", ""),
    ],
)
def test_a_misspelt_measure_is_refused_with_the_right_name(change: str, key: str, near: str) -> None:
    recipe = RECIPES / "analysis" / "smoke.toml"
    with pytest.raises(InvalidOption) as caught:
        prepare(recipe, (change,))
    assert str(recipe) in caught.value.message
    assert key in caught.value.message
    assert ("Did you mean" in caught.value.hint) is bool(near)
    assert near in caught.value.hint
    assert "beat_precision" in caught.value.hint  # all are listed


def test_a_measure_that_the_configuration_leaves_out_is_refused() -> None:
    recipe = RECIPES / "analysis" / "smoke.toml"
    assert prepare(recipe, ("expect.bass_below=9",)).recipe.expect[-1].measure == "bass"
    with pytest.raises(InvalidOption, match="'bass'"):
        prepare(recipe, ("expect.bass_below=9", "listening.pulse_only=true"))


def test_floors() -> None:
    floor = Floor("loss", 2.0, is_upper=True)
    assert floor.holds({"loss": 1.9})
    assert not floor.holds({"loss": 2.0})
    assert not floor.holds({"loss": float("nan")})
    assert not floor.holds({})


def test_a_missed_floor_says_by_how_much(tmp_path: Path) -> None:
    recipe = read_recipe(written(tmp_path, 'lesson = "x"\n[expect]\nright_above = 0.5\nloss_below = 2'))
    recipe.check({"right": 0.6, "loss": 1.0})
    with pytest.raises(TrainingFailed, match=r"right above 0\.5; right is 0\.4"):
        recipe.check({"right": 0.4, "loss": 1.0})


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        (AccompanimentConfig, {"batch": 0}), (AccompanimentConfig, {"batch": -1}), (AccompanimentConfig, {"length": 1}),
        (AccompanimentConfig, {"home_share": 2.0}), (AccompanimentConfig, {"control_share": float("nan")}),
        (AccompanimentConfig, {"validation_crops": 0}), (ListeningConfig, {"batch": 0}),
        (ListeningConfig, {"seconds": 0.0}), (ListeningConfig, {"pulse_layers": 0}), (MeterConfig, {"heads": 0}),
        (MeterConfig, {"heads": 7}), (MeterConfig, {"layers": 0}),
    ],
)  # fmt: skip
def test_numbers_of_a_lesson_that_mean_nothing_are_refused(kind: type, wrong: dict[str, float]) -> None:
    kind()
    with pytest.raises(InvalidOption, match=next(iter(wrong))):
        kind(**wrong)
