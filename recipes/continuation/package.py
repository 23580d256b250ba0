"""Pack a run into the folder of the card `descant-continuation`.

    python recipes/continuation/package.py --run RUN --out src/descant/hub/weights/descant-continuation \
        --card src/descant/hub/cards/descant-continuation.toml [--report out/evaluation/continuation.json]

writes weights.safetensors (fp16) and config.json, refuses what is larger than 5 MiB, prints sizes and digests, and with
--card writes the whole card: what it was trained on, its files, and as its quality the cells of the report that
`descant evaluate continuation` saved (without one, the run's own validation).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch

from descant.hub.card import Card, Quality, Source
from descant.hub.card_writer import write_card
from descant.hub.checkpoint import load_tensors, save_tensors
from descant.hub.foreign import describe_folder
from descant.train.checkpoint import CHECKPOINT, CONFIG, STATE, read_json, weights_file
from descant.train.continuation import PLAN, ContinuationConfig
from descant.train.recipe import build

NAME = "descant-continuation"
MOST_BYTES = 5 * 2**20
OURS = "Descant"
WANTED = {  # how a table's title begins -> the columns that the card tells, and the rows beside ours
    "Negative log-likelihood": (("nats a token", "nats a note"), ("unigram", "order-2 Markov", "LSTM")),
    "Continuations": (
        ("key, MIREX", "in scale", "metre", "density drift", "level drift", "repetition"),
        ("Descant without safeguards", "order-2 Markov, same safeguards", "the song itself"),
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("run", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    for name in ("card", "report"):
        parser.add_argument(f"--{name}", type=Path)
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    described = read_json(asked.run / CONFIG)
    config = build(ContinuationConfig, described["continuation"], asked.run / CONFIG, "continuation")
    weights = load_tensors(weights_file(asked.run / CHECKPOINT))
    save_tensors(
        asked.out / "weights.safetensors", {name: tensor.to(torch.float16) for name, tensor in weights.items()}
    )
    PLAN.furnish(config, asked.out)
    files = describe_folder(asked.out)
    for file in files:
        print(file.path, file.size, file.sha256)
    if sum(file.size or 0 for file in files) > MOST_BYTES:
        raise SystemExit(f"{asked.out} is larger than {MOST_BYTES / 2**20:g} MiB: train a smaller model.")
    if asked.card is not None:
        quality = quality_of(asked.report, asked.run, described["recipe"])
        asked.card.write_text(write_card(card_of(config, files, quality)), encoding="utf-8")
        print(asked.card)


def card_of(config: ContinuationConfig, files: tuple, quality: tuple[Quality, ...]) -> Card:
    draft = PLAN.draft
    return Card(
        name=NAME,
        title="Descant's continuation",
        task=draft.task,
        summary=draft.summary,
        architecture=draft.architecture,
        licence="Apache-2.0",
        credit="The Descant authors",
        files=files,
        sources=(Source("package"),),
        data=draft.data(config),
        quality=quality,
    )


def quality_of(report: Path | None, run: Path, recipe: str) -> tuple[Quality, ...]:
    if report is None:
        measured = read_json(run / CHECKPOINT / STATE)["measured"]
        return tuple(
            Quality(f"{k} in its validation", f"{v:.4g}", f"descant train {recipe}") for k, v in measured.items()
        )
    found = json.loads(report.read_text(encoding="utf-8"))
    qualities = []
    for table in found["tables"]:
        columns, beside = next((v for k, v in WANTED.items() if table["title"].startswith(k)), ((), ()))
        rows = {row[0]: row[1:] for row in table["rows"]}
        for column in columns:
            place = table["columns"].index(column) - 1
            others = ", ".join(f"{name}: {rows[name][place]:.3f}" for name in beside if name in rows)
            title = f"{column}; {table['title'][0].lower()}{table['title'][1:]}"
            qualities.append(Quality(title, f"{rows[OURS][place]:.3f} ({others})", found["command"]))
    return tuple(qualities)


if __name__ == "__main__":
    main()
