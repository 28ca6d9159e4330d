"""A simulated charger on its port: the device, its server, and what the line does to both."""

from __future__ import annotations

from simulators.chargers.ambibox import Ambibox
from simulators.chargers.device import ChargerDevice
from simulators.chargers.evtec import Evtec
from simulators.chargers.quasar import Quasar
from simulators.chargers.sigenergy import Sigenergy
from simulators.chargers.sunspec_der import SunSpecDer
from simulators.chargers.table import ChargerTable
from simulators.clock import ScaledClock
from simulators.faults import FaultBoard
from simulators.modbus.frames import Framing
from simulators.modbus.mischief import Mischief
from simulators.modbus.server import ModbusServer
from simulators.tcp import keep_open
from simulators.world import World

DEVICES: dict[str, type[ChargerDevice]] = {
    "wallbox-quasar-1": Quasar,
    "evtec-bidipro-10": Evtec,
    "ambibox-ambicharge-home": Ambibox,
    "fermate-fe20": SunSpecDer,
    "sigenergy-evdc": Sigenergy,
}


class SimulatedCharger:
    """Serves one charger."""

    def __init__(
        self, *, table: ChargerTable, clock: ScaledClock, world: World, faults: FaultBoard
    ) -> None:
        """Prepare; `start` listens and `run` serves."""
        self.table = table
        self._clock = clock
        self._faults = faults
        self.device = DEVICES[table.make](table=table, clock=clock, world=world, faults=faults)
        self.server = ModbusServer(
            units={table.unit_id: self.device},
            framing=Framing.RTU if table.link == "rtu+tcp" else Framing.MBAP,
            mischief=Mischief(shown=self.shown),
            port=table.port,
        )

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.server.port

    def shown(self) -> frozenset[str]:
        """The faults in force."""
        return self._faults.active(self.table.id, self._clock.now_s())

    async def start(self) -> None:
        """Listen; OSError when the port is taken."""
        await self.server.start()

    async def run(self) -> None:
        """Serve until cancelled."""
        await keep_open(self.server, self.shown)
