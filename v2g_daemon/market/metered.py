"""Metered energy by step, and the steps that the billing meter settles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from v2g_daemon.domain.billing_meter import BillingMeter
from v2g_daemon.domain.interval import Interval
from v2g_daemon.market.track import posix_s

MILLIWH_PER_KWH = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class MeteredStep:
    """Energy over the PCC in one step, in integer milliwatt-hours.

    Charge and discharge are the car's; only the relief of returned energy asks for them.
    """

    interval: Interval
    import_milliwh: int
    export_milliwh: int
    charge_milliwh: int = 0
    discharge_milliwh: int = 0


def settled(steps: Sequence[MeteredStep], meter: BillingMeter) -> tuple[MeteredStep, ...]:
    """The steps as the billing meter's intervals, in time order; energy is kept to the last unit.

    A step that a boundary cuts is taken to have flowed evenly, rounded once for both sides.
    """
    found: list[MeteredStep] = []
    for piece in _cut(steps, meter):
        last = found[-1] if found else None
        within = meter.settlement_interval(piece.interval.start_utc)
        if last is not None and within.contains(last.interval.start_utc) and _meet(last, piece):
            found[-1] = _joined(last, piece)
        else:
            found.append(piece)
    return tuple(found)


def _cut(steps: Iterable[MeteredStep], meter: BillingMeter) -> Iterator[MeteredStep]:
    for step in steps:
        rest = step
        while True:
            boundary = meter.settlement_interval(rest.interval.start_utc).end_utc
            if boundary >= rest.interval.end_utc:
                yield rest
                break
            head, rest = _split(rest, boundary)
            yield head


def _split(step: MeteredStep, at_utc: datetime) -> tuple[MeteredStep, MeteredStep]:
    start_utc, end_utc = step.interval.start_utc, step.interval.end_utc
    part_s, whole_s = posix_s(at_utc) - posix_s(start_utc), posix_s(end_utc) - posix_s(start_utc)

    def head(energy_milliwh: int) -> int:
        return (2 * energy_milliwh * part_s + whole_s) // (2 * whole_s)

    first = MeteredStep(
        interval=Interval(start_utc=start_utc, end_utc=at_utc),
        import_milliwh=head(step.import_milliwh),
        export_milliwh=head(step.export_milliwh),
        charge_milliwh=head(step.charge_milliwh),
        discharge_milliwh=head(step.discharge_milliwh),
    )
    second = MeteredStep(
        interval=Interval(start_utc=at_utc, end_utc=end_utc),
        import_milliwh=step.import_milliwh - first.import_milliwh,
        export_milliwh=step.export_milliwh - first.export_milliwh,
        charge_milliwh=step.charge_milliwh - first.charge_milliwh,
        discharge_milliwh=step.discharge_milliwh - first.discharge_milliwh,
    )
    return first, second


def _meet(earlier: MeteredStep, later: MeteredStep) -> bool:
    return earlier.interval.end_utc == later.interval.start_utc


def _joined(earlier: MeteredStep, later: MeteredStep) -> MeteredStep:
    return MeteredStep(
        interval=Interval(start_utc=earlier.interval.start_utc, end_utc=later.interval.end_utc),
        import_milliwh=earlier.import_milliwh + later.import_milliwh,
        export_milliwh=earlier.export_milliwh + later.export_milliwh,
        charge_milliwh=earlier.charge_milliwh + later.charge_milliwh,
        discharge_milliwh=earlier.discharge_milliwh + later.discharge_milliwh,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Steps as columns: what a year of arithmetic reads."""

    spans: list[tuple[int, int]]
    import_milliwh: list[int]
    export_milliwh: list[int]
    bought_milliwh: list[int]
    returned_milliwh: list[int]

    def part(self, first: int, last: int) -> Columns:
        """The steps [first, last)."""
        return Columns(
            spans=self.spans[first:last],
            import_milliwh=self.import_milliwh[first:last],
            export_milliwh=self.export_milliwh[first:last],
            bought_milliwh=self.bought_milliwh[first:last],
            returned_milliwh=self.returned_milliwh[first:last],
        )


def columns(steps: Sequence[MeteredStep]) -> Columns:
    """The steps as columns; bought is charge that was imported, returned discharge exported.

    ValueError where steps overlap or run backwards.
    """
    spans: list[tuple[int, int]] = []
    end_s = 0
    for step in steps:
        start_s = posix_s(step.interval.start_utc)
        if start_s < end_s:
            raise ValueError(f"steps overlap at {datetime.fromtimestamp(start_s, tz=UTC)}")
        end_s = posix_s(step.interval.end_utc)
        spans.append((start_s, end_s))
    return Columns(
        spans=spans,
        import_milliwh=[step.import_milliwh for step in steps],
        export_milliwh=[step.export_milliwh for step in steps],
        bought_milliwh=[min(step.charge_milliwh, step.import_milliwh) for step in steps],
        returned_milliwh=[min(step.discharge_milliwh, step.export_milliwh) for step in steps],
    )
