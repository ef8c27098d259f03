# SPDX-License-Identifier: Apache-2.0
"""Clips made from stills are as a camera's: they move, change light, lose frames, and repeat."""

from collections.abc import Sequence
import math
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
import pytest

_ = pytest.importorskip('tqdm', reason='the extra training is not installed')

from training.clips.camera import (  # noqa: E402
    add_grain,
    film_view,
    HEIGHT,
    MAX_STILL_SIDE,
    plan_move,
    read_still,
    View,
    WIDTH,
)
from training.clips.clip import ClipFrame, IN_VIEW  # noqa: E402
from training.clips.disturbances import (  # noqa: E402
    expose,
    FLICKER,
    Light,
    plan_lamp,
    plan_light,
    spoil,
    SUNSET,
    Wave,
)
from training.clips.made import (  # noqa: E402
    AFTER_SECONDS,
    BEFORE_SECONDS,
    fire_clips,
    FIRE_SECONDS,
    nofire_clips,
    NOFIRE_KINDS,
    STEADY,
    SUNSET_SOURCE,
)
from training.clips.recorded import recorded_clips, rendered_clip  # noqa: E402
from training.data.boxes import Box  # noqa: E402
from training.data.samples import FIRE, Sample  # noqa: E402

FPS = 10.0
STILL_WAVE = Wave(0.0, 1.0, 0.0)
GRAY, ORANGE = (90, 90, 90), (0, 130, 255)


@pytest.fixture
def stills(tmp_path: Path) -> list[Sample]:
    """Return four plain orange stills of fire, and four gray ones, of two scenes, without."""
    samples = []
    for number in range(4):
        for label, color in ((FIRE, ORANGE), (1 - FIRE, GRAY)):
            path = tmp_path / f'{label}_{number}.png'
            cv2.imwrite(str(path), np.full((240, 320, 3), color, np.uint8))
            group = f'fire {number}' if label == FIRE else f'room {number % 2}'
            samples.append(Sample(path, label, 'here', group, 'val'))
    return samples


def pixels(frames: Sequence[ClipFrame]) -> list[NDArray[np.uint8]]:
    """List the pixels of frames."""
    return [frame.image.pixels for frame in frames]


def test_clips_repeat(stills: list[Sample]) -> None:
    """The same seed gives the same frames at the same times, another seed others."""
    for plan in (lambda seed: fire_clips(stills, {}, 2, FPS, seed)[1],
                 lambda seed: nofire_clips(stills, 40, FPS, seed)[3]):
        once, again, other = (list(plan(seed).frames()) for seed in (7, 7, 8))
        assert [frame.time for frame in once] == [frame.time for frame in again]
        assert [frame.fire_share for frame in once] == [frame.fire_share for frame in again]
        assert all(np.array_equal(one, two) for one, two in zip(
            pixels(once), pixels(again), strict=True))
        assert not np.array_equal(once[0].image.pixels, other[0].image.pixels)


def test_rate_and_gaps(stills: list[Sample]) -> None:
    """Frames come at the stated rate, but for lost ones: some alone, some in a row."""
    clips = nofire_clips(stills, 200, FPS, 0)
    assert len(clips) == 20
    steps = np.concatenate([
        FPS * np.diff([frame.time for frame in clip.frames()]) for clip in clips])
    assert np.allclose(steps, steps.round())
    assert np.median(steps) == pytest.approx(1)
    lost = steps.round() - 1
    assert (lost == 1).sum() >= 5
    assert lost.max() >= 3
    assert 0.01 < lost.sum() / 2000 < 0.15
    for clip in clips[:3]:
        frames = list(clip.frames())
        assert frames[0].time == 0
        assert frames[-1].time < 10
        assert {one.shape for one in pixels(frames)} == {(HEIGHT, WIDTH, 3)}


