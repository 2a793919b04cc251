"""What leaves the books as files: CSV, JSON lines and Parquet, with stable columns (docs/exports.md)."""
