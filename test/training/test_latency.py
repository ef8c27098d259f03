# SPDX-License-Identifier: Apache-2.0
"""Models are timed against the first of them."""

from pathlib import Path
import shutil

from fire_detector.model.locate import find_model
import pytest

_ = pytest.importorskip('keras', reason='the extra training is not installed')

from training import latency  # noqa: E402
from training.conversion import runtimes  # noqa: E402


def test_ratio_is_to_the_first(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 2 and 5 ms, the second takes 2.5 times as long."""
    monkeypatch.setattr(runtimes, 'latencies', lambda models, runtime, threads: [
        {'1': 2.0}, {'1': 5.0}])
    rows = latency.latency_table([find_model('firenet.tflite'), model]).splitlines()
    assert rows[-2].split(' | ')[2:] == ['2.000', '1.00', '2.000', '1.00 |']
    assert rows[-1].split(' | ')[2:] == ['5.000', '2.50', '5.000', '2.50 |']


def test_real_models(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Both runtimes answer, and a file that is no model is named."""
    _ = pytest.importorskip('tflite_runtime', reason='tflite-runtime is not installed')
    copy = tmp_path / 'copy.tflite'
    shutil.copy(model, copy)
    assert latency.main([str(model), str(copy)]) == 0
    assert '| copy.tflite | ' in capsys.readouterr().out
    copy.write_bytes(b'no model')
    assert latency.main([str(copy)]) == 1
    assert 'copy.tflite: not a TFLite model' in capsys.readouterr().err
