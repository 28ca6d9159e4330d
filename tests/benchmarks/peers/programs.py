"""Who is measured: by which name and version it is installed, and what it cannot be told."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One planner. `requirement`: what pip installs for it; None: it is this project.

    `efficiencies`: what stands for the charger's loss curve, tried one after the other; the plan
    that costs least in the plant counts.
    """

    name: str
    requirement: str | None
    adapter: str
    efficiencies: tuple[float, ...]
    driven: str
    cannot: str

    @property
    def folder(self) -> str:
        """The name of its environment."""
        return self.adapter.removesuffix("_case.py")


# A charger of 7.4 kW with the loss curve of the cases keeps 0.93 at full power, 0.87 at its least.
CONSTANT = (0.93, 0.90, 0.88)

PROGRAMS = (
    Program(
        name="v2g-daemon",
        requirement=None,
        adapter="ours_case.py",
        efficiencies=(1.0,),
        driven="its dynamic programme on the case alone: no forecast, no habits, no words",
        cannot="a second storage in the same programme",
    ),
    Program(
        name="EMHASS",
        requirement="emhass==0.18.7",
        adapter="emhass_case.py",
        efficiencies=CONSTANT,
        driven="its optimisation class, the car as its battery; one run per stay from plug-in to"
        " departure, for its batteries know no absence, each with the SoC wanted at its end and the"
        " rest paid at the worth of energy; problems are kept between plans, as its server keeps"
        " them",
        cannot="a least power of the battery (it pulses below 1.4 kW, which the charger rounds), a"
        " loss curve, absences and trips (a stay does not see the next), a daily export depth",
    ),
    Program(
        name="FlexMeasures",
        requirement="flexmeasures==1.0.1",
        adapter="flexmeasures_case.py",
        efficiencies=CONSTANT,
        driven="`device_scheduler` with HiGHS, the function that its StorageScheduler ends in;"
        " power bands for the least power, wear and targets as commitments",
        cannot="a loss curve, a daily export depth",
    ),
)
