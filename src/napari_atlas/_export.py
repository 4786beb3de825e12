"""Everything that is known of windows, as one table."""
