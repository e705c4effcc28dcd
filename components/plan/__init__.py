"""Checks all parameters and lays out the work: GAN cells and arms."""
