"""Evidence bundles: collected from the record, sealed by the audit log, kept in the object store."""
