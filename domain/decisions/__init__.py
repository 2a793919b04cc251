"""What each command changes, one module for each part of a collaboration's life."""