def test_fire_comes_and_goes(stills: list[Sample]) -> None:
    """
    Each fire fills the frame for its time, between scenes without.

    The second of two clips turns to it, in 0.6 s, of which half is on either side.
    """
    cut, turned = (list(clip.frames()) for clip in fire_clips(stills, {}, 2, 25.0, 0))
    assert {frame.fire_share for frame in cut} == {0.0, 1.0}
    assert any(0 < frame.fire_share < 1 for frame in turned)
    for frames, slack in ((cut, 0.0), (turned, 0.6)):
        fire = [frame.time for frame in frames if frame.fire_share >= IN_VIEW]
        # A burst of lost frames is at most a second.
        assert fire[-1] - fire[0] == pytest.approx(FIRE_SECONDS, abs=1.0 + slack)
        assert BEFORE_SECONDS[0] <= fire[0] <= BEFORE_SECONDS[1] + 1.0 + slack
        assert frames[-1].time - fire[-1] == pytest.approx(AFTER_SECONDS, abs=1.0 + slack)
        # Orange has no blue, gray as much as of red.
        for frame in frames:
            blue, _, red = frame.image.pixels.mean(axis=(0, 1))
            if frame.fire_share in (0, 1):
                assert (blue < 0.2 * red) == (frame.fire_share == 1)


def test_turn_shows_both_scenes(stills: list[Sample]) -> None:
    """While the camera turns, the share of orange columns is the share of fire."""
    frames = list(fire_clips(stills, {}, 2, 30.0, 0)[1].frames())
    turning = [frame for frame in frames if 0.05 < frame.fire_share < 0.95]
    assert len(turning) >= 5
    for frame in turning:
        columns = frame.image.pixels.astype(int).mean(axis=0)
        assert (columns[:, 0] < 0.3 * columns[:, 2]).mean() == pytest.approx(
            frame.fire_share, abs=0.02)


def test_no_more_fires_than_stills(stills: list[Sample]) -> None:
    """Of four stills there are four clips, each of another fire."""
    assert len({clip.group for clip in fire_clips(stills, {}, 100, FPS, 0)}) == 4


def test_scenes_take_turns(stills: list[Sample]) -> None:
    """A scene is not seen again before each other was; kinds follow each other."""
    assert [clip.kind for clip in nofire_clips(stills, 40, FPS, 0)] == list(NOFIRE_KINDS[:4])
    for seed in range(10):
        # Sunsets have a queue of their own.
        groups = [clip.group for clip in nofire_clips(stills, 50, FPS, seed)
                  if clip.kind != SUNSET]
        assert len(set(groups[:2])) == len(set(groups[2:])) == 2


def test_sunset_is_over_a_sky(stills: list[Sample]) -> None:
    """Where there are images of skies, it is one of these."""
    sky = Sample(stills[1].path, 1 - FIRE, SUNSET_SOURCE, 'sky', 'val')
    clips = nofire_clips([*stills, sky], 600, FPS, 0)
    assert {clip.source for clip in clips if clip.kind == SUNSET} == {SUNSET_SOURCE}
    assert 'here' in {clip.source for clip in clips if clip.kind != SUNSET}


def test_pan_and_zoom() -> None:
    """
    Check against columns worked out by hand.

    With a view 320 wide about column 320 of the still, frame column u is still column
    320 - 160 + u: column 200 is seen at 40, and at 30 once the view is 10 to the right. In a view
    160 wide about column 320, u is 240 + u / 2 to half a pixel: a line at 260 is near 40.
    """
    still = np.zeros((480, 640, 3), np.uint8)
    still[:, 200] = 255
    for x, expected in ((320.0, 40), (330.0, 30)):
        seen = film_view(still, View(x, 240.0, 320.0))
        assert seen.shape == (HEIGHT, WIDTH, 3)
        assert np.flatnonzero(seen[100, :, 0]).tolist() == [expected]
    still[:, 260] = 255
    zoomed = film_view(still, View(320.0, 240.0, 160.0))[100, :, 0].astype(float)
    assert (zoomed * np.arange(WIDTH)).sum() / zoomed.sum() == pytest.approx(40.5, abs=0.1)


