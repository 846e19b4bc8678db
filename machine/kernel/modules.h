/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What drivers and the files they serve share. */
#ifndef MACHINE_KERNEL_MODULES_H
#define MACHINE_KERNEL_MODULES_H

#include "machine/kernel/run.h"

/* Words of a module's data, by their offset in its memory; 8 bytes apart. */
enum {
	DATA_DEV = MODULE_DATA,                /* file operations of /dev/NAME */
	DATA_PROC = DATA_DEV + 8 * OPERATIONS, /* and of /proc/NAME */
	DATA_INTERRUPTS = DATA_PROC + 8 * OPERATIONS,
	DATA_HELD = DATA_INTERRUPTS + 8, /* bytes in the buffer */
};

/* Of a page-fault stub: its code, then how often it ran and where it goes on to. */
enum { STUB_COUNT = CODE_SIZE, STUB_OLD = CODE_SIZE + 8, STUB_SIZE = CODE_SIZE + 16 };

#define BUFFER_SIZE (MODULE_RECORD - MODULE_BUFFER)

/* symbols.c */
void symbols_remove(struct kernel *kernel, const struct module *module);

/* module_code.c: va of one of its functions. */
uint64_t module_code(const struct module *m, enum code code);

/* module.c */
void modules_release(struct kernel *kernel);

/* syscall.c: a function returns to its caller, with a result. */
bool function_return(struct kernel *kernel, struct processor *processor, uint64_t result,
		     struct machine_event *event);
/*
 * n bytes from one address to the other, with progress in SI; the user's half is
 * checked. read(2)'s and write(2)'s arguments are in BX, CX and DX.
 */
bool copy_bytes(struct kernel *kernel, struct processor *processor, uint64_t from,
		uint64_t to, uint64_t n, struct machine_event *event);
/* The part of a text from the file's position on, to read(2)'s buffer; then returns. */
bool read_text(struct kernel *kernel, struct processor *processor, const char *text,
	       size_t len, struct machine_event *event);
struct open_file *file_of_call(struct kernel *kernel, const struct processor *processor);

#endif
