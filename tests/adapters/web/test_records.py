"""`/api/v1/commissioning` over the socket."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from tests.adapters.web.conftest import Serving, until_served
from v2g_daemon.adapters.web.record_routes import add_record_routes

WISH = {
    "evse_id": "carport",
    "step": "test_permit",
    "by": "A. Fitter",
    "evidence": "letter of 3 March",
}


class Desk:
    """Keeps records of the carport alone."""

    def __init__(self) -> None:
        self.kept: list[dict[str, Any]] = []

    async def record(self, *, evse_id: str, step: str, by: str, evidence: str) -> dict[str, Any]:
        if evse_id != "carport":
            raise ValueError("name one of: carport")
        self.kept.append({"step": step, "recorded_by": by, "evidence": evidence})
        return self.kept[-1]

    def records(self) -> list[dict[str, Any]]:
        if not self.kept:
            raise ValueError("the daemon has not decided anything yet")
        return self.kept


async def test_a_record_is_made_and_listed(serving: Serving) -> None:
    app, desk = FastAPI(), Desk()
    add_record_routes(app, desk)
    async with serving(app) as client:
        await until_served(client)
        assert (await client.get("/api/v1/commissioning")).status_code == 503
        made = await client.post("/api/v1/commissioning", json=WISH)
        assert made.status_code == 200
        assert (await client.get("/api/v1/commissioning")).json() == {"records": desk.kept}
    assert desk.kept[0]["recorded_by"] == "A. Fitter"


async def test_neither_a_sign_test_nor_a_word_without_evidence_is_taken(serving: Serving) -> None:
    app, desk = FastAPI(), Desk()
    add_record_routes(app, desk)
    async with serving(app) as client:
        await until_served(client)
        for change in ({"step": "sign_test"}, {"evidence": ""}, {"by": ""}, {"watts": 7000}):
            refused = await client.post("/api/v1/commissioning", json={**WISH, **change})
            assert refused.status_code == 422
        yard = await client.post("/api/v1/commissioning", json={**WISH, "evse_id": "yard"})
        assert (yard.status_code, yard.json()["detail"]) == (409, "name one of: carport")
    assert desk.kept == []
