/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether two targets hold one kernel, and whether they are two moments of one boot or
 * two boots.
 */
#ifndef WHOSEES_BOOTS_H
#define WHOSEES_BOOTS_H

#include "whosees.h"

/* What a target says of its kernel. */
struct known_kernel {
	const char *format;     /* of paging */
	const char *vmcoreinfo; /* NULL: none */
	struct ws_layout layout;
};

enum kernels {
	KERNELS_ONE,
	KERNELS_MOVED, /* one, but KASLR has put it or its direct map elsewhere */
	KERNELS_OTHER,
};

/* By what two kernels are not one: "what" and then the n bytes, one each. */
struct unlike {
	const char *what;
	char a[160], b[160];
};

enum kernels kernels_compare(const struct known_kernel *a, const struct known_kernel *b,
			     struct unlike *unlike);

enum boots {
	BOOTS_UNKNOWN, /* no pid is known in both */
	BOOTS_ONE,
	BOOTS_TWO,
};

/* By the tasks of two targets that hold one kernel. False: memory is short. */
bool boots_compare(const struct ws_task *a, size_t na, const struct ws_task *b, size_t nb,
		   enum boots *boots);

#endif
