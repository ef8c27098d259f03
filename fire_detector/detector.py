# SPDX-License-Identifier: Apache-2.0
"""Load what turns the camera's messages into probabilities and alarms."""

from collections.abc import Callable
from dataclasses import dataclass
import functools
import math
from pathlib import Path
from typing import Any

from fire_detector.alarm import FireAlarm
from fire_detector.camera_messages import from_compressed_image, from_image
from fire_detector.classifier import FireClassifier
from fire_detector.diagnostics import about_model, Values
from fire_detector.model_contract import ModelContract
from fire_detector.model_files import find_model
from fire_detector.parameters import NodeSettings, RAW
from fire_detector.picture import Picture
from fire_detector.preprocessing import OVERSIZE
from fire_detector.stored_model import read_changed_model, read_model
from fire_detector.tiling import GRID, NONE, TiledClassifier
import numpy as np


@dataclass(frozen=True)
class Detector:
    """
    Hold what is made when the node is configured.

    :ivar settings: what it was made with.
    :ivar model: the file of the model.
    :ivar model_changed: whether that is not the one that its contract names.
    :ivar to_picture: makes a picture of a message of the camera; raises ImageError.
    :ivar classifier: tells the probability of fire.
    :ivar alarm: makes an alarm of probabilities; as the model's contract has it.
    :ivar about: what diagnostics say of the model.
    """

    settings: NodeSettings
    model: Path
    model_changed: bool
    to_picture: Callable[[Any], Picture]
    classifier: TiledClassifier
    alarm: FireAlarm
    about: Values


def load_detector(settings: NodeSettings) -> Detector:
    """
    Load, check and warm up the model.

    :param settings: which model, how to run it, and which messages its pictures come in.
    :raises ModelError: when the model cannot be used; the message names the file.
    :raises RuntimeUnavailableError: when its runtime cannot be imported.
    """
    model = find_model(settings.model)
    classifier = FireClassifier(
        model, settings.runtime, settings.num_threads,
        read_changed_model if settings.allow_changed_model else read_model)
    contract = classifier.contract
    # The first inference allocates what the later ones reuse.
    classifier.answer(np.zeros(contract.input_shape, np.float32))
    return Detector(
        settings, model, classifier.model_changed, _picture_maker(settings, contract),
        TiledClassifier(classifier, settings.tiles), FireAlarm(contract.alarm),
        about_model(contract, classifier.runtime, settings.num_threads))


def _picture_maker(settings: NodeSettings,
                   contract: ModelContract) -> Callable[[Any], Picture]:
    """Choose what makes pictures of messages, not much larger than the model needs."""
    if settings.image_transport == RAW:
        return from_image
    # So that a tile is as large, too.
    factor = OVERSIZE if settings.tiles == NONE else OVERSIZE / GRID.share
    return functools.partial(from_compressed_image,
                             rows=math.ceil(factor * contract.input_spec.height),
                             columns=math.ceil(factor * contract.input_spec.width))
