"""Charts as inline SVG: bars with a range, months side by side, and a day in three panels.

Colours are classes of the page's style, so that a chart is light or dark with it. Every chart says
in words what it shows, for who cannot see it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from v2g_daemon.adapters.reports.html import Html, joined, tag, text

_Place = Callable[[float], float]
NARROW, ROOMY = 350.0, 800.0
TICKS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class RangedBar:
    """A value with its range (None: it has none), under a name; `kind` is its colour's class."""

    name: str
    value: float
    low: float | None
    high: float | None
    label: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Some values side by side over one name, in the order of the chart's kinds."""

    name: str
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A part of a day's chart: lines of a class each, bars around zero, and marks across.

    Every series has one value per step; None is a gap.
    """

    title: str
    unit: str
    lines: tuple[tuple[str, tuple[float | None, ...]], ...] = ()
    bars: tuple[float, ...] = ()
    marks: tuple[float, ...] = ()
    height: float = 110.0
    from_zero: bool = False


def ranged_bars(bars: Sequence[RangedBar], *, width: float, said: str) -> Html:
    """Horizontal bars from zero, each under its name, with whiskers where there is a range."""
    ends = [0.0]
    for bar in bars:
        ends += [bar.value, *(one for one in (bar.low, bar.high) if one is not None)]
    room = 86.0
    low, high = min(ends), max(ends)
    scale = (width - room) / (high - low if high > low else 1.0)
    zero = -low * scale
    rows = [_ranged(bar, 46.0 * number, zero, scale) for number, bar in enumerate(bars)]
    height = 46.0 * len(bars)
    axis = tag("line", x1=zero, x2=zero, y1=0, y2=height - 8, class_="axis")
    return _svg(width, height, said, joined([*rows, axis]))


def _ranged(bar: RangedBar, top: float, zero: float, scale: float) -> Html:
    end = zero + bar.value * scale
    parts = [
        tag("text", text(bar.name), x=0, y=top + 12),
        _box(min(zero, end), top + 18, abs(end - zero), 16, bar.kind),
    ]
    rightmost = max(end, zero)
    if bar.low is not None and bar.high is not None:
        left, right = zero + bar.low * scale, zero + bar.high * scale
        middle = top + 26
        rightmost = max(rightmost, right)
        parts += [
            tag("line", x1=_n(left), x2=_n(right), y1=middle, y2=middle, class_="whisker"),
            *(
                tag("line", x1=_n(x), x2=_n(x), y1=middle - 5, y2=middle + 5, class_="whisker")
                for x in (left, right)
            ),
        ]
    parts.append(tag("text", text(bar.label), x=_n(rightmost + 8), y=top + 31, class_="strong"))
    return joined(parts)


def grouped_bars(groups: Sequence[Group], kinds: Sequence[str], *, width: float, said: str) -> Html:
    """Vertical bars, some for each name, over and under zero."""
    left, height, foot = 40.0, 190.0, 22.0
    values = [value for group in groups for value in group.values]
    ticks = nice_ticks(min([0.0, *values]), max([0.0, *values]))
    low, high = ticks[0], ticks[-1]
    scale = (height - foot - 8.0) / (high - low)
    each = (width - left) / max(len(groups), 1)
    bar = min(each * 0.8 / max(len(kinds), 1), 24.0)

    def y(value: float) -> float:
        return 8.0 + (high - value) * scale

    parts = [*_rulers(ticks, y, left, width)]
    for number, group in enumerate(groups):
        first = left + each * (number + 0.5) - bar * len(kinds) / 2.0
        for place, (kind, value) in enumerate(zip(kinds, group.values, strict=True)):
            top, size = min(y(value), y(0.0)), abs(y(value) - y(0.0))
            parts.append(_box(first + bar * place + 0.5, top, bar - 1.0, size, kind))
        middle = left + each * (number + 0.5)
        parts.append(_label(group.name, middle, height - 6.0))
    parts.append(tag("line", x1=left, x2=width, y1=_n(y(0.0)), y2=_n(y(0.0)), class_="axis"))
    return _svg(width, height, said, joined(parts))


def day_panels(
    panels: Sequence[Panel],
    hours: Sequence[tuple[float, str]],
    away: Sequence[tuple[float, float]],
    *,
    width: float,
    said: str,
) -> Html:
    """Panels under one another over the same hours; `away` are the shares of the width shaded.

    `hours` are labels at shares (0–1) of the width.
    """
    left, top = 40.0, 0.0
    inner = width - left
    parts: list[Html] = []
    for panel in panels:
        shades = (_box(left + inner * a, top + 20, inner * (b - a), panel.height, "away")
                  for a, b in away)  # fmt: skip
        parts += [*shades, *_panel(panel, top, left, width)]
        top += panel.height + 34.0
    for share, label in hours:
        parts.append(_label(label, left + inner * share, top - 2.0))
    return _svg(width, top + 6.0, said, joined(parts))


def _panel(panel: Panel, top: float, left: float, width: float) -> Iterator[Html]:
    known = [one for _, line in panel.lines for one in line if one is not None]
    values = [*known, *panel.bars, *panel.marks, *([0.0] if panel.bars or panel.from_zero else [])]
    ticks = nice_ticks(min(values), max(values))
    low, high = ticks[0], ticks[-1]
    scale = panel.height / (high - low)
    base = top + 20.0

    def y(value: float) -> float:
        return base + (high - value) * scale

    yield tag("text", text(f"{panel.title}, {panel.unit}"), x=left, y=top + 12, class_="faint")
    yield from _rulers(ticks, y, left, width)
    for mark in panel.marks:
        yield tag("line", x1=left, x2=width, y1=_n(y(mark)), y2=_n(y(mark)), class_="mark")
    step = (width - left) / max(len(panel.bars), 1)
    for number, value in enumerate(panel.bars):
        if value != 0.0:
            kind = "charge" if value > 0.0 else "give"
            first, size = left + step * number, abs(y(value) - y(0.0))
            yield _box(first, min(y(value), y(0.0)), max(step - 0.3, 0.6), size, kind)
    if panel.bars:
        yield tag("line", x1=left, x2=width, y1=_n(y(0.0)), y2=_n(y(0.0)), class_="axis")
    for kind, line in panel.lines:
        yield tag("path", d=_steps(line, left, width, y), class_=f"line {kind}")


def _steps(line: Sequence[float | None], left: float, width: float, y: _Place) -> str:
    """A step line: each value holds to the next one."""
    step = (width - left) / max(len(line), 1)
    drawn: list[str] = []
    before: float | None = None
    for number, value in enumerate(line):
        if value is not None:
            x, height = _n(left + step * number), _n(y(value))
            drawn.append(f"M{x} {height}" if before is None else f"V{height}")
            drawn.append(f"H{_n(left + step * (number + 1))}")
        before = value
    return "".join(drawn)


def nice_ticks(low: float, high: float) -> list[float]:
    """About four round values that reach from below the lowest to above the highest."""
    span = high - low if high > low else max(abs(high), 1.0)
    rough = span / TICKS
    power = 10.0 ** floor(log10(rough))
    step = next(power * one for one in (1.0, 2.0, 2.5, 5.0, 10.0) if power * one >= rough)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    last = max(last, first + 1)
    return [round(step * number, 10) for number in range(first, last + 1)]


def _rulers(ticks: Sequence[float], y: _Place, left: float, width: float) -> Iterator[Html]:
    for tick in ticks:
        height = _n(y(tick))
        yield tag("line", x1=left, x2=width, y1=height, y2=height, class_="grid")
        yield tag(
            "text", text(f"{tick:g}"), x=left - 6, y=_n(y(tick) + 4), text_anchor="end",
            class_="faint",
        )  # fmt: skip


def _label(words: str, x: float, y: float) -> Html:
    return tag("text", text(words), x=_n(x), y=_n(y), text_anchor="middle", class_="faint")


def _box(x: float, y: float, width: float, height: float, kind: str) -> Html:
    return tag(
        "rect", x=_n(x), y=_n(y), width=_n(max(width, 0.0)), height=_n(max(height, 0.0)),
        rx=1.5, class_=kind,
    )  # fmt: skip


def _svg(width: float, height: float, said: str, inside: Html) -> Html:
    return tag(
        "svg",
        inside,
        viewBox=f"0 0 {_n(width)} {_n(height)}",
        role="img",
        aria_label=said,
        xmlns="http://www.w3.org/2000/svg",
    )


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
