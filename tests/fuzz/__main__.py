"""`make fuzz`: frames without end at a station session, and no answer that is not one.

    python -m tests.fuzz [--frames 1000000] [--seed 1]

Random bytes, broken JSON, wrong types, mutated real messages, answers to no question and frames
that come twice go through the session, its error path and the real handlers of all three versions.
It fails on an exception that escapes, on a frame that takes over a second, on an answer that is no
frame of OCPP, and on memory that keeps growing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import random
import resource
import sys
import time
from collections import Counter

from tests.fuzz.frames import Frames
from tests.fuzz.rig import LONGEST_S, Rig
from v2g_daemon.adapters.ocpp import OcppVersion

BATCH = 2_000
FRAMES_PER_SESSION = 500
MOST_GROWTH_KIB = 64 * 1024


def main() -> int:
    """0 if nothing was found."""
    parser = argparse.ArgumentParser(description="Fuzz the OCPP session.")
    parser.add_argument("--frames", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    return asyncio.run(fuzz(frames=options.frames, seed=options.seed))


async def fuzz(*, frames: int, seed: int) -> int:
    """Feed that many frames; the seed says which."""
    chosen = random.Random(seed)
    answers: Counter[str] = Counter()
    warm_kib, sent, slowest_s, began_s = 0, 0, 0.0, time.monotonic()
    while sent < frames:
        version = chosen.choice(list(OcppVersion))
        source = Frames(version=version, chosen=chosen)
        rig = Rig(version)
        batch = [source.next() for _ in range(min(FRAMES_PER_SESSION, frames - sent))]
        slowest_s = max(slowest_s, await rig.swallow(batch))
        answers.update(rig.kinds())
        sent += len(batch)
        if rig.handler_failures:
            print(f"a handler failed: seed {seed}, near frame {sent}, {version.value}")
            return 1
        if sent % BATCH < FRAMES_PER_SESSION:
            print(f"\r{sent:>9} frames, slowest {slowest_s * 1000.0:.0f} ms", end="", flush=True)
        if warm_kib == 0 and sent >= frames // 10:
            warm_kib = peak_kib()
    growth_kib = peak_kib() - warm_kib
    print(f"\n{sent} frames in {time.monotonic() - began_s:.0f} s: {json.dumps(answers)}")
    print(f"slowest frame {slowest_s * 1000.0:.0f} ms, memory grew by {growth_kib / 1024:.1f} MiB")
    return int(slowest_s > LONGEST_S or growth_kib > MOST_GROWTH_KIB)


def peak_kib() -> int:
    """The highest resident memory so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    sys.exit(main())
