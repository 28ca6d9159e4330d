"""What to do now: desire, limit, share, shape, explain (pure, stdlib only)."""
