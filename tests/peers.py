"""Foreign programs and packages that tests talk to: how to find each, and how to install it."""

from __future__ import annotations

import atexit
import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from tempfile import mkdtemp


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """One peer; `locate` answers None where it is missing."""

    locate: Callable[[], Path | None]
    install_line: str


def program(name: str, *, folders: str | None = None) -> Path | None:
    """Where an executable lies: on PATH, else the newest match of a glob of folders under /."""
    on_path = shutil.which(name)
    if on_path is not None:
        return Path(on_path)
    matches = sorted(Path("/").glob(f"{folders}/{name}")) if folders is not None else []
    return matches[-1] if matches else None


def header(name: str) -> Path | None:
    """Where the header of a C library lies, if a compiler is there too."""
    path = Path("/usr/include") / name
    return path if path.is_file() and shutil.which("cc") is not None else None


def node_module(name: str) -> Path | None:
    """Where a globally installed module of Node.js lies."""
    if shutil.which("node") is None:
        return None
    roots = [Path("/usr/lib/node_modules"), Path("/usr/local/lib/node_modules")]
    return next((root / name for root in roots if (root / name).is_dir()), None)


def package(name: str) -> Path | None:
    """Where an installed Python package lies."""
    spec = importlib.util.find_spec(name)
    return Path(spec.origin) if spec is not None and spec.origin is not None else None


@cache
def environment_of_its_own(name: str, *, version: str) -> Path | None:
    """A program installed by name into a temporary environment, gone with this process.

    Its dependencies are its own business and must not meet ours.
    """
    folder = Path(mkdtemp(prefix=f"v2g-peer-{name}-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    command = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--retries=1"]
    command += ["--disable-pip-version-check", f"{name}=={version}"]
    try:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True, timeout=120)
        subprocess.run(command, check=True, timeout=120)
    except (OSError, subprocess.SubprocessError):
        return None
    return folder / "bin" / name


PEERS = {
    "ocpp-rpc": Peer(
        locate=partial(node_module, "ocpp-rpc"),
        install_line="npm install --global --ignore-scripts ocpp-rpc@2.2.1",
    ),
    "libmodbus": Peer(
        locate=partial(header, "modbus/modbus.h"),
        install_line="apt-get install gcc libc6-dev libmodbus-dev",
    ),
    "mbpoll": Peer(locate=partial(program, "mbpoll"), install_line="apt-get install mbpoll"),
    "modbus-serial": Peer(
        locate=partial(node_module, "modbus-serial"),
        install_line="npm install --global --ignore-scripts modbus-serial",
    ),
    "postgresql": Peer(
        locate=partial(program, "initdb", folders="usr/lib/postgresql/*/bin"),
        install_line="apt-get install postgresql",
    ),
    "pymodbustcp": Peer(
        locate=partial(package, "pyModbusTCP"),
        install_line="pip install --require-hashes -r requirements/dev.txt",
    ),
    "pysunspec2": Peer(
        locate=partial(package, "sunspec2"),
        install_line="pip install --require-hashes -r requirements/dev.txt",
    ),
    "socat": Peer(locate=partial(program, "socat"), install_line="apt-get install socat"),
    "test-ocpp": Peer(
        locate=partial(environment_of_its_own, "test-ocpp", version="1.0.0"),
        install_line="pip install test-ocpp (the test does it, where pip reaches an index)",
    ),
    "systemd-analyze": Peer(
        locate=partial(program, "systemd-analyze"), install_line="apt-get install systemd"
    ),
}
