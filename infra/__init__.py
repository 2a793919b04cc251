"""What wires the business to machines: settings, tables, commands, the local stack."""
