"""`/api/v1/commissioning`: what people put on record of a charger."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Protocol

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict, Field


class RecordRequest(BaseModel):
    """POST /api/v1/commissioning; who says so, and by which paper, stand in the ledger for good."""

    model_config = ConfigDict(extra="forbid")

    evse_id: str
    step: Literal["permission_to_operate", "export_compensation", "owner_consent", "test_permit"]
    by: Annotated[str, Field(min_length=1, max_length=100)]
    evidence: Annotated[str, Field(min_length=3, max_length=500)]


class Records(Protocol):
    """Makes and lists records; each raises ValueError with a text for the user."""

    async def record(
        self, *, evse_id: str, step: str, by: str, evidence: str
    ) -> dict[str, Any]: ...

    def records(self) -> list[dict[str, Any]]: ...


def add_record_routes(app: FastAPI, records: Records) -> None:
    """A record is made once and stays."""

    @app.post("/api/v1/commissioning")
    async def post_record(request: RecordRequest) -> dict[str, Any]:
        try:
            return await records.record(**request.model_dump())
        except ValueError as error:
            raise HTTPException(409, str(error)) from error

    @app.get("/api/v1/commissioning")
    async def get_records() -> dict[str, Any]:
        try:
            return {"records": records.records()}
        except ValueError as error:
            raise HTTPException(503, str(error)) from error
