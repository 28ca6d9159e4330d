"""The routes by which a person has a station take, show and forget certificates."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fastapi import FastAPI, HTTPException

from v2g_daemon.domain.errors import DeviceError
from v2g_daemon.ports import StationCertificates

_OF_A_STATION = "/api/v1/stations/{station_id}/certificates"


def add_certificate_routes(app: FastAPI, stations: StationCertificates) -> None:
    """Each waits for the station's own answer; what it refuses is told with status 409."""

    @app.get(_OF_A_STATION)
    async def get_installed(station_id: str) -> dict[str, Any]:
        with _refusals():
            found = await stations.installed(station_id)
        return {
            "certificates": [
                {"serial": one.serial, "use": one.use, "ours": one.ours} for one in found
            ]
        }

    @app.post(f"{_OF_A_STATION}/root")
    async def post_root(station_id: str) -> dict[str, Any]:
        with _refusals():
            await stations.install_root(station_id)
        return {"detail": "the station holds our CA now"}

    @app.post(f"{_OF_A_STATION}/request")
    async def post_request(station_id: str) -> dict[str, Any]:
        with _refusals():
            await stations.request_new(station_id)
        return {"detail": "the station will ask for a new certificate"}

    @app.delete(_OF_A_STATION + "/{serial}")
    async def delete_certificate(station_id: str, serial: str) -> dict[str, Any]:
        with _refusals():
            await stations.delete(station_id, serial)
        return {"detail": f"the station has forgotten certificate {serial}"}


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except DeviceError as error:
        raise HTTPException(409, str(error)) from error
