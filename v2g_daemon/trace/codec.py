"""The lines of a trace.

A trace is JSON lines. The first is the header {"trace": 1, "versions": …}; a `put` line writes a
big thing once under the short hash of its JSON; a `memory` line holds the memory from which the
next tick was decided, where the tick before did not leave just that; a `snapshot` line holds one
tick: the snapshot, the decision, and the ids of the policy and of what was put.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import date
from typing import Final, TypeVar, get_type_hints

from v2g_daemon.domain.decision import Decision
from v2g_daemon.domain.memory import Memory
from v2g_daemon.domain.plan import Plan
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.prices import PriceCurve
from v2g_daemon.domain.snapshot import CommissioningRecord, Snapshot, VehicleGoals
from v2g_daemon.domain.sun import SunForecast
from v2g_daemon.trace.json_form import (
    CONVERTER,
    Json,
    TraceError,
    dump,
    parse,
    structure,
    unstructure,
)

TRACE_FORMAT: Final = 1
HEADER_START: Final = b'{"trace":'
_ID_CHARACTERS: Final = 12
_KINDS: Final[Mapping[str, object]] = {
    "policy": Policy,
    "prices": PriceCurve,
    "plan": Plan,
    "goals": tuple[VehicleGoals, ...],
    "commissioning": tuple[CommissioningRecord, ...],
    "sun": SunForecast,
}
_PUT_FIELDS: Final = ("prices", "plans", "goals", "commissioning", "sun")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The start of a file: the trace format and what wrote it."""

    trace: int
    versions: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryBefore:
    """The memory from which the next tick was decided."""

    memory: Memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """One recorded tick."""

    policy: Policy
    snapshot: Snapshot
    decision: Decision


TraceRecord = Header | MemoryBefore | Tick


class TraceEncoder:
    """Ticks to trace lines; remembers what the running file already holds.

    A new UTC day starts a new file with a header of its own, so that each file replays alone.
    """

    def __init__(self, *, versions: Mapping[str, str]) -> None:
        self._versions = dict(versions)
        self._day: date | None = None
        self._written: set[str] = set()
        self._newest: dict[str, tuple[tuple[object, str], ...]] = {}
        self._expected: Memory | None = None
        self._inline = tuple(
            (name, CONVERTER.get_unstructure_hook(_SNAPSHOT_TYPES[name])) for name in _INLINE_FIELDS
        )

    def restart(self) -> None:
        """Lines were lost: the next tick starts a new file."""
        self._day = None

    def lines(
        self,
        snapshot: Snapshot,
        decision: Decision,
        *,
        policy: Policy,
        memory: Memory,
        memory_after: Memory,
    ) -> list[bytes]:
        """The lines of one tick, without line ends: `memory` went into `decide`, `_after` came out.

        A header among them is always the first; it starts a new file.
        """
        lines: list[bytes] = []
        day = snapshot.now.utc.date()
        if day != self._day:
            self._start(day)
            lines.append(dump({"trace": TRACE_FORMAT, "versions": self._versions}))
        policy_id = self._put("policy", (policy,), lines)[0]
        if self._expected is not memory and self._expected != memory:
            lines.append(dump({"memory": unstructure(memory, Memory)}))
        self._expected = memory_after
        written = {
            "snapshot": self._snapshot(snapshot, lines),
            "decision": unstructure(decision, Decision),
            "policy": policy_id,
        }
        lines.append(dump(written))
        return lines

    def _start(self, day: date) -> None:
        self._day = day
        self._written.clear()
        self._newest.clear()
        self._expected = None

    def _snapshot(self, snapshot: Snapshot, lines: list[bytes]) -> dict[str, Json]:
        prices = () if snapshot.prices is None else (snapshot.prices,)
        price_ids = self._put("prices", prices, lines)
        try:
            inline = {name: write(getattr(snapshot, name)) for name, write in self._inline}
        except (ValueError, TypeError, AttributeError) as error:
            raise TraceError(f"Snapshot cannot be written: {error}") from error
        # A house without a weather service has no word of it, as before there was any.
        sun_ids = self._put("sun", () if snapshot.sun is None else (snapshot.sun,), lines)
        return {
            **inline,
            **({"sun": sun_ids[0]} if sun_ids else {}),
            "prices": price_ids[0] if price_ids else None,
            "plans": list(self._put("plan", snapshot.plans, lines)),
            "goals": self._put("goals", (snapshot.goals,), lines)[0],
            "commissioning": self._put("commissioning", (snapshot.commissioning,), lines)[0],
        }

    def _put(self, kind: str, values: tuple[object, ...], lines: list[bytes]) -> tuple[str, ...]:
        """The ids of the values; what the file does not hold yet becomes a line first."""
        known = self._newest.get(kind, ())
        newest = tuple((value, self._id_of(kind, value, known, lines)) for value in values)
        self._newest[kind] = newest
        return tuple(short for _, short in newest)

    def _id_of(
        self, kind: str, value: object, known: tuple[tuple[object, str], ...], lines: list[bytes]
    ) -> str:
        for earlier, short in known:
            if earlier is value:
                return short
        written = dump(_written_as(kind, value))
        short = hashlib.sha256(written).hexdigest()[:_ID_CHARACTERS]
        if (name := f"{kind} {short}") not in self._written:
            self._written.add(name)
            lines.append(
                b'{"put":"%s","id":"%s","value":%s}' % (kind.encode(), short.encode(), written)
            )
        return short


