"""The video in the window: its readout, its stand-ins, and what is shown where there is no video to be had."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest
from napari.components import ViewerModel

from napari_atlas import workflow
from napari_atlas.data.covariates import Course
from napari_atlas.data.pose import Pose
from napari_atlas.data.project import RecordingEntry
from napari_atlas.data.recording import Recording
from napari_atlas.io._video_source import FrameSource
from napari_atlas.io.prompt_video import PromptVideo
from napari_atlas.io.proxy import make_proxies
from napari_atlas.io.video import open_video
from napari_atlas.session.session import Session
from napari_atlas.views.bridge import Bridge

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from napari_atlas.data.atlas import Atlas

pytestmark = pytest.mark.gui
NAME = "jellyfish-1"


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """Return a video of 200 frames in one group, each brighter than the one before."""
    with av.open(str(tmp_path / "v.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=20, options={"x264-params": "scenecut=0"})
        stream.width, stream.height, stream.pix_fmt, stream.codec_context.gop_size = 64, 48, "yuv420p", 250
        for i in range(200):
            picture = np.full((48, 64, 3), i + 20, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return tmp_path / "v.mp4"


@pytest.fixture
def viewer() -> ViewerModel:
    return ViewerModel()


@pytest.fixture
def pictures(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return the pictures that napari has asked for so far; the last one is on show."""
    given: list[Any] = []
    get = PromptVideo.__getitem__
    monkeypatch.setattr(PromptVideo, "__getitem__", lambda self, key: given.append(get(self, key)) or given[-1])
    return given


