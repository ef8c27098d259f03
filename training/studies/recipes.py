# SPDX-License-Identifier: Apache-2.0
"""
Compare recipes over several seeds: `python -m training.studies.recipes default --data DIR`.

Each row of a study is trained once for each seed, each time by `training.train` in a process of
its own. What is finished is not done again: an interrupted study goes on where it was.
"""

import argparse
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
import os
from pathlib import Path
import shlex
import subprocess
import sys

import pandas as pd
from sklearn.metrics import roc_curve
from training.command import CommandError, run_command
from training.markdown import markdown_table
from training.measurement.metrics import last_within, measure, share_of
from training.measurement.predictions import fire_sizes, read_predictions, SIZES
from training.run_folder import METRICS, PREDICTIONS

OUT = Path('runs') / 'study'
SEEDS = (0, 1, 2)
ROOT = Path(__file__).resolve().parents[2]
LOG = 'log.txt'
# One thread each, since two of these small networks beside each other learn faster than one after
# the other with two threads each. oneDNN, which TensorFlow leaves off on older processors, makes
# depthwise convolutions learn half as fast again.
ENVIRONMENT = {'TF_NUM_INTRAOP_THREADS': '1', 'TF_NUM_INTEROP_THREADS': '1',
               'OMP_NUM_THREADS': '1', 'TF_ENABLE_ONEDNN_OPTS': '1'}

# As its authors trained it: no variation, no balance, no choice of anything afterwards.
ARTICLE = ('--arch firenet --schedule constant --learning-rate 0.001 --sunsets 0 --no-augment '
           '--balance none --group-cap 0 --no-calibrate --false-alarms 0')
# With the default recipe of training.train, but for the number of epochs.
LITE0 = '--arch lite0'
# Shorter than the default's training, so that there is time for three seeds of every row.
SHORT = f'{LITE0} --epochs 4'
# What is left out together: indoor and cctv took from the same videos.
WITHOUT = ' without '
UNSEEN = ('cair',), ('kaggle999',), ('cctv', 'indoor')


def _unseen() -> dict[str, str]:
    rows = {}
    for sources in UNSEEN:
        left_out = ' '.join(f'--leave-out {source}' for source in sources)
        for arch, recipe in (('firenet', f'{ARTICLE} --epochs 20'),
                             ('lite0', f'{LITE0} --epochs 8')):
            rows[f'{arch}{WITHOUT}{"+".join(sources)}'] = f'{recipe} {left_out}'
    return rows


# For each study the rows, with the options of training.train.
STUDIES: Mapping[str, Mapping[str, str]] = {
    'default': {
        'firenet': f'{ARTICLE} --epochs 40',
        'lite0': f'{LITE0} --epochs 16',
        'not varied': f'{LITE0} --epochs 16 --no-augment',
    },
    'ablation': {
        'base': SHORT,
        'not varied': f'{SHORT} --no-augment',
        'not balanced': f'{SHORT} --balance none',
        'no sunsets': f'{SHORT} --sunsets 0',
    },
    'unseen': _unseen(),
}
FALSE_ALARM_LIMIT = 0.02
# The size of fires that is measured apart, and the source whose images without fire look most
# like some.
SMALL = list(SIZES)[1]
HARD_SOURCE = 'cair'
HALF = 0.5


class TrainingFailedError(CommandError):
    """Report a training of a study that failed."""


@dataclass(frozen=True)
class Trial:
    """
    One training of a study.

    :ivar row: the recipe's name.
    :ivar options: options of `training.train`, separated by spaces.
    :ivar run: the run folder.
    """

    row: str
    options: str
    seed: int
    run: Path

    def train(self, data: Sequence[str]) -> str:
        """
        Train, unless that is done; return an error message, or an empty text.

        :param data: the options that name the images.
        """
        if (self.run / METRICS).exists():
            return ''
        self.run.mkdir(parents=True, exist_ok=True)
        words = ['training.train', *data, '--out', str(self.run), '--seed', str(self.seed),
                 *shlex.split(self.options)]
        with (self.run / LOG).open('a', encoding='utf-8') as log:
            print(shlex.join(['python', '-m', *words]), file=log, flush=True)
            status = subprocess.run([sys.executable, '-m', *words], cwd=ROOT, stdout=log,
                                    stderr=log, env=os.environ | ENVIRONMENT,
                                    check=False).returncode
        return '' if status == 0 else (
            f'{self.row}, seed {self.seed}: status {status}, see {self.run / LOG}')


def plan_trials(rows: Mapping[str, str], seeds: Sequence[int], out: Path) -> list[Trial]:
    """Return the trainings of a study, with run folders `row_name/seed0` and so on."""
    return [Trial(name, options, seed, out / name.replace(' ', '_') / f'seed{seed}')
            for seed in seeds for name, options in rows.items()]


