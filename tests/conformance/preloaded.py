"""What nearly every named test imports: loaded once, then forked."""

from __future__ import annotations

import hypothesis  # noqa: F401
import pytest  # noqa: F401

import simulators  # noqa: F401
import v2g_daemon.app.composition  # noqa: F401
