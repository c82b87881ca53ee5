"""What needs no database: periods, thresholds, suggestions. Pure."""
