"""The certificate routes: what a station answered, and what it could not be asked."""

from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI

from v2g_daemon.adapters.web.certificates import add_certificate_routes
from v2g_daemon.domain.certificates import InstalledRoot
from v2g_daemon.domain.errors import DeviceRejectedCommand, DeviceUnreachable


class Stations:
    """S1 does as it is asked, S2 is away."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []

    def _at(self, station_id: str, *more: str) -> None:
        if station_id != "S1":
            raise DeviceUnreachable(f"station {station_id!r} is not connected")
        self.asked.append(more)

    async def install_root(self, station_id: str) -> None:
        self._at(station_id, "install")

    async def installed(self, station_id: str) -> tuple[InstalledRoot, ...]:
        self._at(station_id, "installed")
        return (InstalledRoot(serial="C0FFEE", use="CSMSRootCertificate", ours=True),)

    async def delete(self, station_id: str, serial: str) -> None:
        self._at(station_id, "delete", serial)
        raise DeviceRejectedCommand("the station answered Failed")

    async def request_new(self, station_id: str) -> None:
        self._at(station_id, "request")


@pytest.fixture
def stations() -> Stations:
    return Stations()


async def ask(stations: Stations, method: str, path: str) -> tuple[int, object]:
    app = FastAPI()
    add_certificate_routes(app, stations)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://daemon") as client:
        answer = await client.request(method, f"/api/v1/stations/{path}")
    return answer.status_code, answer.json()


@pytest.mark.parametrize(
    ("method", "path", "asked", "status", "body"),
    [
        (
            "POST",
            "S1/certificates/root",
            [("install",)],
            200,
            {"detail": "the station holds our CA now"},
        ),
        (
            "POST",
            "S1/certificates/request",
            [("request",)],
            200,
            {"detail": "the station will ask for a new certificate"},
        ),
        (
            "GET",
            "S1/certificates",
            [("installed",)],
            200,
            {
                "certificates": [
                    {"serial": "C0FFEE", "use": "CSMSRootCertificate", "ours": True},
                ]
            },
        ),
        (
            "DELETE",
            "S1/certificates/C0FFEE",
            [("delete", "C0FFEE")],
            409,
            {"detail": "the station answered Failed"},
        ),
        (
            "POST",
            "S2/certificates/root",
            [],
            409,
            {"detail": "station 'S2' is not connected"},
        ),
    ],
)
async def test_a_station_is_asked_and_its_answer_told(
    stations: Stations,
    method: str,
    path: str,
    asked: list[tuple[str, ...]],
    status: int,
    body: object,
) -> None:
    assert await ask(stations, method, path) == (status, body)
    assert stations.asked == asked
