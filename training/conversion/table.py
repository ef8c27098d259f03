# SPDX-License-Identifier: Apache-2.0
"""The table of everything that a model was converted to."""

from collections.abc import Sequence
import dataclasses
from dataclasses import dataclass
import os
from pathlib import Path
import platform
import re
from typing import Any
import zlib

from training.conversion import runtimes
from training.markdown import render
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
    A line of the table.

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
    Measure the size and latency of every file, and collect all of its figures.

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
    :return: the Markdown table, and what was refused below.
    """
    write_json(folder / CONVERSION_FIGURES,
               about | {'machine': _machine(), 'rows': list(described)})
    table = render('conversion.md.j2', rows=described)
    (folder / TABLE).write_text(table, encoding='utf-8')
    return table


def _machine() -> str:
    """Return the machine that the latencies are of."""
    cpuinfo = Path('/proc/cpuinfo')
    text = cpuinfo.read_text(encoding='utf-8') if cpuinfo.is_file() else ''
    found = re.search(r'^(?:model name|Model).*?:\s*(.*)$', text, re.MULTILINE)
    name = found[1] if found else platform.processor()
    return (f'{platform.machine()}, {name}, {os.cpu_count()} cores, '
            f'Python {platform.python_version()}')
