"""The command line as it is typed: arguments in; exit status, output and errors out."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from v2g_daemon.cli import main


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a command said, and with which exit status it ended."""

    status: int
    out: str
    err: str


V2g = Callable[..., Said]


@pytest.fixture
def v2g(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> V2g:
    """`v2g("check", path)` runs `v2g check PATH` in this process."""

    def run(*arguments: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["v2g", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        code = ended.value.code
        status = code if isinstance(code, int) else 0 if code is None else 1
        return Said(status=status, out=captured.out, err=captured.err)

    return run
