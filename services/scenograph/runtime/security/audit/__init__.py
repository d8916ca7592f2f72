"""The audit log: who did what, when, in an append-only file whose lines are chained by their hashes."""
