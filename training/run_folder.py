# SPDX-License-Identifier: Apache-2.0
"""The files in which a training run leaves its results."""

import dataclasses
from dataclasses import dataclass
import json
from pathlib import Path
from typing import Any

CONFIG = 'config.json'
METRICS = 'metrics.json'
KERAS_MODEL = 'model.keras'
H5_MODEL = 'model.h5'


@dataclass(frozen=True)
class TrainingConfig:
    """
    Say how a model was trained.

    :ivar data: the data folder, absolute.
    :ivar arch: name of the architecture.
    :ivar epochs: passes over the training pictures.
    :ivar batch_size: pictures in one step of the optimizer.
    :ivar seed: seed of every random choice.
    """

    data: str
    arch: str
    epochs: int
    batch_size: int
    seed: int


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a dictionary as a JSON file for people to read."""
    path.write_text(json.dumps(content, indent=2) + '\n', encoding='utf-8')


def write_config(run: Path, config: TrainingConfig) -> None:
    """Write a run's configuration."""
    write_json(run / CONFIG, dataclasses.asdict(config))


def read_config(run: Path) -> TrainingConfig:
    """
    Read a run's configuration.

    :raises OSError: when there is none.
    :raises ValueError: when it is not one.
    """
    try:
        return TrainingConfig(**json.loads((run / CONFIG).read_text(encoding='utf-8')))
    except TypeError as error:
        raise ValueError(f'{run / CONFIG}: not a training configuration: {error}') from error
