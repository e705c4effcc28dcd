"""What an update of the DCGAN costs on the CPU: the PyTorch DCGAN tutorial's loop, and each gain on top of it.

    python tests/bench/bench_train_gan.py [--threads 1] [--batch 128] [--width 32] [--image-size 32] [--rounds 15]

All variants take turns in one run, so that they share whatever else the machine does. Seconds are those of the
process on all its threads, which other work disturbs less than the clock. The last lines say what the rest of an
epoch costs beside its updates.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from components.generators.device import precision_of
from components.storage.checkpoint_store import open_store
from components.train_gan.batches import batch_sizes, batches
from components.train_gan.checkpoint import save
from components.train_gan.training import GanSettings, Training

VARIANTS = (
    "tutorial",
    "+ channels last",
    "+ fused Adam",
    "+ no discriminator gradients for the generator",
    "+ no filling of fresh memory",
)
PRECISIONS = ("float32", "bfloat16")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--image-size", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    settings = GanSettings(batch_size=options.batch, width=options.width)
    size = options.image_size
    real = torch.rand(options.batch, 3, size, size) * 2 - 1
    latents = torch.randn(options.batch, settings.latent, 1, 1)

    steps = [variant(gains, settings, size, real, latents) for gains in range(len(VARIANTS))]
    ours = real.contiguous(memory_format=torch.channels_last)
    trainings = [Training(replace(settings, precision=p), size, 0, torch.device("cpu")) for p in PRECISIONS]
    steps += [lambda training=training: training.update(ours, latents) for training in trainings]
    names = [*VARIANTS, *(f"Training.update in {precision}" for precision in PRECISIONS)]
    seconds: list[list[float]] = [[] for _ in steps]
    torch.use_deterministic_algorithms(True)
    for turn in range(options.rounds + 1):
        for name, step, times in zip(names, steps, seconds, strict=True):
            torch.utils.deterministic.fill_uninitialized_memory = name in VARIANTS[:-1]
            times += [clock(step)] * (turn > 0)
    print(f"batch {options.batch}, width {options.width}, {size} x {size}, {options.threads} thread(s)")
    print(f"precision `auto` is {precision_of('auto', torch.device('cpu'))} on this processor")
    for name, times in zip(names, seconds, strict=True):
        best, median = min(times), statistics.median(times)
        gains = f"{min(seconds[0]) / best:.2f} x, {statistics.median(seconds[0]) / median:.2f} x"
        rates = f"{options.batch / best:5.0f} at best, {options.batch / median:5.0f} median"
        print(f"{name:48} images a second: {rates}; {gains}")
    exact, half = seconds[-2:]
    ratio = f"{min(exact) / min(half):.2f} x at best, {statistics.median(exact) / statistics.median(half):.2f} x median"
    print(f"bfloat16 against float32: {ratio}")

    pixels = torch.randint(0, 256, (1000, size, size, 3), dtype=torch.uint8)
    sizes = batch_sizes(len(pixels), options.batch, whole_passes=False)
    for flips in (False, True):
        epoch = clock(lambda flips=flips: list(batches(pixels, sizes, settings.latent, flips, trainings[0].rng)))
        share = f"{epoch / len(sizes) / min(exact):.1%} of the updates' time in float32"
        print(f"batches of 1000 images, flips {flips!s:5}: {1000 * epoch:.1f} ms, {share}")
    print(f"16 pictures: {1000 * clock(trainings[0].pictures):.1f} ms")
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(folder)
        assert store
        written = clock(lambda: save(store, "bench", 1, {}, trainings[0].tensors()))
        print(
            f"checkpoint: {1000 * written:.1f} ms, {sum(f.stat().st_size for f in Path(folder).iterdir()) / 1e6:.1f} MB"
        )


def variant(
    gains: int, settings: GanSettings, size: int, real: torch.Tensor, latents: torch.Tensor
) -> Callable[[], object]:
    """Return one update of the tutorial with the first `gains` gains."""
    training = Training(settings, size, 0, torch.device("cpu"))
    layout = torch.channels_last if gains >= 1 else torch.contiguous_format
    generator, discriminator = (
        training.generator.to(memory_format=layout),
        training.discriminator.to(memory_format=layout),
    )
    betas = (settings.beta1, 0.999)
    adam_d, adam_g = (
        torch.optim.Adam(network.parameters(), settings.learning_rate, betas, fused=gains >= 2)
        for network in (discriminator, generator)
    )
    real = real.contiguous(memory_format=layout)
    ones, zeros = torch.ones(len(real)), torch.zeros(len(real))

    def update() -> None:
        discriminator.requires_grad_(True)
        discriminator.zero_grad()
        cross_entropy(discriminator.logits(real), ones).backward()
        synthetic = generator(latents)
        cross_entropy(discriminator.logits(synthetic.detach()), zeros).backward()
        adam_d.step()
        discriminator.requires_grad_(gains < 3)
        generator.zero_grad()
        cross_entropy(discriminator.logits(synthetic), ones).backward()
        adam_g.step()

    return update


def clock(work: Callable[[], object]) -> float:
    """Return the processor seconds that `work` takes."""
    start = time.process_time()
    work()
    return time.process_time() - start


if __name__ == "__main__":
    main()
