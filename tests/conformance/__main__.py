"""docs/ocpp-conformance.md and its proof.

python -m tests.conformance            write the page
python -m tests.conformance --prove    disable every handler in turn: its test must go red
"""

from __future__ import annotations

import argparse
import sys

from tests.conformance.page import page
from tests.conformance.proof import ROOT, prove

PAGE = ROOT / "docs" / "ocpp-conformance.md"


def main() -> int:
    """0 if the page is written, or every row is proved."""
    parser = argparse.ArgumentParser(description="The conformance page and its proof.")
    parser.add_argument("--prove", action="store_true")
    if not parser.parse_args().prove:
        PAGE.write_text(page(), encoding="utf-8")
        print(f"wrote {PAGE.relative_to(ROOT)}")
        return 0
    return prove()


if __name__ == "__main__":
    sys.exit(main())
