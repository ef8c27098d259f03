# SPDX-License-Identifier: Apache-2.0
"""The image of how a training went."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

PANELS = {'loss': 'loss', 'accuracy': 'share called right'}


def write_curves(history: Sequence[dict[str, float]], kept: int, path: Path) -> None:
    """
    Draw loss and accuracy over the epochs.

    :param history: for each epoch `loss`, `accuracy`, `val_loss` and `val_accuracy`.
    :param kept: number of the epoch that is kept, from 0.
    :param path: the PNG file to write.
    """
    figure = Figure(figsize=(9, 3.4), layout='constrained')
    epochs = range(1, len(history) + 1)
    for axes, (name, title) in zip(figure.subplots(1, len(PANELS)), PANELS.items(), strict=True):
        for key, label in ((name, 'train'), (f'val_{name}', 'val')):
            axes.plot(epochs, [row[key] for row in history], label=label)
        axes.set(xlabel='epoch', ylabel=title)
        axes.grid(alpha=0.3)
    axes.axvline(kept + 1, color='gray', linestyle=':', label=f'kept: epoch {kept + 1}')
    axes.legend(loc='lower right')
    figure.savefig(path, dpi=110)
