"""Linear heads on features: the classifier `pretrained`, one head a replicate. NumPy alone: no framework is loaded."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from components.contracts.errors import InputError
from components.contracts.files import whole_file

FILE = "heads.npy"


@dataclass(frozen=True)
class Heads:
    """R heads on D features: `weights` float32 [R, D + 1, K], of which the last row is the bias.

    Two classes have one output (K = 1), the log-odds of the positive class; more have K = C, log-odds up to a constant.
    """

    weights: np.ndarray

    def probabilities(self, features: np.ndarray, positive: int) -> np.ndarray:
        """Return the class probabilities, float32 [R, N, C], of features, float32 [N, D]."""
        return probabilities_of(features @ self.weights[:, :-1] + self.weights[:, -1:], positive)


def probabilities_of(logits: np.ndarray, positive: int) -> np.ndarray:
    """Return the class probabilities, float32 [..., C], of logits, float [..., 1] or [..., C]."""
    if logits.shape[-1] == 1:  # a softmax over the log-odds of the positive class and of the other, 0
        logits = np.concatenate([logits, np.zeros_like(logits)], axis=-1)
        logits = logits if positive == 0 else logits[..., ::-1]
    shares = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return (shares / shares.sum(axis=-1, keepdims=True)).astype(np.float32)


def save_heads(folder: Path, heads: Heads) -> None:
    """Write the heads into a folder of models."""
    with whole_file(folder / FILE) as part, part.open("wb") as file:
        np.save(file, heads.weights.astype(np.float32), allow_pickle=False)


def load_heads(folder: Path, replicates: int, dimensions: int, outputs: int) -> Heads:
    """Read the heads of a folder of models; raises InputError if the file is broken or of another shape."""
    path = folder / FILE
    try:
        weights = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path}: not a packed array of heads ({error})") from None
    wanted = (replicates, dimensions + 1, outputs)
    if weights.dtype != np.float32 or weights.shape != wanted:
        raise InputError(f"{path}: holds {weights.dtype} {weights.shape}, expected float32 {wanted}; train them anew")
    return Heads(weights)
