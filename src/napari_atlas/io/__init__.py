"""Disk and nouns: readers, videos, projects and runs."""
