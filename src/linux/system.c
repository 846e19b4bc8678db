/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opens a system: every step of discovery in its order, and what each of them found. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linux/layout.h"
#include "linux/linux.h"
#include "linux/roots.h"
#include "paging/format.h"
#include "util/count.h"

/* ---- open and close --------------------------------------------------------------- */

static bool copy_string(const char *from, const char **to)
{
	*to = from ? strdup(from) : NULL;
	return !from || *to;
}

static enum ws_status system_init(struct ws_system *system, struct ws_target *target,
				  const struct ws_system_options *options)
{
	static const struct ws_system_options none;

	if (!options)
		options = &none;
	system->ctx = target->ctx;
	system->target = target;
	ws_reading_begin(system);
	system->kernel_pages = calloc(WS_KERNEL_PAGES, sizeof(*system->kernel_pages));
	if (!system->kernel_pages ||
	    !copy_string(target->vmcoreinfo, (const char **)&system->vmcoreinfo) ||
	    !copy_string(options->system_map, &system->options.system_map) ||
	    !copy_string(options->vmlinux, &system->options.vmlinux) ||
	    !copy_string(options->regime, &system->options.regime))
		return ws_fail_memory(system->ctx);
	ws_set_format(system, target->format);
	return WS_OK;
}

/* Words are looked for, and VMCOREINFO is weighed, as if that had not been done before. */
static enum ws_status forget_words(struct ws_system *system, size_t notes)
{
	const char *note = system->target->vmcoreinfo;

	while (system->notes.n > notes)
		free(system->notes.v[--system->notes.n]);
	system->finds.idle_names.n = system->finds.vmcoreinfo.n = 0;
	system->finds.words_done = false;
	ws_vmcoreinfo_drop(system);
	return copy_string(note, (const char **)&system->vmcoreinfo)
		       ? WS_OK
		       : ws_fail_memory(system->ctx);
}

static enum ws_status scan_and_weigh(struct ws_system *system)
{
	enum ws_status status = ws_find_scan(system);

	return status == WS_OK ? ws_find_vmcoreinfo(system) : status;
}

/* No dump keeps the registers by which such a processor translates. */
static bool is_silent(const struct ws_arch *arch)
{
	return arch && arch->on_linux && !arch->qemu_note;
}

/* A format, and how many tables in memory map themselves in it. */
struct explanation {
	const struct ws_format *format;
	size_t n;
};

/* The best of what an architecture has, and the next to it in another format. */
static enum ws_status try_formats(struct ws_system *system, const struct ws_arch *arch,
				  struct explanation best[static 2])
{
	const struct ws_linux_layout *row =
		arch->on_linux ? arch->on_linux->layouts : NULL;
	enum ws_status status = WS_OK;

	for (; row && row->format && status == WS_OK; row++) {
		struct explanation here = { row->format };

		ws_set_format(system, here.format);
		status = ws_search_roots(system, &here.n);
		if (here.n > best[0].n) {
			best[1] = best[0];
			best[0] = here;
		} else if (here.n > best[1].n) {
			best[1] = here;
		}
	}
	return status;
}

static void note_format(struct ws_system *system, const struct explanation best[static 2])
{
	char other[96] = "in any other format none does";

	if (best[1].n)
		snprintf(other, sizeof(other), "%s in %s, and they make no Linux",
			 WS_COUNT_OF(best[1].n, "other"), best[1].format->name);
	ws_note(system,
		"no register and no VMCOREINFO says the paging format: it is taken for %s, "
		"for %s in memory %s in it; %s",
		best->format->name, WS_COUNT_OF(best->n, "table"),
		best->n == 1 ? "maps itself" : "map themselves", other);
}

/* One kernel has one format: the tables of the other are what another kernel left. */
static enum ws_status refuse_two(struct ws_system *system,
				 const struct explanation best[static 2])
{
	return ws_fail(
		system->ctx, WS_ERR_NOT_FOUND,
		"%s: no register and no VMCOREINFO says the paging format, and memory "
		"holds tables of two kernels: %zu of format %s map themselves, and "
		"%zu of %s; nothing shows which kernel ran last: give its --format",
		ws_target_path(system->target), best[0].n, best[0].format->name,
		best[1].n, best[1].format->name);
}

/*
 * Whether all of discovery finds a Linux in that format. Of a table's entries some may well lead
 * to the table itself as another architecture reads them.
 */
