# SPDX-License-Identifier: Apache-2.0
"""Epochs are drawn, varied and batched as configured, the same way each time."""

from pathlib import Path

from fire_detector.images.files import read_image
from fire_detector.model.preprocessing import InputSpec, preprocess
import numpy as np
import pytest

_ = pytest.importorskip('keras', reason='the extra training is not installed')

from training.data.manifest import read_manifest  # noqa: E402
from training.data.samples import FIRE, LABELS, labels_of, Sample, select  # noqa: E402
from training.learning.augmentation import film, view  # noqa: E402
from training.learning.batches import Batches, targets  # noqa: E402
from training.learning.fitting import HardNegatives  # noqa: E402
from training.learning.sampling import epoch_order  # noqa: E402
from training.learning.sunsets import add_sunset  # noqa: E402
from training.learning.views import augmented_views, Fires  # noqa: E402
from training.run_folder import TrainingConfig  # noqa: E402

SPEC = InputSpec(64, 64)


def sample(label: int, source: str = 'a', group: str = 'g') -> Sample:
    """Return a sample of which only label, source and group matter."""
    return Sample(Path('x.jpg'), label, source, group, 'train')


def config(**changes: object) -> TrainingConfig:
    """Return a configuration with some changes."""
    return TrainingConfig(**{'data': '', 'batch_size': 16} | changes)  # type: ignore[arg-type]


def rng(seed: int = 0) -> np.random.Generator:
    """Return a source of the same choices each time."""
    return np.random.default_rng(seed)


def test_epochs_without_balance_have_every_image_once() -> None:
    """Each image comes once, in another order in another epoch."""
    samples = [sample(0, group=str(number)) for number in range(50)]
    orders = [epoch_order(samples, 'none', 0, rng(seed)) for seed in (0, 1)]
    assert all(sorted(order.tolist()) == list(range(50)) for order in orders)
    assert orders[0].tolist() != orders[1].tolist()


def test_classes_are_balanced() -> None:
    """
    Draw from 30 fire and 10 no-fire images.

    Each class weighs the same, so 20 draws fall on the 10 of the one, each twice, and 20 on the
    30 of the other, each once at most.
    """
    samples = [sample(0)] * 30 + [sample(1)] * 10
    counts = np.bincount(epoch_order(samples, 'class', 0, rng()), minlength=40)
    assert counts[:30].sum() == 20
    assert max(counts[:30].tolist()) == 1
    assert counts[30:].tolist() == [2] * 10


def test_copies_of_an_image_are_spread_over_the_epoch() -> None:
    """
    Draw each of 100 no-fire images three times, beside 300 of 500 fire images.

    These are 300 pairs of copies, each of which are neighbors in 2 of 600 shuffled orders: one
    pair on average. In the order in which they were drawn, 200 pairs are.
    """
    samples = [sample(0)] * 500 + [sample(1)] * 100
    order = epoch_order(samples, 'class', 0, rng())
    assert np.count_nonzero(np.diff(order) == 0) < 10


def test_sources_are_drawn_by_the_root_of_their_size() -> None:
    """Of fire, 64 images of one source and 4 of another: 8 to 2, in 40 draws 32 to 8."""
    samples = [sample(0, 'large')] * 64 + [sample(0, 'small')] * 4 + [sample(1)] * 12
    counts = np.bincount(epoch_order(samples, 'source', 0, rng()), minlength=80)
    assert counts[:64].sum() == 32
    assert counts[64:68].sum() == 8
    assert counts[68:].sum() == 40


def test_hard_images_are_drawn_more_often() -> None:
    """
    Draw one of four images without fire three times as often, and fires as often as before.

    The labels have half of the 16 places each. Of the 8 without fire, the hard one has 3 parts of
    6: 4; the others have 8/6 each.
    """
    samples = [sample(FIRE)] * 12 + [sample(1 - FIRE)] * 4
    factors = np.array([1.0] * 12 + [3, 1, 1, 1])
    counts = np.mean([np.bincount(epoch_order(samples, 'class', 0, rng(seed), factors),
                                  minlength=16) for seed in range(200)], axis=0)
    assert counts[:12].sum() == pytest.approx(8, abs=0.1)
    assert counts[12:] == pytest.approx([4, 8 / 6, 8 / 6, 8 / 6], abs=0.15)


def test_hard_images_are_those_that_are_taken_for_fires(data: Path) -> None:
    """
    Draw an image that is taken for a fire by 1/2 as often as 1 + (5 - 1) / 2 = 3 others.

    Fires are not looked at.
    """
    samples = [Sample(data / 'images/cair' / label / '0001.jpg', index, 'cair', label, 'train')
               for index, label in enumerate(LABELS)]

    class Network:
        """A network that is always as sure."""

        def predict(self, tensors: np.ndarray, **_: object) -> list[np.ndarray]:
            """Return a probability and a heat map."""
            assert tensors.shape == (1, 64, 64, 3)
            return [np.array([[0.5]]), np.zeros((1, 4, 4, 1))]

    assert HardNegatives(samples, SPEC, 5.0).factors(Network()).tolist() == [1, 3]


