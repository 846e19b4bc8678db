/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A regime: what control registers say about which root translates which addresses. The
 * eye of a space is the regime with the space's root put in.
 */
#ifndef WS_ARCH_REGIME_H
#define WS_ARCH_REGIME_H

#include "paging/format.h"

struct ws_cpu;

enum ws_root_of {
	WS_ROOT_OF_SPACE,
	WS_ROOT_OF_PROCESS, /* the same, but the kernel's own space has none */
	WS_ROOT_OF_KERNEL,  /* init_mm's, whatever the space */
};

struct ws_regime_window {
	uint64_t first, last;
	const struct ws_format *format;
	uint8_t root_of; /* enum ws_root_of */
	uint64_t offset; /* of the window's table from that root */
};

#define WS_REGIME_TEXT 192
struct ws_regime {
	/* What is in none of the windows is not translated, also where there are none;
	 * false: all addresses go by a space's own root. */
	bool has_windows;
	unsigned nwindows;
	struct ws_regime_window window[WS_MAX_WINDOWS]; /* in order of address */
	bool no_execute_off;       /* the format's no_execute bit is reserved */
	char text[WS_REGIME_TEXT]; /* "TTBCR 0xb5003500: TTBR0 translates all" */
};

/* Why one is not known, in words: "the code of __dabt_svc is not in the target". */
#define WS_REGIME_WHY 128

/* A regime that has a name, by the registers that make it. */
#define WS_REGIME_REGISTERS 4
struct ws_named_regime {
	const char *name; /* NULL: past the last */
	const char *what; /* when a processor is in it, for people */
	struct {
		const char *name; /* NULL: no more */
		uint64_t value;
	} registers[WS_REGIME_REGISTERS];
};

#endif
