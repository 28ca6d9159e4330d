"""The whole API of a composed daemon, asked by its own schema and against it."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.adapters.web.conftest import until_served
from tests.unit.settings.files import SMALLEST, written
from v2g_daemon.adapters.database.writer import DatabaseLedger
from v2g_daemon.adapters.system.clock import RealClock
from v2g_daemon.app.composition import Parts, compose
from v2g_daemon.settings import load_settings

REQUESTS = 1500
KNOWN = ("garage", "STATION-1", "car", "guest", "stop", "charge", "Heartbeat", "TxCtrlr.Enabled")
STAMPS = ("2024-12-11T17:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "yesterday")
ODD: tuple[Any, ...] = (
    None, True, -1, 10**30, 1e308, "", "\x00", "\ud83d", "../../etc", "'; DROP TABLE x; --",
    "x" * 3000, [], [[]], {}, {"a": {"b": 1}},
)  # fmt: skip


@pytest.fixture
def parts(tmp_path: Path, socket_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Parts]:
    """A daemon of one charger, which is away; nothing of it runs yet."""
    monkeypatch.setenv("V2G_PASSWORD_GARAGE", "secret-word")
    clock = RealClock()
    text = f'{SMALLEST}[trace]\ndirectory = "{tmp_path}"\n[api]\nsocket = "{socket_path}"\n'
    settings = load_settings(written(tmp_path, text))
    ledger = DatabaseLedger(f"sqlite:///{tmp_path / 'x.sqlite3'}", now_utc=clock.now().utc)
    composed = compose(settings, clock=clock, ledger=ledger)
    yield composed
    composed.trace.close()
    ledger.close()


class Questions:
    """Requests by a schema; every other value is not what it asks for."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self._schema = schema
        self._random = random.Random(67)
        self._operations = [
            (path, method, operation)
            for path, methods in schema["paths"].items()
            for method, operation in methods.items()
            if not path.endswith("/follow")  # it never ends
        ]

    @property
    def count(self) -> int:
        return len(self._operations)

    def next(self) -> tuple[str, str, dict[str, Any]]:
        """Method, path and what goes with it."""
        path, method, operation = self._random.choice(self._operations)
        query = {}
        for one in operation.get("parameters", ()):
            value = self._value(one["schema"])
            if one["in"] == "path":
                path = path.replace(f"{{{one['name']}}}", _part(value))
            else:
                query[one["name"]] = _text(value).encode("utf-8", "replace").decode()
        more: dict[str, Any] = {"params": query}
        if "requestBody" in operation:
            wanted = operation["requestBody"]["content"]["application/json"]["schema"]
            body = json.dumps(self._value(wanted)).encode()
            cut = self._random.randrange(len(body)) if self._random.random() < 0.05 else len(body)
            more |= {"content": body[:cut], "headers": {"Content-Type": "application/json"}}
        return method.upper(), path, more

    def _value(self, schema: dict[str, Any]) -> Any:
        if self._random.random() < 0.15:
            return self._random.choice(ODD)
        if "$ref" in schema:
            return self._value(self._schema["components"]["schemas"][schema["$ref"].split("/")[-1]])
        if "anyOf" in schema:
            return self._value(self._random.choice(schema["anyOf"]))
        if "enum" in schema:
            return self._random.choice(schema["enum"])
        match schema.get("type"):
            case "object":
                found = {
                    name: self._value(one)
                    for name, one in schema.get("properties", {}).items()
                    if name in schema.get("required", ()) or self._random.random() < 0.5
                }
                return found | ({"mood": "good"} if self._random.random() < 0.05 else {})
            case "integer" | "number":
                return self._random.choice((1, 2, 0, -7, 10**6))
            case "boolean":
                return self._random.random() < 0.5
            case "string":
                stamp = schema.get("format") == "date-time"
                return self._random.choice(STAMPS if stamp else KNOWN)
            case _:
                return self._random.choice(ODD)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _part(value: Any) -> str:
    """One segment of a path, whatever it holds."""
    return "".join(f"%{one:02X}" for one in _text(value).encode("utf-8", "surrogatepass")) or "%20"


async def test_no_request_by_the_schema_or_against_it_is_our_fault(
    parts: Parts, socket_path: Path
) -> None:
    parts.loop.tick()
    serving = asyncio.create_task(_run(parts))
    transport = httpx.AsyncHTTPTransport(uds=str(socket_path), retries=20)
    async with httpx.AsyncClient(transport=transport, base_url="http://v2g-daemon") as client:
        await until_served(client)
        questions = Questions((await client.get("/openapi.json")).json())
        assert questions.count > 20
        statuses: dict[int, int] = {}
        for _ in range(REQUESTS):
            method, path, more = questions.next()
            answer = await client.request(method, path, **more)
            said = (method, path, more, answer.text)
            assert answer.status_code < 500 or "detail" in answer.json(), said
            statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
        assert (await client.get("/api/v1/status")).status_code == 200
    serving.cancel()
    await asyncio.wait([serving])
    assert {200, 404, 409, 422, 503} <= statuses.keys(), statuses
    assert statuses.keys() <= {200, 404, 405, 409, 422, 503}, statuses


async def _run(parts: Parts) -> None:
    await parts.edges["api"]()
