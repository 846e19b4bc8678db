/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether this memory is that of a Linux that runs processes. Page tables that hold
 * together are no proof: every kernel with a direct map has such. Answers about nobody
 * would sound like answers about everybody.
 */
#include "linux/linux.h"
#include "linux/symtab.h"

/* Kallsyms are looked for last, since that takes longest. */
static enum ws_status is_linux(struct ws_system *system, bool *is)
{
	enum ws_status status;

	*is = system->tasks.n || system->vmcoreinfo || system->image_named ||
	      system->hints;
	if (*is)
		return WS_OK;
	status = ws_symbols_load(system);
	if (status == WS_OK)
		*is = system->symtab->count[WS_FROM_KALLSYMS].functions;
	return status;
}

/* Processes, or while the kernel starts its own threads alone. */
static bool anybody(struct ws_system *system)
{
	if (system->has_users)
		return true;
	ws_vec_each(&system->spaces, space)
		if (space->user_mode && !space->perhaps_freed)
			return true;
	if (!system->tasks.n || system->layout.consensus)
		return false;
	ws_note(system, "no process was found, only threads of the kernel: it was still "
			"starting, or the dump lacks the others");
	return true;
}

enum ws_status ws_recognise(struct ws_system *system)
{
	const char *path = ws_target_path(system->target);
	bool is;
	enum ws_status status = is_linux(system, &is);

	if (status != WS_OK)
		return status;
	if (!is)
		return ws_fail(
			system->ctx, WS_ERR_NOT_FOUND,
			"%s: its page tables are usable (%s, a direct map at %#jx), but "
			"nothing shows that this is Linux: no task list, no VMCOREINFO, no "
			"\"Kernel code\" among resources, no kallsyms. It is another "
			"system, a Linux before 2.6, or one that has just begun to start; "
			"if it is none of these, give its --system-map",
			path, system->paging.format->name, system->layout.page_offset);
	if (!anybody(system))
		return ws_fail(
			system->ctx, WS_ERR_NOT_FOUND,
			"%s: a Linux kernel, but neither a process nor a page table of one "
			"was found: it has not come as far as its first process, or the "
			"dump lacks them",
			path);
	return WS_OK;
}
