# SPDX-License-Identifier: Apache-2.0
"""Test the rendered room: what it promises a node, and that its fire is a fire."""

from itertools import pairwise

from fire_detector.scene.scene import DURATION, PHASES, SyntheticScene
import numpy as np
from numpy.typing import NDArray
import pytest

CALM, FULL_FIRE = 2.0, 12.0  # seconds
FIRE_PHASES = [phase for phase in PHASES if phase.fire]


@pytest.fixture(scope='module')
def scene() -> SyntheticScene:
    """Render small, so that the tests are quick."""
    return SyntheticScene(160, 120)


def warm_share(frame: NDArray[np.uint8]) -> float:
    """Return the share of the pixels that are as bright and as warm as flames."""
    red, green, blue = np.moveaxis(frame.astype(int), -1, 0)
    return float(np.mean((red > 220) & (green > 90) & (red - blue > 60)))


def difference(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Return the mean absolute difference of two frames, in gray levels."""
    return float(np.mean(np.abs(one.astype(int) - other.astype(int))))


@pytest.mark.parametrize('time', [0.0, CALM, 4.0, FULL_FIRE, 19.9, 30.0])
def test_same_seed_and_time_give_the_same_frame(scene: SyntheticScene, time: float) -> None:
    """Frames do not depend on the instance or on what was rendered before."""
    np.testing.assert_array_equal(SyntheticScene(160, 120).render(time), scene.render(time))


@pytest.mark.parametrize('time', [CALM, FULL_FIRE])
def test_another_seed_gives_another_frame(scene: SyntheticScene, time: float) -> None:
    """The seed reaches the still room and the flames."""
    assert difference(SyntheticScene(160, 120, seed=1).render(time), scene.render(time)) > 1


@pytest.mark.parametrize(('width', 'height'), [
    (64, 64), (65, 97), (241, 321), (321, 241), (640, 480), (64, 400), (400, 64)])
def test_any_size_renders(width: int, height: int) -> None:
    """Odd, portrait and narrow frames have the size asked for, and show the fire."""
    scene = SyntheticScene(width, height)
    for phase in PHASES:
        frame = scene.render(phase.start)
        assert frame.shape == (height, width, 3)
        assert frame.dtype == np.uint8
    assert warm_share(scene.render(FULL_FIRE)) > 0.02


@pytest.mark.parametrize('size', [63, 0, -640, 640.0, '640', None, True])
def test_a_bad_size_is_named(size: object) -> None:
    """The error names the parameter, the value and what is allowed."""
    with pytest.raises(ValueError, match=f'width is {size!r}, expected .* from 64 on'):
        SyntheticScene(size, 480)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=f'height is {size!r}, expected .* from 64 on'):
        SyntheticScene(640, size)  # type: ignore[arg-type]


@pytest.mark.parametrize('time', [float('nan'), float('inf'), -float('inf')])
def test_a_time_that_is_not_finite_is_named(scene: SyntheticScene, time: float) -> None:
    """No frame is made up for it."""
    with pytest.raises(ValueError, match=f'time is {time!r}'):
        scene.render(time)


def test_phases_cover_the_timeline() -> None:
    """Phases follow each other from 0 to the end without gap or overlap, fire and not."""
    assert PHASES[0].start == 0
    assert PHASES[-1].end == DURATION
    assert all(phase.start < phase.end for phase in PHASES)
    assert all(one.end == after.start for one, after in pairwise(PHASES))
    assert {phase.fire for phase in PHASES} == {True, False}
    assert len({phase.name for phase in PHASES}) == len(PHASES)


def test_flames_are_seen_from_the_first_to_the_last_moment(scene: SyntheticScene) -> None:
    """Every frame of a fire phase has flames; the calm room and the burnt one have none."""
    for phase in FIRE_PHASES:
        for time in np.arange(phase.start, phase.end, 0.25):
            assert warm_share(scene.render(float(time))) > 0.001, time
    for time in (0.0, CALM, 3.99, 20.0, 22.0, 39.0):
        assert warm_share(scene.render(time)) == 0, time


@pytest.mark.parametrize('name', ['warm lamp', 'sunset'])
def test_hard_negatives_shine_like_flames(scene: SyntheticScene, name: str) -> None:
    """A detector that only looks for bright, warm pixels would be deceived."""
    phase = next(phase for phase in PHASES if phase.name == name)
    assert not phase.fire
    assert warm_share(scene.render(phase.start)) > 0.01


def test_fire_grows_and_dies(scene: SyntheticScene) -> None:
    """The grown fire fills many times what it fills at its start and at its end."""
    start, full, end = (
        np.mean([warm_share(scene.render(begin + 0.1 * step)) for step in range(10)])
        for begin in (4.0, FULL_FIRE, 19.0))
    assert full > 0.05
    assert full > 5 * start
    assert full > 5 * end


def test_fire_warms_and_darkens_the_room(scene: SyntheticScene) -> None:
    """The left wall, away from the flames, turns darker and from gray to orange."""
    calm, fire = (scene.render(time)[60:72, 2:10].mean(axis=(0, 1)) for time in (CALM, FULL_FIRE))
    assert calm[0] / calm[2] == pytest.approx(1, abs=0.1)
    assert fire[0] / fire[2] > 1.3
    assert fire.mean() < 0.7 * calm.mean()


def test_only_flames_move(scene: SyntheticScene) -> None:
    """A twentieth of a second changes a fire a lot, and a still room by its sensor noise."""
    moves = {time: difference(scene.render(time), scene.render(time + 0.05))
             for time in (CALM, 10.0, FULL_FIRE, 14.0, 30.0)}
    assert 0 < moves[CALM] < 4
    assert 0 < moves[30.0] < 4
    assert min(moves[10.0], moves[FULL_FIRE], moves[14.0]) > 2 * moves[CALM]


def test_flames_rise(scene: SyntheticScene) -> None:
    """Moved up, a frame of the fire resembles the next one more than it does moved down."""
    up, down = 0.0, 0.0
    for time in np.arange(9.5, 15.5, 0.25):
        before, after = scene.render(float(time)), scene.render(float(time) + 0.02)
        up += difference(before[2:, 40:120], after[:-2, 40:120])
        down += difference(before[:-2, 40:120], after[2:, 40:120])
    assert up < 0.8 * down


@pytest.mark.parametrize('time', [1.234, FULL_FIRE, 39.999])
def test_the_timeline_wraps_around(scene: SyntheticScene, time: float) -> None:
    """A frame is repeated after each whole duration, before time 0 too."""
    frame = scene.render(time)
    np.testing.assert_array_equal(scene.render(time + DURATION), frame)
    np.testing.assert_array_equal(scene.render(time + 7 * DURATION), frame)
    np.testing.assert_array_equal(scene.render(time - DURATION), frame)


def test_frames_belong_to_the_caller(scene: SyntheticScene) -> None:
    """Drawing on a frame leaves later frames alone."""
    frame = scene.render(CALM)
    kept = frame.copy()
    frame[:] = 0
    np.testing.assert_array_equal(scene.render(CALM), kept)
