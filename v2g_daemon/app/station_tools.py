"""`v2g station`: what an installer asks of a station, through the running daemon."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from v2g_daemon.app.client import ask, follow

CALL_TIMEOUT_S = 120.0  # a station's answer may take its time, and wait for the turn before it
POLL_S = 1.0
_OVER = frozenset(
    "AcceptedCanceled BadMessage NotSupportedOperation PermissionDenied UploadFailure "
    "Uploaded".split()
)


class StationTools:
    """The stations of the daemon behind one socket."""

    def __init__(self, socket_path: Path) -> None:
        self._socket = socket_path

    def stations(self) -> list[dict[str, Any]]:
        """Every configured station."""
        found: list[dict[str, Any]] = self._get("")["stations"]
        return found

    def station(self, station_id: str) -> dict[str, Any]:
        """Everything known of one."""
        return self._get(f"/{quote(station_id, safe='')}")

    def keys(self, station_id: str) -> dict[str, Any]:
        """Its charge keys."""
        return self._get(f"/{quote(station_id, safe='')}/keys")

    def frames(self, station_id: str, newest: int) -> list[dict[str, Any]]:
        """The last frames of its link."""
        path = f"/{quote(station_id, safe='')}/frames?newest={newest}"
        found: list[dict[str, Any]] = self._get(path)["frames"]
        return found

    def follow(self, station_id: str, newest: int) -> Iterator[dict[str, Any]]:
        """The last frames and all that follow."""
        path = f"/api/v1/stations/{quote(station_id, safe='')}/frames/follow?newest={newest}"
        return follow(self._socket, path)

    def variables(self, station_id: str, name: str | None) -> list[dict[str, Any]]:
        """One variable, a component, or the inventory."""
        query = "" if name is None else f"?name={quote(name, safe='')}"
        path = f"/{quote(station_id, safe='')}/variables{query}"
        found: list[dict[str, Any]] = self._get(path)["variables"]
        return found

    def command(self, station_id: str, what: str, body: dict[str, Any]) -> str:
        """Ask for something; the answer is a sentence."""
        path = f"/api/v1/stations/{quote(station_id, safe='')}/{what}"
        answer = ask(self._socket, "POST", path, body, timeout_s=CALL_TIMEOUT_S)
        return str(answer["detail"])

    def upload_progress(self, station_id: str, *, longest_s: float) -> Iterator[str]:
        """The station's words for its upload, each once; ends with the upload or the time."""
        path, told = f"/{quote(station_id, safe='')}/log-upload", "Asked"
        for _ in range(max(round(longest_s / POLL_S), 1)):
            upload = self._get(path)["log_upload"]
            status = told if upload is None else str(upload["status"])
            if status != told:
                told = status
                yield status
            if status in _OVER:
                return
            time.sleep(POLL_S)

    def _get(self, path: str) -> dict[str, Any]:
        return ask(self._socket, "GET", f"/api/v1/stations{path}", timeout_s=CALL_TIMEOUT_S)
