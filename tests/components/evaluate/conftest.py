"""TensorFlow's number of threads can be set only once a process, before anything runs."""

import pytest

from components.classifiers.runtime import use_threads


@pytest.fixture(scope="session", autouse=True)
def one_tensorflow_thread():
    use_threads(1)
