"""`descant evaluate <kind>` on files: reports, plots, and words for all that cannot be compared."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from descant.audio.clip import Clip
from descant.audio.io import write
from descant.cli.app import run
from descant.errors import InvalidOption
from descant.evaluate.compare import FILE_TASKS, FileTask, SystemScores, compare_folders, file_task
from descant.evaluate.compare_report import comparison_report
from descant.evaluate.statistics import Interval
from descant.score.midi import write_midi
from descant.score.notes import Note, Score, Track
from descant.score.tempo import TempoMap
from synthetic_song import Recipe, song

RATE = 8_000


def _noise(seed: int, seconds: float = 3.0, level: float = 0.1, channels: int = 2) -> Clip:
    random = np.random.default_rng(seed)
    return Clip((level * random.standard_normal((channels, round(seconds * RATE)))).astype(np.float32), RATE)


def _stems(folder: Path, songs: int = 4, *, leak: float = 0.0) -> Path:
    for number in range(songs):
        parts = {"vocals": _noise(number), "drums": _noise(100 + number)}
        if number == 0:  # a song whose singer is silent for a second
            samples = parts["vocals"].samples.copy()
            samples[:, RATE : 2 * RATE] = 0.0
            parts["vocals"] = Clip(samples, RATE)
        mix = sum(clip.samples for clip in parts.values())
        for name, clip in parts.items():
            write(folder / f"song {number}" / f"{name}.wav", Clip(clip.samples + leak * mix, RATE), subtype="FLOAT")
        write(folder / f"song {number}" / "mixture.wav", Clip(mix, RATE), subtype="FLOAT")
    return folder


def _json(folder: Path, name: str) -> dict[str, object]:
    def refuse(word: str) -> float:
        raise AssertionError(f"{word} in JSON")

    text = (folder / f"{name}.json").read_text(encoding="utf-8")
    table: dict[str, object] = json.loads(text, parse_constant=refuse)
    return table


def test_two_separators_side_by_side(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    true = _stems(tmp_path / "true")
    worse, better = _stems(tmp_path / "worse", leak=0.5), _stems(tmp_path / "better", leak=0.1)
    out = tmp_path / "out"
    arguments = ["--reference", str(true), "--estimate", str(worse), "--estimate", str(better), "-o", str(out), "-q"]
    assert run(["evaluate", "stems", *arguments]) == 0
    said = capsys.readouterr().out
    assert "nan" not in said
    assert said.rstrip() == (out / "stems.md").read_text(encoding="utf-8").rstrip()
    assert (out / "stems.png").read_bytes().startswith(b"\x89PNG")
    report = _json(out, "stems")
    summary, tests, *_ = report["tables"]  # type: ignore[misc]
    assert [row[0] for row in summary["rows"]] == ["worse: drums", "worse: vocals", "better: drums", "better: vocals"]
    # the error is 0.1 of the mix of two equally loud stems: 10 log10(1 / (0.01 * 2)), less where the vocals rest
    better_drums = summary["rows"][2][1]
    assert better_drums["value"] == pytest.approx(17.0, abs=0.3)
    assert better_drums["songs"] == 4
    vocals_sdr = next(row for row in tests["rows"] if row[0] == "vocals: SDR")
    assert vocals_sdr[1]["value"] == pytest.approx(20 * math.log10(5), abs=0.1)
    assert vocals_sdr[2:5] == [4, 0, 2 / 16]


def test_a_chosen_stem_of_one_song(tmp_path: Path) -> None:
    true, found = _stems(tmp_path / "true", 1), tmp_path / "found"
    write(found / "vocals.flac", _noise(0))
    systems = compare_folders(file_task("stems"), true / "song 0", [found], only=("vocals",))
    assert list(systems[0].songs) == ["song 0"]
    assert systems[0].parts == ("vocals",)


@pytest.mark.parametrize("asked", ["nosuch", "vocals,nosuch", "mixture", ","])
def test_a_stem_that_the_reference_lacks_is_named(
    asked: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(_stems(tmp_path / "true", 2))
    assert run(["evaluate", "stems", "--reference", folder, "--estimate", folder, "--stems", asked, "-q"]) == 2
    said = capsys.readouterr()
    assert repr(asked.rpartition(",")[2] or asked) in said.err
    assert asked == "," or "drums, vocals" in said.err
    assert not said.out


def test_a_stem_that_a_file_is_not_is_named(tmp_path: Path) -> None:
    true = _stems(tmp_path / "true", 1) / "song 0"
    one = true / "vocals.wav"
    assert compare_folders(file_task("stems"), one, [one], only=("vocals",))[0].parts == ("vocals",)
    with pytest.raises(InvalidOption, match="no part 'drums'"):
        compare_folders(file_task("stems"), one, [one], only=("drums",))


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        (lambda p: p.unlink(), 10, "has no partner"),
        (lambda p: p.write_bytes(b""), 12, "vocals.wav"),
        (lambda p: p.write_bytes(b"hello, this is text\n" * 9), 12, "vocals.wav"),
        (lambda p: write(p, Clip(_noise(1).samples, RATE * 2)), 14, "vocals: the sample rate differs, 8000 Hz"),
        (lambda p: write(p, _noise(1, 2.5)), 14, "vocals: the length differs, 24000 frames against 20000"),
        (lambda p: write(p, _noise(1, channels=1)), 14, "vocals: the channel count differs, 2 against 1"),
        (lambda p: _write_nan(p), 14, "vocals.wav"),
    ],
)
def test_bad_stems_name_file_and_field(
    change: Callable[[Path], object], status: int, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    true, found = _stems(tmp_path / "true", 2), _stems(tmp_path / "found", 2, leak=0.1)
    change(found / "song 1" / "vocals.wav")
    out = tmp_path / "out"
    code = run(["evaluate", "stems", "--reference", str(true), "--estimate", str(found), "-q", "-o", str(out)])
    captured = capsys.readouterr()
    assert code == status, captured.err
    assert said in captured.err
    assert "song 1/vocals" in captured.err
    assert "Traceback" not in captured.err
    assert not out.exists()


def _write_nan(path: Path) -> None:
    import soundfile

    samples = _noise(1).samples.T.copy()
    samples[100] = np.nan
    soundfile.write(path, samples, RATE, subtype="FLOAT")


def _texts(folder: Path, files: dict[str, str]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


BEATS = "".join(f"{5 + i / 2}\t{i % 4 + 1}\n" for i in range(40))
KINDS = {
    "beats": ({"a.txt": BEATS}, {"a.beats.csv": "time_s,bar_position\n" + BEATS.replace("\t", ",")}, "beat F", 1.0),
    "chords": ({"a.lab": "0 2 C:maj\n2 4 A:min\n"}, {"a.csv": "0,3,C\n3,4,Am\n"}, "majmin", 0.75),
    "key": ({"a.key": "C major"}, {"a.txt": "G major"}, "key, MIREX", 0.5),
    "pitch": ({"a.csv": "0,220\n0.1,220\n0.2,0\n"}, {"a.melody.csv": "0,220\n0.1,440\n0.2,0\n"}, "RPA", 0.5),
    "lyrics": ({"a.csv": "start,word\n1,one\n2,two\n"}, {"a.lrc": "[00:01]<00:01>One <00:02.50>two\n"}, "AAE", 0.25),
    "notes": ({"a.csv": "0,1,60\n1,2,62\n"}, {"a.csv": "0,1,60\n1,2,65\n"}, "note F", 0.5),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_annotations_of_every_kind(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    true, found, metric, expected = KINDS[kind]
    reference, estimate = _texts(tmp_path / "true", true), _texts(tmp_path / "found", found)
    out = tmp_path / "out"
    arguments = ["--reference", str(reference), "--estimate", str(estimate), "-o", str(out), "--no-plots", "-q"]
    assert run(["evaluate", kind, *arguments]) == 0, capsys.readouterr().err
    report = _json(out, kind)
    summary = report["tables"][0]  # type: ignore[index]
    column = summary["columns"].index(metric)
    assert summary["rows"][0][column]["value"] == pytest.approx(expected)
    assert sorted(path.name for path in out.iterdir()) == [f"{kind}.json", f"{kind}.md"]


def test_bad_annotations_name_file_and_field(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reference = _texts(tmp_path / "true", {"a.lab": "0 2 C\n2 4 Am\n"})
    estimate = _texts(tmp_path / "found", {"a.lab": "0 3 C\n2 4 Am\n"})
    assert run(["evaluate", "chords", "--reference", str(reference), "--estimate", str(estimate), "-q"]) == 17
    said = capsys.readouterr().err
    assert str(estimate / "a.lab") in said
    assert "Chord 2 starts at 2 s" in said


def test_scores_as_midi(tmp_path: Path) -> None:
    notes = tuple(Note(float(i), 0.9, 60 + i) for i in range(8))
    for folder, count in (("true", 8), ("found", 6)):
        (tmp_path / folder).mkdir()
        write_midi(tmp_path / folder / "song.mid", Score((Track("melody", notes[:count]),), TempoMap.constant(100)))
    (system,) = compare_folders(file_task("notes"), tmp_path / "true", [tmp_path / "found"])
    scores = system.songs["song"][""]
    assert (scores["precision"], scores["recall"]) == (1.0, 0.75)


def test_similarity_knows_the_song_in_another_key(tmp_path: Path) -> None:
    short = 12.0
    write(tmp_path / "true" / "x.wav", song(Recipe(seconds=short)), subtype="FLOAT")
    write(tmp_path / "cover" / "x.wav", song(Recipe(seconds=short, transpose=2.0, bpm=126)), subtype="FLOAT")
    write(tmp_path / "other" / "x.wav", song(Recipe(seconds=short, tune=2)), subtype="FLOAT")
    task = file_task("similarity")
    cover, other = compare_folders(task, tmp_path / "true", [tmp_path / "cover", tmp_path / "other"])
    assert cover.songs["x"][""]["transposition"] == 2.0
    assert cover.songs["x"][""]["Qmax"] > other.songs["x"][""]["Qmax"] + 0.2  # type: ignore[operator]
    assert cover.songs["x"][""]["SING"] is None  # not of one length
    assert other.songs["x"][""]["SING"] is not None
    page = comparison_report(task, [cover, other], "x").to_markdown()
    assert "nan" not in page
    assert "other against cover" in page


def test_unmatched_estimates_are_counted(tmp_path: Path) -> None:
    reference = _texts(tmp_path / "true", {"a.key": "C"})
    estimate = _texts(tmp_path / "found", {"a.key": "C", "b.key": "D"})
    systems = compare_folders(file_task("key"), reference, [estimate])
    assert "found: 1 files have no reference" in comparison_report(file_task("key"), systems, "x").to_markdown()


def test_the_same_estimate_twice_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(_texts(tmp_path / "true", {"a.key": "C"}))
    assert run(["evaluate", "key", "--reference", folder, "--estimate", folder, "--estimate", folder, "-q"]) == 2
    assert "given twice" in capsys.readouterr().err


def _scored(task: FileTask, name: str, values: list[float]) -> SystemScores:
    names = [metric.name for metric in task.metrics]
    return SystemScores(name, {f"song {n}": {"": dict.fromkeys(names, value)} for n, value in enumerate(values)})


@pytest.mark.parametrize(("kind", "summary"), [("stems", np.median), ("key", np.mean)])
def test_summaries_are_those_of_the_measure(kind: str, summary: Callable[[list[float]], float]) -> None:
    task, values = file_task(kind), [1.0, 2.0, 9.0]
    table = comparison_report(task, [_scored(task, "a", values)], "x").tables[0]
    assert [cell.value for cell in table.rows[0][1:] if isinstance(cell, Interval)] == [summary(values)] * (
        len(table.columns) - 1
    )


def test_the_seed_reaches_every_interval() -> None:
    random, task = np.random.default_rng(0), file_task("key")
    systems = [_scored(task, name, random.exponential(5.0, 12).tolist()) for name in ("a", "b")]
    reports = [comparison_report(task, systems, "x", seed=seed) for seed in (1, 1, 2)]
    for table in (0, 1):  # summary, tests
        first, again, other = (report.tables[table].rows[0][1] for report in reports)
        assert isinstance(first, Interval)
        assert isinstance(other, Interval)
        assert first == again
        assert first.value == other.value
        assert first.low != other.low


def test_every_task_reads_judges_and_says_what_it_measures() -> None:
    for task in FILE_TASKS.values():
        names = [metric.name for metric in task.metrics]
        assert len(set(names)) == len(names)
        assert all(metric.meaning for metric in task.metrics)
