import json
import shutil
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import mido
import numpy as np
import pytest
import soundfile

from descant.data.band import build as building
from descant.data.band import cluster
from descant.data.band.build import build_band
from descant.data.band.check import check_band
from descant.data.band.folder import item_folder, read_labels
from descant.data.band.index import read_index, write_index
from descant.data.band.making import build_items
from descant.data.band.options import BandOptions
from descant.data.band.sound_files import write_audio
from descant.data.band.world import resolved
from descant.errors import Cancelled, DescantError, InputNotFound, InvalidAudio, InvalidOption, MissingDependency
from descant.progress import CancelToken
from descant.score.midi import read_midi


def contents(root: Path) -> dict[str, bytes]:
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def test_a_built_set_is_sound(built: Path) -> None:
    report = check_band(built)
    assert report.complaints == ()
    assert report.items == 2
    assert report.hours > 2 * 8 / 3600


def test_items_have_all_their_parts(built: Path) -> None:
    for number in range(2):
        item = item_folder(built, number)
        labels = json.loads((item / "item.json").read_text(encoding="utf-8"))
        assert {"mixture.flac", "vocals.flac", "drums.flac", "bass.flac", "other.flac", "parts/lead.flac",
                "parts/lead_dry.flac", "f0.npy", "score.mid"} <= set(labels["files"])  # fmt: skip
        assert labels["words"]
        assert labels["chords"]
        assert labels["sections"]
        assert labels["key"]
        assert labels["singer"]["id"].startswith("synthetic/")
        assert labels["caption"].startswith("A ")
        sung = [n for n in read_midi(item / "score.mid").track("melody").notes if n.lyric]  # type: ignore[union-attr]
        assert len(sung) == sum(len(w["syllables"]) for w in labels["words"])
        dry, _ = soundfile.read(item / "parts/lead_dry.flac")
        first = labels["words"][0]["syllables"][0]["vowel_s"]
        f0 = np.load(item / "f0.npy")
        assert f0.dtype == np.float32
        assert f0[int(100 * (first + 0.1))] > 0
        assert np.abs(dry[int(44_100 * first) :][:4_410]).max() > 0.01


def test_beats_of_the_labels_are_those_of_the_score(built: Path) -> None:
    """Against mido's own arithmetic of ticks and tempi."""
    item = item_folder(built, 0)
    labels = json.loads((item / "item.json").read_text(encoding="utf-8"))
    midi = mido.MidiFile(item / "score.mid")
    tempi = [(0, 500_000)]
    tick = 0
    for message in mido.merge_tracks(midi.tracks):
        tick += message.time
        if message.type == "set_tempo":
            tempi.append((tick, message.tempo))
    times, ticks, now, at, tempo = [], [], 0.0, 0, 500_000
    for place, following in tempi:
        now += (place - at) * tempo * 1e-6 / midi.ticks_per_beat
        at, tempo = place, following
        times.append(now)
        ticks.append(place)
    ticks.append(ticks[-1] + 100 * midi.ticks_per_beat)
    times.append(now + 100 * tempo * 1e-6)
    quarters = np.interp(np.arange(0, ticks[-1], midi.ticks_per_beat), ticks, times)
    beats = np.array([t for t, _ in labels["beats"]])
    assert np.abs(quarters[:, None] - beats).min(axis=0).max() < 0.003
    assert [p for _, p in labels["beats"]][1:5] != [1, 1, 1, 1]


