# SPDX-License-Identifier: Apache-2.0
"""The table of everything that a model was converted to."""

from collections.abc import Sequence
import dataclasses
from dataclasses import dataclass
import os
from pathlib import Path
import platform
from typing import Any
import zlib

from training.conversion import runtimes
from training.markdown import markdown_table
from training.measurement.metrics import Metrics
from training.run_folder import CONVERSION_FIGURES, write_json

TABLE = 'conversion.md'


@dataclass(frozen=True)
class Conversion:
    """
    What was measured of a model that was converted.

    :ivar metrics: of the images, at the contract's threshold, in LiteRT.
    :ivar differences: largest difference of a probability from the source's, by runtime.
    :ivar changed_decisions: number of images that LiteRT and the source decide differently.
    """

    metrics: Metrics
    differences: dict[str, float]
    changed_decisions: int


@dataclass(frozen=True)
class Row:
    """
    One line of the table.

    :ivar name: what was made: the number format, after how the source was optimized.
    :ivar path: the .tflite file.
    :ivar conversion: what was measured of it; None when it was refused.
    :ivar refused: why it was not written; empty when it was.
    """

    name: str
    path: Path
    conversion: Conversion | None
    refused: str = ''


def describe(rows: Sequence[Row], h5_bytes: int) -> list[dict[str, Any]]:
    """
    Measure the size and latency of every file, and put all figures of it together.

    :param rows: the lines.
    :param h5_bytes: size of the .h5 that the others are compared with.
    :return: a dictionary of figures for each row, in their order.
    :raises RuntimeRefusedError: when a runtime refuses a model that it took before.
    """
    written = [row for row in rows if row.conversion is not None]
    latencies = {runtime: dict(zip(
        (row.path for row in written),
        runtimes.latencies([row.path for row in written], runtime, runtimes.thread_counts()),
        strict=True)) for runtime in runtimes.REQUIRED_RUNTIMES} if written else {}
    described = []
    for row in rows:
        fields: dict[str, Any] = {'variant': row.name, 'file': row.path.name,
                                  'refused': row.refused or None}
        if row.conversion is not None:
            size = row.path.stat().st_size
            fields |= {
                'bytes': size,
                'zipped_bytes': len(zlib.compress(row.path.read_bytes(), 9)),
                'ratio_to_h5': size / h5_bytes,
                'changed_decisions': row.conversion.changed_decisions,
                'runtimes': {
                    runtime: {'version': runtimes.version(runtime),
                              'largest_difference': row.conversion.differences[runtime],
                              'latency_ms': latencies[runtime][row.path]}
                    for runtime in runtimes.REQUIRED_RUNTIMES},
            } | dataclasses.asdict(row.conversion.metrics)
        described.append(fields)
    return described


def write_table(described: Sequence[dict[str, Any]], folder: Path, about: dict[str, Any]) -> str:
    """
    Write the figures as JSON and as a Markdown table.

    :param described: what :func:`describe` returned.
    :param folder: where to write.
    :param about: what else the JSON file is to hold.
    :return: the Markdown table.
    """
    write_json(folder / CONVERSION_FIGURES,
               about | {'machine': _machine(), 'rows': list(described)})
    table = format_conversions(described)
    (folder / TABLE).write_text(table + '\n', encoding='utf-8')
    return table


def format_conversions(described: Sequence[dict[str, Any]]) -> str:
    """Lay out the figures of :func:`describe` as a Markdown table, and what was refused below."""
    written = [row for row in described if not row['refused']]
    timed = [(runtime, threads) for runtime, found in written[0]['runtimes'].items()
             for threads in found['latency_ms']] if written else []
    names = dict.fromkeys(runtime for runtime, _ in timed)
    table = markdown_table(
        ['variant', 'bytes', 'of .h5', 'zipped', 'accuracy', 'ROC AUC', 'changed decisions',
         *(f'{runtime}: difference' for runtime in names),
         *(f'{runtime}: ms, {_count(threads)}' for runtime, threads in timed)],
        [[row['variant'], f'{row["bytes"]:,}', f'{100 * row["ratio_to_h5"]:.1f} %',
          f'{row["zipped_bytes"]:,}', f'{row["accuracy"]:.3f}',
          '-' if row['roc_auc'] is None else f'{row["roc_auc"]:.3f}',
          str(row['changed_decisions']),
          *(f'{row["runtimes"][runtime]["largest_difference"]:.1e}' for runtime in names),
          *(f'{row["runtimes"][runtime]["latency_ms"][threads]:.2f}'
            for runtime, threads in timed)] for row in written])
    refused = [f'- `{row["variant"]}` was not written: {row["refused"]}'
               for row in described if row['refused']]
    return '\n\n'.join(part for part in (table if written else '', '\n'.join(refused)) if part)


def _count(threads: str) -> str:
    return '1 thread' if threads == '1' else f'{threads} threads'


def _machine() -> str:
    """Name the machine that the latencies are of."""
    cpuinfo = Path('/proc/cpuinfo')
    models = [line.split(':', 1)[1].strip() for line in (
        cpuinfo.read_text(encoding='utf-8').splitlines() if cpuinfo.is_file() else ())
        if line.startswith(('model name', 'Model'))]
    name = models[0] if models else platform.processor()
    return (f'{platform.machine()}, {name}, {os.cpu_count()} cores, '
            f'Python {platform.python_version()}')
