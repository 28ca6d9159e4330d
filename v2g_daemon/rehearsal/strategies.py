"""The contestants of a rehearsal, by the names that tables and files call them."""

from __future__ import annotations

from enum import Enum


class Strategy(Enum):
    """One way to treat the same car on the same days; the value is its name in files."""

    PLAIN = "plain"
    CHEAPEST = "v1g_cheapest80"
    THRESHOLD = "v2g_threshold"
    V1G = "v1g"
    V2H = "v2h"
    V2G = "v2g"
    PERFECT = "perfect"


OURS = (Strategy.V1G, Strategy.V2H, Strategy.V2G)

TITLES = {
    Strategy.PLAIN: "plain charging",
    Strategy.CHEAPEST: "cheapest hours to 80 %",
    Strategy.THRESHOLD: "break-even threshold",
    Strategy.V1G: "our V1G",
    Strategy.V2H: "our V2H",
    Strategy.V2G: "our V2G",
    Strategy.PERFECT: "perfect foresight",
}

EXPLAINED = {
    Strategy.PLAIN: "Full power from plug-in to the ceiling: what a car does without us.",
    Strategy.CHEAPEST: (
        "Full power in the cheapest quarter hours of the stay that reach 80 % or the trip's need; "
        "solar surplus is taken. What a good tariff app does."
    ),
    Strategy.THRESHOLD: (
        "The same, and discharge whenever a kWh earns more than its refill, losses and wear."
    ),
    Strategy.V1G: "The daemon's own plan, charging only.",
    Strategy.V2H: "The daemon's own plan, discharging no more than the house draws.",
    Strategy.V2G: "The daemon's own plan, exporting where it pays.",
    Strategy.PERFECT: (
        "The best course a programme finds that knows every price, load, sun and trip in advance. "
        "Nobody can have it; it is the yardstick."
    ),
}
