"""The GAN's networks, as `train_gan` trains them and `synthesize` draws from them (PyTorch)."""
