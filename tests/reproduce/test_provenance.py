"""What a result was made from: a change of code that it uses makes it another, a change of words does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from descant.fingerprint import _reached, code_digest
from descant.reproduce.provenance import conditions
from descant.reproduce.systems import Options, make_system

FILES = {
    "arm.py": 'from toy import tools\nfrom toy.net import Net\ndef run():\n    """Words."""\n    return tools.two()\n',
    "tools.py": "def two():\n    from toy.late import TWO\n    return TWO\n",
    "late.py": "TWO = 2\n",
    "net/__init__.py": "import toy.net.layers\nclass Net: ...\n",
    "net/layers.py": "import numpy\nWIDTH = 3\n",
    "other.py": "A = 1\n",
    "typed.py": "A = 1\n",
}


@pytest.fixture
def package(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def digest_with(package: Path, name: str, text: str) -> str:
    """The digest of a copy in which a file says something else."""
    copy = package.parent / f"{package.name}-{len(list(package.parent.iterdir()))}"
    for path in package.rglob("*.py"):
        place = copy / path.relative_to(package)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(path.read_bytes())
    (copy / name).write_text(text, encoding="utf-8")
    return code_digest(("toy.arm",), root=copy, package="toy")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("arm.py", FILES["arm.py"].replace("return", "return 1 +")),
        ("tools.py", FILES["tools.py"].replace("return TWO", "return TWO + 1")),
        ("late.py", "TWO = 3\n"),  # imported inside a function
        ("net/layers.py", "import numpy\nWIDTH = 4\n"),
    ],
)
def test_code_that_an_arm_uses_counts(package: Path, name: str, text: str) -> None:
    assert digest_with(package, name, text) != digest_with(package, "other.py", FILES["other.py"])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("other.py", "A = 2\n"),
        ("late.py", '"""A module."""\n\n# why it is two\nTWO  =  2\n"""What it is."""\n'),
        ("arm.py", FILES["arm.py"].replace("Words.", "Other words.")),
    ],
)
def test_words_and_other_code_do_not_count(package: Path, name: str, text: str) -> None:
    assert digest_with(package, name, text) == digest_with(package, "other.py", FILES["other.py"])


def test_imports_for_type_checkers_do_not_count(package: Path) -> None:
    text = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from toy.typed import A\nTWO = 2\n"
    (package / "late.py").write_text(text, encoding="utf-8")
    reached = _reached(["toy.arm"], package, "toy")
    assert reached == {"toy.arm", "toy.tools", "toy.late", "toy.net", "toy.net.layers"}


def test_every_arm_of_seq_u_net_names_code_that_reaches_its_nets() -> None:
    arms = make_system("seq_u_net", Options("smoke")).arms()
    for arm in arms:
        reached = _reached(arm.code, Path(__file__).parents[2] / "src" / "descant", "descant")
        assert {"descant.nets.seq_u_net", "descant.nets.tcn", "descant.nets.wavenet"} <= reached
        trains = arm.name.split("/")[0] in {"lag", "audio", "chorales", "tunes"}
        assert ("descant.train.loop" in reached) == trains
        assert ("descant.instrument.api" in reached) == arm.name.startswith("audio/")
        assert ("machine" in arm.settings) == arm.name.startswith(("costs/", "generation/"))  # times are a machine's
        assert "threads" in arm.settings.get("loop", arm.settings) or arm.name.startswith("exact/")


def test_conditions_name_versions_and_the_machine() -> None:
    found = conditions()
    assert set(found) == {"descant", "torch", "numpy", "python", "machine"}
    assert all(found.values())
    assert " cores, " in found["machine"]
