"""A recipe with its lesson's plan, checked as far as it can be before any data is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from descant.train.plan import Plan
from descant.train.recipe import Recipe, build, read_recipe
from descant.train.registry import plan_of


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a training is made of.

    Attributes:
        recipe: As read.
        plan: Of its lesson.
        config: The lesson's own table, of the type that the plan names.
        changes: What was asked for in place of what the recipe says.
    """

    recipe: Recipe
    plan: Plan
    config: Any
    changes: tuple[str, ...] = ()

    @property
    def described(self) -> Mapping[str, Any]:
        """What a run keeps in its `config.json` beside the loop's table."""
        recipe = self.recipe
        return {
            "recipe": str(recipe.path),
            "changes": list(self.changes),
            "lesson": recipe.lesson,
            recipe.lesson: asdict(self.config),
        }


def prepare(path: Path, changes: tuple[str, ...] = ()) -> Prepared:
    """Read a recipe and check every key, value and measure in it.

    Args:
        path: The TOML file.
        changes: "table.key=value" in place of what the file says.

    Raises:
        InputNotFound: No such file.
        InvalidOption: A key, value, lesson or measure means nothing; names the file and the key.
    """
    recipe = read_recipe(path, changes)
    plan = plan_of(recipe.lesson, path)
    config = build(plan.config, recipe.options, path, recipe.lesson)
    recipe.check_measures(plan.measures(config))
    return Prepared(recipe, plan, config, changes)
