"""The folder that `remix` leaves: the mix and its parts, the notes, the report, the page."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from descant import __version__
from descant.analyze.analysis import Analysis
from descant.audio.clip import Clip
from descant.audio.io import read
from descant.errors import CardError, ModelNotFound
from descant.files import atomic_output
from descant.hub.card import load_card
from descant.pipelines.graph import Finished
from descant.pipelines.page import Part, write_page
from descant.pipelines.picture import draw_song
from descant.pipelines.records import plain, read_record
from descant.pipelines.remix.band import PIECE, Piece
from descant.pipelines.remix.figures import draw_lags, draw_matrices, draw_spectrograms
from descant.pipelines.remix.judging import JUDGED, Judged
from descant.pipelines.remix.listening import ANALYSIS, VOICE, VoiceHeard, read_score
from descant.pipelines.remix.mixing import MIXED, Mixed
from descant.pipelines.remix.options import RemixOptions
from descant.pipelines.remix.parting import PARTED, Parted
from descant.pipelines.remix.singing import SUNG, Sung
from descant.pipelines.remix.tables import made_table, measures_table, stems_table
from descant.pipelines.song_folder import facts_of, write_text
from descant.score.notes import Score
from descant.score.tempo import TempoMap

FORMAT = 1
"""Version of `report.json`."""

_PIXELS_PER_SECOND, _NARROWEST, _WIDEST = 40, 1_200, 12_000
_LAG_TEXT = (
    "<p>The waveforms agree best at a lag of {lag_ms:.1f} ms. A peak says that samples were used again, such as those "
    "of a voice that was kept; music performed anew leaves none, and looks like another song (grey, and the second "
    "matrix). What knows music stands in the first rows of the table above.</p>"
)
_COMPOSED = ("score.mid", "score.musicxml", "chords.txt")


@dataclass(frozen=True, slots=True)
class Written:
    """What people are told at the end."""

    facts: Mapping[str, str]
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Results:
    """What the steps left, as values."""

    finished: Mapping[str, Finished]
    analysis: Analysis
    voice: VoiceHeard
    mixed: Mixed
    score: Score | None
    piece: Piece | None
    parted: Parted | None
    sung: Sung | None
    judged: Judged | None
    remarks: tuple[str, ...]


def write_folder(
    folder: Path, title: str, song: Path, options: RemixOptions, finished: Mapping[str, Finished]
) -> Written:
    """Write everything for people; the same results give the same bytes.

    Args:
        folder: Where.
        title: Heading of the page.
        song: The recording, which is put beside the remix for comparison.
        options: What was asked for.
        finished: All steps of the graph.
    """
    results = _read(finished)
    before = f"before{song.suffix.lower()}"
    copies = {part.file: finished["mix"].folder / part.file for part in results.mixed.parts}
    copies |= {before: song, "analysis.json": finished["listen"].folder / "analysis.json"}
    if "transcribe" in finished and (finished["transcribe"].folder / "score.mid").exists():
        copies["transcription.mid"] = finished["transcribe"].folder / "score.mid"
    if "compose" in finished:
        composed = finished["compose"].folder
        copies |= {name: composed / name for name in _COMPOSED if (composed / name).exists()}
    texts = {"picture.svg": _picture(results, _NARROWEST)}
    if results.judged is not None:
        texts |= {
            "spectrograms.svg": draw_spectrograms(results.judged),
            "matrices.svg": draw_matrices(results.judged),
            "lags.svg": draw_lags(results.judged),
        }
    remarks = _remarks(results)
    facts = _facts(results, options)
    names = sorted({*copies, *texts, "index.html", "report.json"})
    report = _report(song, options, results, names, remarks)
    page = _page(title, facts, results, report, before, texts, [n for n in copies if "/" not in n], remarks)
    texts |= {"report.json": json.dumps(report, ensure_ascii=False, indent=1) + "\n", "index.html": page}
    _remove_what_an_earlier_run_left(folder, names)
    for name, source in copies.items():
        with atomic_output(folder / name) as temporary:
            shutil.copyfile(source, temporary)
    for name, content in texts.items():
        write_text(folder / name, content)
    return Written(facts, remarks)


def _read(finished: Mapping[str, Finished]) -> _Results:
    def of(step: str, name: str) -> Path | None:
        path = finished[step].folder / name if step in finished else None
        return path if path is not None and path.exists() else None

    listened = finished["listen"].folder
    piece, sung, judged = of("compose", PIECE), of("convert", SUNG), of("report", JUDGED)
    parted = of("part", PARTED)
    noted = "compose" if "compose" in finished else "transcribe" if "transcribe" in finished else None
    said = of("transcribe", "remarks.json")
    return _Results(
        finished,
        read_record(listened / ANALYSIS, Analysis),
        read_record(listened / VOICE, VoiceHeard),
        read_record(finished["mix"].folder / MIXED, Mixed),
        None if noted is None else read_score(finished[noted].folder),
        None if piece is None else read_record(piece, Piece),
        None if parted is None else read_record(parted, Parted),
        None if sung is None else read_record(sung, Sung),
        None if judged is None else read_record(judged, Judged),
        () if said is None else tuple(json.loads(said.read_text(encoding="utf-8"))),
    )


def _picture(results: _Results, width: int) -> str:
    parts = {part.name: results.finished["mix"].folder / part.file for part in results.mixed.parts}
    waves: dict[str, Clip] = {name: read(parts[name]) for name in ("vocals", "mix") if name in parts}
    beats = results.analysis.beats
    score = results.score or Score((), results.analysis.tempo_map() or TempoMap.constant(120.0))
    return draw_song(score, waves, beats_s=beats.times_s, downbeats_s=beats.downbeats_s, width=width)


def _facts(results: _Results, options: RemixOptions) -> dict[str, str]:
    score, analysis = results.score, results.analysis
    facts = {} if score is None else facts_of(score, analysis.beats)
    facts["band"] = options.band
    if results.piece is not None:
        facts |= {"style": options.arrangement.style, "seed": str(results.piece.seed)}
    facts["voice"] = "the song's own" if results.sung is None else results.sung.voice
    facts["loudness"] = f"{results.mixed.report.lufs:.1f} LUFS"
    if results.judged is not None:
        qmax = results.judged.measures[0]
        if qmax.value is not None:
            facts["same song?"] = f"Qmax {qmax.value:.2f} (other songs up to {qmax.others or 0.0:.2f})"
    return facts


def _remarks(results: _Results) -> tuple[str, ...]:
    remarks = [*results.analysis.remarks, *results.remarks, *results.mixed.remarks]
    if not results.voice.is_there:
        remarks.append(f"No singer was found: {results.voice.fault}.")
    if results.parted is not None and results.parted.remark:
        remarks.append(results.parted.remark)
    if results.judged is not None:
        remarks += results.judged.remarks
    return tuple(dict.fromkeys(remarks))


def _report(
    song: Path, options: RemixOptions, results: _Results, names: list[str], remarks: tuple[str, ...]
) -> dict[str, Any]:
    analysis, judged, mixed = results.analysis, results.judged, results.mixed
    report: dict[str, Any] = {
        "format": FORMAT,
        "descant": __version__,
        "song": {
            "name": song.name,
            "duration_s": round(analysis.duration_s, 3),
            "bpm": round(analysis.bpm, 2),
            "key": analysis.key.name if analysis.key else None,
            "sung_s": round(results.voice.sung_s, 2),
        },
        "asked": _asked(options),
        "mix": {"lufs": mixed.report.lufs, "true_peak_db": mixed.report.true_peak_db},
        "stems": {part.name: part.lufs for part in mixed.parts if part.name != "mix"},
        "generated": _generated(results),
        "steps": [_step(one) for one in results.finished.values()],
        "remarks": list(remarks),
        "files": names,
    }
    if results.parted is not None:
        report["parted"] = plain(results.parted)
    if judged is not None:
        report["measures"] = [plain(measure) for measure in judged.measures]
        report["before"] = {"lufs": judged.before_lufs, "stems": judged.stems_lufs}
        report["after"] = {
            "bpm": round(judged.bpm, 2),
            "key": judged.key.name if judged.key else None,
            "transposition": judged.transposition,
            "waveform_lag_s": judged.lag_s,
            "onset_lag_s": judged.onset_lag_s,
        }
    finite: dict[str, Any] = _finite(report)
    return finite


def _asked(options: RemixOptions) -> dict[str, Any]:
    asked: dict[str, Any] = {"band": options.band, "arrangement": plain(options.arrangement), "bpm": options.bpm}
    asked |= {"lufs": options.lufs, "mix": plain(options.mix), "skip": sorted(options.skip)}
    asked["voice"] = options.voice
    return asked


def _finite(value: Any) -> Any:
    """JSON knows no infinity: what is silent has no loudness."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    if isinstance(value, float) and (value != value or abs(value) == float("inf")):
        return None
    return value


