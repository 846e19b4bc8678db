/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WS_TARGET_UNREAD_H
#define WS_TARGET_UNREAD_H

#include "target/file.h"

/*
 * Whether a file is of a kind that is known and not read: what it is, "a qcow2 disk
 * image", and what its user can do, "unpack it with ...".
 */
bool ws_is_unread(const struct ws_file *file, const char **what, const char **advice);

/* What reads a dump of a machine that is not known here. */
struct ws_other_machine {
	uint16_t elf; /* EM_* */
	const char *name;
	const char *advice;
};

/* Those that Linux runs on, by the number in an ELF header; NULL: none of them. */
const struct ws_other_machine *ws_other_machine(uint16_t elf);

#endif
