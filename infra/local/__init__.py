"""The local stack: every part of the outside world as a real process on loopback.

Nothing here is imported by the product's own processes; they know URLs and keys only.
"""
