"""`GET /api/v1/plan`: the plan read aloud."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, HTTPException


def add_plan_route(app: FastAPI, plan: Callable[[], dict[str, Any] | None]) -> None:
    """Asked in a thread: to weigh 48 hours of actions may take more than a handler's 5 ms."""

    @app.get("/api/v1/plan")
    def get_plan() -> dict[str, Any]:
        found = plan()
        if found is None:
            raise HTTPException(503, "the daemon has not decided anything yet")
        return found
