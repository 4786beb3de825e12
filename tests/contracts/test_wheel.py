"""The built wheel holds what it should, and works from outside of the source tree."""

import os
import stat
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "napari_atlas"
TELL = """
import json, napari_atlas, npe2
manifest = npe2.PluginManifest.from_distribution("napari-atlas")
print(json.dumps([napari_atlas.__file__, manifest.name, manifest.package_version]))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT), cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


def run(*command: str, cwd: Path, seconds: float = 120) -> str:
    """Return what a command printed; it sees neither the source tree nor this environment."""
    hidden = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    done = subprocess.run(
        command, cwd=cwd, env=environment, check=False, capture_output=True, text=True, timeout=seconds
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def program(environment: Path, name: str) -> str:
    """Return a program of a virtual environment."""
    return str(environment / ("Scripts" if sys.platform == "win32" else "bin") / name)


def library(environment: Path) -> Path:
    """Return the site-packages of a virtual environment."""
    return Path(sysconfig.get_path("purelib", "venv", {"base": str(environment), "platbase": str(environment)}))


def check_installed(environment: Path, folder: Path) -> None:
    """Check that program, package and manifest come from the wheel."""
    version = run(program(environment, "napari-atlas"), "--version", cwd=folder).strip()
    told = run(program(environment, "python"), "-c", TELL, cwd=folder)
    assert f'"{library(environment).as_posix()}/napari_atlas/__init__.py", "napari-atlas", "{version}"' in told
    run(program(environment, "napari-atlas"), "new", "empty.atlas", cwd=folder)
    assert (folder / "empty.atlas" / "project.toml").is_file()


def test_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        manifest = archive.getinfo("napari_atlas/napari.yaml")
        assert not stat.S_ISLNK(manifest.external_attr >> 16)
        assert archive.read(manifest) == (ROOT / "napari.yaml").read_bytes()
    sources = {f"napari_atlas/{file.relative_to(PACKAGE).as_posix()}" for file in PACKAGE.rglob("*.py")}
    assert sources | {"napari_atlas/py.typed"} <= names
    tops = {name.partition("/")[0] for name in names}
    assert sorted(top for top in tops if not top.endswith(".dist-info")) == ["napari_atlas"]
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_wheel_works_beside_its_dependencies(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "env"
    venv.create(environment, with_pip=False)
    run(
        *(sys.executable, "-m", "pip", "--python", program(environment, "python")),
        *("install", "--quiet", "--no-deps", "--no-index", str(wheel)),
        cwd=tmp_path,
    )
    # The dependencies are looked up here; a path file in that folder, such as an editable install's, is not followed.
    (library(environment) / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    check_installed(environment, tmp_path)


@pytest.mark.skipif(
    not (os.environ.get("CI") or os.environ.get("NAPARI_ATLAS_FULL")),
    reason="installs about 2 GB in two minutes: set CI=1 or NAPARI_ATLAS_FULL=1",
)
@pytest.mark.timeout(900)
def test_empty_environment(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "env"
    venv.create(environment, with_pip=True)
    python = program(environment, "python")
    pins = str(ROOT / "constraints.txt")
    run(python, "-m", "pip", "install", "-qq", "--no-input", "-c", pins, str(wheel), cwd=tmp_path, seconds=840)
    check_installed(environment, tmp_path)
    assert "epochs = " in run(program(environment, "napari-atlas"), "fit", "x", "--list-settings", cwd=tmp_path)
