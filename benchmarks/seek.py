"""How long a look at any frame of a long video takes: one JSON object.

An H.264 video of 720p, an hour long, a key frame every 250, made by laying one minute end to end; it is kept in the
temporary folder for the next run. ``warm_p95_ms`` is a random frame of a decoded group, ``cold_p95_ms`` one anywhere;
``cold_ratio`` is its time over that of a bare PyAV seek and decode to the same frames, both in turn; in the first five
looks, told apart, the system hands out the memory that the kept frames lie in. The all-intra copy (proxy) is made of
five minutes and looked at cold. ``sleap_io`` is that library's default way to the same frames.
All times are those to an RGB array.

    python benchmarks/seek.py [--seconds 3600] [--n 40]
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from napari_atlas.io.proxy import write_proxy
from napari_atlas.io.video import VideoArray

HEIGHT, WIDTH, FPS, GROUP, MINUTE = 720, 1280, 30, 250, 60
FILLING = 5
PLACE = Path(tempfile.gettempdir()) / "napari-atlas-seek"


def write_minute(path: Path, seconds: int) -> None:
    """Write a video of grain that drifts and squares that move."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    ground = (110 + 60 * np.sin(columns / 37) + 30 * np.cos(rows / 23)).astype(np.uint8)
    grain = rng.integers(0, 12, (9, HEIGHT, WIDTH), dtype=np.uint8)
    grey = np.full((HEIGHT // 2, WIDTH), 128, dtype=np.uint8)
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "ultrafast"})
        stream.height, stream.width, stream.pix_fmt, stream.codec_context.gop_size = HEIGHT, WIDTH, "yuv420p", GROUP
        for i in range(seconds * FPS):
            light = np.roll(ground, i, axis=1) + grain[i % 9]
            for k in range(8):
                top, left = 60 + 70 * k, (3 * k + 1) * i % (WIDTH - 60)
                light[top : top + 50, left : left + 50] = 30 * k
            frame = av.VideoFrame.from_ndarray(np.concatenate([light, grey]), format="yuv420p")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def made(seconds: int) -> Path:
    """Return a video of so many seconds, laid end to end from one minute; one that is there is used again."""
    path, minute = PLACE / f"{seconds}s.mp4", min(MINUTE, seconds)
    if path.is_file():
        return path
    PLACE.mkdir(exist_ok=True)
    source, part = PLACE / f"minute-{minute}s.mp4", path.with_suffix(".part")
    if not source.is_file():
        write_minute(source.with_suffix(".part"), minute)
        source.with_suffix(".part").rename(source)
    with av.open(str(source)) as read, av.open(str(part), "w", format="mp4") as write:
        old = read.streams.video[0]
        new = write.add_stream_from_template(old)
        length = int(Fraction(minute) / old.time_base)
        for turn in range(seconds // minute):
            read.seek(0)
            for packet in read.demux(old):
                if packet.size:
                    packet.pts += turn * length
                    packet.dts += turn * length
                    packet.stream = new
                    write.mux(packet)
    part.rename(path)
    return path


class Bare:
    """Seek and decode, as little as PyAV lets one do."""

    def __init__(self, path: Path) -> None:
        self.container = av.open(str(path))
        self.stream = self.container.streams.video[0]
        self.stream.thread_type = "AUTO"
        self.step = int(1 / (FPS * self.stream.time_base))

    def __getitem__(self, number: int) -> Any:
        pts = number * self.step
        self.container.seek(pts, stream=self.stream)
        frame = next(frame for frame in self.container.decode(self.stream) if frame.pts >= pts)
        return frame.to_ndarray(format="rgb24")


def spent_ms(look: Callable[[], Any]) -> float:
    """Return how long a look takes."""
    begin = time.perf_counter()
    look()
    return (time.perf_counter() - begin) * 1e3


def p95(times: Iterable[float]) -> float:
    """Return the time that one look in twenty exceeds."""
    return round(float(np.percentile(list(times), 95)), 2)


def scattered(n_frames: int, n: int, draw: random.Random) -> Iterator[int]:
    """Yield frames anywhere, none in a group that was decoded shortly before."""
    for group in draw.sample(range(n_frames // GROUP), min(n, n_frames // GROUP)):
        yield group * GROUP + draw.randrange(GROUP)


def cold(video: VideoArray, bare: Bare, n: int, draw: random.Random) -> dict[str, float]:
    """Return our times and those of a bare seek, taken in turn and each first every second time."""
    ours: list[float] = []
    theirs: list[float] = []
    for i, number in enumerate(scattered(len(video), n, draw)):
        looks = [(ours, lambda at=number: video[at]), (theirs, lambda at=number: bare[at])]
        for times, look in looks if i % 2 else reversed(looks):
            times.append(spent_ms(look))
        assert np.array_equal(video[number], bare[number])
    first, ours, theirs = sum(ours[:FILLING]) / sum(theirs[:FILLING]), ours[FILLING:], theirs[FILLING:]
    return {
        "cold_p95_ms": p95(ours),
        "bare_p95_ms": p95(theirs),
        "cold_ratio": round(sum(ours) / sum(theirs), 3),
        "cold_median_ratio": round(statistics.median(a / b for a, b in zip(ours, theirs, strict=True)), 3),
        "first_looks_ratio": round(first, 3),
    }


def warm(video: VideoArray, n: int, draw: random.Random) -> dict[str, float]:
    """Return the time of random frames in a group that is decoded to its end."""
    times = []
    for group in draw.sample(range(len(video) // GROUP), 3):
        video[group * GROUP + GROUP - 1]
        times += [spent_ms(lambda: video[group * GROUP + draw.randrange(GROUP)]) for _ in range(n)]  # noqa: B023
    return {"warm_p95_ms": p95(times)}


def proxied(seconds: int, n: int, draw: random.Random) -> dict[str, float]:
    """Return how fast a proxy is made, and how long a look at any of its frames takes."""
    path = PLACE / "proxy.mp4"
    begin = time.perf_counter()
    for _ in write_proxy(VideoArray(made(seconds)), path, lambda: False):
        pass
    took, size = time.perf_counter() - begin, path.stat().st_size
    proxy = VideoArray(path)
    times = [spent_ms(lambda: proxy[at]) for at in draw.sample(range(0, len(proxy), 9), n)]  # noqa: B023
    path.unlink()
    told = {"proxy_p95_ms": p95(times), "proxy_x_realtime": round(seconds / took, 2)}
    return {**told, "proxy_mb_per_minute": round(size / 1e6 / seconds * 60)}


def of_sleap_io(path: Path, numbers: Iterable[int]) -> dict[str, float]:
    """Return the median time of sleap-io's default backend."""
    import sleap_io

    video = sleap_io.load_video(str(path))
    times = [spent_ms(lambda: video[number]) for number in numbers]  # noqa: B023
    return {"sleap_io_median_ms": round(statistics.median(times), 1), "sleap_io_n": len(times)}


def main() -> None:
    """Measure, and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=3600, help="length of the video, whole minutes above one")
    parser.add_argument("--n", type=int, default=40, help="frames that are looked at cold")
    asked = parser.parse_args()
    path, draw = made(asked.seconds), random.Random(0)
    told: dict[str, Any] = {"seconds": asked.seconds, "mb": round(path.stat().st_size / 1e6)}
    begin = time.perf_counter()
    video = VideoArray(path)
    told["index_ms"] = round((time.perf_counter() - begin) * 1e3, 1)
    bare = Bare(path)
    video[0], bare[0]  # both have opened the file
    told |= cold(video, bare, asked.n + FILLING, draw) | warm(video, 5 * asked.n, draw)
    told |= proxied(min(300, asked.seconds), 5 * asked.n, draw)
    told |= of_sleap_io(path, scattered(len(video), 4, draw))
    print(json.dumps(told))


if __name__ == "__main__":
    main()
