from __future__ import annotations

from pathlib import Path

import pytest

from descant.cli.app import run
from descant.hub.store import fetch
from descant.text.formats import read_lyrics

pytestmark = pytest.mark.weights


def test_a_song_its_words_and_a_correction(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("vocals", "align.listening"):
        monkeypatch.setattr(f"descant.pipelines.{module}.cache_folder", lambda: tmp_path / "cache")
    song = str(fetch("song-excerpt") / "song.mp3")
    words = tmp_path / "words.txt"
    words.write_bytes("Solo: Café\nIt always seems like time stands still\n(when) I'm with you\n".encode("latin-1"))
    out = tmp_path / "out"
    assert run(["align", song, str(words), "-o", str(out), "--format", "elrc,json"]) == 0
    said = capsys.readouterr().out
    assert "song.elrc, song.json" in said
    assert "words, language en; " in said
    assert "% of them are heard" in said
    assert "words.txt is not UTF-8 and was read as Windows-1252" in said
    assert "not heard, left out: line 1 'Café'" in said
    assert "unsure" not in said
    arguments = ["align", song, str(words), "-o", str(out), "--anchor", "5.2 stands still", "--anchor", "0:06 when"]
    assert run([*arguments, "-q"]) == 0
    assert capsys.readouterr() == ("", "")
    assert "5.2 stands still\n6 when\n" in (out / "song.anchors.txt").read_text()
    starts = {word.text: word.start_s for word in read_lyrics(out / "song.json").words}
    assert starts["stands"] == pytest.approx(5.2, abs=0.021)
    assert starts["(when)"] == pytest.approx(6.0, abs=0.021)


def test_wrong_use_has_its_own_status(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["align"]) == 2
    assert run(["align", "none.mp3", "none.txt", "-q"]) == 10
    assert run(["align", "none.mp3", "-q"]) == 2
    assert "--recognize" in capsys.readouterr().err