static enum ws_status is_linux(struct ws_system *system, const struct ws_format *format,
			       bool *is)
{
	struct ws_target *target = system->target;
	const struct ws_format *said = target->format;
	struct ws_system *other = NULL;
	enum ws_status status;

	target->format = format;
	status = ws_system_open(target, NULL, &other);
	target->format = said;
	*is = status != WS_ERR_NOT_FOUND; /* what cannot be known may be one */
	ws_system_close(other);
	if (status == WS_ERR_SYSTEM)
		return status;
	ws_error_clear(target->ctx);
	return WS_OK;
}

/*
 * Where nothing says the format it is the only one, of those that the machine can have, in
 * which tables in memory are seen to map themselves: others have their direct map
 * elsewhere, or another number of levels on the way there. Where there are two that make a
 * Linux, one is of a kernel that ran before (kexec, a warm reset), and may have left more than
 * there is now.
 */
static enum ws_status search_formats(struct ws_system *system,
				     struct explanation best[static 2])
{
	const struct ws_arch *arch = system->target->arch;
	enum ws_status status = WS_OK;
	bool two = false;

	if (ws_paging_is_off(system->target))
		return WS_ERR_NOT_FOUND;
	if (arch)
		status = try_formats(system, arch, best);
	for (unsigned i = 0; !arch && status == WS_OK && ws_arch_at(i); i++)
		status = try_formats(system, ws_arch_at(i), best);
	if (status == WS_OK && best[1].n)
		status = is_linux(system, best[1].format, &two);
	if (status == WS_OK && (!best[0].n || two))
		status = WS_ERR_NOT_FOUND;
	ws_set_format(system, status == WS_OK ? best[0].format : NULL);
	return status;
}

/*
 * A root of those in memory, and then all that was found without one once more: a text
 * of which nothing could be said may be held against memory now.
 */
static enum ws_status search_memory(struct ws_system *system, size_t notes)
{
	struct explanation best[2] = { 0 };
	enum ws_status layout = WS_OK;

	if (!system->format)
		layout = search_formats(system, best);
	if (layout == WS_OK)
		layout = ws_search_layout(system);
	if (layout == WS_ERR_NOT_FOUND)
		return best[1].n && !system->format ? refuse_two(system, best)
						    : ws_layout_refuse(system);
	if (layout == WS_OK)
		layout = forget_words(system, notes);
	if (layout != WS_OK)
		return layout;
	if (best[0].n)
		note_format(system, best);
	ws_layout_note(system);
	return scan_and_weigh(system);
}

/*
 * The layout can be had from the registers or the dump's notes, or else needs the
 * VMCOREINFO text that the pass over memory finds; then the roots need a second pass.
 */
static enum ws_status find_layout(struct ws_system *system)
{
	size_t notes = system->notes.n;
	enum ws_status layout = ws_find_layout(system), status;

	if (layout != WS_OK && layout != WS_ERR_NOT_FOUND)
		return layout;
	status = scan_and_weigh(system);
	if (status != WS_OK || layout == WS_OK)
		return status;
	layout = ws_find_layout(system);
	if (layout == WS_ERR_NOT_FOUND)
		return search_memory(system, notes);
	return layout == WS_OK ? ws_find_scan(system) : layout;
}

static enum ws_status find_memory(struct ws_system *system)
{
	enum ws_status status = find_layout(system);

	if (status == WS_OK)
		ws_encryption_note(system);
	return status;
}

/* Whether Linux is known on the machine: that of the format, or that the dump names. */
static bool is_linux_known(const struct ws_system *system)
{
	const struct ws_arch *arch = system->target->arch;

	return system->format ? ws_linux_layout_of(system->format) != NULL
			      : !arch || arch->on_linux;
}

/*
 * Where no dump keeps the registers that lead to a root, who gives one may have nothing
 * but its tables.
 */
static bool may_be_tables(const struct ws_system *system)
{
	return system->target->has_root && system->format && !system->layout.word &&
	       is_silent(ws_arch_of(system->format));
}

/* Nothing but the page tables of the root that was given. */
static enum ws_status open_tables(struct ws_system *system)
{
	const struct ws_format *format = system->paging.format;
	const struct ws_target *target = system->target;
	struct ws_kernel_region *all;
	enum ws_status status;

