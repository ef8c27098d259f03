# SPDX-License-Identifier: Apache-2.0
"""
Compare recipes over several seeds: `python -m training.study ablation --data DIR`.

Each row of a study is trained once for each seed, each time by `training.train` in a process of
its own. What is finished is not done again: an interrupted study goes on where it was.
"""

import argparse
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
import os
from pathlib import Path
import shlex
import subprocess
import sys

from training.measurement.study_tables import Finding, read_finding, study_tables
from training.run_folder import (
    EVALUATION,
    KERAS_MODEL,
    METRICS,
    PREDICTIONS,
    QUANTIZATION_AWARE,
    SAVED_MODEL,
    write_json,
)
from training.studies import Converted, Row, STUDIES

STUDY = Path('runs') / 'study'
SEEDS = (0, 1, 2)
ROOT = Path(__file__).resolve().parents[1]
TEACHER_FILE = 'teacher.tflite'
LOG = 'log.txt'
# One thread each, since two of these small networks beside each other learn faster than one after
# the other with two threads each. oneDNN, which TensorFlow leaves off on older processors, makes
# depthwise convolutions learn half as fast again.
ENVIRONMENT = {'TF_NUM_INTRAOP_THREADS': '1', 'TF_NUM_INTEROP_THREADS': '1',
               'OMP_NUM_THREADS': '1', 'TF_ENABLE_ONEDNN_OPTS': '1'}


class StudyError(RuntimeError):
    """Report a training of a study that failed."""


class Study:
    """Train the rows of a study, and find what was trained."""

    def __init__(self, rows: Mapping[str, Row | Converted], seeds: Sequence[int], data: Path,
                 out: Path) -> None:
        """
        Set up a study.

        :param rows: the rows by name.
        :param seeds: the seeds to train each of them with.
        :param data: the data folder.
        :param out: folder for the run folders.
        """
        self._rows, self._seeds, self._data, self._out = rows, tuple(seeds), data, out
        self._teachers = {row.teacher for row in rows.values() if isinstance(row, Row)} - {None}

    def train(self, jobs: int) -> None:
        """
        Train what is not trained yet: teachers, then their pupils, then what is made of these.

        :param jobs: trainings at a time.
        :raises StudyError: when some fail; the others of the same turn are finished before.
        """
        converted = [name for name, row in self._rows.items() if isinstance(row, Converted)]
        teachers = [name for name in self._rows if name in self._teachers]
        pupils = [name for name in self._rows if name not in (*converted, *teachers)]
        with ThreadPoolExecutor(jobs) as workers:
            for names in (teachers, pupils, converted):
                trials = [(name, seed) for seed in self._seeds for name in names
                          if seed in self._seeds_of(name)]
                failed = list(filter(None, workers.map(lambda one: self._make(*one), trials)))
                if failed:
                    raise StudyError('; '.join(failed))

    def findings(self) -> dict[str, list[Finding]]:
        """Read what was measured, by row; those that are there to teach are left out."""
        return {name: [read_finding(self._predictions(name, seed))
                       for seed in self._seeds_of(name)]
                for name in self._rows if name not in self._teachers}

    def _seeds_of(self, name: str) -> tuple[int, ...]:
        row = self._rows[name]
        return self._seeds[:row.seeds] if isinstance(row, Row) else self._seeds

    def _run(self, name: str, seed: int) -> Path:
        """Name the run folder of one training: `row_name/seed0` and so on."""
        return self._out / name.replace(' ', '_') / f'seed{seed}'

    def _predictions(self, name: str, seed: int) -> Path:
        row = self._rows[name]
        folder = self._run(name, seed) if isinstance(row, Row) else (
            self._run(row.of, seed) / EVALUATION / _slug(row))
        return folder / PREDICTIONS

    def _make(self, name: str, seed: int) -> str:
        """Make one row with one seed; return what went wrong, or nothing."""
        row = self._rows[name]
        run = self._run(name if isinstance(row, Row) else row.of, seed)
        run.mkdir(parents=True, exist_ok=True)
        commands = (self._training(name, row, seed, run) if isinstance(row, Row)
                    else self._conversion(row, run))
        for done, words in commands:
            if done.exists():
                continue
            with (run / LOG).open('a', encoding='utf-8') as log:
                print(shlex.join(['python', '-m', *words]), file=log, flush=True)
                status = subprocess.run([sys.executable, '-m', *words], cwd=ROOT, stdout=log,
                                        stderr=log, env=os.environ | ENVIRONMENT,
                                        check=False).returncode
            if status:
                return f'{name}, seed {seed}: status {status}, see {run / LOG}'
        return ''

    def _training(self, name: str, row: Row, seed: int,
                  run: Path) -> list[tuple[Path, list[str]]]:
        """List the commands that train, each after the file that it writes last."""
        command = ['training.train', '--data', str(self._data), '--out', str(run),
                   '--seed', str(seed), *shlex.split(row.options)]
        if row.teacher is not None:
            command += ['--teacher', str(self._run(row.teacher, self._seeds[0]) / TEACHER_FILE)]
        commands = [(run / METRICS, command)]
        if name in self._teachers:
            commands.append((run / TEACHER_FILE, [
                'training.convert', str(run / KERAS_MODEL), '--out', str(run / TEACHER_FILE)]))
        return commands

    def _conversion(self, row: Converted, run: Path) -> list[tuple[Path, list[str]]]:
        """List the commands that convert and measure, each after the file that it writes last."""
        model, out = run / KERAS_MODEL, run / f'{_slug(row)}.tflite'
        commands = []
        if row.optimize:
            model = run / QUANTIZATION_AWARE / SAVED_MODEL
            commands.append((run / QUANTIZATION_AWARE / METRICS, [
                'training.optimize', str(run), *shlex.split(row.optimize)]))
        folder = run / EVALUATION / _slug(row)
        return [*commands,
                (out, ['training.convert', str(model), '--type', row.number_format,
                       '--out', str(out)]),
                (folder / PREDICTIONS, ['training.evaluate', str(out), '--out', str(folder)])]


