"""Whether random frames of videos equal a straight decode, frame by frame: one JSON object on stdout.

For each video so many random frames are asked of the array, in random order and with a small cache, and compared with
the frames that come out when the file is decoded once from its beginning. Give videos, or folders of them.
"""

import argparse
import json
import random
import sys
from pathlib import Path

import numpy as np


def straight(path: Path, wanted: set[int]) -> tuple[dict[int, np.ndarray], int]:
    """Return the wanted frames of a straight decode by PyAV alone, and how many frames there are."""
    import av

    frames, n = {}, 0
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            if n in wanted:
                frames[n] = frame.to_ndarray(format="rgb24")
            n += 1
    return frames, n


def check(path: Path, n_looks: int, seed: int) -> dict[str, object]:
    """Return how many random frames of a video equal those of a straight decode."""
    from napari_atlas.io.video import VideoArray

    _, n_frames = straight(path, set())
    rng = random.Random(seed)
    looks = [rng.randrange(n_frames) for _ in range(n_looks)]
    wanted, _ = straight(path, set(looks))
    video = VideoArray(path, cache_bytes=16 << 20)
    try:
        equal = sum(np.array_equal(video.frame(i), wanted[i]) for i in looks)
        counted = video.n_video_frames == n_frames
    finally:
        video.close()
    return {"video": path.name, "frames": n_frames, "looks": n_looks, "equal": equal, "count_is_right": counted}


def main() -> None:
    """Check all videos; leave with 1 if a frame differs."""
    from napari_atlas.io.inspection import inspect_file

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("places", type=Path, nargs="+", help="videos, or folders of them")
    parser.add_argument("--looks", type=int, default=200, help="random frames of each video")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    files = [f for p in options.places for f in (sorted(p.rglob("*")) if p.is_dir() else [p]) if f.is_file()]
    videos = [file for file in files if inspect_file(file)["kind"] == "video"]
    found = [check(video, options.looks, options.seed) for video in videos]
    whole = bool(found) and all(row["equal"] == row["looks"] and row["count_is_right"] for row in found)
    print(
        json.dumps({"videos": len(found), "looks": sum(r["looks"] for r in found), "all_equal": whole, "each": found})
    )
    sys.exit(not whole)


if __name__ == "__main__":
    main()
