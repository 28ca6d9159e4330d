"""`python -m v2g_daemon` is `v2g`."""

from __future__ import annotations

from v2g_daemon.cli import main

if __name__ == "__main__":
    main()
