"""Verbs on what a run shows: cluster, clips, export."""

from __future__ import annotations

import click

__all__ = ["VERBS"]

VERBS: tuple[click.Command, ...] = ()