def test_long_videos_are_capped() -> None:
    """Of a group of 30, an epoch has 5 at most, others in another epoch."""
    samples = [sample(0, group='video')] * 30 + [sample(1, group='photo')] * 2
    orders = [epoch_order(samples, 'none', 5, rng(seed)) for seed in (0, 1)]
    drawn = [{index for index in order.tolist() if index < 30} for order in orders]
    assert [len(order) for order in orders] == [7, 7]
    assert [len(indices) for indices in drawn] == [5, 5]
    assert drawn[0] != drawn[1]


def augmented(pixels: np.ndarray, height: int, width: int, seed: int) -> np.ndarray:
    """Return what training makes of an image."""
    generator = rng(seed)
    return film(view(pixels, height, width, generator), generator)


def test_augmentation_keeps_fire_the_color_of_fire(data: Path) -> None:
    """Variations differ and have the asked size; orange stays orange, or is gray at times."""
    orange = np.full((150, 200, 3), (230, 120, 20), np.uint8)
    gray = 0
    for seed in range(100):
        varied = augmented(orange, 32, 48, seed)
        assert varied.shape == (32, 48, 3)
        assert varied.dtype == np.uint8
        red, green, blue = varied.mean(axis=(0, 1))
        gray += red - blue < 5
        # Over-exposed, red and green are both as bright as can be, or nearly.
        assert red + 1 > green > blue - 1
    assert 0 < gray < 15
    image = read_image(data / 'images/cair/fire/0001.jpg').in_order('RGB')
    varied = np.stack([augmented(image, 64, 64, seed) for seed in range(8)])
    assert len({variation.tobytes() for variation in varied}) == 8
    np.testing.assert_array_equal(varied[0], augmented(image, 64, 64, 0))


def test_augmentation_keeps_what_is_in_the_image() -> None:
    """
    Follow a gradient from black on the left to white on the right.

    Whatever is cropped, turned and mirrored, columns still rise or fall from side to side, the
    means of the quarters in order; mirrored and not mirrored ones both come.
    """
    gradient = np.repeat(np.arange(0, 256, dtype=np.uint8)[np.newaxis, :, np.newaxis], 128, 0)
    directions = set()
    for seed in range(40):
        varied = augmented(np.repeat(gradient, 3, axis=2), 64, 64, seed)
        quarters = varied.reshape(64, 4, 16, 3).mean(axis=(0, 2, 3))
        steps = np.sign(np.diff(quarters))
        assert abs(steps.sum()) == 3
        directions.add(steps[0])
    assert directions == {-1, 1}


def test_batches_do_not_depend_on_the_order_they_are_made_in(small_data: Path) -> None:
    """Any batch of any epoch can be made at any time; epochs differ."""
    samples = select(read_manifest(small_data), 'train')
    batches = Batches(samples, 2, SPEC, config())
    forward = [batches[index] for index in range(batches.num_batches)]
    backward = [batches[index] for index in reversed(range(batches.num_batches))][::-1]
    for batch, again in zip(forward, backward, strict=True):
        np.testing.assert_array_equal(batch[0], again[0])
        np.testing.assert_array_equal(batch[1], again[1])
    assert sum(len(inputs) for inputs, _ in forward) == batches.images
    batches.epoch = 1
    assert not np.array_equal(batches[0][0], forward[0][0])


def test_unvaried_batches_are_the_tensors_of_the_node(small_data: Path) -> None:
    """Without augmentation a batch has the node's tensors, and the label of each."""
    samples = select(read_manifest(small_data), 'train')
    batches = Batches(samples, 1, SPEC, config(augment=False, balance='none', group_cap=0))
    inputs, expected_fire = batches[0]
    expected = {preprocess(read_image(sample.path), SPEC).tobytes(): sample.label == FIRE
                for sample in samples}
    assert [expected[tensor.tobytes()] for tensor in inputs] == expected_fire[:, 0].tolist()


def test_targets() -> None:
    """Fire is 1 for one output, and the first of two where there are two."""
    samples = [sample(FIRE), sample(1 - FIRE)]
    assert targets(labels_of(samples) == FIRE, 1).tolist() == [[1], [0]]
    assert targets(labels_of(samples) == FIRE, 2).tolist() == [[1, 0], [0, 1]]


def test_sunset_is_bright_in_a_dark_room() -> None:
    """
    Render sunsets into a gray room.

    What is left of the room is 10 to 70 % of its 128, and no color at all. In the window, which is
    6 to 81 % of the image, there is light that is more red than blue.
    """
    room = np.full((96, 96, 3), 128, np.uint8)
    for seed in range(30):
        rendered = add_sunset(room, rng(seed)).astype(int)
        warmth = rendered[:, :, 0] - rendered[:, :, 2]
        dark = (warmth == 0) & (rendered.max(axis=2) <= 0.7 * 128)
        assert 0.15 < dark.mean() < 0.99
        assert (warmth > 20).mean() > 0.02, seed
    assert (room == 128).all()


def test_sunsets_are_rendered_without_fire_only(data: Path) -> None:
    """With a chance of 1, every image without fire gets one, and none with."""
    samples = [Sample(data / 'images/cair' / label / '0001.jpg', index, 'cair', label, 'train')
               for index, label in enumerate(LABELS)]
    never, always = (augmented_views(samples, SPEC, Fires({}, None), config(sunsets=sunsets))
                     for sunsets in (1e-12, 1.0))
    for index, label in enumerate(LABELS):
        assert np.array_equal(never(index, rng(3)).tensor,
                              always(index, rng(3)).tensor) == (label == 'fire')
