"""The `url` source: files behind https addresses, resumed where a download was cut off.

What has arrived is kept under the file's digest until it is complete, so a second attempt, also after a kill, asks
the server only for the rest. The transfer runs in a thread of its own: a stalled connection cannot delay
cancelling.
"""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import threading
import urllib.error
import urllib.request
from email.message import Message
from pathlib import Path
from typing import IO

from descant import __version__
from descant.errors import ChecksumMismatch, DescantError, DownloadFailed, OutputError
from descant.hub.card import Download
from descant.hub.files import check_file
from descant.hub.toml_table import is_fetchable
from descant.progress import Monitor

_POLL_S = 0.1
_SILENCE_S = 30.0
_BLOCK = 1 << 16
_FRUITLESS_ATTEMPTS = 3
_PAUSE_S = 0.5
_WEB_PAGE = re.compile(rb"\s*(<!doctype\s+html|<html|<head|<!--)", re.IGNORECASE)
_CARRY = "Or carry it over: `descant models export NAME` on a machine that has it, `descant models import FILE` here."


def download_file(item: Download, part: Path, monitor: Monitor) -> None:
    """Download a file, beginning where an earlier attempt stopped.

    Args:
        item: What to download, and what it must be.
        part: Where it grows; what is already there is taken to be its beginning. Removed if it turns out wrong.
        monitor: Reports the share of bytes that have arrived; cancelling takes effect at once.

    Raises:
        DownloadFailed: No network, a refused certificate, a web page instead of the file, or the like.
        ChecksumMismatch: The address yields another file.
        OutputError: The disk is full.
    """
    transfer = _Transfer(item, part)
    thread = threading.Thread(target=transfer.run, name=f"download {item.path}", daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(_POLL_S)
            monitor.report(transfer.done / item.size, item.path)
    finally:
        transfer.stop.set()
    if transfer.failure is not None:
        raise transfer.failure
    try:
        check_file(part, item.sha256, item.size, what=f"What {_host(item.url)} sends as '{item.path}'")
    except ChecksumMismatch:
        part.unlink()  # it can never become right by resuming
        raise


class _Transfer:
    """One download, over as many connections as it takes."""

    def __init__(self, item: Download, part: Path) -> None:
        self.item = item
        self.part = part
        self.stop = threading.Event()
        self.done = part.stat().st_size if part.exists() else 0
        self.failure: DescantError | None = None
        self._opener = urllib.request.build_opener(_SafeRedirects)

    def run(self) -> None:
        """Fetch until all is here, attempts bring nothing more, or `stop` is set; errors end up in `failure`."""
        fruitless = 0
        reason: Exception | None = None
        while not self.stop.is_set() and self.done < self.item.size:
            if fruitless == _FRUITLESS_ATTEMPTS:
                self.failure = _explain(reason, self.item)
                return
            before = self.done
            try:
                self._continue()
                reason = None
            except DescantError as error:
                self.failure = error
                return
            except (OSError, http.client.HTTPException) as error:
                reason = error
                if _is_final(error):
                    self.failure = _explain(error, self.item)
                    return
            fruitless = 0 if self.done > before else fruitless + 1
            if self.done < self.item.size:
                self.stop.wait(_PAUSE_S * fruitless)

    def _continue(self) -> None:
        headers = {"User-Agent": f"descant/{__version__}", "Accept-Encoding": "identity"}
        if self.done:
            headers["Range"] = f"bytes={self.done}-"
        request = urllib.request.Request(self.item.url, headers=headers)  # noqa: S310 (the card reader admits https only)
        try:
            response = self._opener.open(request, timeout=_SILENCE_S)
        except urllib.error.HTTPError as error:
            with error:
                if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                    self._restart()
                    return
                raise
        with response:
            if self.done and not self._is_continued(response):
                self._restart()
            self._check_announced(response)
            self._receive(response)

    def _is_continued(self, response: http.client.HTTPResponse) -> bool:
        announced = response.headers.get("Content-Range", "")
        return response.status == http.HTTPStatus.PARTIAL_CONTENT and announced.startswith(f"bytes {self.done}-")

    def _restart(self) -> None:
        self.part.unlink(missing_ok=True)
        self.done = 0

    def _check_announced(self, response: http.client.HTTPResponse) -> None:
        kind = response.headers.get_content_type()
        if kind in ("text/html", "application/xhtml+xml") and not self.item.path.endswith((".html", ".htm")):
            raise _web_page(self.item)
        length = response.headers.get("Content-Length", "")
        if length.isdigit() and self.done + int(length) != self.item.size:
            raise ChecksumMismatch(
                f"{_host(self.item.url)} offers {self.done + int(length):,} bytes as '{self.item.path}' "
                f"instead of {self.item.size:,}.",
                "The file was replaced at its source. Update Descant, or correct the card.",
            )

    def _receive(self, response: http.client.HTTPResponse) -> None:
        with self._open_part() as out:
            while self.done < self.item.size:
                block = response.read1(min(_BLOCK, self.item.size - self.done))
                if self.stop.is_set() or not block:
                    return
                if self.done == 0 and _WEB_PAGE.match(block):
                    raise _web_page(self.item)
                try:
                    out.write(block)
                    out.flush()
                except OSError as error:
                    raise OutputError(
                        f"'{self.item.path}' cannot be written: {error.strerror}.", "Free some space and try again."
                    ) from error
                self.done += len(block)

    def _open_part(self) -> IO[bytes]:
        try:
            return self.part.open("ab")
        except OSError as error:
            raise OutputError(f"{self.part} cannot be written: {error.strerror}.", "Check DESCANT_CACHE.") from error


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but never from https to an open connection."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> urllib.request.Request | None:
        if not is_fetchable(newurl):
            fp.close()
            raise DownloadFailed(
                f"{req.host} sends the download on to the unencrypted address {newurl}.",
                "That is often the login page of a network: open a web page in a browser, sign in, and try again.",
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]


def _host(url: str) -> str:
    return urllib.request.Request(url).host  # noqa: S310 (nothing is opened)


def _web_page(item: Download) -> DownloadFailed:
    return DownloadFailed(
        f"{_host(item.url)} sent a web page instead of '{item.path}'.",
        "That is often the login page of a network: open a web page in a browser, sign in, and try again.",
    )


def _is_final(error: Exception) -> bool:
    """Whether trying again at once is of no use."""
    if isinstance(error, urllib.error.HTTPError):
        return error.code < http.HTTPStatus.INTERNAL_SERVER_ERROR
    return _is_certificate(error) or "Tunnel connection failed" in str(error)


def _is_certificate(error: Exception) -> bool:
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    return isinstance(cause, ssl.SSLCertVerificationError)


def _explain(error: Exception | None, item: Download) -> DownloadFailed:
    """The typed error for the connection's last fault."""
    host, what = _host(item.url), f"'{item.path}'"
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(error, urllib.error.HTTPError):
        gone = error.code in (http.HTTPStatus.NOT_FOUND, http.HTTPStatus.GONE)
        hint = "It was moved or removed: update Descant, or correct the card." if gone else "Try again later. " + _CARRY
        return DownloadFailed(f"{host} answers {error.code} ({error.reason}) for {what}.", hint)
    if error is not None and _is_certificate(error):
        return DownloadFailed(
            f"The certificate of {host} was refused while fetching {what}.",
            "If your network inspects traffic, name its certificate in SSL_CERT_FILE. " + _CARRY,
        )
    if "Tunnel connection failed" in str(cause):
        return DownloadFailed(f"The proxy refused the way to {host}: {cause}.", "Check HTTPS_PROXY. " + _CARRY)
    if isinstance(cause, (socket.gaierror, ConnectionRefusedError)):
        return DownloadFailed(
            f"There is no network, or {host} does not answer, so {what} cannot be fetched.",
            "Check the connection and try again. " + _CARRY,
        )
    return DownloadFailed(
        f"The connection to {host} broke while fetching {what}: {cause or 'it was closed early'}.",
        "Run the command again: it goes on where it stopped. " + _CARRY,
    )