def test_items_depend_on_seed_and_number_alone(built: Path, asked: BandOptions, tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    build_items(resolved(asked), tmp_path / "again", [1, 0])
    for number in range(2):
        assert contents(item_folder(built, number)) == contents(item_folder(tmp_path / "again", number))


def test_another_seed_makes_another_set(built: Path, asked: BandOptions, tmp_path: Path) -> None:
    build_items(resolved(replace(asked, seed=8)), tmp_path, [0])
    assert (item_folder(tmp_path, 0) / "mixture.flac").read_bytes() != (
        item_folder(built, 0) / "mixture.flac"
    ).read_bytes()


@pytest.mark.slow
def test_two_processes_make_the_same_bytes_as_one(built: Path, asked: BandOptions, tmp_path: Path) -> None:
    build_band(asked, tmp_path / "set", workers=2)
    assert contents(tmp_path / "set") == contents(built)


@pytest.mark.slow
def test_two_workers_of_ray_make_the_same_bytes(built: Path, asked: BandOptions, tmp_path: Path, monkeypatch) -> None:
    pytest.importorskip("ray", reason="Ray is not installed: descant[cluster]")
    monkeypatch.setattr(cluster, "_SHARD", 1)
    done = build_band(asked, tmp_path / "set", workers=2, ray_address="local")
    assert done.made == 2
    assert contents(tmp_path / "set") == contents(built)


class SlowRay:
    """A cluster that makes one item each time somebody waits for it; a shard is ready when all of it is."""

    def __init__(self, built: Path) -> None:
        self.built = built
        self.left: dict[str, tuple[Path, list[int]]] = {}
        self.timeouts: list[float | None] = []
        self.cancelled: list[str] = []
        self.wait_hook: Callable[[], object] = lambda: None

    def is_initialized(self) -> bool:
        return True

    def remote(self, **_: object) -> Callable[[object], object]:
        def submit(_asked: object, root: Path, numbers: list[int]) -> str:
            self.left[f"shard {len(self.left)}"] = (root, list(numbers))
            return f"shard {len(self.left) - 1}"

        return lambda _task: SimpleNamespace(remote=submit)

    def cancel(self, one: str, *, force: bool) -> None:
        assert force
        self.cancelled.append(one)

    def wait(
        self, running: list[str], *, num_returns: int, timeout: float | None = None
    ) -> tuple[list[str], list[str]]:
        self.timeouts.append(timeout)
        root, numbers = self.left[running[0]]
        if not numbers:
            return running[:num_returns], running[num_returns:]
        number = numbers.pop(0)
        shutil.copytree(item_folder(self.built, number), item_folder(root, number))
        self.wait_hook()
        return [], running

    def get(self, one: str) -> int:
        assert self.left[one][1] == []
        return 0


def test_on_ray_items_are_counted_as_they_come_and_cancelling_waits_for_none(
    built: Path, asked: BandOptions, tmp_path: Path, monkeypatch
) -> None:
    ray, said = SlowRay(built), []
    monkeypatch.setattr(building, "require_ray", lambda: ray)
    done = build_band(asked, tmp_path / "a", ray_address="auto", progress=lambda e: said.append(e.message))
    assert done.made == 2
    assert [m for m in dict.fromkeys(said) if m.endswith("of 2")] == ["1 of 2", "2 of 2"]
    assert all(t is not None and t <= 1.0 for t in ray.timeouts)
    cancel = CancelToken()
    ray = SlowRay(built)
    ray.wait_hook = cancel.cancel
    with pytest.raises(Cancelled):
        build_band(asked, tmp_path / "b", ray_address="auto", cancel=cancel)
    assert [p.name for p in (tmp_path / "b").glob("items/*/*")] == ["0000000"]
    assert ray.cancelled == ["shard 0"]


def test_a_shard_that_is_tried_again_leaves_finished_items_alone(
    built: Path, asked: BandOptions, tmp_path: Path
) -> None:
    root = tmp_path / "set"
    shutil.copytree(built, root)
    before = [(item_folder(root, n) / "item.json").stat().st_mtime_ns for n in range(2)]
    assert build_items(resolved(asked), root, [0, 1]) == 2
    assert [(item_folder(root, n) / "item.json").stat().st_mtime_ns for n in range(2)] == before


def test_a_killed_run_goes_on_where_it_was(built: Path, asked: BandOptions, tmp_path: Path) -> None:
    root = tmp_path / "set"
    shutil.copytree(built, root)
    whole = contents(built)
    finished, half = item_folder(root, 0), item_folder(root, 1)
    half.rename(half.with_name(f".{half.name}.part"))
    (half.with_name(f".{half.name}.part") / "item.json").unlink()
    (root / "index.parquet").unlink()
    before = (finished / "mixture.flac").stat().st_mtime_ns
    done = build_band(asked, root, workers=1)
    assert (done.items, done.made) == (2, 1)
    assert (finished / "mixture.flac").stat().st_mtime_ns == before
    assert contents(root) == whole


def test_a_set_grows_but_never_changes_its_kind(built: Path, asked: BandOptions, tmp_path: Path) -> None:
    root = tmp_path / "set"
    shutil.copytree(built, root)
    with pytest.raises(InvalidOption, match="seed"):
        build_band(replace(asked, seed=9), root, workers=1)
    assert build_band(replace(asked, songs=3), root, workers=1).made == 1
    assert [row["number"] for row in read_index(root)] == [0, 1, 2]


def test_a_folder_with_something_else_is_left_alone(asked: BandOptions, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("important")
    with pytest.raises(InvalidOption, match="not empty"):
        build_band(asked, tmp_path, workers=1)
    assert contents(tmp_path) == {"thesis.txt": b"important"}


def test_cancelling_keeps_what_is_finished(asked: BandOptions, tmp_path: Path) -> None:
    cancel = CancelToken()
    with pytest.raises(Cancelled):
        build_band(asked, tmp_path / "set", workers=1, cancel=cancel,
                   progress=lambda e: cancel.cancel() if "1 of 2" in e.message else None)  # fmt: skip
    assert [p.name for p in (tmp_path / "set").glob("items/*/*")] == ["0000000"]


class Watch(CancelToken):
    """Notes the processor time at each check, and is raised at the check of a number."""

    def __init__(self, last: int = 1 << 30) -> None:
        super().__init__()
        self.times = [time.process_time()]
        self.last = last

    @property
    def is_cancelled(self) -> bool:
        self.times.append(time.process_time())
        return len(self.times) > self.last


def test_an_item_is_stopped_anywhere_within_a_second_and_leaves_nothing(asked: BandOptions, tmp_path: Path) -> None:
    world, whole = resolved(replace(asked, seconds=20.0)), Watch()
    build_items(world, tmp_path / "whole", [0], whole)
    assert max(np.diff(whole.times)) < 1.0
    assert whole.times[-1] - whole.times[0] > 0.5  # or the bound says nothing
    with pytest.raises(Cancelled):
        build_items(world, tmp_path / "set", [0], Watch(len(whole.times) - 3))  # while it is written
    assert list(tmp_path.glob("set/items/*/*")) == []


@pytest.mark.slow
def test_workers_are_stopped_within_moments_too(asked: BandOptions, tmp_path: Path) -> None:
    cancel, raised = CancelToken(), []

    def stop() -> None:
        raised.append(time.monotonic())
        cancel.cancel()

    timer = threading.Timer(4.0, stop)
    timer.start()
    with pytest.raises(Cancelled):  # 600 s an item: none is finished so soon
        build_band(replace(asked, seconds=600.0, songs=4), tmp_path / "set", workers=2, cancel=cancel)
    assert time.monotonic() - raised[0] < 2.0
    assert not any(p.name.isdigit() for p in (tmp_path / "set").glob("items/*/*"))


def test_speech_for_rooms_is_refused_before_any_item_is_made(asked: BandOptions, tmp_path: Path) -> None:
    (tmp_path / "rooms").mkdir()
    syllables = np.abs(np.sin(np.arange(3 * 44_100) / 44_100 * 9.0)) * np.random.default_rng(0).uniform(
        -1, 1, 3 * 44_100
    )
    soundfile.write(tmp_path / "rooms" / "orders.wav", 0.5 * syllables, 44_100)
    with pytest.raises(InvalidAudio, match=r"orders\.wav is no impulse response"):
        build_band(replace(asked, rooms=tmp_path / "rooms"), tmp_path / "set", workers=1)
    assert not (tmp_path / "set").exists()


def test_without_pyarrow_the_pip_line_is_said_at_once(asked: BandOptions, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingDependency) as caught:
        build_band(asked, tmp_path / "set")
    assert "descant[data]" in caught.value.hint
    assert not (tmp_path / "set").exists()


def test_without_ray_the_pip_line_is_said_at_once(asked: BandOptions, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingDependency) as caught:
        build_band(asked, tmp_path / "set", ray_address="auto")
    assert "descant[cluster]" in caught.value.hint


@pytest.mark.parametrize(
    "wrong",
    [{"songs": 0}, {"seed": -1}, {"seconds": 3.0}, {"audio": "mp3"}, {"scores": ()}, {"sung": 1.5}],
)
def test_impossible_sets_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidOption):
        BandOptions(**wrong)  # type: ignore[arg-type]


def change_labels(item: Path, change: Callable[[dict], None]) -> None:
    labels = json.loads((item / "item.json").read_text(encoding="utf-8"))
    change(labels)
    (item / "item.json").write_text(json.dumps(labels), encoding="utf-8")


def quieter(path: Path) -> None:
    samples, _ = soundfile.read(path, dtype="int16")
    write_audio(path, samples // 2)


def halve(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def labelled(change: Callable[[dict], object]) -> Callable[[Path], None]:
    return lambda item: change_labels(item, lambda labels: (change(labels), None)[1])


def sounding(name: str, shape: tuple[int, ...], rate: int) -> Callable[[Path], None]:
    return lambda item: soundfile.write(item / name, np.zeros(shape, np.int16), rate)


DAMAGE: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "a missing stem": (lambda i: (i / "bass.flac").unlink(), "bass.flac", "file"),
    "half a file": (lambda i: halve(i / "vocals.flac"), "vocals.flac", "audio"),
    "a changed stem": (lambda i: quieter(i / "drums.flac"), "mixture.flac", "sum"),
    "a changed part": (lambda i: quieter(i / "parts/lead.flac"), "vocals.flac", "sum"),
    "a shorter stem": (sounding("bass.flac", (99, 2), 44_100), "bass.flac", "frames"),
    "a mono stem": (sounding("bass.flac", (99,), 44_100), "bass.flac", "channels"),
    "another rate": (sounding("bass.flac", (99, 2), 8_000), "bass.flac", "sample_rate"),
    "a stranger": (lambda i: (i / "notes.txt").write_text("?"), "notes.txt", "file"),
    "no labels": (lambda i: (i / "item.json").write_text("{"), "item.json", "file"),
    "labels of the wrong kind": (lambda i: (i / "item.json").write_text('{"beats": 3}'), "item.json", "labels"),
    "f0 that is text": (lambda i: (i / "f0.npy").write_text("440"), "f0.npy", "file"),
    "f0 too short": (lambda i: np.save(i / "f0.npy", np.zeros(3, np.float32)), "f0.npy", "frames"),
    "f0 of NaN": (lambda i: np.save(i / "f0.npy", np.load(i / "f0.npy") * np.float32(np.nan)), "f0.npy", "f0"),
    "a score that is none": (lambda i: (i / "score.mid").write_bytes(b"MThd"), "score.mid", "file"),
    "falling beats": (labelled(lambda x: x["beats"].reverse()), "item.json", "beats"),
    "a chord of nowhere": (labelled(lambda x: x["chords"][0].__setitem__(2, "H:blue")), "item.json", "chords"),
    "a word after the end": (labelled(lambda x: x["words"][-1].update(end_s=999.0)), "item.json", "words["),
    "a vowel too early": (labelled(lambda x: x["words"][0]["syllables"][0].update(vowel_s=0)), "item.json", "words[0]"),
    "another key in the index": (labelled(lambda x: x.update(key="Eb minor")), "index.parquet", "key"),
    "an unknown split": (labelled(lambda x: x.update(split="tests")), "item.json", "split"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_what_is_wrong_is_named_with_its_file_and_field(name: str, built: Path, tmp_path: Path) -> None:
    root = tmp_path / "set"
    shutil.copytree(built, root)
    damage, file, field = DAMAGE[name]
    damage(item_folder(root, 0))
    complaints = check_band(root).complaints
    assert any(c.file.name == file and c.field.startswith(field) for c in complaints), [str(c) for c in complaints]


def test_what_the_index_and_the_folder_disagree_on_is_said(built: Path, tmp_path: Path) -> None:
    root = tmp_path / "set"
    shutil.copytree(built, root)
    shutil.rmtree(item_folder(root, 1))
    (root / "items/0000/.0000005.part").mkdir()
    found = {str(c).split(": ", 1)[1] for c in check_band(root).complaints}
    assert "folder: items/0000/0000001 is not there" in found
    assert "folder: half-written: build the set again" in found


def leaks(built: Path, root: Path, **labels: object) -> set[str]:
    """Fields that are said to be shared, when item 0 is in train, item 1 in test, and both have these labels."""
    shutil.copytree(built, root)
    for number, split in enumerate(("train", "test")):

        def change(found: dict, number: int = number, split: str = split) -> None:
            own = found["singer"] | {"id": f"singer {number}", "person": f"person {number}"}
            found |= {"split": split, "song": f"song {number}", "instruments": [], "singer": own}
            found |= {"backing_singers": [], "backing_persons": []} | labels
            found["singer"] = own | labels.get("singer", {})  # type: ignore[operator]

        change_labels(item_folder(root, number), change)
    write_index(root)
    return {c.field for c in check_band(root).complaints if "is in test and train" in c.what}


@pytest.mark.parametrize(
    ("shared", "field"),
    [
        ({}, None),
        ({"song": "the same"}, "song"),
        ({"singer": {"person": "Ann"}}, "person"),  # under two names: de/Ann and en/Ann
        ({"backing_singers": ["de/Ann"], "backing_persons": ["Ann"]}, "person"),
        ({"instruments": [{"part": "bass", "id": "font/Bass"}]}, "instruments"),
    ],
)
def test_what_is_heard_in_two_splits_is_found(
    built: Path, tmp_path: Path, shared: dict[str, object], field: str | None
) -> None:
    assert leaks(built, tmp_path / "set", **shared) == ({field} - {None})


def test_labels_name_the_person_behind_each_singer(built: Path) -> None:
    labels, row = read_labels(item_folder(built, 0)), read_index(built)[0]
    assert labels["singer"]["person"] == row["person"] == labels["singer"]["id"]  # the voices made here are themselves
    assert labels["backing_persons"] == row["backing_persons"] == labels["backing_singers"]


@pytest.mark.parametrize(
    ("content", "field", "words"),
    [
        (None, "file", "does not exist"),
        ("", "file", "damaged"),
        ("[1, 2]", "file", "no JSON object"),
        ('{"seed": 7', "file", "damaged"),
        ("{}", "scores", "is missing"),
    ],
)
def test_a_set_that_no_longer_says_what_it_is_made_of(
    built: Path, asked: BandOptions, tmp_path: Path, content: str | None, field: str, words: str
) -> None:
    root = tmp_path / "set"
    shutil.copytree(built, root)
    about = root / "band.json"
    about.unlink()
    if content is not None:
        about.write_text(content)
    complaints = [c for c in check_band(root).complaints if c.file == about]
    assert any(c.field == field and words in c.what for c in complaints), complaints
    with pytest.raises(DescantError):  # and it cannot go on
        build_band(asked, root, workers=1)


def test_a_set_whose_items_are_of_another_format_than_it_says(built: Path, tmp_path: Path) -> None:
    root = tmp_path / "set"
    shutil.copytree(built, root)
    about = json.loads((root / "band.json").read_text())
    (root / "band.json").write_text(json.dumps(about | {"audio": "opus"}))
    assert [str(c).split(": ", 1)[1] for c in check_band(root).complaints] == [
        "audio: says 'opus', but there are items in flac"
    ]


def test_a_folder_that_is_no_set_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputNotFound, match=r"index\.parquet"):
        check_band(tmp_path)
    (tmp_path / "index.parquet").write_text("PAR1 but not really")
    with pytest.raises(InputNotFound, match="damaged"):
        check_band(tmp_path)
