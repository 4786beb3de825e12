"""napari finds the plugin, and everything that its manifest names exists."""

import importlib
import sys
from pathlib import Path

import pytest
from npe2 import PluginManifest

from napari_atlas.views._preferences import DEFAULTS, preference

ROOT = Path(__file__).parents[2]
TOP = ROOT / "napari.yaml"
INSIDE = ROOT / "src" / "napari_atlas" / "napari.yaml"


@pytest.fixture(scope="module")
def manifest() -> PluginManifest:
    return PluginManifest.from_file(TOP)


@pytest.mark.skipif(sys.platform == "win32", reason="a checkout on Windows may hold copies in place of links")
def test_manifest_in_the_package_is_a_link() -> None:
    assert INSIDE.readlink() == Path("../../napari.yaml")


def test_installed_package_registers_the_manifest(manifest: PluginManifest) -> None:
    installed = PluginManifest.from_distribution("napari-atlas")
    assert installed.name == "napari-atlas"
    assert installed.contributions == manifest.contributions


def test_every_python_name_can_be_imported(manifest: PluginManifest) -> None:
    names = [command.python_name for command in manifest.contributions.commands or ()]
    names += [manifest.on_activate, manifest.on_deactivate]
    for name in filter(None, names):
        module, _, attribute = str(name).partition(":")
        assert callable(getattr(importlib.import_module(module), attribute)), name


def test_widgets_name_known_commands(manifest: PluginManifest) -> None:
    commands = {command.id for command in manifest.contributions.commands or ()}
    assert all(command.startswith("napari-atlas.") for command in commands)
    assert {widget.command for widget in manifest.contributions.widgets or ()} <= commands


def test_settings_have_titles_and_are_what_the_program_asks_for(manifest: PluginManifest) -> None:
    (settings,) = manifest.contributions.configurations.values()
    assert all(setting.title and setting.description for setting in settings.properties.values())
    assert {name: setting.default for name, setting in settings.properties.items()} == DEFAULTS


def test_a_preference_is_what_napari_keeps() -> None:
    assert {name: preference(name) for name in DEFAULTS} == DEFAULTS
