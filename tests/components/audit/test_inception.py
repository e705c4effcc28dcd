import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional

from components.audit.inception import FEATURES, Block, Inception, inception_features, load_inception
from components.contracts.errors import InputError


@pytest.fixture(scope="module")
def tensors():
    """Random weights under the names of torchvision's file, with its heads and counters."""
    torch.manual_seed(0)
    state = {name: value.clone() for name, value in Inception(fid=False).state_dict().items()}
    return state | {
        "fc.weight": torch.zeros(1000, 2048),
        "fc.bias": torch.zeros(1000),
        "AuxLogits.conv0.conv.weight": torch.zeros(1),
    }


def saved(tensors, path):
    save_file(tensors, path)
    return path


def test_the_trunk_has_the_published_number_of_parameters():
    # torchvision's inception_v3: 27,161,264 in all, less the auxiliary head (3,326,696) and fc (2,049,000).
    assert sum(p.numel() for p in Inception(fid=True).parameters()) == 27_161_264 - 3_326_696 - 2_049_000


def test_weights_named_as_in_torchvision_give_features(tensors, tmp_path):
    network, about = load_inception(saved(tensors, tmp_path / "inception.safetensors"))
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    features = inception_features(network, images, batch=2)
    assert features.shape == (3, FEATURES)
    assert features.dtype == np.float64
    assert len(np.unique(features, axis=0)) == 3
    assert "torchvision" in about
    assert "inception.safetensors" in about


def test_weights_with_1008_outputs_are_known_as_those_of_fid(tensors, tmp_path):
    without_counters = {name: value for name, value in tensors.items() if "num_batches" not in name}
    without_counters["fc.weight"] = torch.zeros(1008, 2048)
    network, about = load_inception(saved(without_counters, tmp_path / "fid.safetensors"))
    assert "FID weights" in about
    ones, corner = torch.ones(1, 2048, 4, 4), torch.zeros(1, 2048, 4, 4)
    corner[..., 0, 0] = 1
    assert network.Mixed_7c.pool(corner)[0, 0, 1, 1] == 1  # a maximum
    assert torch.equal(network.Mixed_7b.pool(ones), ones)  # an average that leaves the padding out
    torchvision = Inception(fid=False)
    assert torchvision.Mixed_7b.pool(ones)[0, 0, 0, 0] == pytest.approx(4 / 9)


def test_a_block_stacks_the_ends_of_its_branches():
    # a and c end, b is read by c; the pooled input ends too, as nothing reads it.
    block = Block(3, [("a", "input", 4, 1, 1), ("b", "input", 5, 1, 1), ("c", "b", 6, (1, 7), 1)], functional.relu)
    maps = torch.randn(2, 3, 9, 9)
    out = block.eval()(maps)
    assert out.shape == (2, 4 + 6 + 3, 9, 9)
    assert torch.equal(out[:, :4], block.a(maps))
    assert torch.equal(out[:, 4:10], block.c(block.b(maps)))
    assert torch.equal(out[:, 10:], functional.relu(maps))


def test_wrong_files_are_refused_with_the_way_out(tensors, tmp_path):
    def refused(path) -> str:
        with pytest.raises(InputError, match="^inception_weights: ") as error:
            load_inception(path)
        assert "\n" not in str(error.value)
        return str(error.value)

    assert "no such file" in refused(tmp_path / "none.safetensors")
    (tmp_path / "weights.pth").write_bytes(b"\x80\x04")
    assert "weights_only=True" in refused(tmp_path / "weights.pth")
    (tmp_path / "broken.safetensors").write_bytes(b"half")
    assert "not a safetensors file" in refused(tmp_path / "broken.safetensors")
    lacking = {name: value for name, value in tensors.items() if name != "Mixed_7c.branch1x1.conv.weight"}
    assert "lacks the tensor Mixed_7c.branch1x1.conv.weight" in refused(saved(lacking, tmp_path / "a.safetensors"))
    added = tensors | {"Mixed_8.weight": torch.zeros(1)}
    assert "unexpected tensor Mixed_8.weight" in refused(saved(added, tmp_path / "b.safetensors"))
    shape = tensors | {"Conv2d_1a_3x3.conv.weight": torch.zeros(1)}
    assert "wrong shape in Conv2d_1a_3x3.conv.weight" in refused(saved(shape, tmp_path / "c.safetensors"))
