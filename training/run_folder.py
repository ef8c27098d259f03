# SPDX-License-Identifier: Apache-2.0
"""The files of a training run."""

from collections.abc import Sequence
import dataclasses
from dataclasses import dataclass, field
import json
import math
from pathlib import Path
from typing import Any

from training.data.joining import common_folder
from training.data.manifest import read_manifest
from training.data.samples import check, Dataset, DatasetError, divide, Meaning, Sample

CONFIG = 'config.json'
SAMPLES = 'samples.csv'
HISTORY = 'history.csv'
CURVES = 'curves.png'
METRICS = 'metrics.json'
BACKUP = 'backup'
BEST_EPOCH = 'best.keras'
PREDICTIONS = 'predictions.csv'
# Alike but for the suffix, so that the one model.contract.json is beside all three.
KERAS_MODEL = 'model.keras'
H5_MODEL = 'model.h5'
SAVED_MODEL = 'model.savedmodel'
# What is made of a run by the other tools.
EVALUATION = 'evaluation'
CONVERSIONS = 'tflite'
QUANTIZATION_AWARE = 'qat'
PRUNED = 'pruned'
# In CONVERSIONS: what was measured of them.
CONVERSION_FIGURES = 'conversion.json'
# How the step size changes: not at all, or to nothing along a cosine.
SCHEDULES = ('constant', 'cosine')


def _option(default: Any, text: str) -> Any:
    return field(default=default, metadata={'help': text})


@dataclass(frozen=True)
class TrainingConfig:
    """
    The configuration of a training; the defaults are the recipe of the default model.

    Of the fields that are not listed here, `help` in the metadata is the meaning: these are
    options of the command of the same names.

    :ivar data: the data folders, absolute.
    :ivar corrections: the list of right labels, absolute; None for those of the data folders.
    :ivar as_fire: kinds of images that count as fire, besides fire.
    :ivar as_nofire: kinds of images that count as images without fire, besides these.
    :ivar group_by: the rule that grouped its images; None for the usual, or its manifest's.
    :ivar split_seed: seed of the split; None for the usual, or its manifest's.
    :ivar leave_out: sources that are kept from training and validation altogether.
    :ivar name: the model's name; None for that of the architecture.
    :ivar start_from: a .keras file, or the name of a model of the package, from whose weights the
        training goes on; None for ImageNet's or random ones.
    :ivar false_alarms: as its option, but None for a threshold of 0.5.
    :raises ValueError: when a value is outside its range.
    """

    data: tuple[str, ...]
    group_by: str | None = None
    split_seed: int | None = None
    arch: str = _option('lite0', 'network')
    leave_out: tuple[str, ...] = ()
    corrections: str | None = None
    as_fire: tuple[str, ...] = ()
    as_nofire: tuple[str, ...] = ()
    epochs: int = _option(16, 'passes over the training images')
    input_size: int = _option(0, "rows and columns of the network's input, 0 for its own")
    batch_size: int = _option(32, 'images in a step')
    name: str | None = None
    start_from: str | None = None
    learning_rate: float = _option(2e-3, 'step size of Adam, the largest')
    average: float = _option(
        0.0, 'momentum of the moving average of the weights that is kept in place of them, such '
             'as 0.998; 0 for the weights themselves')
    schedule: str = _option('cosine', 'how the learning rate changes')
    augment: bool = _option(True, 'vary the images at random')
    balance: str = _option('source', 'what is drawn equally often')
    box_crops: float = _option(
        0.0, 'chance of a crop of the fire or from beside it, for a network with a heat map and '
             'a fire whose boxes are known')
    hard_negatives: float = _option(
        0.0, 'how much more often an image without fire is drawn, from the second epoch on, that '
             'the network surely takes for one; 0 for all alike')
    sunsets: float = _option(0.08, 'chance of rendering a sunset into an image without fire')
    calibrate: bool = _option(True, 'calibrate the probabilities on val')
    false_alarms: float | None = _option(
        0.02, 'share of false alarms on val that the threshold is chosen for, 0 for a threshold '
              'of 0.5')
    group_cap: int = _option(20, 'images of one group in an epoch, 0 for all')
    seed: int = _option(0, 'the same seed gives the same metrics')

    def __post_init__(self) -> None:
        """Check what a type annotation cannot express."""
        for name, least in (('epochs', 1), ('batch_size', 1), ('group_cap', 0),
                            ('input_size', 0), ('seed', 0)):
            if getattr(self, name) < least:
                raise ValueError(f'{name} {getattr(self, name)} is not {least} or more')
        for name in ('sunsets', 'box_crops', 'false_alarms'):
            if not 0 <= (getattr(self, name) or 0) <= 1:
                raise ValueError(f'{name} {getattr(self, name)} is not from 0 to 1')
        if not 0 <= self.average < 1:
            raise ValueError(f'average {self.average} is not from 0 to below 1')
        if self.hard_negatives and not 1 <= self.hard_negatives < math.inf:
            raise ValueError(f'hard_negatives {self.hard_negatives} is not 0, or 1 or more')
        if not 0 < self.learning_rate < math.inf:
            raise ValueError(f'learning_rate {self.learning_rate} is not above 0')

    @property
    def meaning(self) -> Meaning:
        """Return which kinds of images are fire, and which are not."""
        return Meaning(frozenset(('fire', *self.as_fire)), frozenset(('nofire', *self.as_nofire)))


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a dictionary as a JSON file for people to read."""
    path.write_text(json.dumps(content, indent=2) + '\n', encoding='utf-8')


def write_config(run: Path, config: TrainingConfig) -> None:
    """Write a run's configuration."""
    write_json(run / CONFIG, dataclasses.asdict(config))


