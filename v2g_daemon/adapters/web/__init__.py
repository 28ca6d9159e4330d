"""The HTTP interface `/api/v1` on a Unix socket; it observes and wishes, it never commands."""