def _written_as(kind: str, value: object) -> object:
    try:
        return CONVERTER.unstructure(value, unstructure_as=_KINDS[kind])
    except (ValueError, TypeError, AttributeError) as error:
        raise TraceError(f"{kind} cannot be written: {error}") from error


_SNAPSHOT_TYPES: Final = get_type_hints(Snapshot)
_INLINE_FIELDS: Final = tuple(one.name for one in fields(Snapshot) if one.name not in _PUT_FIELDS)
# A field that came later has a default, which is what a trace from before means.
_REQUIRED: Final = {one.name for one in fields(Snapshot) if one.default is MISSING}


def decode_trace(lines: Iterable[bytes]) -> Iterator[TraceRecord]:
    """The records of a trace in order; raises TraceError naming the line."""
    put: dict[tuple[str, str], object] = {}
    for number, line in enumerate(lines, start=1):
        try:
            record = _record(line, put, first=number == 1)
        except TraceError as error:
            raise TraceError(f"line {number}: {error}") from error
        if record is not None:
            yield record


def _record(line: bytes, put: dict[tuple[str, str], object], *, first: bool) -> TraceRecord | None:
    parsed = parse(line)
    if not isinstance(parsed, dict):
        raise TraceError("not a JSON object")
    keys = parsed.keys()
    if keys == {"trace", "versions"}:
        return _header(parsed)
    if first:
        raise TraceError("a trace starts with its header")
    if keys == {"put", "id", "value"}:
        _take(parsed, put)
        return None
    if keys == {"memory"}:
        return MemoryBefore(memory=structure(parsed["memory"], Memory))
    if keys == {"snapshot", "decision", "policy"}:
        return _tick(parsed, put)
    raise TraceError(f"no known kind of line: {sorted(keys)}")


def _header(parsed: dict[str, Json]) -> Header:
    if parsed["trace"] != TRACE_FORMAT:
        raise TraceError(f"trace format {parsed['trace']!r}; this version reads {TRACE_FORMAT}")
    versions = structure(parsed["versions"], dict[str, str])
    return Header(trace=TRACE_FORMAT, versions=versions)


def _take(parsed: dict[str, Json], put: dict[tuple[str, str], object]) -> None:
    kind, short = structure(parsed["put"], str), structure(parsed["id"], str)
    if kind not in _KINDS:
        raise TraceError(f"no known kind of thing: {kind!r}")
    put[kind, short] = structure(parsed["value"], _KINDS[kind])  # type: ignore[arg-type]


def _tick(parsed: dict[str, Json], put: dict[tuple[str, str], object]) -> Tick:
    written = parsed["snapshot"]
    if not isinstance(written, dict) or not _REQUIRED <= written.keys() <= _SNAPSHOT_TYPES.keys():
        raise TraceError("snapshot: not the fields of a Snapshot")
    policy = _find(put, "policy", parsed["policy"], Policy)
    values: dict[str, object] = {
        name: structure(written[name], _SNAPSHOT_TYPES[name])
        for name in _INLINE_FIELDS
        if name in written
    }
    prices, plans = written["prices"], written["plans"]
    if not isinstance(plans, list):
        raise TraceError("snapshot: plans is not an array of ids")
    values["prices"] = None if prices is None else _find(put, "prices", prices, PriceCurve)
    values["plans"] = tuple(_find(put, "plan", short, Plan) for short in plans)
    if "sun" in written:
        values["sun"] = _find(put, "sun", written["sun"], SunForecast)
    values["goals"] = _find(put, "goals", written["goals"], tuple)
    values["commissioning"] = _find(put, "commissioning", written["commissioning"], tuple)
    snapshot = Snapshot(**values)  # type: ignore[arg-type]
    decision = structure(parsed["decision"], Decision)
    return Tick(policy=policy, snapshot=snapshot, decision=decision)


def _find(put: dict[tuple[str, str], object], kind: str, short: Json, cls: type[T]) -> T:
    found = put.get((kind, short)) if isinstance(short, str) else None
    if not isinstance(found, cls):
        raise TraceError(f"{kind} {short!r} was never put")
    return found
