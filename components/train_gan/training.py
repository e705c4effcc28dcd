"""Two networks, their optimisers and one source of random numbers: what one update changes, and how it is kept."""

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from components.generators.networks import Discriminator, Generator, initialise, place, to_pixels
from components.train_gan.graphed import Graphed

PICTURES = 16
MOMENTS = ("step", "exp_avg", "exp_avg_sq")


@dataclass(frozen=True)
class GanSettings:
    """What one training of a DCGAN is made of; the defaults are the PyTorch DCGAN tutorial's, at the paper's width.

    `updates` is their number; `epochs` above 0 are passes over the real images in its place. `batch_size` is in images;
    `learning_rate` and `beta1` are Adam's (its second beta is 0.999); `latent` is the length of the latent and `width`
    the feature maps of the generator's last block. `flips` mirrors each real image and turns it by quarters at random,
    anew each pass: lesions have no up. `average` is the decay of a running mean of the generator's weights (0 = off, as
    in the paper). `precision` is that of the networks' arithmetic, float32 or bfloat16; weights and Adam stay in
    float32. `checkpoint_updates` are the updates between two checkpoints, at least; the last update has one in any
    case.
    """

    updates: int = 3000
    epochs: int = 0
    batch_size: int = 128
    learning_rate: float = 2e-4
    beta1: float = 0.5
    latent: int = 100
    width: int = 32
    flips: bool = False
    average: float = 0.0
    precision: str = "float32"
    checkpoint_updates: int = 200


class Training:
    """The state of a training between two updates.

    All random numbers come from `rng`, a generator on the CPU, so that a GPU draws the same ones. `averaged` is
    the running mean of the generator, or the generator itself where `average` is 0.
    """

    def __init__(self, settings: GanSettings, image_size: int, seed: int, device: torch.device) -> None:
        self.device = device
        self.average = settings.average
        self.bfloat16 = settings.precision == "bfloat16"
        self.rng = torch.Generator().manual_seed(seed)
        self.generator = Generator(settings.latent, settings.width, image_size)
        self.discriminator = Discriminator(settings.width, image_size)
        for network in (self.generator, self.discriminator):
            initialise(network, self.rng)
            place(network, device)
        self.averaged = copy.deepcopy(self.generator) if self.average else self.generator
        pairs = list(zip(self.averaged.state_dict().values(), self.generator.state_dict().values(), strict=True))
        self._means = [(mean, now) for mean, now in pairs if mean.is_floating_point()]
        self._counts = [(count, now) for count, now in pairs if not count.is_floating_point()]
        self.latents = torch.randn(PICTURES, settings.latent, 1, 1, generator=self.rng).to(device)
        on_gpu = device.type == "cuda"
        self.adams = {
            name: torch.optim.Adam(
                network.parameters(), settings.learning_rate, (settings.beta1, 0.999), fused=True, capturable=on_gpu
            )
            for name, network in (("generator", self.generator), ("discriminator", self.discriminator))
        }
        self.updates = 0
        self._work = Graphed(self._update) if on_gpu else self._update

    def update(self, real: Tensor, latents: Tensor) -> Tensor:
        """Update the discriminator, then the generator, from one batch, as the PyTorch DCGAN tutorial does.

        `real` is float32 [N, 3, S, S] in -1..1, `latents` float32 [N, latent, 1, 1]. The losses are binary cross
        entropies from logits, the generator's in its non-saturating form (Goodfellow et al. 2014, section 3).
        Returns float32 [4], which the next update may overwrite: loss_d (nats, real + synthetic), loss_g, and the mean
        D(x) and D(G(z)) before the update. Nothing here waits for a GPU.
        """
        figures = self._work(real, latents)
        self.updates += 1
        self._average()
        return figures

    def _update(self, real: Tensor, latents: Tensor) -> Tensor:
        ones, zeros = torch.ones(len(real), device=self.device), torch.zeros(len(real), device=self.device)
        self.discriminator.requires_grad_(True)
        self.adams["discriminator"].zero_grad()
        with self._autocast():
            synthetic = self.generator(latents)
        logits_real = self._logits(real)
        loss_real = binary_cross_entropy_with_logits(logits_real, ones)
        loss_real.backward()
        logits_synthetic = self._logits(synthetic.detach())
        loss_synthetic = binary_cross_entropy_with_logits(logits_synthetic, zeros)
        loss_synthetic.backward()
        self.adams["discriminator"].step()

        # The generator's loss asks for no gradient of the discriminator's weights: a sixth of the work less.
        self.discriminator.requires_grad_(False)
        self.adams["generator"].zero_grad()
        loss_g = binary_cross_entropy_with_logits(self._logits(synthetic), ones)
        loss_g.backward()
        self.adams["generator"].step()
        scores = logits_real.sigmoid().mean(), logits_synthetic.sigmoid().mean()
        return torch.stack([loss_real + loss_synthetic, loss_g, *scores]).detach()

    @torch.no_grad()
    def pictures(self) -> Tensor:
        """Draw 16 pictures, uint8 [16, S, S, 3], from a latent fixed for the whole training.

        Batch norm takes the statistics of these 16, as in the tutorial: running ones mean nothing at first, and
        the untrained generator would show flat grey in place of noise. A copy draws: the training is not touched.
        """
        return to_pixels(copy.deepcopy(self.averaged).train()(self.latents)).cpu()

    def tensors(self) -> dict[str, Tensor]:
        """Return all that the next update depends on, by name, on the CPU."""
        state = {"rng": self.rng.get_state(), "updates": torch.tensor(self.updates)}
        for name, network in self._networks().items():
            state |= {f"{name}.{key}": value for key, value in network.state_dict().items()}
        for name, adam in self.adams.items():
            for i, parameter in enumerate(adam.param_groups[0]["params"]):
                state |= {f"adam.{name}.{i}.{moment}": adam.state[parameter][moment] for moment in MOMENTS}
        return {name: value.detach().cpu().contiguous() for name, value in state.items()}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Take over what `tensors` returned; raises KeyError or RuntimeError if it is of another training."""
        self.rng.set_state(state["rng"])
        self.updates = int(state["updates"])
        for name, network in self._networks().items():
            network.load_state_dict({key: state[f"{name}.{key}"] for key in network.state_dict()})
        for name, adam in self.adams.items():
            for i, parameter in enumerate(adam.param_groups[0]["params"]):
                step, *moments = (state[f"adam.{name}.{i}.{moment}"] for moment in MOMENTS)
                # empty_like keeps the memory layout of the parameter, which the fused Adam counts on.
                placed = [torch.empty_like(parameter).copy_(moment) for moment in moments]
                adam.state[parameter] = dict(zip(MOMENTS, [step.to(self.device), *placed], strict=True))

    def _autocast(self) -> torch.autocast:
        # Without a cache of converted weights: it would outlive an update inside a CUDA graph.
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16, cache_enabled=False)

    def _logits(self, images: Tensor) -> Tensor:
        with self._autocast():
            return self.discriminator.logits(images).float()

    def _networks(self) -> dict[str, nn.Module]:
        networks = {"generator": self.generator, "discriminator": self.discriminator}
        return networks | ({"averaged": self.averaged} if self.average else {})

    def _average(self) -> None:
        if not self.average:
            return
        # The decay grows from 0.1 to its full value, so that the mean soon forgets the untrained weights.
        decay = min(self.average, self.updates / (self.updates + 9))
        torch._foreach_lerp_([mean for mean, _ in self._means], [now for _, now in self._means], 1 - decay)
        for count, now in self._counts:
            count.copy_(now)
