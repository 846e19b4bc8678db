/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* /dev/whosees: what the kernel that runs here says of itself, where its module is loaded. */
#ifndef WS_TARGET_KERNEL_DEVICE_H
#define WS_TARGET_KERNEL_DEVICE_H

#include <stdint.h>

#define WS_KERNEL_DEVICE "/dev/whosees"

/* EPERM, which does not tell the two apart. */
#define WS_KERNEL_REFUSES \
	"the kernel refuses: it is locked down, or CAP_SYS_ADMIN is lacking"

/*
 * Opens it, O_RDONLY or O_RDWR; *flags is what its module says that it does (WHOSEES_SYNCS). The
 * caller closes it. -1: it is not used, for the reason that *why says; NULL: no module is loaded.
 */
int ws_kernel_device_open(int access, uint32_t *flags, const char **why);

#endif
