"""What pip's log says when it fails, as typed errors."""

from __future__ import annotations

import re

from descant.errors import ChecksumMismatch, DescantError, DownloadFailed, OutputError

_CARRY = "Or carry it over: `descant models export NAME` on a machine that has it, `descant models import FILE` here."

_REASONS: tuple[tuple[str, type[DescantError], str, str], ...] = (
    (
        r"DO NOT MATCH THE HASHES",
        ChecksumMismatch,
        "The package index holds another file than the card describes under {what}.",
        "Do not use it. Another index or mirror may have the right one (PIP_INDEX_URL).",
    ),
    (
        r"No space left on device|Disk quota exceeded",
        OutputError,
        "The disk is full: {what} does not fit.",
        "Free some space, or choose another place with DESCANT_CACHE.",
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED|SSLError|confirming the ssl certificate",
        DownloadFailed,
        "The package index's certificate was refused while fetching {what}.",
        f"If your network inspects traffic, name its certificate: `pip config set global.cert FILE`. {_CARRY}",
    ),
    (
        r"ProxyError|[Pp]roxy connection error|Tunnel connection failed|407 (?:Client Error|Proxy)",
        DownloadFailed,
        "The proxy refused or does not answer while fetching {what}.",
        f"Check HTTPS_PROXY, or `pip config set global.proxy URL`. {_CARRY}",
    ),
    (
        r"40[13] Client Error",
        DownloadFailed,
        "The package index refused access to {what}.",
        f"Check the credentials in pip's configuration (`pip config list`). {_CARRY}",
    ),
    (
        r"NameResolutionError|NewConnectionError|Failed to (?:resolve|establish)|Network is unreachable|refused",
        DownloadFailed,
        "There is no network, or the package index does not answer, so {what} cannot be fetched.",
        f"Check the connection and try again. {_CARRY}",
    ),
    (
        r"ReadTimeout|timed out|Connection (?:aborted|reset|broken)|IncompleteRead|incomplete-download|Max retries",
        DownloadFailed,
        "The connection to the package index broke while fetching {what}.",
        f"Try again. {_CARRY}",
    ),
    (
        r"No matching distribution found|Could not find a version",
        DownloadFailed,
        "The package index has no {what}.",
        "It may be a partial mirror (name another: PIP_INDEX_URL), or a network's login page answers in its place. "
        + _CARRY,
    ),
)
"""(what to look for, error, message, hint), the most telling first: pip also says "no matching distribution" when it
could not reach the index."""


def explain_pip(log: str, what: str) -> DescantError:
    """The typed error for what pip wrote when it failed.

    Args:
        log: pip's log at full length.
        what: The pinned distribution, for the message.
    """
    for pattern, kind, message, hint in _REASONS:
        if re.search(pattern, log):
            return kind(message.format(what=what), hint)
    errors = re.findall(r"ERROR: *(.+)", log) or log.strip().splitlines()[-1:]
    reason = errors[0] if errors else "it gave no reason"
    return DownloadFailed(f"pip could not fetch {what}: {reason}", f"Try again. {_CARRY}")