	if (!format)
		return ws_layout_refuse(system);
	if (!target->has_root)
		return ws_fail(
			system->ctx, WS_ERR_UNSUPPORTED,
			is_linux_known(system)
				? "%s: no kernel was found by %s page tables: another "
				  "--format may be the target's; from a root that --root "
				  "gives these can be walked"
				: "%s: Linux with %s page tables is not known: they can "
				  "only be walked, from a root that --root gives",
			ws_target_path(target), format->name);
	status = ws_check_given(system);
	if (status != WS_OK)
		return status;
	all = ws_vec_push(&system->regions);
	if (!all)
		return ws_fail_memory(system->ctx);
	*all = (struct ws_kernel_region){ "unknown", 0, UINT64_MAX };
	system->layout.tables_only = true;
	system->layout.word = format->va_bits > 32 ? 8 : 4;
	system->modules_done = true;
	ws_set_reference(system, target->root & format->root_mask);
	ws_note(system,
		is_linux_known(system)
			? "no kernel was found with the root that is given or noted: its %s "
			  "page tables are walked, and nothing else in the target is looked "
			  "at"
			: "Linux with %s page tables is not known: those at the root that "
			  "was given are walked, and nothing else in the target is looked at",
		format->name);
	return WS_OK;
}

static enum ws_status find_system(struct ws_system *system)
{
	static enum ws_status (*const steps[])(struct ws_system *) = {
		find_memory,     ws_find_reference, ws_add_loaded_roots,  ws_find_who,
		ws_find_parents, ws_recognise,      ws_cross_check_tasks, ws_find_regime,
	};
	enum ws_status status = WS_OK;

	for (size_t i = 0; i < WS_ARRAY_SIZE(steps) && status == WS_OK; i++)
		status = steps[i](system);
	if (status == WS_OK && (system->options.system_map || system->options.vmlinux))
		status = ws_symbols_load(system);
	return ws_target_looked(system->target, status);
}

enum ws_status ws_system_open(struct ws_target *target,
			      const struct ws_system_options *options,
			      struct ws_system **out)
{
	struct ws_system *system = calloc(1, sizeof(*system));
	enum ws_status status;

	if (!system)
		return ws_fail_memory(target->ctx);
	status = system_init(system, target, options);
	if (status == WS_OK)
		status = is_linux_known(system) ? find_system(system)
						: open_tables(system);
	if (status == WS_ERR_NOT_FOUND && may_be_tables(system)) {
		ws_error_clear(target->ctx);
		status = open_tables(system);
	}
	if (status == WS_OK)
		*out = system;
	else
		ws_system_close(system);
	return status;
}

void ws_system_close(struct ws_system *system)
{
	if (!system)
		return;
	ws_vec_each(&system->notes, note)
		free(*note);
	ws_vec_release(&system->notes);
	ws_vec_release(&system->finds.idle_names);
	ws_vec_release(&system->finds.vmcoreinfo);
	ws_vec_release(&system->roots);
	ws_vec_release(&system->damaged);
	ws_vec_release(&system->tasks);
	ws_vec_release(&system->current);
	ws_vec_release(&system->loaded_mms);
	ws_vec_release(&system->spaces);
	free(system->owners);
	ws_vec_release(&system->specials);
	ws_vec_release(&system->ram);
	ws_vec_release(&system->regions);
	ws_vec_release(&system->modules);
	ws_scale_free(system->scale);
	ws_log_free(system->log);
	ws_symbols_release(system);
	free(system->consensus);
	free(system->kernel_pages);
	free(system->vmcoreinfo);
	free((char *)system->options.system_map);
	free((char *)system->options.vmlinux);
	free((char *)system->options.regime);
	free(system);
}

/* ---- what was found --------------------------------------------------------------- */

struct ws_target *ws_system_target(const struct ws_system *system)
{
	return system->target;
}

const struct ws_paging *ws_system_paging(const struct ws_system *system)
{
	return &system->paging;
}

const char *ws_system_vmcoreinfo(const struct ws_system *system)
{
	return system->vmcoreinfo;
}

const struct ws_layout *ws_system_layout(const struct ws_system *system)
{
	return &system->layout;
}

const struct ws_space *ws_system_spaces(const struct ws_system *system, size_t *n)
{
	*n = system->spaces.n;
	return system->spaces.v;
}

const struct ws_task *ws_system_tasks(const struct ws_system *system, size_t *n)
{
	*n = system->tasks.n;
	return system->tasks.v;
}
