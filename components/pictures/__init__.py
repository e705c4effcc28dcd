"""Image files as pixels: decoded, cropped to a square and scaled, each read once (shared by prepare and synthesize)."""
