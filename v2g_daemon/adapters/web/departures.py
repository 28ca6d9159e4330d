"""The routes by which the owner says when a car leaves, and takes it back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Protocol

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict, Field

Text = Annotated[str, Field(max_length=64)]


class DepartureRequest(BaseModel):
    """POST /api/v1/departures: times as the house's wall time or with an offset, needs in words."""

    model_config = ConfigDict(extra="forbid")

    vehicle_id: str | None = None
    leaves_at: Text | None = None
    returns_at: Text | None = None
    need: Text | None = None
    trip: Text | None = None


class TakeBackRequest(BaseModel):
    """POST /api/v1/departures/take-back: all that was told of a car's departures."""

    model_config = ConfigDict(extra="forbid")

    vehicle_id: str | None = None


class Departures(Protocol):
    """Turns requests into observations; both raise ValueError with a text for the user."""

    def tell(
        self,
        *,
        vehicle_id: str | None,
        leaves_at: str | None,
        returns_at: str | None,
        need: str | None,
        trip: str | None,
    ) -> dict[str, Any]: ...

    def take_back(self, *, vehicle_id: str | None) -> dict[str, Any]: ...


def add_departure_routes(app: FastAPI, departures: Departures) -> None:
    """Both routes; what was told stands in the status."""

    @app.post("/api/v1/departures")
    async def post_departure(request: DepartureRequest) -> dict[str, Any]:
        return _answered(lambda: departures.tell(**request.model_dump()))

    @app.post("/api/v1/departures/take-back")
    async def post_take_back(request: TakeBackRequest) -> dict[str, Any]:
        return _answered(lambda: departures.take_back(vehicle_id=request.vehicle_id))


def _answered(ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return ask()
    except ValueError as error:
        raise HTTPException(409, str(error)) from error
