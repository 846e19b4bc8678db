/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The books against the memory. */
#include "machine/kernel/pgtable.h"

const char *kernel_check(struct kernel *kernel)
{
	(void)kernel;
	return NULL;
}
