"""What the standards define and the libraries leave to us: reading tags and UIDs as people write them, codecs."""
