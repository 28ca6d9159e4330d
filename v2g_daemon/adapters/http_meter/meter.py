"""A meter that is asked over HTTP, on one kept connection."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import httpx

from v2g_daemon.adapters.http_meter.translate import Pointers, meter_reading
from v2g_daemon.domain.errors import DeviceProtocolError, DeviceRejectedCommand, DeviceUnreachable
from v2g_daemon.domain.readings import MeterReading
from v2g_daemon.ports import Clock

SCHEMES = ("http", "https")
TIMEOUT_S = 2.0  # real
LARGEST_ANSWER_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSource:
    """What is asked, and where in the answer the values stand."""

    url: str
    pointers: Pointers


class HttpMeter:
    """Asks for each reading; a redirection is not followed."""

    def __init__(self, *, source: HttpSource, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._client: httpx.AsyncClient | None = None

    @property
    def name(self) -> str:
        """For people."""
        return self._source.url

    async def read(self) -> MeterReading:
        """One reading, as old as its request; raises a DeviceError."""
        client = self._opened()  # which takes its time, and is not the meter's
        observed_at = self._clock.now()
        try:
            async with asyncio.timeout(TIMEOUT_S):
                answer = await self._answer(client)
        except (httpx.HTTPError, OSError, TimeoutError) as error:
            raise DeviceUnreachable(f"{self.name} does not answer") from error
        try:
            return meter_reading(answer, pointers=self._source.pointers, observed_at=observed_at)
        except DeviceProtocolError as error:
            raise DeviceProtocolError(f"{self.name}: {error}") from error

    async def close(self) -> None:
        """End the connection; a later read opens a new one."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _opened(self) -> httpx.AsyncClient:
        if self._client is None:
            # The address comes from the configuration, so does any proxy: not from the environment.
            self._client = httpx.AsyncClient(trust_env=False, timeout=TIMEOUT_S)
        return self._client

    async def _answer(self, client: httpx.AsyncClient) -> bytes:
        async with client.stream("GET", self._source.url) as response:
            if response.status_code != httpx.codes.OK:
                raise DeviceRejectedCommand(f"{self.name} answers HTTP {response.status_code}")
            answer = b""
            async for chunk in response.aiter_bytes():
                answer += chunk
                if len(answer) > LARGEST_ANSWER_BYTES:
                    raise DeviceProtocolError(f"{self.name} sends more than a meter has to say")
        return answer
