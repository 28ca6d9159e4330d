"""The machine under the daemon: clock, watchdog, scheduler, trace files."""
