"""A stand-in for Stripe's test mode, as far as this product uses Stripe Connect.

It is a process of its own that the official SDK talks to over HTTP. It keeps everything in one
SQLite file, listens on loopback only, and must never answer with a field, a state or a success
that Stripe would not give. `docs/stripe-simulator.md` lists its behaviours and its control plane.
"""
