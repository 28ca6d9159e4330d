"""`v2g compare`: every combination of tariffs, cars, chargers and drivers, on all cores.

What is done is kept in a folder, a file a combination, so that a matrix broken off goes on where it
was. A file counts only for the same daemon, configuration, files and days.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import product
from pathlib import Path

from v2g_daemon import __version__
from v2g_daemon.adapters.series.table import read_bytes
from v2g_daemon.app.backtest.house import Files, case_of_house
from v2g_daemon.app.backtest.run import first_of, rehearse
from v2g_daemon.app.tariffs import book_of, load_book
from v2g_daemon.domain.errors import ConfigurationError, RehearsalFailed
from v2g_daemon.rehearsal.knowledge import Knowledge
from v2g_daemon.rehearsal.ranking import COMPARED, Combination, Compared, compared
from v2g_daemon.settings import Settings
from v2g_daemon.settings.tariff_file import load_tariff
from v2g_daemon.trace.json_form import TraceError, dump, parse, structure, unstructure

HOUSE_TARIFF = "the house's"
SCHEDULE = "schedule"
Watch = Callable[[Combination], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """What is combined; all share `files`. A driver is a file of sessions, or `schedule`."""

    settings: Settings
    files: Files
    knowledge: Knowledge
    tariffs: Sequence[str]
    cars: Sequence[str]
    chargers: Sequence[str]
    drivers: Sequence[str]

    def combinations(self) -> tuple[Combination, ...]:
        """All of them, in the order in which they were named."""
        return tuple(
            Combination(tariff=tariff, car=car, charger=charger, driver=driver)
            for tariff, car, charger, driver in product(
                self.tariffs, self.cars, self.chargers, self.drivers
            )
        )

    def files_of(self, one: Combination) -> Files:
        """The files of a combination; prices of sources that its tariff does not have are left."""
        house = one.tariff == HOUSE_TARIFF
        book = book_of(self.settings) if house else load_book(one.tariff)
        prices = [
            given
            for given in self.files.prices
            if (given.rpartition("=")[0] in book.sources() if "=" in given else book.sources())
        ]
        return replace(
            self.files,
            tariff=None if house else one.tariff,
            prices=tuple(prices),
            sessions=None if one.driver == SCHEDULE else Path(one.driver),
            car=one.car,
            charger=one.charger,
        )


def matrix(
    settings: Settings,
    files: Files,
    *,
    knowledge: Knowledge,
    tariffs: Sequence[str],
    cars: Sequence[str],
    chargers: Sequence[str],
    drivers: Sequence[str],
) -> Matrix:
    """The matrix; what was not named is the house's own. ConfigurationError for two currencies."""
    books = [load_book(name) for name in tariffs] or [book_of(settings)]
    currencies = sorted({book.currency for book in books})
    if len(currencies) > 1:
        raise ConfigurationError(
            f"the tariffs are in {' and '.join(currencies)}, which cannot be ranked; compare those "
            "of one currency"
        )
    return Matrix(
        settings=settings,
        files=files,
        knowledge=knowledge,
        tariffs=tariffs or (HOUSE_TARIFF,),
        cars=cars or (settings.vehicle[0].id,),
        chargers=chargers or (settings.charger[0].id,),
        drivers=drivers or (SCHEDULE if files.sessions is None else str(files.sessions),),
    )


async def compare(
    asked: Matrix, folder: Path, *, cores: int, watch: Watch, stop: asyncio.Event
) -> tuple[Compared, ...]:
    """All combinations that came to the end before `stop`; RehearsalFailed, ConfigurationError."""
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    todo = iter(asked.combinations())
    shared = asyncio.Semaphore(cores)
    found: dict[Combination, Compared] = {}

    async def worker() -> None:
        for one in todo:
            if stop.is_set():
                return
            known = await _one(asked, one, folder, shared, watch, stop)
            if known is not None:
                found[one] = known

    try:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(cores):
                tasks.create_task(worker())
    except* (RehearsalFailed, ConfigurationError) as failed:
        raise first_of(failed) from None
    return tuple(found[one] for one in asked.combinations() if one in found)


async def _one(
    asked: Matrix,
    one: Combination,
    folder: Path,
    cores: asyncio.Semaphore,
    watch: Watch,
    stop: asyncio.Event,
) -> Compared | None:
    """A combination from the folder, else from a rehearsal; None where that was stopped."""
    files = asked.files_of(one)
    place = folder / f"{await asyncio.to_thread(fingerprint, asked, one, files)}.json"
    known = _kept(place)
    if known is not None:
        watch(one)
        return known
    case = await asyncio.to_thread(case_of_house, asked.settings, files, name=_name(one))
    contest = await rehearse(
        case,
        knowledge=asked.knowledge,
        strategies=COMPARED,
        relax=False,
        cores=cores,
        watch=lambda strategy, slots: None,
        stop=stop,
    )
    if not contest.complete:
        return None
    known = compared(contest, one)
    _keep(known, place)
    watch(one)
    return known


def _name(one: Combination) -> str:
    return f"{one.tariff}, {one.car}, {one.charger}, {one.driver}"


def fingerprint(asked: Matrix, one: Combination, files: Files) -> str:
    """The same for the same rehearsal, whatever else changes."""
    found = sha256()
    for part in _parts(asked, one, files):
        found.update(f"{len(part)}:".encode() + part)
    return found.hexdigest()[:32]


def _parts(asked: Matrix, one: Combination, files: Files) -> Iterator[bytes]:
    yield f"{__version__} {asked.knowledge.value} {one} {files}".encode()
    yield asked.settings.model_dump_json().encode()
    if files.tariff is not None:
        for version in load_tariff(files.tariff):
            yield version.model_dump_json().encode()
    given = [Path(price.rpartition("=")[2]) for price in files.prices]
    given += [path for path in (files.export_prices, files.load, files.pv, files.sessions) if path]
    for path in given:
        yield read_bytes(path)


def _kept(place: Path) -> Compared | None:
    """What the folder holds; a file that cannot be read is made anew."""
    try:
        return structure(parse(place.read_bytes()), Compared)
    except (FileNotFoundError, TraceError):
        return None


def _keep(known: Compared, place: Path) -> None:
    """A file is there whole or not at all."""
    partial = place.with_suffix(".partial")
    partial.write_bytes(dump(unstructure(known, Compared)))
    partial.replace(place)
