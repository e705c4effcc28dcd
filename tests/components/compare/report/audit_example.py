"""The report's example: what `audit` finds, and what GANs leave behind, without any training."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from example_pictures import png

from components.contracts.files import write_json
from components.contracts.imageset import ImageSet


def audit_example(
    folder: Path,
    development: ImageSet,
    synthetic: ImageSet | None,
    updates: int,
    external: Iterable[str],
) -> dict[str, Any]:
    """Return an audit of `synthetic` (none: a run without GANs); write their losses and progress into `folder`."""
    folder.mkdir(parents=True)
    audit: dict[str, Any] = {
        "features": "a small encoder trained on the development set alone; not to be compared with Inception FID",
        "quality": [],
        "memorisation_rule": "Half of the synthetic images should lie closer to training than to held-out images.",
        "memorisation": [],
    }
    made_of = synthetic.counts() if synthetic else {}
    screened = [
        {"source": "gan", "generator": "gan-0", "class": name, "images": count + 2, "copies": 2, "left_out": 2}
        for name, count in made_of.items()
    ]
    copies = {"real_images": 100, "real_flagged": 1, "generators": screened}
    write_json(folder / "copies.json", copies | {"external": dict.fromkeys(external, copies)})
    rng = np.random.default_rng(5)
    for label, name in enumerate(development.classes if synthetic else ()):
        assert synthetic is not None
        real, made = development.images[development.labels == label], synthetic.images[synthetic.labels == label]
        good = {"kid": 0.021, "kid_std": 0.004, "fid": 31.2, "precision": 0.71, "recall": 0.42}
        floor = {"kid": 0.0006, "kid_std": 0.0008, "fid": 7.9, "precision": 0.93, "recall": 0.9}
        audit["quality"].append(
            {
                "class": name,
                "generator": "gan-0",
                **good,
                "density": 0.78,
                "coverage": 0.66,
                "floor": {**floor, "density": 1.01, "coverage": 0.97},
                "real_images": len(real),
                "synthetic_images": len(made),
            }
        )
        audit["memorisation"].append(
            {
                "class": name,
                "generator": "gan-0",
                "share_closer_to_training": 0.52,
                "interval": [0.47, 0.57],
                "control": {"share": 0.49, "interval": [0.44, 0.54]},
                "share_closer_to_test": 0.5,
                "test_interval": [0.41, 0.59],
                "test_p_value": 0.9,
                "distinct_images": len(made),
                "flagged": 2 * label,
                "flag_threshold": 0.11,
                "synthetic_images": len(made),
                "held_out_images": len(real) // 5,
                "held_out_flagged": 0,
                "closest": [
                    {
                        "synthetic_path": f"{name}/gan-0/{i:06d}",
                        "real_path": f"train/{name}/{i}.jpg",
                        "distance": 0.1 + 0.02 * i,
                        "picture": png(np.concatenate([made[i], real[i]], axis=1)),
                    }
                    for i in range(min(10, len(made)))
                ],
            }
        )
        gan = folder / "gans" / f"{name}-0"
        gan.mkdir(parents=True)
        moments = [0, *(updates * np.arange(1, 8) // 7).tolist()]
        write_json(
            gan / "gan.json",
            {
                "class": name,
                "replicate": 0,
                "seed": 0,
                "precision": "float32",
                "epochs": 50,
                "updates": updates,
                "images": len(real),
                "image_size": development.image_size,
                "latent": 100,
                "width": 32,
                "images_per_second": 812.5,
                "final": {"loss_d": 0.61, "loss_g": 1.84},
                "progress_updates": moments,
            },
        )
        t = np.arange(updates)
        table = np.stack([t, 0.5 + np.exp(-t / 90), 2 - np.exp(-t / 200), np.full(updates, 0.7), 0.3 - 0 * t], axis=1)
        table[:, 1:] += rng.normal(0, 0.12, (updates, 4))
        header = "update,loss_d,loss_g,score_real,score_fake"
        np.savetxt(gan / "losses.csv", table, delimiter=",", header=header, comments="", fmt="%.6g")
        noise = rng.integers(0, 256, (8, 16, *development.images.shape[1:]))
        mix = np.linspace(0, 1, 8)[:, None, None, None, None]
        progress = ((1 - mix) * noise + mix * made[:16][None]).astype(np.uint8)
        np.save(gan / "progress.npy", progress, allow_pickle=False)
    return audit
