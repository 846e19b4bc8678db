/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel's own roots beside swapper_pg_dir. */
#ifndef WS_ARM64_OWN_ROOTS_H
#define WS_ARM64_OWN_ROOTS_H

#include "linux/linux.h"

enum arm64_own_root { ARM64_IDMAP, ARM64_TRAMP, ARM64_RESERVED, ARM64_OWN_ROOTS };

struct arm64_root {
	uint64_t pa;
	bool named; /* the kernel's symbols have it; else it is where the linker puts it */
};

/* Its place. False: what is known does not lead to it. */
bool arm64_own_root(struct ws_system *system, enum arm64_own_root which,
		    struct arm64_root *root);

/* The size of a page, by the kernel's granule. */
uint64_t arm64_page_size(const struct ws_system *system);

#endif
