# SPDX-License-Identifier: Apache-2.0
"""The boxes around fires are read, and what they cover is counted once."""

from pathlib import Path

import pytest

_ = pytest.importorskip('keras', reason='the extra training is not installed')

from training.data.boxes import Box, read_boxes, share_covered  # noqa: E402
from training.data.samples import DatasetError  # noqa: E402


def test_overlapping_boxes_are_counted_once() -> None:
    """
    Two squares of side 0.4 that share one of side 0.2, and one of 0.1 apart.

    0.16 + 0.16 - 0.04 + 0.01 = 0.29; a box inside another adds nothing.
    """
    boxes = (Box(0, 0, 0.4, 0.4), Box(0.2, 0.2, 0.6, 0.6), Box(0.9, 0.9, 1, 1))
    assert share_covered(boxes) == pytest.approx(0.29)
    assert share_covered((*boxes, Box(0.25, 0.25, 0.3, 0.3))) == pytest.approx(0.29)
    assert share_covered(()) == 0


def test_boxes_are_cut_at_the_edge(tmp_path: Path) -> None:
    """Center and size become edges, cut at those of the image; a folder may lack boxes."""
    assert read_boxes(tmp_path) == {}
    (tmp_path / 'boxes.csv').write_text(
        'file,cx,cy,w,h\na.jpg,0.5,0.5,0.2,0.4\na.jpg,0.95,0.5,0.2,1.2\n')
    inside, cut = read_boxes(tmp_path)[tmp_path / 'a.jpg']
    assert (inside.left, inside.top) == pytest.approx((0.4, 0.3))
    assert (inside.right, inside.bottom) == pytest.approx((0.6, 0.7))
    assert (cut.left, cut.top, cut.right, cut.bottom) == pytest.approx((0.85, 0, 1, 1))


@pytest.mark.parametrize('row', ['a.jpg,0.5,0.5,0.2', 'a.jpg,0.5,0.5,0.2,tall',
                                 'a.jpg,2,0.5,0.2,0.2', 'a.jpg,0.5,0.5,0,0.2'])
def test_row_that_is_no_box(tmp_path: Path, row: str) -> None:
    """The line is named."""
    (tmp_path / 'boxes.csv').write_text(f'file,cx,cy,w,h\n{row}\n')
    with pytest.raises(DatasetError, match=r'boxes\.csv:2: (not a box|nothing in column)'):
        read_boxes(tmp_path)


def test_real_boxes(data: Path) -> None:
    """Every box of the real data is within its image, and covers some of it."""
    boxes = read_boxes(data)
    assert len(boxes) > 2000
    assert all(path.is_file() and 0 < share_covered(found) <= 1 for path, found in boxes.items())
