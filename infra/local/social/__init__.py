"""The social network of the local stack: hosts posts of three platforms under one origin.

It stands where Instagram, TikTok and YouTube stand in production. It knows accounts by handle only,
listens on loopback only, and keeps what it acknowledged through a kill.
"""
