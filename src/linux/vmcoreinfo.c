/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * VMCOREINFO: lines of text that the kernel puts down for crash tools, in a note of the
 * dump or, since it keeps them in a page of its own, in memory
 * (Documentation/admin-guide/kdump/vmcoreinfo.rst).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linux/linux.h"

static const char *next_line(const char *line)
{
	const char *end = strchr(line, '\n');

	return end && end[1] ? end + 1 : NULL;
}

const char *ws_vmcoreinfo_line(const struct ws_system *system, const char *key, size_t *n)
{
	size_t length = strlen(key);

	for (const char *line = system->vmcoreinfo; line; line = next_line(line)) {
		if (strncmp(line, key, length) || line[length] != '=')
			continue;
		*n = strcspn(line + length + 1, "\n");
		return line + length + 1;
	}
	return NULL;
}

/*
 * Symbols are written in hexadecimal, all else in decimal, phys_base even signed, or in
 * hexadecimal with 0x before it.
 */
bool ws_vmcoreinfo(const struct ws_system *system, const char *kind, const char *name,
		   uint64_t *value)
{
	char key[128];
	const char *text;
	char *end;
	size_t n;

	if ((size_t)snprintf(key, sizeof(key), "%s(%s)", kind, name) >= sizeof(key))
		return false;
	text = ws_vmcoreinfo_line(system, key, &n);
	if (!text)
		return false;
	*value = strtoull(text, &end,
			  strcmp(kind, "SYMBOL") && strncmp(text, "0x", 2) ? 10 : 16);
	return end != text;
}

/* The kernel never makes it longer than a page (VMCOREINFO_BYTES). */
enum ws_status ws_vmcoreinfo_take(struct ws_system *system, uint64_t pa)
{
	char *text = calloc(1, WS_FRAME_SIZE + 1);

	if (!text)
		return ws_fail_memory(system->ctx);
	if (ws_target_read(system->target, pa, text, WS_FRAME_SIZE) != WS_READ)
		text[0] = '\0';
	ws_vmcoreinfo_drop(system);
	system->vmcoreinfo = text;
	return WS_OK;
}

void ws_vmcoreinfo_drop(struct ws_system *system)
{
	free(system->vmcoreinfo);
	system->vmcoreinfo = NULL;
}

/*
 * i386 kernels say only that they do use PAE; that a kernel is a 32-bit one shows in its
 * addresses.
 */
const struct ws_format *ws_vmcoreinfo_format(const struct ws_system *system)
{
	const struct ws_arch *arch = system->target->arch;
	const struct ws_format *format;
	uint64_t stext;

	if (!system->vmcoreinfo)
		return NULL;
	format = ws_format_of_vmcoreinfo(system->vmcoreinfo);
	arch = arch ? arch : ws_arch_at(0); /* a dump that does not say is of the first */
	if (!format && arch->plain_format &&
	    ws_vmcoreinfo(system, "SYMBOL", "_stext", &stext))
		format = arch->plain_format(stext >> 32 ? 8 : 4);
	return format && ws_linux_layout_of(format) ? format : NULL;
}
