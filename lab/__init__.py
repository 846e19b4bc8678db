"""Real kernels under QEMU. Reading order: scenarios, packages, module_build,
initramfs, guest, capture; the two .conf files are the data they work on."""