def read_config(run: Path) -> TrainingConfig:
    """
    Read a run's configuration.

    :raises DatasetError: when there is none, or it is not one.
    """
    try:
        fields = json.loads((run / CONFIG).read_text(encoding='utf-8'))
        return TrainingConfig(**fields | {'data': data_folders(fields['data'])} | {
            name: tuple(fields.get(name, ())) for name in ('as_fire', 'as_nofire', 'leave_out')})
    except (OSError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise DatasetError(f'{run / CONFIG}: not the configuration of a training run: '
                           f'{error}') from error


def data_folders(recorded: str | Sequence[str]) -> tuple[str, ...]:
    """Return the data folders of a record, in which a single one may be a text."""
    return (recorded,) if isinstance(recorded, str) else tuple(recorded)


def run_of(model: Path) -> Path:
    """
    Find the run folder that a model belongs to.

    :param model: a model in a run folder or in one of the folders in it.
    :raises DatasetError: when it is in none.
    """
    for folder in list(model.resolve().parents)[:2]:
        if (folder / CONFIG).is_file() and (folder / SAMPLES).is_file():
            return folder
    raise DatasetError(f'{model}: not in a run folder of training.train, which would list the '
                       f'images it was trained on; name the images with --data')


def read_samples(run: Path) -> list[Sample]:
    """
    List the images of a run, those left out of it too, with their split at that time.

    :raises DatasetError: when the run's files cannot be read.
    """
    return read_run(run).samples


def read_run(run: Path) -> Dataset:
    """
    List all images of a run, those set apart or left out too, with their split at that time.

    :raises DatasetError: when the run's files cannot be read.
    """
    config = read_config(run)
    folders = [Path(folder) for folder in config.data]
    dataset = divide(read_manifest(common_folder(folders), run / SAMPLES), folders,
                     config.meaning)
    check(dataset.samples, run / SAMPLES, dataset.apart)
    return dataset


def samples_of(model: Path) -> list[Sample]:
    """
    List the images that the model of a run was trained, chosen and tested on.

    :param model: a model in a run folder or in one of the folders in it.
    :raises DatasetError: when it is in none, or the run's files cannot be read.
    """
    run = run_of(model)
    return read_run(run).without(read_config(run).leave_out).samples


def evaluation_folder(model: Path) -> Path:
    """Return the folder for a model's measurements: in its run folder, or else in `runs`."""
    try:
        run = run_of(model)
    except DatasetError:
        return Path('runs') / EVALUATION / model.name
    return run / EVALUATION / '_'.join(model.resolve().relative_to(run).parts)
