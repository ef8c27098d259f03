# SPDX-License-Identifier: Apache-2.0
"""Heat maps are measured against the boxes of fires."""

from collections.abc import Callable
import dataclasses
import json
from pathlib import Path

import cv2
from fire_detector.images.color_image import ColorImage
from fire_detector.model.contract import HeatMap
from fire_detector.model.file import read_contract
import numpy as np
import pytest

_ = pytest.importorskip('sklearn', reason='the extra training is not installed')
pd = pytest.importorskip('pandas', reason='the extra training is not installed')

from training import evaluate  # noqa: E402
from training.conversion.runtimes import Outputs  # noqa: E402
from training.data.boxes import Box  # noqa: E402
from training.measurement.localization import (  # noqa: E402
    boxes_of,
    choose_cell_threshold,
    draw_heat_map,
    measure_localization,
)

WriteData = Callable[..., Path]
GRID = HeatMap(3, 4, threshold=0.5)


def heat_map(*cells: tuple[int, int, float]) -> np.ndarray:
    """Return a map of 3x4 cells with some values, and nothing elsewhere."""
    found = np.zeros((3, 4), np.float32)
    for row, column, value in cells:
        found[row, column] = value
    return found


def test_figures_by_hand() -> None:
    """
    Measure three fires and two images without.

    - `large` covers 0.25 x 0.5 = 12.5 %. The highest cell has its center at (0.625, 0.5), which is
      the middle of the box. Its own area of 0.25 x 1/3 is in the box: IoU 2/3.
    - `small` covers 0.04 x 0.1 = 0.4 %. The highest cell reaches to (0.25, 0.33), and so into the
      box, but its center, (0.125, 0.167), is 0.2 - 0.125 = 0.075 left of it and 0.095 left of its
      middle. On 240x240 pixels the cell has 60 x 80, the box 10 x 24, of which 10 x 8 in the cell:
      80 / (4800 + 240 - 80) = 0.016129.
    - `two` covers 2 x 1 %. The center of the highest cell, (0.875, 0.833), is 0.125 from the
      middle of the second box and 0.075 from its edge. No cell is high enough: IoU 0.

    The medians are the middle values; 90 % is at 0.8 of the way from there to the largest.
    """
    names = ['large', 'small', 'two', 'without', 'lamp', 'unboxed']
    boxes = {Path('large'): (Box(0.5, 0.25, 0.75, 0.75),),
             Path('small'): (Box(0.2, 0.3, 0.24, 0.4),),
             Path('two'): (Box(0.0, 0.0, 0.1, 0.1), Box(0.7, 0.9, 0.8, 1.0)),
             # Wanted flames may have boxes, too.
             Path('lamp'): (Box(0.0, 0.0, 1.0, 1.0),)}
    predictions = pd.DataFrame({
        'file': names, 'group': names, 'fire': [True, True, True, False, False, True]})
    maps = np.stack([heat_map((1, 2, 0.9)), heat_map((0, 0, 0.5)), heat_map((2, 3, 0.4)),
                     heat_map((1, 1, 0.49)), heat_map((1, 1, 0.5)), heat_map()])
    found = measure_localization(predictions, maps, boxes, GRID)
    assert list(found.by_size) == ['under 1 %', '1 to 5 %', '5 to 20 %', 'overall']
    assert found.clear_with_cells == 0.5
    overall = found.by_size['overall']
    assert overall.fires == 3
    assert overall.inside.value == pytest.approx(1 / 3)
    assert overall.touching.value == 1
    assert overall.iou == pytest.approx((2 / 3 + 0.016129 + 0) / 3, abs=1e-6)
    assert overall.horizontal_error == pytest.approx((0.095, 0.095 + 0.8 * 0.03))
    assert overall.horizontal_miss == pytest.approx((0.075, 0.075))
    small = found.by_size['under 1 %']
    assert (small.inside.value, small.touching.value) == (0, 1)
    assert found.by_size['5 to 20 %'].inside.value == 1


def test_groups_of_cells() -> None:
    """Cells that touch at a corner are one group."""
    found = boxes_of(heat_map((0, 0, 0.6), (1, 1, 0.9), (2, 3, 0.5), (0, 3, 0.4)), 0.5)
    assert found == [Box(0, 0, 0.5, 2 / 3), Box(0.75, 2 / 3, 1, 1)]


def test_cell_threshold_by_hand() -> None:
    """
    Choose between a cell alone and with its neighbor.

    The fire is as large as two cells: at most 0.3, the IoU is 1, above it 1/2. At 0.1, the third
    cell comes along, 2/3. An image without boxes does not count.
    """
    maps = np.stack([heat_map((1, 1, 0.9), (1, 2, 0.32), (1, 3, 0.12)), heat_map((0, 0, 0.6))])
    fire = Box(0.25, 1 / 3, 0.75, 2 / 3)
    assert choose_cell_threshold(maps, [(fire,), ()]) == 0.15
    assert choose_cell_threshold(maps[:1] - 0.15, [(Box(0.25, 1 / 3, 0.5, 2 / 3),)]) == 0.2


def test_drawn_heat_map() -> None:
    """Red where the map is high, in the image's own place; elsewhere the image itself."""
    image = ColorImage(np.full((30, 40, 3), 100, np.uint8), 'BGR')
    drawn = draw_heat_map(image, heat_map((0, 3, 1.0))).in_order('RGB')
    # 0.6 of 255 and 0.4 of 100.
    assert drawn[4, 35].tolist() == [193, 40, 40]
    assert drawn[25, 5].tolist() == [100, 100, 100]


@pytest.mark.usefixtures('few_resamples')
def test_evaluation_of_a_heat_map(write_data: WriteData, firenet: Path, tmp_path: Path,
                                  monkeypatch: pytest.MonkeyPatch) -> None:
    """The record and the page have its figures, and the sheet of mistakes its maps."""
    data = write_data()
    (data / 'boxes.csv').write_text('file,cx,cy,w,h\nhere_test_fire_0.png,0.5,0.3,1,0.6\n')
    maps = np.stack([heat_map((0, 1, 0.9))] * 4)
    contract = read_contract(firenet)
    monkeypatch.setattr(evaluate, 'contract_of', lambda model: dataclasses.replace(
        contract, heat_map=GRID, format_version=2))
    sheets = {}
    for name, given in (('with', maps), ('without', None)):
        predicted = Outputs(np.array([0.9, 0.2, 0.4, 0.1]), given)
        monkeypatch.setattr(evaluate, 'outputs', lambda model, samples, found=predicted: found)
        out = tmp_path / name
        assert evaluate.main([str(firenet), '--data', str(data), '--out', str(out)]) == 0
        record = json.loads((out / 'metrics.json').read_text())
        assert ('heat map' in (out / 'summary.md').read_text()) == (name == 'with')
        assert (record['localization'] is not None) == (name == 'with')
        sheets[name] = cv2.imread(str(out / 'mistakes.png'))
        if name == 'with':
            assert record['localization']['by_size']['overall']['fires'] == 1
            assert record['localization']['by_size']['overall']['inside']['value'] == 1
    # The one missed fire, and beside it its map.
    changed = (sheets['with'] != sheets['without']).any((0, 2)).nonzero()[0]
    assert changed.min() > sheets['with'].shape[1] // 4
