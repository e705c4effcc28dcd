import pytest
import tensorflow as tf

from components.classifiers.runtime import use_threads
from components.contracts.errors import InputError


def test_gpus_that_nobody_asked_for_are_left_alone():
    use_threads(1)
    assert tf.config.get_visible_devices("GPU") == []


@pytest.mark.skipif(bool(tf.config.list_physical_devices("GPU")), reason="this machine has a GPU")
def test_a_gpu_that_is_asked_for_and_not_there_is_told():
    with pytest.raises(InputError, match="gpus: asked for, but this machine has none that TensorFlow can use"):
        use_threads(1, on_gpu=True)
