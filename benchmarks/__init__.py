"""What the program can do, measured beside the floor: bare workflows on the same server in the same minute.

`make bench` runs everything and prints a table and JSON. Load goes to loopback only, is bounded, and ends.
"""
