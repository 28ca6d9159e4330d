"""The route by which the owner says which car is plugged in."""

from __future__ import annotations

from typing import Any, Protocol

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict


class CarRequest(BaseModel):
    """POST /api/v1/cars: which car this plug-in is; `guest` for one that is none of ours."""

    model_config = ConfigDict(extra="forbid")

    evse_id: str
    vehicle_id: str


class NameCar(Protocol):
    """Turns a request into an observation; raises ValueError with a text for the user."""

    def __call__(self, *, evse_id: str, vehicle_id: str) -> dict[str, Any]: ...


def add_cars(app: FastAPI, name_car: NameCar) -> None:
    """POST /api/v1/cars; the question itself stands in the status."""

    @app.post("/api/v1/cars")
    async def post_car(request: CarRequest) -> dict[str, Any]:
        try:
            return name_car(evse_id=request.evse_id, vehicle_id=request.vehicle_id)
        except ValueError as error:
            raise HTTPException(409, str(error)) from error
