"""Where PyTorch works, CPU or GPU, and in which arithmetic."""

import torch
from torch import Tensor

from components.contracts.errors import InputError


def open_device(gpus: str, threads: int) -> torch.device:
    """Return the device of a stage and set PyTorch up for it: the first GPU, or the CPU if `gpus` is "" or "0".

    Raises InputError if a GPU is asked for that is not there.
    """
    device = torch.device("cpu")
    if gpus not in ("", "0"):
        if not torch.cuda.is_available():
            raise InputError(
                f"gpus: {gpus} asked for, but this machine has none that PyTorch can use; set it to 0, or "
                "build the gan image with VARIANT=cuda"
            )
        device = torch.device("cuda", 0)
    torch.set_num_threads(threads)
    torch.backends.cudnn.benchmark = True
    # The same seed gives the same bits on the CPU; a GPU may take its fastest kernels.
    # Filling memory before its first use costs 7% of the time and changes nothing: all of it is written.
    torch.use_deterministic_algorithms(device.type == "cpu")
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    return device


def precision_of(setting: str, device: torch.device) -> str:
    """Return float32 or bfloat16: the `setting`, or for `auto` bfloat16 where the hardware multiplies matrices in it.

    Those are GPUs from compute capability 8.0 on and processors with AMX: 1.8 times the rate there. AVX512-BF16
    alone is left out: it took a tenth longer than float32 (tests/bench/bench_train_gan.py).
    """
    if setting != "auto":
        return setting
    if device.type == "cuda":
        has_it = torch.cuda.get_device_capability(device) >= (8, 0)
    else:
        has_it = bool(torch.cpu.get_capabilities().get("amx_bf16", False))
    return "bfloat16" if has_it else "float32"


def to_device(tensor: Tensor, device: torch.device) -> Tensor:
    """Return the tensor on `device`, without waiting for a copy to a GPU."""
    return tensor if device.type == "cpu" else tensor.pin_memory().to(device, non_blocking=True)
