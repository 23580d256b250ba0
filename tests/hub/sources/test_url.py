"""Downloads: resumed where they broke, and every way a network lies is told by name."""

from __future__ import annotations

import threading
import time

import pytest

import descant.hub.sources.url as url_module
from descant.errors import Cancelled, ChecksumMismatch, DownloadFailed, OutputError
from descant.hub.store import fetch, is_cached
from descant.progress import CancelToken

DATA = bytes(range(256)) * 2000


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch) -> None:
    monkeypatch.setattr(url_module, "_PAUSE_S", 0.01)


@pytest.fixture
def served(home, web):
    web.files["a.bin"] = DATA
    home.write_card("tiny", web.source("a.bin"), {"a.bin": DATA})
    return web


def _refused(kind: type[Exception] = DownloadFailed) -> DownloadFailed:
    with pytest.raises(kind) as caught:
        fetch("tiny")
    assert not is_cached("tiny")
    assert caught.value.hint
    return caught.value


def test_a_download_in_one_piece(served) -> None:
    seen: list[float] = []
    assert (fetch("tiny", progress=lambda event: seen.append(event.fraction)) / "a.bin").read_bytes() == DATA
    assert served.requests == [""]
    assert seen == sorted(seen)


def test_a_cut_connection_is_resumed_where_it_broke(served) -> None:
    served.cut_after = [100_000, 50_000]
    assert (fetch("tiny") / "a.bin").read_bytes() == DATA
    assert served.requests == ["", "bytes=100000-", "bytes=150000-"]


def test_a_server_without_ranges_starts_again(served) -> None:
    served.is_resumable = False
    served.cut_after = [100_000]
    assert (fetch("tiny") / "a.bin").read_bytes() == DATA
    assert served.requests == ["", "bytes=100000-"]


def test_a_later_attempt_goes_on_after_an_earlier_one_gave_up(served) -> None:
    served.cut_after = [100_000, 0, 0, 0]
    error = _refused()
    assert "goes on where it stopped" in error.hint
    served.requests.clear()
    assert (fetch("tiny") / "a.bin").read_bytes() == DATA
    assert served.requests == ["bytes=100000-"]


def test_a_wrong_beginning_is_thrown_away(served, home, leftovers) -> None:
    served.cut_after = [100_000, 0, 0, 0]
    _refused()
    (part,) = (home.cache / ".partial" / "downloads").iterdir()
    part.write_bytes(b"!" * 100_000)
    assert "SHA-256" in _refused(ChecksumMismatch).message
    assert leftovers(home.cache) == []
    assert (fetch("tiny") / "a.bin").read_bytes() == DATA


def test_a_beginning_that_is_too_long_is_thrown_away(served, home) -> None:
    served.cut_after = [100_000, 0, 0, 0]
    _refused()
    (part,) = (home.cache / ".partial" / "downloads").iterdir()
    part.write_bytes(DATA + b"more")
    _refused(ChecksumMismatch)
    assert fetch("tiny").is_dir()


def test_wrong_content_of_the_right_length(served) -> None:
    served.files["a.bin"] = DATA[::-1]
    assert "SHA-256" in _refused(ChecksumMismatch).message


def test_wrong_length_is_refused_before_the_download(served) -> None:
    served.files["a.bin"] = DATA * 3
    assert f"{len(DATA) * 3:,}" in _refused(ChecksumMismatch).message


@pytest.mark.parametrize("headers", [{"Content-Type": "text/html; charset=utf-8"}, {}])
def test_a_portal_page_is_recognised(served, headers: dict[str, str], home, leftovers) -> None:
    page = b"\n <!DOCTYPE html><html><body>Please log in</body></html>"
    served.answers["a.bin"] = (200, headers, page)
    error = _refused()
    assert "web page" in error.message
    assert "login page" in error.hint
    assert leftovers(home.cache) in ([], [f".partial/downloads/{name.name}" for name in _parts(home)])
    assert all(part.stat().st_size == 0 for part in _parts(home))


