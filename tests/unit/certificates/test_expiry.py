"""A certificate's end is told thirty days before, and over restarts."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from tests.adapters.ocpp.scripted_station import START_UTC, MemoryJournal, SteppedClock
from v2g_daemon.adapters.certificates.expiry import Watched, expiry_faults
from v2g_daemon.adapters.certificates.watch import CertificateWatch
from v2g_daemon.domain.faults import Fault, FaultCode


def watched(days: float | None) -> Watched:
    until_utc = None if days is None else START_UTC + timedelta(days=days)
    return Watched(what="the server's certificate", not_after_utc=until_utc, next_step="renew it")


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (31.0, None),
        (29.5, "the server's certificate expires on 2025-01-10 (29 days left); renew it"),
        (0.5, "the server's certificate expires on 2024-12-12 (0 days left); renew it"),
        (0.0, "the server's certificate expired on 2024-12-11; renew it"),
        (-10.0, "the server's certificate expired on 2024-12-01; renew it"),
        (None, "the server's certificate cannot be read; renew it"),
    ],
)
def test_the_end_of_a_certificate_is_a_fault_thirty_days_before(
    days: float | None, said: str | None
) -> None:
    found = expiry_faults([watched(days)], START_UTC)
    code = FaultCode.CERTIFICATE_EXPIRING
    assert found == (() if said is None else (Fault(code=code, detail=said),))


class Sink:
    """Keeps what was put last."""

    def __init__(self) -> None:
        self.faults: tuple[Fault, ...] = ()

    def put_faults(self, source: str, faults: tuple[Fault, ...]) -> None:
        assert source == "certificates"
        self.faults = faults


def watch(clock: SteppedClock, journal: MemoryJournal, sink: Sink) -> CertificateWatch:
    return CertificateWatch(
        clock=clock, journal=journal, sink=sink, station_ids=["S1"], files=lambda: (watched(10.0),)
    )


def test_a_stations_certificate_is_watched_from_its_handshake_on_and_over_restarts() -> None:
    clock, journal, sink = SteppedClock(), MemoryJournal(), Sink()
    first = watch(clock, journal, sink)
    first.note("S1", START_UTC + timedelta(days=5))
    first.note("S1", START_UTC + timedelta(days=5))
    assert len(journal.order) == 1  # told once, however often it connects
    assert [fault.detail for fault in sink.faults] == [
        "the server's certificate expires on 2024-12-21 (10 days left); renew it",
        "the certificate of station S1 expires on 2024-12-16 (5 days left); "
        "have it ask for a new one: v2g certs request S1",
    ]
    later = Sink()
    watch(clock, journal, later).look()
    assert later.faults == sink.faults
    first.note("S1", START_UTC + timedelta(days=800))
    assert len(sink.faults) == 1


def test_an_untrusted_clock_says_nothing_of_what_has_expired() -> None:
    clock, sink = SteppedClock(), Sink()
    clock.is_trusted = False
    watch(clock, MemoryJournal(), sink).look()
    assert sink.faults == ()


async def test_it_looks_again_every_hour() -> None:
    clock, sink = SteppedClock(), Sink()
    clock.is_trusted = False

    async def trusted_later(seconds_s: float) -> None:
        clock.elapsed_s += seconds_s
        clock.is_trusted = True
        await asyncio.sleep(0)

    clock.sleep = trusted_later  # type: ignore[method-assign]
    looking = asyncio.create_task(watch(clock, MemoryJournal(), sink).run())
    async with asyncio.timeout(5):
        while not sink.faults:  # noqa: ASYNC110 - the sink tells nobody
            await asyncio.sleep(0)
    looking.cancel()
    assert clock.elapsed_s >= 3600.0
