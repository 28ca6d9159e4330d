"""The routes of `/api/v1/stations`: what an installer sees of charging stations, and asks of them.

Whatever asks a station waits for its answer, up to the time-out of a call; the loop does not.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Literal

from fastapi import FastAPI, HTTPException, Path, Query
from fastapi.responses import Response, StreamingResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from v2g_daemon.adapters.web.translate import plain_json
from v2g_daemon.domain.errors import DeviceRejectedCommand, DeviceUnknown, DeviceUnreachable
from v2g_daemon.domain.stations import FollowEnd, FrameNote, LogKind, LogRequest
from v2g_daemon.ports import StationDesk

MOST_FRAMES = 1_000
LINES = "application/x-ndjson"

StationId = Annotated[str, Path(max_length=48)]
Newest = Annotated[int, Query(ge=0, le=MOST_FRAMES)]
Word = Annotated[str, Field(min_length=1, max_length=50, pattern="^[A-Za-z]+$")]
Number = Annotated[int, Field(ge=0, le=1_000)]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ResetRequest(_Request):
    """POST …/reset; not immediate: once nobody charges (1.6: transactions are ended first)."""

    immediate: bool = False


class UnlockRequest(_Request):
    """POST …/unlock."""

    evse_number: Number = 1
    connector: Number = 1


class TriggerRequest(_Request):
    """POST …/trigger; the message's name as OCPP spells it."""

    message: Word
    evse_number: Number | None = None


class VariableRequest(_Request):
    """POST …/variables."""

    name: Annotated[str, Field(min_length=1, max_length=250)]
    value: Annotated[str, Field(max_length=500)]


class UploadRequest(_Request):
    """POST …/log-upload; the station uploads to the URL, which it must be able to reach."""

    url: Annotated[str, Field(max_length=512, pattern=r"^(ftp|ftps|sftp|http|https)://[!-~]+$")]
    kind: Literal["diagnostics", "security"] = "diagnostics"
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None


def add_station_routes(app: FastAPI, desk: StationDesk) -> None:
    """Serve the desk under `/api/v1/stations`."""
    _add_views(app, desk)
    _add_variables(app, desk)
    _add_commands(app, desk)


def _add_views(app: FastAPI, desk: StationDesk) -> None:
    @app.get("/api/v1/stations")
    async def get_stations() -> dict[str, Any]:
        return {"stations": plain_json(desk.stations())}

    @app.get("/api/v1/stations/{station_id}")
    async def get_station(station_id: StationId) -> Any:
        with _refusals():
            return plain_json(desk.station(station_id))

    @app.get("/api/v1/stations/{station_id}/frames")
    async def get_frames(station_id: StationId, newest: Newest = 100) -> Response:
        with _refusals():
            return await _at_length("frames", await desk.frames(station_id, newest=newest))

    @app.get("/api/v1/stations/{station_id}/frames/follow")
    async def follow_frames(station_id: StationId, newest: Newest = 100) -> StreamingResponse:
        with _refusals():
            return StreamingResponse(
                _lines(desk.follow(station_id, newest=newest)), media_type=LINES
            )

    @app.get("/api/v1/stations/{station_id}/log-upload")
    async def get_upload(station_id: StationId) -> dict[str, Any]:
        with _refusals():
            return {"log_upload": plain_json(desk.log_upload(station_id))}

    @app.get("/api/v1/stations/{station_id}/keys")
    async def get_keys(station_id: StationId) -> Any:
        with _refusals():
            return plain_json(await desk.keys(station_id))


def _add_variables(app: FastAPI, desk: StationDesk) -> None:
    @app.get("/api/v1/stations/{station_id}/variables")
    async def get_variables(
        station_id: StationId, name: Annotated[str | None, Query(max_length=250)] = None
    ) -> Response:
        with _refusals():
            return await _at_length("variables", await desk.variables(station_id, name))

    @app.post("/api/v1/stations/{station_id}/variables")
    async def post_variable(station_id: StationId, request: VariableRequest) -> dict[str, str]:
        with _refusals():
            return _said(await desk.set_variable(station_id, request.name, request.value))


def _add_commands(app: FastAPI, desk: StationDesk) -> None:
    @app.post("/api/v1/stations/{station_id}/reset")
    async def post_reset(station_id: StationId, request: ResetRequest) -> dict[str, str]:
        with _refusals():
            return _said(await desk.reset(station_id, immediate=request.immediate))

    @app.post("/api/v1/stations/{station_id}/unlock")
    async def post_unlock(station_id: StationId, request: UnlockRequest) -> dict[str, str]:
        with _refusals():
            return _said(
                await desk.unlock(
                    station_id, evse_number=request.evse_number, connector=request.connector
                )
            )

    @app.post("/api/v1/stations/{station_id}/trigger")
    async def post_trigger(station_id: StationId, request: TriggerRequest) -> dict[str, str]:
        with _refusals():
            return _said(
                await desk.trigger(station_id, request.message, evse_number=request.evse_number)
            )

    @app.post("/api/v1/stations/{station_id}/log-upload")
    async def post_upload(station_id: StationId, request: UploadRequest) -> dict[str, str]:
        wanted = LogRequest(
            kind=LogKind(request.kind),
            url=request.url,
            since_utc=request.since,
            until_utc=request.until,
        )
        with _refusals():
            return _said(await desk.get_log(station_id, wanted))


async def _at_length(name: str, facts: tuple[Any, ...]) -> Response:
    """Many facts: a thread writes them down."""
    text = await asyncio.to_thread(lambda: json.dumps({name: plain_json(facts)}))
    return Response(text, media_type="application/json")


def _said(detail: str) -> dict[str, str]:
    return {"detail": detail}


@contextmanager
def _refusals() -> Iterator[None]:
    """What the desk refuses, as HTTP says it."""
    try:
        yield
    except DeviceUnknown as error:
        raise HTTPException(404, str(error)) from error
    except DeviceUnreachable as error:
        raise HTTPException(503, str(error)) from error
    except (DeviceRejectedCommand, ValueError) as error:
        raise HTTPException(409, str(error)) from error


async def _lines(notes: AsyncGenerator[FrameNote | FollowEnd, None]) -> AsyncIterator[bytes]:
    """A JSON document a line; the last one says why it is the last."""
    try:
        async for note in notes:
            yield json.dumps(plain_json(note)).encode() + b"\n"
    finally:
        await notes.aclose()
