"""The synthetic reef: two species with known truth, written as real files."""
