"""How high the sun stands, and the most that a clear sky gives, by the array.

Declination and equation of time are Spencer's series (1971), as in NOAA's "General solar position
calculations"; good to a quarter of a degree, without refraction. Air mass is Kasten and Young's
(1989), the light through it Meinel and Meinel's (1976).
"""

from __future__ import annotations

import numpy as np

from v2g_daemon.domain.sun import SunForecast
from v2g_daemon.planning.case import Floats, Ints
from v2g_daemon.planning.wall import DAY_S, QUARTER_S

OUTER_W_PER_M2 = 1353.0
# A plane that faces the sun gets a tenth more from the sky around it; bright clouds add to that.
SKY_FACTOR = 1.1
CLOUD_FACTOR = 1.25
# Nearer to the horizon a share of the clear sky says little.
LEAST_W_PER_M2 = 50.0
# The sun is looked for at both ends of a quarter hour and within.
LOOKS_S = np.linspace(0.0, QUARTER_S, 4)


def sun_height(moments_s: Floats, *, latitude_deg: float, longitude_deg: float) -> Floats:
    """The sine of the sun's elevation at POSIX seconds."""
    declination, equation_min = _spencer(moments_s)
    solar_min = moments_s % DAY_S / 60.0 + equation_min + 4.0 * longitude_deg
    hour_angle = np.radians(solar_min / 4.0 - 180.0)
    latitude = np.radians(latitude_deg)
    height: Floats = np.sin(latitude) * np.sin(declination) + np.cos(latitude) * np.cos(
        declination
    ) * np.cos(hour_angle)
    return height


def most_w_per_m2(quarters_s: Ints, *, latitude_deg: float, longitude_deg: float) -> Floats:
    """The most that any plane gets in quarter hours: 0 where the sun is down all the time."""
    moments_s = quarters_s[..., None] + LOOKS_S
    height = sun_height(moments_s, latitude_deg=latitude_deg, longitude_deg=longitude_deg)
    most: Floats = CLOUD_FACTOR * SKY_FACTOR * _direct_w_per_m2(height).max(axis=-1)
    return most


def clear_w_per_m2(sun: SunForecast, quarters_s: Ints) -> Floats:
    """The same, but never less than what a share of it can be told of."""
    most = most_w_per_m2(quarters_s, latitude_deg=sun.latitude_deg, longitude_deg=sun.longitude_deg)
    return np.maximum(most, LEAST_W_PER_M2)


def _spencer(moments_s: Floats) -> tuple[Floats, Floats]:
    """The declination in radians and the equation of time in minutes."""
    year = moments_s.astype("datetime64[s]").astype("datetime64[Y]")
    since_s = moments_s - year.astype("datetime64[s]").astype(np.float64)
    turn = 2.0 * np.pi / 365.0 * (since_s / DAY_S - 0.5)
    declination = (
        0.006918
        - 0.399912 * np.cos(turn)
        + 0.070257 * np.sin(turn)
        - 0.006758 * np.cos(2.0 * turn)
        + 0.000907 * np.sin(2.0 * turn)
        - 0.002697 * np.cos(3.0 * turn)
        + 0.00148 * np.sin(3.0 * turn)
    )
    equation_min = 229.18 * (
        0.000075
        + 0.001868 * np.cos(turn)
        - 0.032077 * np.sin(turn)
        - 0.014615 * np.cos(2.0 * turn)
        - 0.040849 * np.sin(2.0 * turn)
    )
    return declination, equation_min


def _direct_w_per_m2(height: Floats) -> Floats:
    """What a clear sky lets through to a plane that faces the sun; 0 at night."""
    high = np.clip(height, 0.0, 1.0)
    elevation_deg = np.degrees(np.arcsin(high))
    air_mass = 1.0 / (high + 0.50572 * (elevation_deg + 6.07995) ** -1.6364)
    return np.where(height > 0.0, OUTER_W_PER_M2 * 0.7 ** (air_mass**0.678), 0.0)