@pytest.fixture
def show(
    atlas: Atlas, viewer: ViewerModel, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> Iterator[Callable[[Path], tuple[Session, Bridge]]]:
    """Return a function that shows a recording with a video."""
    made: list[Bridge] = []

    def shown(path: Path) -> tuple[Session, Bridge]:
        def load(_folder: Path, name: str) -> Recording:
            pose = Pose(np.random.default_rng(0).uniform(5, 40, (150, 1, 3, 2)), ("a", "b", "c"), ("0",))
            info = session.atlas.recordings[name]
            codes = np.repeat([0.0, 1.0, np.nan], 50)
            behaviour = Course.per_frame(codes, info.timebase.tracking_start_frame, ("rest", "run"))
            covariates = {"behaviour": (behaviour,), "cage": (Course.constant_class("left"),)}
            clock = replace(info.timebase, n_samples=150)
            return Recording(name, info.species, pose, clock, video=info.video, covariates=covariates)

        monkeypatch.setattr(workflow, "load_tracks_of", load)
        session = Session()
        made.append(Bridge(viewer, session))
        session.show(with_video(atlas, path))
        session.seek(NAME, "0", 100)
        qtbot.waitUntil(lambda: made[-1].shown is not None, timeout=5000)
        return session, made[-1]

    yield shown
    for bridge in made:
        bridge.close()


def with_video(atlas: Atlas, path: Path) -> Atlas:
    return replace(atlas, recordings={n: replace(i, video=path) for n, i in atlas.recordings.items()})


def text(viewer: ViewerModel) -> str:
    canvas = getattr(viewer, "canvas", None)
    return (viewer.text_overlay if canvas is None else canvas.overlays.text).text


def test_a_frame_of_the_video(show: Any, viewer: ViewerModel, video: Path, pictures: list[Any]) -> None:
    session, bridge = show(video)
    assert viewer.dims.current_step[0] == 100
    assert np.array_equal(pictures[-1].squeeze(), open_video(video)[100])
    assert bridge.shown.note == ""
    assert "loading" not in text(viewer)
    session.seek(NAME, "0", 240)
    assert "beyond the video's end (200 frames)" in text(viewer)


def test_labels_that_change_are_told_over_the_video(show: Any, viewer: ViewerModel, video: Path) -> None:
    session, bridge = show(video)
    begin = bridge.shown.recording.timebase.tracking_start_frame
    for frame, told in ((begin, "behaviour: rest"), (begin + 60, "behaviour: run"), (begin + 120, "")):
        session.seek(NAME, "0", frame)
        assert (told in text(viewer)) if told else ("behaviour" not in text(viewer))
        assert "cage" not in text(viewer)


def test_a_video_of_another_length_than_the_one_that_was_added_is_told(
    show: Any, atlas: Atlas, viewer: ViewerModel, video: Path, qtbot: QtBot
) -> None:
    session, bridge = show(video)
    entry = RecordingEntry(NAME, "jellyfish", Path("a.mat"), video_frames=180)
    there = with_video(atlas, video)
    infos = {**there.recordings, NAME: replace(there.recordings[NAME], entry=entry)}
    session.show(replace(there, recordings=infos))
    qtbot.waitUntil(lambda: bridge.shown is not None, timeout=5000)
    assert "this video has 200 frames, the one that was added had 180" in text(viewer)


@pytest.mark.parametrize("kind", ["missing", "no video", "cut off"])
def test_the_pose_is_shown_where_the_video_cannot_be(
    show: Any, viewer: ViewerModel, video: Path, kind: str, qtbot: QtBot
) -> None:
    path = {"missing": video.with_name("moved.mp4"), "no video": video.with_name("t.mov")}.get(kind, video)
    if kind == "no video":
        path.write_text("../elsewhere/t.mov", encoding="utf-8")
    elif kind == "cut off":
        path.write_bytes(path.read_bytes()[:600])
    session, bridge = show(path)
    assert f"{path}: " in text(viewer)
    assert "no video" not in text(viewer).replace("there is no video at this path", "")
    assert {"video", "keypoints"} <= {layer.name for layer in viewer.layers}
    assert viewer.layers["keypoints"].data.shape == (3, 2)
    assert bridge.shown.n_video_frames == 0
    session.seek(NAME, "0", 120)
    assert viewer.dims.current_step[0] == 120
    assert f"{path}: " in text(viewer)


def test_another_video_is_opened(
    show: Any, viewer: ViewerModel, video: Path, atlas: Atlas, qtbot: QtBot, pictures: list[Any]
) -> None:
    session, bridge = show(video.with_name("moved.mp4"))
    session.show(with_video(atlas, video))
    qtbot.waitUntil(lambda: bridge.shown is not None and bridge.shown.n_video_frames == 200, timeout=5000)
    assert ".mp4" not in text(viewer)
    assert np.array_equal(pictures[-1].squeeze(), open_video(video)[100])


@pytest.mark.parametrize("proxied", [True, False])
def test_a_frame_that_takes_long_is_stood_in_for(
    show: Any,
    viewer: ViewerModel,
    video: Path,
    pictures: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    qtbot: QtBot,
    proxied: bool,
) -> None:
    session, bridge = show(video)
    if proxied:
        proxy_beside(session.atlas.folder, video, monkeypatch)
        bridge._drop()
        session.seek(NAME, "0", 20)
        qtbot.waitUntil(lambda: bridge.shown is not None, timeout=5000)
    take = FrameSource._take

    def slow(self: FrameSource) -> Any:
        time.sleep(0.002 if self._path == video else 0)
        return take(self)

    monkeypatch.setattr(FrameSource, "_take", slow)
    session.seek(NAME, "0", 190)
    assert bridge.shown.note == ("proxy" if proxied else "loading")
    assert bridge.shown.note in text(viewer)
    assert abs(int(pictures[-1].mean()) - (210 if proxied else 120)) <= 4
    qtbot.waitUntil(lambda: not bridge.shown.note, timeout=5000)
    assert np.array_equal(pictures[-1].squeeze(), open_video(video)[190])
    assert "proxy" not in text(viewer)
    assert "loading" not in text(viewer)


def proxy_beside(folder: Path, video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = type("Entry", (), {"name": NAME, "video": video})
    project = type("Project", (), {"recordings": (entry,)})
    monkeypatch.setattr("napari_atlas.io.proxy.read_project", lambda _: project)
    list(make_proxies(folder))
