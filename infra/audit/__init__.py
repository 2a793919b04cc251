"""The audit log of every brand: append, put in order, sign, verify. docs/audit.md explains it."""
