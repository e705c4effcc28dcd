"""Trains one GAN: a class and a replicate."""
