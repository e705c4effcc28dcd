"""Makes features of every image set with a frozen network pretrained on ImageNet."""
