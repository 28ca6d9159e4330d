"""`v2g demo`: the daemon on recorded days, with the bundled simulators as its house."""
