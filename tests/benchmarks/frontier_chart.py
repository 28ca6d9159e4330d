"""The frontier of money against missed energy, drawn as one SVG that needs nothing around it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from v2g_daemon.adapters.reports.charts import nice_ticks

WIDTH, HEIGHT = 640.0, 360.0
LEFT, RIGHT, TOP, BOTTOM = 60.0, 20.0, 20.0, 50.0
COLOURS = ("#1a6fb0", "#c2541b")
STYLE = (
    "text{font:13px sans-serif;fill:#333}.grid{stroke:#ddd}svg{background:#fff}"
    ".line{fill:none;stroke-width:2}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """Points of kWh missed, share in per cent, and the price that led there."""

    name: str
    points: tuple[tuple[float, float, float], ...]


def frontier_chart(courses: Sequence[Course]) -> str:
    """Missed energy to the right, share of the gain upwards, a line for each kind of knowledge."""
    every = [point for course in courses for point in course.points]
    across = nice_ticks(0.0, max(missed for missed, _, _ in every))
    up = nice_ticks(min(share for _, share, _ in every), max(share for _, share, _ in every))
    frame = _Frame(across=across, up=up)
    drawn = [*frame.rulers()]
    for course, colour in zip(courses, COLOURS, strict=False):
        drawn += frame.course(course, colour)
    said = "Share of the attainable gain against kWh missed a year, by the price of missing"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img"'
    return "\n".join([f'{head} aria-label="{said}"><style>{STYLE}</style>', *drawn, "</svg>", ""])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """The ticks of both axes, and where values lie between them."""

    across: Sequence[float]
    up: Sequence[float]

    def x(self, missed_kwh: float) -> float:
        """Pixels from the left."""
        along = (missed_kwh - self.across[0]) / (self.across[-1] - self.across[0])
        return LEFT + along * (WIDTH - LEFT - RIGHT)

    def y(self, share: float) -> float:
        """Pixels from the top."""
        along = (share - self.up[0]) / (self.up[-1] - self.up[0])
        return HEIGHT - BOTTOM - along * (HEIGHT - TOP - BOTTOM)

    def rulers(self) -> Iterator[str]:
        """Lines and numbers of both axes."""
        left, right = LEFT, WIDTH - RIGHT
        for share in self.up:
            y = self.y(share)
            yield f'<line class="grid" x1="{left:g}" x2="{right:g}" y1="{y:.1f}" y2="{y:.1f}"/>'
            yield f'<text x="{left - 8:g}" y="{y + 4:.1f}" text-anchor="end">{share:g} %</text>'
        for missed_kwh in self.across:
            x, y = self.x(missed_kwh), HEIGHT - BOTTOM + 20.0
            yield f'<text x="{x:.1f}" y="{y:g}" text-anchor="middle">{missed_kwh:g}</text>'
        middle = (left + right) / 2.0
        words = "kWh missed in a year, all six years together"
        yield f'<text x="{middle:g}" y="{HEIGHT - 8:g}" text-anchor="middle">{words}</text>'

    def course(self, course: Course, colour: str) -> Iterator[str]:
        """The line through the points of a course, each with its price, and the course's name."""
        at = [(self.x(missed), self.y(share), price) for missed, share, price in course.points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in at)
        yield f'<polyline class="line" stroke="{colour}" points="{path}"/>'
        for number, (x, y, price) in enumerate(at):
            below = 18.0 if number % 2 == 0 else -9.0
            yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>'
            yield f'<text x="{x + 7:.1f}" y="{y + below:.1f}">{price:g}</text>'
        x, y, _ = at[0]
        anchor = "end" if x > WIDTH / 2.0 else "start"
        named = f'<text x="{x:.1f}" y="{y - 12:.1f}" text-anchor="{anchor}" style="fill:{colour}">'
        yield f"{named}{course.name}</text>"
