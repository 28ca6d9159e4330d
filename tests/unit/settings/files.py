"""The smallest configuration that a house needs, and files made from it."""

from __future__ import annotations

from pathlib import Path

SMALLEST = """\
[site]
main_fuse_a = 25
largest_other_load_a = 9
[[charger]]
id = "garage"
station_id = "STATION-1"
max_charge_w = 7400
password_env = "V2G_PASSWORD_GARAGE"
[[vehicle]]
id = "car"
capacity_wh = 60000
[tariff]
id = "home"
currency = "EUR"
vat = "0.21"
[tariff.import.energy]
kind = "series"
source = "energy-charts:NL"
adder = "0.02"
[[tariff.import.component]]
name = "energy_tax"
kind = "flat"
value = "0.1088"
"""


def written(folder: Path, text: str = SMALLEST, **replaced: str) -> Path:
    """A file with the text; each keyword replaces the line of the first such key, or adds none."""
    lines = text.splitlines()
    for key, line in replaced.items():
        number = next(n for n, old in enumerate(lines) if old.startswith(f"{key} ="))
        lines[number] = line
    path = folder / "house.toml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def after(section: str, *lines: str, text: str = SMALLEST) -> str:
    """The text with lines added right below a section's heading."""
    assert f"[{section}]\n" in text
    return text.replace(f"[{section}]\n", f"[{section}]\n" + "".join(f"{one}\n" for one in lines))
