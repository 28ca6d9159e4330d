"""The routes of `/api/v1`; each answers from memory in well under 5 ms."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal, Protocol

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field


class OverrideRequest(BaseModel):
    """POST /api/v1/overrides; at the latest it ends at the next departure or after 12 h."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["stop", "charge", "auto"]
    evse_id: str | None = None
    until: AwareDatetime | None = None
    confirmed: bool = False


class ClearanceRequest(BaseModel):
    """POST /api/v1/latches/clear; the reason stands in the ledger for good."""

    model_config = ConfigDict(extra="forbid")

    evse_id: str
    because: Annotated[str, Field(min_length=3, max_length=500)]


class ClearLatch(Protocol):
    """Turns a request into an observation; raises ValueError with a text for the user."""

    def __call__(self, *, evse_id: str, because: str) -> dict[str, Any]: ...


class OverrideDesk(Protocol):
    """Turns a request into an observation; raises ValueError with a text for the user."""

    def __call__(
        self, *, kind: str, evse_id: str | None, until: datetime | None, confirmed: bool
    ) -> dict[str, Any]: ...


def build_api(
    *,
    status: Callable[[], dict[str, Any] | None],
    override: OverrideDesk,
    clear_latch: ClearLatch,
    version: str,
) -> FastAPI:
    """The application; `status` is None until the first tick."""
    app = FastAPI(title="v2g-daemon", version=version, docs_url=None, redoc_url=None)
    app.exception_handler(RequestValidationError)(_not_understood)

    @app.get("/api/v1/status")
    async def get_status() -> dict[str, Any]:
        found = status()
        if found is None:
            raise HTTPException(503, "the daemon has not decided anything yet")
        return found

    @app.post("/api/v1/overrides")
    async def post_override(request: OverrideRequest) -> dict[str, Any]:
        try:
            return override(
                kind=request.kind,
                evse_id=request.evse_id,
                until=request.until,
                confirmed=request.confirmed,
            )
        except ValueError as error:
            raise HTTPException(409, str(error)) from error

    @app.post("/api/v1/latches/clear")
    async def post_clearance(request: ClearanceRequest) -> dict[str, Any]:
        try:
            return clear_latch(evse_id=request.evse_id, because=request.because)
        except ValueError as error:
            raise HTTPException(409, str(error)) from error

    return app


async def _not_understood(request: Request, error: RequestValidationError) -> Response:
    """What is wrong where, in ASCII and without the value: not every value can be said again."""
    del request
    wrong = [{name: one[name] for name in ("type", "loc", "msg")} for one in error.errors()]
    text = json.dumps({"detail": wrong})
    return Response(text, status_code=422, media_type="application/json")
