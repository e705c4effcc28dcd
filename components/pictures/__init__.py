"""Image files as pixels, how alike two images look, and images and lines as figures of a page."""
