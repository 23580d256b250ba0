"""Slakh2100 (Manilow et al., WASPAA 2019): Lakh MIDI rendered by sampled instruments, with a stem per part.

The splits are the folders of the set. Two songs of the original split may share their MIDI: "redux" moves those into
`omitted/`, which is not served here.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from descant.data.sets.dataset import Dataset
from descant.data.sets.item import AudioRef, Item, Later, Split, Stem
from descant.data.sets.layout import folders_in, read_yaml, wrong_folder
from descant.data.sets.stems import split_folders
from descant.errors import TextReadError
from descant.score.midi import read_midi


class Slakh(Dataset):
    """Slakh2100 (orig, split2 or redux), as FLAC or WAV; BabySlakh, which has no splits, too."""

    name = "slakh"
    title = "Slakh2100"

    @property
    def splits(self) -> tuple[Split, ...]:
        """The split folders that are there."""
        return tuple(split_folders(self.root))

    def _open(self) -> None:
        if next(self._tracks(None), None) is None:
            raise wrong_folder(
                self.title, self.root, "train/Track00001/metadata.yaml, mix.flac and stems/ (or Track00001/ itself)"
            )

    def _tracks(self, split: Split | None) -> Iterator[tuple[Split | None, Path]]:
        folders = split_folders(self.root)
        if not folders:
            yield from ((None, track) for track in folders_in(self.root) if (track / "metadata.yaml").is_file())
        for name, folder in folders.items():
            if split in (None, name):
                yield from ((name, track) for track in folders_in(folder) if (track / "metadata.yaml").is_file())

    def _read(self, split: Split | None) -> Iterator[Item]:
        for name, track in self._tracks(split):
            suffix = ".wav" if (track / "mix.wav").exists() else ".flac"
            yield Item(
                id=track.name,
                dataset=self.name,
                split=name,
                mix=AudioRef(track / f"mix{suffix}"),
                stems=_stems(track, suffix),
                score=Later(read_midi, (track / "all_src.mid",)),
            )


def _stems(track: Path, suffix: str) -> tuple[Stem, ...]:
    """Those that were rendered: a few parts of Lakh have no sound."""
    path = track / "metadata.yaml"
    stems = read_yaml(path).get("stems")
    if not isinstance(stems, dict) or not all(isinstance(stem, dict) for stem in stems.values()):
        raise TextReadError(f"{path} has no table of stems.", "Download the track again.")
    found = []
    for name, facts in sorted(stems.items()):
        if not facts.get("audio_rendered", True):
            continue
        program = facts.get("program_num")
        midi = track / "MIDI" / f"{name}.mid"
        found.append(
            Stem(
                name=str(name),
                audio=AudioRef(track / "stems" / f"{name}{suffix}"),
                instrument=str(facts.get("inst_class") or ""),
                program=program if isinstance(program, int) and 0 <= program <= 127 else None,  # 128 stands for drums
                is_drum=bool(facts.get("is_drum")),
                score=Later(read_midi, (midi,)) if facts.get("midi_saved", True) else None,
            )
        )
    return tuple(found)
