"""The tutorial's own commands, run as they stand."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TUTORIAL = Path(__file__).parents[1] / "docs" / "tutorials" / "first_map.md"
BLOCK = re.compile(r"^```(python|bash)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SCRIPT = re.compile(r"Save these lines as `([\w.]+)`")


@pytest.mark.skipif(sys.platform == "win32", reason="its commands are for a POSIX shell")
def test_tutorial_runs_as_written(tmp_path: Path) -> None:
    text = TUTORIAL.read_text(encoding="utf-8")
    (script,) = SCRIPT.findall(text)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    told = []
    for language, code in BLOCK.findall(text):
        if language == "python":
            (tmp_path / script).write_text(code, encoding="utf-8")
            continue
        done = subprocess.run(
            ["sh", "-e", "-c", code],
            cwd=tmp_path,
            env={**os.environ, "PATH": path},
            check=False,
            capture_output=True,
            text=True,
            timeout=200,
        )
        assert done.returncode == 0, f"{code}\n{done.stdout}\n{done.stderr}"
        told.append(done.stdout)
    output = "".join(told)
    assert "temperature R² on held-out windows: jellyfish" in output
    assert "undefined" not in output
    (run,) = (tmp_path / "first.atlas" / "runs").iterdir()
    assert f"{run.name}  complete, 5 epochs" in output
    assert len(list((run / "maps").glob("*.npz"))) == 1
    assert (run / "atlas.h5ad").is_file()