def _parts(home) -> list:
    return sorted((home.cache / ".partial" / "downloads").glob("*"))


def test_redirects_are_followed_but_never_to_an_open_connection(served) -> None:
    served.answers["moved"] = (302, {"Location": served.address + "a.bin"}, b"")
    served.files["moved"] = DATA
    served.answers["a.bin"] = (302, {"Location": "http://portal.example.org/login"}, b"")
    error = _refused()
    assert "unencrypted" in error.message
    del served.answers["a.bin"]
    assert fetch("tiny").is_dir()


def test_a_redirect_on_this_machine_is_followed(home, web) -> None:
    web.files["a.bin"] = DATA
    web.answers["moved"] = (302, {"Location": web.address + "a.bin"}, b"")
    home.write_card("tiny", web.source("a.bin", url=web.address + "moved"), {"a.bin": DATA})
    assert (fetch("tiny") / "a.bin").read_bytes() == DATA


@pytest.mark.parametrize(("status", "said"), [(404, "404"), (403, "403")])
def test_refusals_are_final(served, status: int, said: str) -> None:
    served.answers["a.bin"] = (status, {}, b"no")
    assert said in _refused().message
    assert len(served.requests) == 1


def test_a_server_in_trouble_is_asked_again(served) -> None:
    served.answers["a.bin"] = (503, {}, b"")
    assert "503" in _refused().message
    assert len(served.requests) == 3


def test_nobody_listens(home, web) -> None:
    web.files["a.bin"] = DATA
    home.write_card("tiny", web.source("a.bin", url="http://127.0.0.1:9/a.bin"), {"a.bin": DATA})
    assert "no network" in _refused().message


def test_a_refused_certificate_is_told(home, web, monkeypatch) -> None:
    import ssl
    import urllib.request

    def refuse(*args: object, **options: object) -> None:
        reason = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] self-signed certificate")
        raise urllib.error.URLError(reason)

    web.files["a.bin"] = DATA
    home.write_card("tiny", web.source("a.bin"), {"a.bin": DATA})
    monkeypatch.setattr(urllib.request.OpenerDirector, "open", refuse)
    error = _refused()
    assert "certificate" in error.message
    assert "SSL_CERT_FILE" in error.hint


def test_a_dead_proxy_is_told(home, web, monkeypatch) -> None:
    web.files["a.bin"] = DATA
    home.write_card("tiny", web.source("a.bin", url="https://example.invalid/a.bin"), {"a.bin": DATA})
    monkeypatch.setenv("https_proxy", web.address)  # answers CONNECT with an error
    monkeypatch.setenv("HTTPS_PROXY", web.address)
    assert "proxy" in _refused().message


def test_a_full_disk_is_told(served, monkeypatch) -> None:
    class FullDisk:
        def __enter__(self) -> FullDisk:
            return self

        def __exit__(self, *args: object) -> None:
            pass

        def write(self, block: bytes) -> None:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(url_module._Transfer, "_open_part", lambda self: FullDisk())
    assert "No space left" in _refused(OutputError).message


def test_a_stalled_download_is_cancelled_within_two_seconds(served) -> None:
    served.stall = threading.Event()
    cancel = CancelToken()
    timer = threading.Timer(0.5, cancel.cancel)
    timer.start()
    started = time.monotonic()
    with pytest.raises(Cancelled):
        fetch("tiny", cancel=cancel)
    assert time.monotonic() - started < 2.5
    timer.join()


def test_several_files_with_true_shares(home, web) -> None:
    web.files |= {"a.bin": DATA, "b/c.bin": DATA[:1000]}
    sources = web.source("a.bin") + web.source("b/c.bin").split('kind = "url"\n')[1]
    home.write_card("tiny", sources, {"a.bin": DATA, "b/c.bin": DATA[:1000]})
    folder = fetch("tiny")
    assert (folder / "b/c.bin").read_bytes() == DATA[:1000]
    assert (folder / "a.bin").read_bytes() == DATA