def _slug(row: Converted) -> str:
    return f'{QUANTIZATION_AWARE}_{row.number_format}' if row.optimize else row.number_format


def main(arguments: Sequence[str] | None = None) -> int:
    """Do the study that the command line names; return the exit status."""
    parser = argparse.ArgumentParser(prog='python -m training.study', description=__doc__)
    parser.add_argument('study', choices=STUDIES)
    parser.add_argument('--data', metavar='DIR', type=Path, required=True,
                        help='data folder, with a manifest')
    parser.add_argument('--row', metavar='NAME', action='append', default=[],
                        help='only this row, and the teacher it needs; repeatable')
    parser.add_argument('--seeds', metavar='N', type=int, nargs='+', default=SEEDS,
                        help='seeds of each row (default: 0 1 2)')
    parser.add_argument('--jobs', metavar='N', type=int, default=os.cpu_count() or 1,
                        help='trainings at a time (default: one for each core)')
    parser.add_argument('--out', metavar='DIR', type=Path,
                        help=f'folder for the results (default: {STUDY}/STUDY)')
    options = parser.parse_args(arguments)
    rows = STUDIES[options.study]
    if unknown := set(options.row) - set(rows):
        parser.error(f'no row {" or ".join(sorted(unknown))} in this study, only '
                     f'{", ".join(rows)}')
    if options.row:
        rows = {name: row for name, row in rows.items()
                if name in {*options.row, *map(_needed, (rows[name] for name in options.row))}}
    out = (options.out or STUDY / options.study).resolve()
    study = Study(rows, options.seeds, options.data.resolve(), out)
    try:
        study.train(options.jobs)
    except StudyError as error:
        print(f'training.study: {error}', file=sys.stderr)
        return 1
    table, figures = study_tables(study.findings(), options.data.resolve())
    (out / 'study.md').write_text(table + '\n', encoding='utf-8')
    write_json(out / 'study.json', figures)
    print(table)
    return 0


def _needed(row: Row | Converted) -> str | None:
    """Name the row that another one cannot be made without."""
    return row.teacher if isinstance(row, Row) else row.of


if __name__ == '__main__':
    sys.exit(main())
