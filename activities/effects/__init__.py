"""What a change does beside its events: one small function for each effect, in the change's transaction."""