def test_camera_moves_within_the_still() -> None:
    """Views differ over time, and stay in the still but for the sway of 1.4 x 0.012."""
    rng = np.random.default_rng(0)
    still = np.zeros((300, 640, 3), np.uint8)
    for _ in range(50):
        move = plan_move(still, None, rng)
        views = [move.view(time) for time in np.arange(0, 10, 0.5).tolist()]
        assert len({view.x for view in views}) > 10
        for view in views:
            half, sway = view.width / 2, 1.41 * 0.012 * view.width
            assert half - sway <= view.x <= 640 - half + sway
            assert 0.75 * half - sway <= view.y <= 300 - 0.75 * half + sway


def test_fire_stays_in_view() -> None:
    """Whatever the move, the middle of the largest box is seen, here near a corner."""
    rng = np.random.default_rng(0)
    still = np.zeros((300, 640, 3), np.uint8)
    boxes = (Box(0.0, 0.0, 0.05, 0.05), Box(0.8, 0.7, 0.99, 0.95))
    for _ in range(50):
        move = plan_move(still, boxes, rng)
        for view in (move.view(time) for time in np.arange(0, 10, 0.5).tolist()):
            assert abs(view.x - 0.895 * 640) < view.width / 2
            assert abs(view.y - 0.825 * 300) < 0.75 * view.width / 2
    # Where the boxes are not known, nearly all that fits is seen.
    assert plan_move(still, (), rng).start.width >= 0.88 * 400


