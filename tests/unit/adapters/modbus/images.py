"""Registers of one house in every meter's own words, written down from the maps by hand.

The house: 2 500 W of import (1 500, 1 200, −200 W), about 230 V, 50 Hz; 1 MWh imported and 5 kWh
exported so far. A float meter shows 230, 231, 229 V and 50 Hz, an integer meter 230.1, 231.2,
229.9 V and 49.98 Hz.
"""

from __future__ import annotations

from dataclasses import dataclass

# IEEE 754, high word first.
F_230, F_231, F_229 = (0x4366, 0x0000), (0x4367, 0x0000), (0x4365, 0x0000)
F_2500, F_1500, F_1200, F_M200 = (
    (0x451C, 0x4000),
    (0x44BB, 0x8000),
    (0x4496, 0x0000),
    (0xC348, 0x0000),
)
F_50 = (0x4248, 0x0000)
F_1000, F_5 = (0x447A, 0x0000), (0x40A0, 0x0000)  # kWh
F_1M, F_5000 = (0x4974, 0x2400), (0x459C, 0x4000)  # Wh
D_1M, D_5000 = (0x412E, 0x8480, 0x0000, 0x0000), (0x40B3, 0x8800, 0x0000, 0x0000)

FLOAT_V, INTEGER_V = (230.0, 231.0, 229.0), (230.1, 231.2, 229.9)
PHASES_W = (1500.0, 1200.0, -200.0)
MWH, KWH_5 = 1_000_000_000, 5_000_000  # in milliwatt-hours


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What the registers at these addresses mean."""

    words: dict[int, tuple[int, ...]]
    power_w: float = 2500.0
    phase_power_w: tuple[float, ...] = PHASES_W
    voltage_v: tuple[float, ...] = FLOAT_V
    frequency_hz: float | None = 50.0
    import_milliwh: int | None = MWH
    export_milliwh: int | None = KWH_5
    serial: str | None = None

    @property
    def image(self) -> dict[int, int]:
        """Register by address."""
        return {
            address + offset: word
            for address, words in self.words.items()
            for offset, word in enumerate(words)
        }


def little(*pairs: tuple[int, ...]) -> tuple[int, ...]:
    """The values one after the other, each low word first."""
    return tuple(word for pair in pairs for word in pair[::-1])


# Carlo Gavazzi: 2301 = 0x08FD tenths of a volt; 25 000 = 0x61A8 tenths of a watt; −2 000 = 0xF830.
CARLO_GAVAZZI = {
    0x00: (0x08FD, 0, 0x0908, 0, 0x08FB, 0),
    0x12: (0x3A98, 0, 0x2EE0, 0, 0xF830, 0xFFFF),
    0x28: (0x61A8, 0),
}

SHOWN: dict[str, Shown] = {
    "eastron_3p": Shown(
        words={
            0x00: (*F_230, *F_231, *F_229),
            0x0C: (*F_1500, *F_1200, *F_M200),
            0x34: F_2500,
            0x46: (*F_50, *F_1000, *F_5),
            0xFC00: (0x0001, 0xE240),
        },
        serial="123456",
    ),
    "eastron_1p": Shown(
        words={0x00: F_230, 0x0C: F_2500, 0x46: (*F_50, *F_1000, *F_5)},
        phase_power_w=(2500.0,),
        voltage_v=(230.0,),
    ),
    "eastron_sdm72_v1": Shown(
        words={0x34: F_2500, 0x48: (*F_1000, *F_5)},
        phase_power_w=(),
        voltage_v=(),
        frequency_hz=None,
    ),
    "cg_em3xx": Shown(
        words=CARLO_GAVAZZI | {0x33: (500,), 0x34: (0x2710, 0), 0x4E: (50, 0)},
        voltage_v=INTEGER_V,
    ),
    "cg_em24_ethernet": Shown(
        words=CARLO_GAVAZZI
        | {0x0B: (1651,), 0x33: (4998,), 0x34: (0x2710, 0), 0x4E: (50, 0), 0xA000: (7,)},
        voltage_v=INTEGER_V,
        # Hundredths, where tenths were promised: 499.8 is 49.98 Hz.
        frequency_hz=49.98,
    ),
    "cg_em24_rs485": Shown(
        words=CARLO_GAVAZZI | {0x37: (500,)},
        voltage_v=INTEGER_V,
        import_milliwh=None,
        export_milliwh=None,
    ),
    "abb_b2x": Shown(
        words={
            0x5B00: (0, 0x08FD, 0, 0x0908, 0, 0x08FB),
            # Hundredths of a watt: 250 000, 150 000, 120 000, −20 000.
            0x5B14: (0x0003, 0xD090, 0x0002, 0x49F0, 0x0001, 0xD4C0, 0xFFFF, 0xB1E0),
            0x5B2C: (4998,),
            0x5000: (0, 0, 0x0001, 0x86A0, 0, 0, 0, 500),  # 100 000 and 500 hundredths of a kWh
            0x8900: (0x0001, 0xE240),
        },
        voltage_v=INTEGER_V,
        frequency_hz=49.98,
        serial="123456",
    ),
    "siemens_pac2200": Shown(
        words={
            1: (*F_230, *F_231, *F_229),
            25: (*F_1500, *F_1200, *F_M200),
            55: F_50,
            65: F_2500,
            801: D_1M,
            809: D_5000,
        }
    ),
    "janitza_umg96rm": Shown(
        words={
            19000: (*F_230, *F_231, *F_229),
            19020: (*F_1500, *F_1200, *F_M200, *F_2500),
            19050: F_50,
            19068: F_1M,
            19076: F_5000,
        }
    ),
    "janitza_umg104": Shown(
        words={
            1317: (*F_230, *F_231, *F_229),
            1333: (*F_1500, *F_1200, *F_M200),
            1369: F_2500,
            1439: F_50,
            9851: F_1M,
            9863: F_5000,
        }
    ),
    "schneider_iem3x55": Shown(
        words={
            0x0BD3: (*F_230, *F_231, *F_229),
            # Kilowatts: 1.5, 1.25, −0.25 and 2.5.
            0x0BED: (0x3FC0, 0, 0x3FA0, 0, 0xBE80, 0, 0x4020, 0),
            0x0C25: F_50,
            0x0C83: (0, 0, 0x000F, 0x4240, 0, 0, 0, 0x1388),
        },
        phase_power_w=(1500.0, 1250.0, -250.0),
    ),
    "chint_dtsu666": Shown(
        words={
            0x0006: (40,),  # a current transformer of 200/5 A
            0x0007: (10,),
            # Tenths of a volt, then of a watt on the secondary side: 62.5, 37.5, 30 and −5 W.
            0x2006: (0x450F, 0xC000, 0x4510, 0x6000, 0x450F, 0x2000),
            0x2012: (0x441C, 0x4000, 0x43BB, 0x8000, 0x4396, 0x0000, 0xC248, 0x0000),
            0x2044: (0x459C, 0x4000),
            0x101E: (0x41C8, 0x0000),  # 25 kWh
            0x1028: (0x3E00, 0x0000),  # 0.125 kWh
        },
    ),
    "huawei_sun2000_meter": Shown(
        words={
            37100: (1, 0, 0x08FD, 0, 0x0908, 0, 0x08FB),
            37113: (0xFFFF, 0xF63C),  # −2 500: the house imports
            37118: (4998, 0, 500, 0x0001, 0x86A0),
            37132: (0xFFFF, 0xFA24, 0xFFFF, 0xFB50, 0x0000, 0x00C8),
        },
        voltage_v=INTEGER_V,
        frequency_hz=49.98,
    ),
    "huawei_emma": Shown(
        words={
            # 500 and 100 000 hundredths of a kWh.
            30332: (0, 0, 0, 0x01F4),
            30338: (0, 0, 0x0001, 0x86A0),
            31657: (0x0000, 0x09C4),
            31665: (0x0000, 0x05DC, 0x0000, 0x04B0, 0xFFFF, 0xFF38),
        },
        voltage_v=(),
        frequency_hz=None,
    ),
    "shelly_pro3em": Shown(
        words={
            1013: little(F_2500),
            1020: little(F_230),
            1024: little(F_1500),
            1040: little(F_231),
            1044: little(F_1200),
            1060: little(F_229),
            1064: little(F_M200),
            1162: little(F_1M, F_5000),
        },
        frequency_hz=None,
    ),
    "shelly_pro3em_mono": Shown(
        words={2003: little(F_230), 2007: little(F_2500), 2310: little(F_1M, F_5000)},
        phase_power_w=(2500.0,),
        voltage_v=(230.0,),
        frequency_hz=None,
    ),
    "victron_vm3p75ct": Shown(
        words={
            0x1000: (0xA1B1,),
            0x3032: (4998,),
            0x3034: (0x0001, 0x86A0, 0, 500),
            0x3040: (0x59E2,),  # 230.10 V
            0x3048: (0x5A50,),
            0x3050: (0x59CE,),
            0x3080: (0, 0x09C4, 0, 0x05DC),
            0x3086: (0, 0x04B0),
            0x308A: (0xFFFF, 0xFF38),
        },
        voltage_v=INTEGER_V,
        frequency_hz=49.98,
    ),
    "victron_gx_grid": Shown(
        words={
            2600: (0x05DC, 0x04B0, 0xFF38),
            2616: (0x08FD,),
            2618: (0x0908,),
            2620: (0x08FB,),
        },
        voltage_v=INTEGER_V,
        frequency_hz=None,
        import_milliwh=None,
        export_milliwh=None,
    ),
    "victron_gx_system": Shown(
        words={820: (0x05DC, 0x04B0, 0xFF38)},
        voltage_v=(),
        frequency_hz=None,
        import_milliwh=None,
        export_milliwh=None,
    ),
    "sma_modbus": Shown(
        words={30865: (0, 0x0BB8, 0, 0x01F4), 30581: (0x000F, 0x4240, 0, 0x1388)},
        phase_power_w=(),
        voltage_v=(),
        frequency_hz=None,
    ),
    "solaredge_se_mtr_3y": Shown(
        words={
            0x3F0: little(F_2500, F_1500, F_1200, F_M200),
            0x3FA: little(F_230, F_231, F_229),
            0x408: little(F_50),
            0x3EA: little(F_1000),
            0x458: little(F_5),
        }
    ),
}
