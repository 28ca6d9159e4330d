"""Facts of the house, without rules: every type here is frozen, keyword-only and stdlib-only."""
