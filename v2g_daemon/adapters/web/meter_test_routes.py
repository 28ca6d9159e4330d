"""`/api/v1/meter-test`: the guided test of the meters, asked for and watched by one client."""

from __future__ import annotations

from typing import Annotated, Any, Protocol

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict, Field


class MeterTestRequest(BaseModel):
    """POST /api/v1/meter-test; `name` is an EVSE, `by` whoever stands there."""

    model_config = ConfigDict(extra="forbid")

    name: str
    by: Annotated[str, Field(min_length=1, max_length=100)]


class MeterTests(Protocol):
    """Begins, shows and ends the test; each raises ValueError with a text for the user."""

    def start(self, *, name: str, by: str) -> dict[str, Any]: ...

    def progress(self) -> dict[str, Any]: ...

    def cancel(self) -> dict[str, Any]: ...


def add_meter_test_routes(app: FastAPI, tests: MeterTests) -> None:
    """A test goes on only while somebody asks after it."""

    @app.post("/api/v1/meter-test")
    async def post_meter_test(request: MeterTestRequest) -> dict[str, Any]:
        try:
            return tests.start(name=request.name, by=request.by)
        except ValueError as error:
            raise HTTPException(409, str(error)) from error

    @app.get("/api/v1/meter-test")
    async def get_meter_test() -> dict[str, Any]:
        try:
            return tests.progress()
        except ValueError as error:
            raise HTTPException(404, str(error)) from error

    @app.delete("/api/v1/meter-test")
    async def delete_meter_test() -> dict[str, Any]:
        try:
            return tests.cancel()
        except ValueError as error:
            raise HTTPException(404, str(error)) from error