def _generated(results: _Results) -> list[dict[str, Any]]:
    """What a model made, and what makes it again."""
    made: list[dict[str, Any]] = []
    if results.piece is not None:
        made.append({"what": "band", "model": results.piece.model, "seed": results.piece.seed,
                     "takes": list(results.piece.values), "bars": results.piece.bars})  # fmt: skip
    if results.sung is not None:
        made.append({"what": "vocals", "model": results.sung.model, "voice": results.sung.voice,
                     "semitones": results.sung.semitones,
                     "gain_db": results.sung.gain_db})  # fmt: skip
    return made


def _step(finished: Finished) -> dict[str, Any]:
    cards = [{"name": name, "licence": _licence(name)} for name in finished.cards]
    return {"step": finished.step, "address": finished.address, "result": finished.digest, "cards": cards}


def _licence(name: str) -> str:
    try:
        return load_card(name).licence
    except (ModelNotFound, CardError):  # a swapped step may name a model that is no card
        return ""


def _page(
    title: str,
    facts: Mapping[str, str],
    results: _Results,
    report: Mapping[str, Any],
    before: str,
    texts: Mapping[str, str],
    downloads: list[str],
    remarks: tuple[str, ...],
) -> str:
    seconds = results.analysis.duration_s
    width = max(_NARROWEST, min(round(seconds * _PIXELS_PER_SECOND), _WIDEST))
    sections = [f'<h2>Before</h2><audio controls preload="none" src="{before}"></audio>']
    judged = results.judged
    if judged is not None:
        sections += [
            "<h2>Is it still the same song?</h2>",
            measures_table(judged.measures),
            f"<h2>Before and after</h2><div class='roll'>{texts['spectrograms.svg']}</div>",
            f"<h2>Correlation of spectra</h2><div class='roll'>{texts['matrices.svg']}</div>",
            f"<h2>FFT cross-correlation</h2><div class='roll'>{texts['lags.svg']}</div>",
            _LAG_TEXT.format(lag_ms=1000 * judged.lag_s),
            "<h2>Loudness</h2>",
            stems_table(judged.before_lufs, judged.stems_lufs, results.mixed),
        ]
    sections += ["<h2>How it was made</h2>", made_table(report["generated"], report["steps"])]
    return write_page(
        title,
        facts=facts,
        picture=_picture(results, width),
        parts=[Part(part.name, part.file, part.lufs) for part in results.mixed.parts],
        downloads=sorted([*downloads, *texts, "report.json"]),
        notes=remarks,
        sections=sections,
    )


def _remove_what_an_earlier_run_left(folder: Path, names: list[str]) -> None:
    """Files that an earlier remix into this folder listed as its own and this one does not write again."""
    try:
        earlier = json.loads((folder / "report.json").read_text(encoding="utf-8"))["files"]
        listed = [str(name) for name in earlier]
    except (OSError, ValueError, LookupError, TypeError):
        return
    for name in listed:
        place = PurePosixPath(name)
        if name not in names and not place.is_absolute() and ".." not in place.parts:
            with suppress(OSError):
                (folder / place).unlink()
