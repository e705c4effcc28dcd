"""The classifier's network and its predictions, as `train_classifier` and `evaluate` use them (TensorFlow)."""

import os

# Both must stand before TensorFlow loads. It leaves oneDNN off on processors without neural-network instructions,
# though it doubles the speed there too.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # warnings and errors only