def train_all(trials: Sequence[Trial], data: Sequence[str], jobs: int) -> None:
    """
    Train what is not trained yet, in `jobs` processes at a time.

    :raises TrainingFailedError: when some fail; the others are finished before.
    """
    with ThreadPoolExecutor(jobs) as workers:
        failed = list(filter(None, workers.map(lambda trial: trial.train(data), trials)))
    if failed:
        raise TrainingFailedError('; '.join(failed))


def study_figures(predictions: pd.DataFrame, folders: Sequence[Path]) -> dict[str, float | None]:
    """
    Compute the figures of a training on `test` or, where sources were left out, on these.

    :return: figures by name, at a threshold of a half where none is named; None for what cannot
        be measured on these images.
    """
    chosen = predictions[predictions['split'] == (
        'left_out' if 'left_out' in set(predictions['split']) else 'test')]
    probability, fire = chosen['probability'].to_numpy(), chosen['fire'].to_numpy()
    found = measure(probability, fire)
    hard = (chosen['source'] == HARD_SOURCE).to_numpy()
    small = (fire_sizes(chosen, folders) == SMALL).to_numpy()
    false_alarms, recalls, thresholds = roc_curve(fire, probability, drop_intermediate=False)
    last = last_within(false_alarms, FALSE_ALARM_LIMIT)
    return {
        'balanced accuracy': found.balanced_accuracy,
        'ROC AUC': found.roc_auc,
        f'on {HARD_SOURCE}': measure(probability[hard], fire[hard]).balanced_accuracy
        if hard.any() else None,
        'recall': found.recall,
        'false alarms': found.false_alarm_rate,
        'recall at 2 % false alarms': float(recalls[last]),
        f'recall of {SMALL}': share_of(probability[small] >= HALF),
        'the same at 2 % false alarms': share_of(probability[small] >= thresholds[last]),
        'ECE': found.ece,
    }


def study_table(figures: pd.DataFrame) -> str:
    """
    Return a Markdown table of mean and standard deviation of each row over its seeds.

    :param figures: the figures of each training, with the row's name as the index.
    """
    rows = figures.groupby(level=0, sort=False)
    mean, deviation, seeds = rows.mean(), rows.std(), rows.size()

    def cell(row: str, name: str) -> str:
        if pd.isna(mean.loc[row, name]):
            return '-'
        spread = deviation.loc[row, name]
        return f'{mean.loc[row, name]:.3f}' + ('' if pd.isna(spread) else f' ± {spread:.3f}')

    return markdown_table(['', 'seeds', *mean.columns], [
        [row, seeds[row], *(cell(row, name) for name in mean.columns)] for row in mean.index])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='python -m training.studies.recipes',
                                     description=__doc__)
    parser.add_argument('study', choices=STUDIES)
    parser.add_argument('--data', metavar='DIR', type=Path, required=True, action='append',
                        help='data folder, with a manifest; repeatable')
    parser.add_argument('--corrections', metavar='FILE', type=Path,
                        help='list of right labels, for training.train')
    parser.add_argument('--row', metavar='NAME', action='append', default=[],
                        help='only this row; repeatable')
    parser.add_argument('--seeds', metavar='N', type=int, nargs='+', default=SEEDS,
                        help='seeds of each row (default: 0 1 2)')
    parser.add_argument('--jobs', metavar='N', type=int, default=os.cpu_count() or 1,
                        help='trainings at a time (default: one for each core)')
    parser.add_argument('--out', metavar='DIR', type=Path,
                        help=f'folder for the results (default: {OUT}/STUDY)')
    return parser


def _study(options: argparse.Namespace) -> None:
    rows = STUDIES[options.study]
    if unknown := set(options.row) - set(rows):
        raise argparse.ArgumentError(None, f'no row {" or ".join(sorted(unknown))} in this '
                                           f'study, only {", ".join(rows)}')
    out, folders = (options.out or OUT / options.study).resolve(), [
        folder.resolve() for folder in options.data]
    data = [word for folder in folders for word in ('--data', str(folder))]
    if options.corrections is not None:
        data += ['--corrections', str(options.corrections.resolve())]
    trials = plan_trials({name: rows[name] for name in options.row or rows}, options.seeds, out)
    train_all(trials, data, options.jobs)
    figures = pd.DataFrame(
        [study_figures(read_predictions(trial.run / PREDICTIONS), folders) for trial in trials],
        index=pd.Index([trial.row for trial in trials], name='row'), dtype=float)
    figures.to_csv(out / 'study.csv')
    table = study_table(figures)
    (out / 'study.md').write_text(table + '\n', encoding='utf-8')
    print(table)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the study; return the exit status."""
    return run_command(_parser(), _study, arguments)


if __name__ == '__main__':
    sys.exit(main())