def test_large_stills_are_shrunk(tmp_path: Path) -> None:
    """A photo of 3000 pixels has no more than the camera can use."""
    path = tmp_path / 'photo.png'
    cv2.imwrite(str(path), np.zeros((1500, 3000, 3), np.uint8))
    assert read_still(path).shape == (MAX_STILL_SIDE // 2, MAX_STILL_SIDE, 3)


def test_exposure() -> None:
    """
    Check against numbers worked out by hand.

    A step to twice the brightness at 1 s: 1 before, 2 then, and 2^(1/e) a time constant, 0.35 s,
    later. A gray of 100 becomes 200; 200 would be 400, and is white.
    """
    light = Light(((1.0, 2.0),), (), STILL_WAVE)
    assert light.gains(0.99) == pytest.approx((1, 1, 1))
    assert light.gains(1.0) == pytest.approx((2, 2, 2))
    assert light.gains(1.35) == pytest.approx((2 ** math.exp(-1),) * 3)
    frame = np.array([[[100, 100, 100], [200, 200, 200]]], np.uint8)
    assert expose(frame, light.gains(1.0)).tolist() == [[[200] * 3, [255] * 3]]


def test_waves_and_sunset() -> None:
    """A wave of 0.2 peaks at 1.2 after a quarter; a sunset halves blue, and leaves red."""
    light = Light((), (Wave(0.2, 0.5, 0.0),), STILL_WAVE, sunset=10.0)
    blue, _, red = light.gains(0.5)
    assert red / 1.2 == pytest.approx(1 + 0.05 * 0.1)
    assert blue / 1.2 == pytest.approx(1 - 0.05 * 0.5)
    blue, _, red = light.gains(20.0)
    assert red / blue == pytest.approx(1.1 / 0.5)
    warm = Light((), (), Wave(0.1, 1.0, math.pi / 2)).gains(0.0)
    assert warm == pytest.approx((1 / 1.1, 1, 1.1))


def test_flicker_is_faster_than_drift() -> None:
    """From frame to frame, the light of lamps and candles changes more than a camera's own."""
    def jump(kind: str) -> float:
        lights = [plan_light(kind, 10, np.random.default_rng(seed)) for seed in range(20)]
        return float(np.mean([
            np.abs(np.diff([light.gains(time)[1] for time in np.arange(0, 10, 0.1)])).max()
            for light in (Light((), light.waves, STILL_WAVE) for light in lights)]))
    assert jump(FLICKER) > 3 * jump(STEADY)


def test_lamp_glows_red() -> None:
    """A lamp makes part of a gray scene much redder; blinking, it is on half of the time."""
    still = np.full((240, 320, 3), 90, np.uint8)
    lamps = [plan_lamp(still, np.random.default_rng(seed)) for seed in range(20)]
    for lamp in lamps:
        more_red = lamp.scene[..., 2].astype(int) - lamp.scene[..., 0]
        assert more_red.max() > 80
        assert 0.002 < (more_red > 60).mean() < 0.6
        times = np.arange(0, 100, 0.01).tolist()
        on = np.mean([lamp.is_on(time) for time in times])
        assert on == pytest.approx(0.5 if lamp.hertz else 1.0, abs=0.02)
    assert 0 < sum(lamp.hertz == 0 for lamp in lamps) < 20


def test_odd_frames() -> None:
    """A flash makes all brighter; lost data makes the lower part wrong, and leaves the upper."""
    frame = np.tile(np.arange(60, 140, dtype=np.uint8)[np.newaxis, :, np.newaxis], (60, 1, 3))
    flashed = torn = 0
    for seed in range(20):
        before = frame.copy()
        odd = spoil(frame, np.random.default_rng(seed)).astype(int)
        assert np.array_equal(frame, before)
        if (odd[0] > frame[0]).all():
            flashed += 1
        else:
            assert np.array_equal(odd[:15], frame[:15])
            assert np.abs(odd[-1] - frame[-1]).max() >= 90
            torn += 1
    assert flashed
    assert torn


def test_grain_differs_from_frame_to_frame() -> None:
    """It has the deviation that is asked for, and two frames share no noise."""
    gray, rng = np.full((HEIGHT, WIDTH, 3), 128, np.uint8), np.random.default_rng(0)
    one, two = (add_grain(gray, 3.0, rng).astype(float) - 128 for _ in range(2))
    assert one.std() == pytest.approx(3.0, rel=0.05)
    assert abs(np.corrcoef(one.ravel(), two.ravel())[0, 1]) < 0.05


def test_videos_at_the_stated_rate(data: Path, tmp_path: Path) -> None:
    """Of the 30 frames a second of the two videos, every third is taken."""
    assert recorded_clips([tmp_path], FPS) == []
    clips = {clip.name: list(clip.frames()) for clip in recorded_clips([data], FPS)}
    assert {name: (len(frames), {frame.fire_share for frame in frames})
            for name, frames in clips.items()} == {
        'furg_house6_fire': (300, {1.0}), 'altar_nofire': (146, {0.0})}
    for frames in clips.values():
        assert np.diff([frame.time for frame in frames]) == pytest.approx(0.1, abs=0.001)


def test_what_videos_show(tmp_path: Path) -> None:
    """The first or last word of the name says it, and a correction better; others are no clips."""
    (tmp_path / 'video').mkdir()
    for name in ('fire_1_a.mp4', 'b_fire.avi', 'nofire_2.mp4', 'candle_3.mp4', 'fire_4_hearth.mp4',
                 'nofire_5.mp4', 'campfire_6.mp4', 'other_7_fire_x.mp4', 'fire_8.csv'):
        (tmp_path / 'video' / name).touch()
    corrections = {tmp_path / 'video' / name: kind for name, kind in (
        ('fire_4_hearth.mp4', 'benign_flame'), ('nofire_5.mp4', 'left_out'))}
    assert {clip.name: clip.kind for clip in recorded_clips([tmp_path], FPS, corrections)} == {
        'fire_1_a': 'fire', 'b_fire': 'fire', 'nofire_2': 'nofire', 'candle_3': 'benign_flame',
        'fire_4_hearth': 'benign_flame'}


def test_videos_of_the_pool(pool: Path) -> None:
    """There are 18 of fire, of which one is a hearth, a candle, and 15 of neither, as told."""
    hearth = pool / 'video' / 'fire_17_fire3.mp4'
    clips = recorded_clips([pool], FPS, {hearth: 'benign_flame'})
    kinds = [clip.kind for clip in clips]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        'fire': 17, 'benign_flame': 2, 'nofire': 15}
    wanted = next(clip for clip in clips if clip.name == hearth.stem)
    assert next(wanted.frames()).fire_share == 0


def test_rendered_room() -> None:
    """It burns from 4 s to 20 s, of 40."""
    frames = list(rendered_clip(2.0, 0).frames())
    assert [frame.time for frame in frames] == [0.5 * number for number in range(80)]
    burning = [frame.time for frame in frames if frame.fire_share == 1]
    assert (burning[0], burning[-1], len(burning)) == (4.0, 19.5, 32)
