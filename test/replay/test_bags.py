# SPDX-License-Identifier: Apache-2.0
"""Bags of every format lead to the same predictions, and damaged ones as far as they can."""

from collections.abc import Callable
from pathlib import Path
import shutil

from fire_detector.detection.detector import Detection, Detector
from fire_detector.images.color_image import ColorImage
from fire_detector.model.classifier import FireClassifier
from fire_detector.replay.offline_detector import detect_recording
from fire_detector.replay.recording import Outcome, replay, Task
from fire_detector.replay.records import Prediction
from fire_detector.replay.sources import open_source, recordings_in, SourceError
from fire_detector.scene.scene import SyntheticScene
import numpy as np
import pytest
from replay_bags import (
    camera,
    COMPRESSED,
    DELAY,
    frames,
    IMAGE,
    image,
    jpeg,
    Pixels,
    resized,
    ROS1,
    START,
    text,
    write_bag,
    write_ros1_bag,
)
from rosbags.rosbag2 import CompressionMode, StoragePlugin

SQLITE3, MCAP = StoragePlugin.SQLITE3, StoragePlugin.MCAP
COUNT = 24
BagMaker = Callable[[Path, list[Pixels]], Path]


@pytest.fixture(scope='module')
def images(data: Path) -> list[Pixels]:
    """Return frames of a real clip, 320x240 so that a chunk of MCAP holds five."""
    return [resized(pixels, 320, 240) for pixels in frames(
        data / 'video' / 'furg_house6_fire.mp4', COUNT, first=450)]


@pytest.fixture(scope='module')
def expected(images: list[Pixels], model: Path) -> list[float]:
    """Return the classifier's probabilities of the frames."""
    classifier = FireClassifier(model)
    return [classifier.probability(ColorImage(pixels, 'BGR')) for pixels in images]


def replayed(path: Path, **options: object) -> Outcome:
    """Replay a recording, and write beside it."""
    return replay(Task(path, path.parent / 'out', ({},), **options))  # type: ignore[arg-type]


def predictions_of(outcome: Outcome, topic: int = 0) -> tuple[Prediction, ...]:
    """Return the predictions to one topic."""
    assert outcome.report is not None, outcome.problems
    return outcome.report.topics[topic].runs[0].predictions


def of_ros2(storage: StoragePlugin, mode: CompressionMode) -> BagMaker:
    """Return a function that writes a bag of ROS 2."""
    return lambda folder, images: write_bag(
        folder / 'bag', [text(), *camera(images)], storage, mode)


def one_file(maker: BagMaker, pattern: str) -> BagMaker:
    """Return a function that writes a bag's file alone, without its metadata."""
    def make(folder: Path, images: list[Pixels]) -> Path:
        file, = maker(folder, images).glob(pattern)
        return file.rename(folder / file.name)
    return make


def split(folder: Path, images: list[Pixels], storage: StoragePlugin = SQLITE3) -> Path:
    """Write a bag of eleven files without metadata, as of a recorder that was killed."""
    records = camera(images)
    bag = folder / 'bag'
    bag.mkdir()
    for number in range(11):
        # The last has what is left; bag_10 must come behind bag_9.
        part = write_bag(folder / f'part_{number}',
                         records[2 * number:2 * number + 2 if number < 10 else None], storage)
        file, = part.glob(f'part_{number}.*')
        shutil.move(file, bag / f'bag_{number}{file.suffix}')
        shutil.rmtree(part)
    return bag


def of_ros1(folder: Path, images: list[Pixels]) -> Path:
    """Write a bag of ROS 1."""
    return write_ros1_bag(folder / 'bag.bag', camera(images, types=ROS1))


PLAIN, MESSAGE, FILE, CHUNKS = (CompressionMode.NONE, CompressionMode.MESSAGE,
                                CompressionMode.FILE, CompressionMode.STORAGE)


