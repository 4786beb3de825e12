"""Observable state: what the user looks at, selects and colours by."""
