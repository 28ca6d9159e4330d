"""The upload of a log: the station tells how it goes, and really puts the file at its URL."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from simulators.station.station import Station

TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A log that was asked for; `old` is told in the words of 1.6's GetDiagnostics."""

    url: str
    name: str
    request_id: int
    text: str
    old: bool = False


async def upload_logs(station: Station) -> None:
    """Upload what is asked for, one after the other, until cancelled."""
    while True:
        upload = await station.uploads.get()
        _tell(station, upload, "Uploading")
        reached = await asyncio.to_thread(_put, upload)
        _tell(station, upload, "Uploaded" if reached else "UploadFailure")


def _tell(station: Station, upload: Upload, status: str) -> None:
    if upload.old:
        old = "UploadFailed" if status == "UploadFailure" else status
        station.send("DiagnosticsStatusNotification", {"status": old})
    else:
        payload = {"status": status, "requestId": upload.request_id}
        station.send("LogStatusNotification", payload)


def _put(upload: Upload) -> bool:
    """Return whether somebody took the file; only HTTP is spoken here."""
    parts = urlsplit(upload.url)
    if parts.scheme != "http" or parts.hostname is None:
        return False
    connection = HTTPConnection(parts.hostname, parts.port, timeout=TIMEOUT_S)
    try:
        connection.request("PUT", f"{parts.path.rstrip('/')}/{upload.name}", upload.text)
        return connection.getresponse().status < HTTPStatus.MULTIPLE_CHOICES
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
