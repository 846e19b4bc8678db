"""Real kernels under QEMU; README.md has the reading order."""