@pytest.mark.parametrize('make', [
    pytest.param(of_ros2(SQLITE3, PLAIN), id='sqlite3'),
    pytest.param(of_ros2(SQLITE3, MESSAGE), id='sqlite3 message'),
    pytest.param(of_ros2(SQLITE3, FILE), id='sqlite3 file'),
    pytest.param(of_ros2(MCAP, PLAIN), id='mcap'),
    pytest.param(of_ros2(MCAP, MESSAGE), id='mcap message'),
    pytest.param(of_ros2(MCAP, FILE), id='mcap file'),
    pytest.param(of_ros2(MCAP, CHUNKS), id='mcap chunks'),
    pytest.param(one_file(of_ros2(SQLITE3, MESSAGE), '*.db3'), id='db3 alone, message'),
    pytest.param(one_file(of_ros2(SQLITE3, FILE), '*.zstd'), id='db3.zstd alone'),
    pytest.param(one_file(of_ros2(MCAP, PLAIN), '*.mcap'), id='mcap alone'),
    pytest.param(split, id='split'),
    pytest.param(of_ros1, id='ros1')])
def test_every_format(make: BagMaker, tmp_path: Path, images: list[Pixels],
                      expected: list[float]) -> None:
    """The predictions are those of the classifier, with the stamps that were written."""
    path = make(tmp_path, images)
    assert recordings_in(path) == [path]
    source = open_source(path, (), 10)
    topic, = detect_recording(source, ({},), 1)
    assert topic.topic == '/image'
    predictions = topic.runs[0].predictions
    assert [one.probability for one in predictions] == pytest.approx(expected, abs=1e-6)
    assert [one.stamp / 1e9 - START for one in predictions] == pytest.approx(
        [index / 30 for index in range(COUNT)], abs=1e-6)
    assert (predictions[1].received - predictions[1].stamp) / 1e9 == pytest.approx(
        DELAY, abs=1e-6)
    assert source.problems == []


@pytest.mark.parametrize('frozen', [False, True])
def test_frozen_camera_raises_no_alarm(tmp_path: Path, frozen: bool) -> None:
    """As in the node: with the stamp of the image before, an image has a probability alone."""
    fire = np.ascontiguousarray(SyntheticScene(160, 120).render(12.0)[:, :, ::-1])
    records = camera([fire] * 10)
    if frozen:
        for *_, message in records[4:]:
            message.header.stamp = records[3][-1].header.stamp
    predictions = predictions_of(replayed(write_bag(tmp_path / 'bag', records, MCAP)))
    assert all(one.probability is not None and one.probability > 0.9 for one in predictions)
    assert [one.alarm for one in predictions] == 4 * [False] + 6 * [not frozen]


def test_jpeg_is_decoded_as_the_node_does(tmp_path: Path, images: list[Pixels],
                                          model: Path) -> None:
    """A large JPEG has the probability of the detector, which decodes it at a smaller size."""
    large = [resized(images[0], 2560, 1920)]
    prediction, = predictions_of(replayed(
        write_bag(tmp_path / 'bag', camera(large, kind=COMPRESSED), MCAP)))
    detection = Detector(model).process(jpeg(large[0], START))
    assert isinstance(detection, Detection)
    assert max(detection.image.pixels.shape) < 2560
    assert prediction.probability == detection.probability


def test_several_topics(tmp_path: Path, images: list[Pixels], expected: list[float]) -> None:
    """Each has a section of its own; --topic chooses, and one without images is a problem."""
    records = sorted([*camera(images, '/left'), *camera(images[::-1], '/right', rate=10),
                      text()], key=lambda one: one[2])
    bag = write_bag(tmp_path / 'bag', records, MCAP)
    outcome = replayed(bag)
    assert outcome.report is not None
    assert [(topic.topic, round(topic.rate, 3)) for topic in outcome.report.topics] == [
        ('/left', 30), ('/right', 10)]
    for topic, each in enumerate((expected, expected[::-1])):
        assert [one.probability for one in predictions_of(outcome, topic)] == pytest.approx(
            each, abs=1e-6)
    chosen = replayed(bag, topics=('/right', '/chatter'))
    assert chosen.report is not None
    assert [topic.topic for topic in chosen.report.topics] == ['/right']
    problem, = chosen.problems
    assert 'no messages with images on /chatter' in problem
    assert '/left (sensor_msgs/msg/Image)' in problem


@pytest.mark.parametrize('storage', [SQLITE3, MCAP])
def test_cut_short(storage: StoragePlugin, tmp_path: Path, images: list[Pixels],
                   expected: list[float]) -> None:
    """
    Of the first 60 % of a file, half of the images and more are processed as ever.

    A chunk of MCAP holds five of the 24 images; 60 % of 24 is 14.4, in two chunks and a part.
    """
    bag = write_bag(tmp_path / 'bag', camera(images), storage)
    file, = (path for path in bag.iterdir() if path.suffix in ('.db3', '.mcap'))
    with file.open('rb+') as stream:
        stream.truncate(int(0.6 * file.stat().st_size))
    outcome = replayed(bag)
    found = [one.probability for one in predictions_of(outcome)]
    assert 10 <= len(found) <= 15
    assert found == pytest.approx(expected[:len(found)], abs=1e-6)
    problem, = outcome.problems
    assert str(file) in problem
    assert f'{len(found)} messages' in problem
    assert outcome.report is not None
    assert outcome.report.problems == outcome.problems


