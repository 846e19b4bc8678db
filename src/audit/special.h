/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an architecture says of the page tables that the kernel has for a purpose of its
 * own (struct ws_special_root): what they have to map for it (special.c).
 */
#ifndef WS_AUDIT_SPECIAL_H
#define WS_AUDIT_SPECIAL_H

#include "arch/linux.h"
#include "audit/rule.h"

enum ws_special_what {
	WS_SPECIAL_DUTIES_END,
	/* It maps what init_mm maps there, to the same memory, with no right less. */
	WS_SPECIAL_AS_INIT,
	/* Code is mapped to itself at its physical address, and may be executed. */
	WS_SPECIAL_IDENTITY,
	/* Code is mapped at its own address to what init_mm maps there, executable. */
	WS_SPECIAL_CODE,
	/* It maps nothing there but what other duties of it are about. */
	WS_SPECIAL_NOTHING_ELSE,
	/* Code may be mapped at its own address, or to itself: another rule says whether it
	 * is (jump.c). */
	WS_SPECIAL_MAY,
	WS_SPECIAL_MAY_ITSELF,
	/* User mode may access nothing there but what it may in init_mm. */
	WS_SPECIAL_NO_USER,
};

/* One thing that the tables have to do, or not. */
struct ws_special_duty {
	uint8_t what;     /* enum ws_special_what */
	uint8_t severity; /* of a finding: enum ws_severity; what is mended is a warning */
	/*
	 * Of which addresses: of those in a region of that name, of the kernel's half where
	 * it is NULL ("user": of what lies below), but not in that other region; or:
	 */
	const char *region, *but;
	/*
	 * of code or data from a symbol on to another one, or of so many bytes; as far as
	 * the function goes, where neither is given. Virtual addresses in init_mm.
	 */
	const char *first, *end;
	uint32_t size;
	/* Or what no row can say. WS_ABSENT: it is not known. WS_NOT_MAPPED: there is
	 * nothing of the kind, and no duty. */
	enum ws_evidence (*range)(struct ws_audit *audit, uint64_t *first,
				  uint64_t *last);
	/* Only of kernels whose tables map something in that region: older ones do not. */
	const char *if_any;
	bool mended; /* the kernel copies init_mm's entries before it uses the tables, */
	bool by_mendings; /* or fills it as it does a process's: arch->mendings */
	const char *then; /* "a processor that is brought up dies": what comes of it */
	const char *maps; /* "its real-mode code": what it is, for code; NULL: first */
};

struct ws_special {
	const struct ws_special_root *root; /* NULL: past the last */
	const struct ws_special_duty *duties;
};

/*
 * Whether the space is one of these: it is held to its own duties, and not to what init_mm
 * has, even if a processor is in it at the moment (efi_mm, while firmware runs).
 */
bool ws_has_duties(const struct ws_audit *audit, uint32_t space);

#endif
