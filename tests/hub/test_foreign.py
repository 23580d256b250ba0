"""Foreign checkpoints and SoundFonts become cards like any other, unexecuted, with their licence stated."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import safetensors.torch
import torch

from descant.errors import CheckpointError, InputNotFound, InvalidOption, UnsafeCheckpoint, UnsupportedFormat
from descant.hub.card import load_card
from descant.hub.checkpoint import load_tensors
from descant.hub.foreign import ForeignCard, describe_folder, import_foreign
from descant.hub.portable import export, import_
from descant.hub.store import fetch, is_cached, verify


def _about(name: str = "mine", **changes: object) -> ForeignCard:
    facts: dict = {"task": "separate", "architecture": "spleeter-u-net", "licence": "MIT", **changes}
    return ForeignCard(name, **facts)


class Evil:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.marker}",)


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".ckpt", ".bin", ".safetensors"])
def test_a_checkpoint_becomes_a_card_that_is_fetched_like_any_other(home, tmp_path: Path, suffix: str) -> None:
    weights = {"a.weight": torch.arange(6.0).reshape(2, 3), "a.bias": torch.ones(2, dtype=torch.float16)}
    path = tmp_path / f"theirs{suffix}"
    if suffix == ".safetensors":
        safetensors.torch.save_file(weights, path)
    else:
        torch.save({"state_dict": weights, "epoch": 7}, path)
    (tmp_path / "c.json").write_text("{}", encoding="utf-8")
    about = _about(sample_rate=44100, channels=2, stems=("vocals", "rest"), credit="Them", config=tmp_path / "c.json")
    card = import_foreign(path, about)
    assert (card.licence, card.stems, card.sample_rate, card.credit) == ("MIT", ("vocals", "rest"), 44100, "Them")
    assert load_card("mine").files == card.files
    folder = fetch("mine")
    back = load_tensors(folder / "weights.safetensors", shapes={"a.weight": (2, 3), "a.bias": (2,)})
    assert all(torch.equal(back[name], tensor) for name, tensor in weights.items())
    assert (folder / "config.json").read_text(encoding="utf-8") == "{}"
    assert verify("mine").is_sound
    with pytest.raises(InvalidOption, match="already"):
        _about()


def test_an_imported_card_travels(home, tmp_path: Path, monkeypatch) -> None:
    torch.save({"w": torch.ones(3)}, tmp_path / "a.pth")
    import_foreign(tmp_path / "a.pth", _about())
    export("mine", tmp_path / "box.zip")
    monkeypatch.setenv("DESCANT_CACHE", str(tmp_path / "second"))
    assert import_(tmp_path / "box.zip") == ("mine",)
    assert load_card("mine").licence == "MIT"
    assert is_cached("mine")


def test_a_soundfont_is_taken_and_others_are_not(home, tmp_path: Path) -> None:
    (tmp_path / "My Piano.sf2").write_bytes(b"RIFF\x10\x00\x00\x00sfbk" + bytes(100))
    import_foreign(tmp_path / "My Piano.sf2", _about("my-piano", architecture="soundfont-2", task="play"))
    assert (fetch("my-piano") / "My Piano.sf2").is_file()
    (tmp_path / "b.sf2").write_bytes(b"OggS" + bytes(100))
    with pytest.raises(UnsupportedFormat):
        import_foreign(tmp_path / "b.sf2", _about("b", architecture="soundfont-2", task="play"))


def test_a_malicious_checkpoint_leaves_no_trace(home, tmp_path: Path, leftovers) -> None:
    marker = tmp_path / "executed"
    torch.save({"state_dict": {"w": torch.ones(1)}, "hparams": Evil(marker)}, tmp_path / "a.ckpt")
    with pytest.raises(UnsafeCheckpoint):
        import_foreign(tmp_path / "a.ckpt", _about())
    assert not marker.exists()
    assert not (home.cache / "mine").exists()
    assert leftovers(home.cache) == []


def test_what_cannot_be_taken_is_told(home, tmp_path: Path) -> None:
    with pytest.raises(InputNotFound):
        import_foreign(tmp_path / "absent.pth", _about())
    (tmp_path / "a.h5").write_bytes(b"x")
    with pytest.raises(UnsupportedFormat, match=r"a\.h5"):
        import_foreign(tmp_path / "a.h5", _about())
    safetensors.torch.save_file({}, tmp_path / "none.safetensors")
    with pytest.raises(CheckpointError, match="no tensors"):
        import_foreign(tmp_path / "none.safetensors", _about())
    torch.save({"w": torch.ones(1)}, tmp_path / "a.pth")
    with pytest.raises(InputNotFound, match=r"absent\.json"):
        import_foreign(tmp_path / "a.pth", _about(config=tmp_path / "absent.json"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "Mine!"}, "name"),
        ({"name": "timgm6mb"}, "already"),
        ({"architecture": "time-machine"}, "time-machine"),
        ({"licence": " "}, "licence is missing"),
    ],
)
def test_what_the_user_says_is_checked(home, changes: dict, said: str) -> None:
    with pytest.raises(InvalidOption, match=said):
        _about(**changes)


def test_describing_a_folder(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "b").write_bytes(b"abc")
    (tmp_path / "a").write_bytes(b"")
    (tmp_path / ".hidden").write_bytes(b"")
    (tmp_path / "card.toml").write_bytes(b"")
    files = describe_folder(tmp_path)
    assert [(file.path, file.size) for file in files] == [("a", 0), ("deep/b", 3)]
    assert files[1].sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
