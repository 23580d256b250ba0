"""A cache, a configuration folder and a package index of the test's own; a web server on this machine."""

from __future__ import annotations

import base64
import hashlib
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@dataclass
class Home:
    """Where Descant keeps its things during one test."""

    cache: Path
    cards: Path

    def write_card(self, name: str, sources: str, files: dict[str, bytes], **changes: str) -> Path:
        """A user card for these files; `changes` replace top keys or drop them (empty)."""
        top = {
            "format": "1",
            "name": f'"{name}"',
            "title": f'"{name.title()}"',
            "task": '"play"',
            "summary": '"For a test."',
            "architecture": '"soundfont-2"',
            **changes,
        }
        tables = "".join(
            f'[[file]]\npath = "{path}"\nsha256 = "{_sha256(data)}"\nsize = {len(data)}\n'
            for path, data in files.items()
        )
        head = "".join(f"{key} = {value}\n" for key, value in top.items() if value)
        path = self.cards / f"{name}.toml"
        path.write_text(f'{head}[licence]\nweights = "CC0-1.0"\n{sources}\n{tables}', encoding="utf-8")
        return path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    cache, config = tmp_path / "cache", tmp_path / "config"
    (config / "cards").mkdir(parents=True)
    monkeypatch.setenv("DESCANT_CACHE", str(cache))
    monkeypatch.setenv("DESCANT_CONFIG", str(config))
    monkeypatch.delenv("DESCANT_OFFLINE", raising=False)
    return Home(cache, config / "cards")


@dataclass
class Index:
    """A folder of wheels that pip takes for the package index."""

    folder: Path

    def add_wheel(
        self, name: str, members: dict[str, bytes], *, version: str = "1.0", requires_python: str = ">=3.8"
    ) -> Path:
        """Build a wheel by hand, with the few files that make pip accept it."""
        info = f"{name}-{version}.dist-info"
        contents = {
            **members,
            f"{info}/METADATA": (
                f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nRequires-Python: {requires_python}\n"
            ).encode(),
            f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        digests = {
            path: base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
            for path, data in contents.items()
        }
        record = "".join(f"{path},sha256={digests[path]},{len(data)}\n" for path, data in contents.items())
        wheel = self.folder / f"{name}-{version}-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            for path, data in {**contents, f"{info}/RECORD": f"{record}{info}/RECORD,,\n".encode()}.items():
                archive.writestr(path, data)
        return wheel

    def source(self, wheel: Path, members: dict[str, str], *, sha256: str = "", convert: str = "") -> str:
        """The [[source]] table of a card for a wheel."""
        name, version = wheel.name.split("-")[:2]
        data = wheel.read_bytes()
        pairs = "".join(f'"{path}" = "{member}"\n' for path, member in members.items())
        how = f'convert = "{convert}"\n' if convert else ""
        return (
            f'[[source]]\nkind = "wheel"\ndistribution = "{name}"\nversion = "{version}"\n'
            f'sha256 = "{sha256 or _sha256(data)}"\nsize = {len(data)}\n{how}[source.members]\n{pairs}'
        )

    def joined(self, *wheels: tuple[Path, dict[str, str]]) -> str:
        """The [[source]] table of a card for several wheels, each with its members."""
        tables = (self.source(wheel, members).replace('kind = "wheel"\n', "") for wheel, members in wheels)
        return '[[source]]\nkind = "wheel"\n' + "".join(
            table.replace("[source.members]", "[source.wheel.members]").replace("[[source]]", "[[source.wheel]]")
            for table in tables
        )


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Index:
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return Index(folder)


@dataclass
class Web:
    """A web server with faults to order.

    Attributes:
        address: Where it listens.
        files: What it serves, by path.
        cut_after: How many bytes of a file each of the coming answers may send before the line goes dead.
        is_resumable: Whether it understands Range.
        answers: Ready-made answers by path: status, headers, body.
        stall: Until this is set, answers stop half way.
        requests: The Range header (or empty) of every request that came.
    """

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    cut_after: list[int] = field(default_factory=list)
    is_resumable: bool = True
    answers: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    stall: threading.Event | None = None
    requests: list[str] = field(default_factory=list)

    def source(self, path: str, *, url: str = "", data: bytes | None = None) -> str:
        """The [[source]] table of a card for one served file."""
        data = self.files[path] if data is None else data
        return (
            f'[[source]]\nkind = "url"\n[[source.download]]\npath = "{path}"\nurl = "{url or self.address + path}"\n'
            f'sha256 = "{_sha256(data)}"\nsize = {len(data)}\n'
        )


def _handler(web: Web) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.lstrip("/")
            asked = self.headers.get("Range", "")
            web.requests.append(asked)
            if path in web.answers:
                status, headers, body = web.answers[path]
                self.send_response(status)
                for key, value in headers.items():
                    self.send_header(key, value)
                self.end_headers()
                self.wfile.write(body)
                return
            data = web.files[path]
            start = int(asked.removeprefix("bytes=").split("-")[0]) if asked and web.is_resumable else 0
            if start >= len(data):
                self.send_error(416)
                return
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
            self.send_header("Content-Length", str(len(data) - start))
            self.end_headers()
            end = len(data) if not web.cut_after else min(len(data), start + web.cut_after.pop(0))
            if web.stall is not None:
                self.wfile.write(data[start : start + (end - start) // 2])
                self.wfile.flush()
                web.stall.wait(30)
                return
            self.wfile.write(data[start:end])

        def log_message(self, *args: object) -> None:
            pass

    return Handler


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    served = Web()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(served))
    server.daemon_threads = True
    served.address = f"http://127.0.0.1:{server.server_address[1]}/"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield served
    if served.stall is not None:
        served.stall.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def leftovers() -> Callable[[Path], list[str]]:
    """What lies in a cache besides finished cards, locks and empty folders."""

    def look(cache: Path) -> list[str]:
        return sorted(str(path.relative_to(cache)) for path in (cache / ".partial").rglob("*") if path.is_file())

    return look