def test_missing_and_broken_files(tmp_path: Path, images: list[Pixels],
                                  expected: list[float]) -> None:
    """Of a split bag, the images in the other files are processed."""
    bag = split(tmp_path, images)
    (bag / 'bag_3.db3').write_bytes(b'')
    (bag / 'bag_5.db3').write_bytes(b'something else' * 100)
    (bag / 'bag_7.db3-wal').write_bytes(b'x')
    outcome = replayed(bag)
    assert [one.probability for one in predictions_of(outcome)] == pytest.approx(
        expected[:6] + expected[8:10] + expected[12:], abs=1e-6)
    assert [any(word in problem for word in ('bag_3.db3: empty', 'bag_5.db3: not a bag',
                                             'wal_checkpoint'))
            for problem in outcome.problems] == [True] * 3


def test_metadata_lists_a_missing_file(tmp_path: Path, images: list[Pixels]) -> None:
    """A file that metadata.yaml lists in vain is a problem; the others are read."""
    bag = write_bag(tmp_path / 'bag', camera(images), SQLITE3)
    (bag / 'bag.db3').rename(bag / 'other.db3')
    outcome = replayed(bag)
    assert len(predictions_of(outcome)) == COUNT
    problem, = outcome.problems
    assert f'{bag / "bag.db3"}: missing' in problem


@pytest.mark.parametrize('name', ['bag.mcap', 'bag.db3', 'bag.bag', 'bag.mcap.zstd'])
@pytest.mark.parametrize('content', [b'', b'GIF89a' * 500, b'\x89MCAP0\r\n' + bytes(300)])
def test_foreign(name: str, content: bytes, tmp_path: Path) -> None:
    """Nothing is processed and nothing written; the problem names the file."""
    path = tmp_path / name
    path.write_bytes(content)
    outcome = replayed(path)
    assert outcome.report is None
    assert any(str(path) in problem for problem in outcome.problems)
    assert not outcome.task.out.exists()


def test_without_images(tmp_path: Path) -> None:
    """The problem lists the bag's topics and their types."""
    outcome = replayed(write_bag(tmp_path / 'bag', [text(), text('/other')], MCAP))
    assert outcome.report is None
    assert ('the topics that were found are /chatter (std_msgs/msg/String), '
            '/other (std_msgs/msg/String)') in outcome.problems[0]


def test_rejected_images(tmp_path: Path, images: list[Pixels],
                         expected: list[float]) -> None:
    """A rejected image has the node's reason and no probability; the others have theirs."""
    records = camera(images[:4])
    records[1] = ('/image', IMAGE, records[1][2], image(images[1], START + 1 / 30,
                                                        encoding='32FC1'))
    records[2] = ('/image', IMAGE, records[2][2], b'\x00\x01\x00\x00\x07')
    outcome = replayed(write_bag(tmp_path / 'bag', records, SQLITE3))
    predictions = predictions_of(outcome)
    assert [one.reason for one in predictions] == ['', 'encoding', 'data', '']
    assert [one.probability for one in predictions] == [
        pytest.approx(expected[0], abs=1e-6), None, None, pytest.approx(expected[3], abs=1e-6)]
    assert '32FC1' in predictions[1].detail
    assert 'sensor_msgs/msg/Image' in predictions[2].detail
    # A cell of the table is empty where there is no number.
    lines = (outcome.task.out / 'timeline.csv').read_text().splitlines()
    assert lines[2].split(',')[3:6] == ['', '0', 'encoding']


def test_no_recording(tmp_path: Path) -> None:
    """Paths without a recording are refused; the error names what is expected."""
    (tmp_path / 'notes.txt').write_text('nothing')
    for path, words in ((tmp_path / 'none', 'no such file'),
                        (tmp_path / 'notes.txt', 'neither a bag'),
                        (tmp_path, 'no bag, video or image')):
        with pytest.raises(SourceError, match=words):
            recordings_in(path)
