"""`/api/v1/probes`: guided tests of discharge, asked for and watched by one client."""

from __future__ import annotations

from typing import Any, Protocol

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict


class ProbeRequest(BaseModel):
    """POST /api/v1/probes; `name` is an EVSE, or a station that has only one."""

    model_config = ConfigDict(extra="forbid")

    name: str


class Probes(Protocol):
    """Begins, shows and ends tests; each raises ValueError with a text for the user."""

    def start(self, *, name: str) -> dict[str, Any]: ...

    def progress(self, *, evse_id: str) -> dict[str, Any]: ...

    def cancel(self, *, evse_id: str) -> dict[str, Any]: ...


def add_probe_routes(app: FastAPI, probes: Probes) -> None:
    """A test goes on only while somebody asks after it."""

    @app.post("/api/v1/probes")
    async def post_probe(request: ProbeRequest) -> dict[str, Any]:
        try:
            return probes.start(name=request.name)
        except ValueError as error:
            raise HTTPException(409, str(error)) from error

    @app.get("/api/v1/probes/{evse_id}")
    async def get_probe(evse_id: str) -> dict[str, Any]:
        try:
            return probes.progress(evse_id=evse_id)
        except ValueError as error:
            raise HTTPException(404, str(error)) from error

    @app.delete("/api/v1/probes/{evse_id}")
    async def delete_probe(evse_id: str) -> dict[str, Any]:
        try:
            return probes.cancel(evse_id=evse_id)
        except ValueError as error:
            raise HTTPException(404, str(error)) from error
