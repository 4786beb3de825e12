"""Windows put into clusters."""
