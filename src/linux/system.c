/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opens a system, and reads kernel memory through init_mm's eyes. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linux/linux.h"
#include "util/cleanup.h"

/* ---- kernel memory ---------------------------------------------------------------- */

/* Target frames, and the synthetic ones of a consensus. */
static enum ws_evidence system_frame(void *opaque, uint64_t pa, const uint8_t **frame)
{
	struct ws_system *system = opaque;
	uint64_t below = (WS_CONSENSUS_ROOT + WS_FRAME_SIZE - 1 - pa) / WS_FRAME_SIZE;

	if (!system->consensus || below >= WS_CONSENSUS_FRAMES)
		return ws_target_frame(system->target, pa, frame);
	*frame = system->consensus + below * WS_FRAME_SIZE;
	return WS_READ;
}

void ws_set_reference(struct ws_system *system, uint64_t root)
{
	system->layout.reference = root;
	memset(system->kernel_pages, 0, WS_KERNEL_PAGES * sizeof(*system->kernel_pages));
}

uint8_t *ws_search_begin(struct ws_system *system)
{
	return ws_steal(system->target->recorder);
}

/* Pages that were kept meanwhile are forgotten, or they would not be recorded later. */
void ws_search_end(struct ws_system *system, uint8_t *recorder)
{
	system->target->recorder = recorder;
	if (recorder)
		ws_set_reference(system, system->layout.reference);
}

enum ws_evidence ws_kernel_translate(struct ws_system *system, uint64_t va, uint64_t *pa)
{
	static const uint8_t came_of[] = {
		[WS_END_PAGE] = WS_READ,
		[WS_END_HOLE] = WS_NOT_MAPPED,
		[WS_END_MALFORMED] = WS_NOT_MAPPED,
		[WS_END_ABSENT] = WS_ABSENT,
		[WS_END_NONCANONICAL] = WS_NOT_MAPPED,
		[WS_END_FAILED] = WS_FAILED,
	};
	struct ws_trail trail;

	ws_walk(&system->paging, system->layout.reference, va, &trail);
	*pa = trail.pa;
	return came_of[trail.end];
}

static enum ws_evidence look_up(struct ws_system *system, uint64_t va,
				const uint8_t **frame)
{
	enum ws_evidence evidence;
	uint64_t pa;

	*frame = NULL;
	evidence = ws_kernel_translate(system, va, &pa);
	return evidence == WS_READ ? system_frame(system, pa, frame) : evidence;
}

enum ws_evidence ws_kernel_frame(struct ws_system *system, uint64_t va,
				 const uint8_t **frame)
{
	uint64_t page = va / WS_FRAME_SIZE;
	struct ws_kernel_page *kept = &system->kernel_pages[page % WS_KERNEL_PAGES];
	uint64_t tag = page * WS_FRAME_SIZE | 1;

	if (kept->tag != tag) {
		kept->tag = tag;
		kept->evidence = (uint8_t)look_up(system, va, &kept->frame);
	}
	*frame = kept->frame;
	return kept->evidence;
}

/* The frame that keeps one byte from being read. */
static bool is_absent(struct ws_system *system, uint64_t va, uint64_t *pa)
{
	struct ws_trail trail;
	const uint8_t *frame;

	ws_walk(&system->paging, system->layout.reference, va, &trail);
	*pa = trail.pa & -(uint64_t)WS_FRAME_SIZE;
	if (trail.end == WS_END_PAGE)
		return system_frame(system, trail.pa, &frame) == WS_ABSENT;
	if (trail.end == WS_END_ABSENT)
		*pa = ws_step_entry_pa(system->paging.format,
				       &trail.step[trail.nsteps - 1]) &
		      -(uint64_t)WS_FRAME_SIZE;
	return trail.end == WS_END_ABSENT;
}

bool ws_kernel_absent(struct ws_system *system, uint64_t va, uint64_t len, uint64_t *pa)
{
	uint64_t first = va & -(uint64_t)WS_FRAME_SIZE;

	for (uint64_t at = first; at - first < va - first + len; at += WS_FRAME_SIZE)
		if (is_absent(system, at, pa))
			return true;
	return false;
}

enum ws_evidence ws_system_read(struct ws_system *system, uint64_t va, void *buf,
				size_t len)
{
	uint8_t *to = buf;

	while (len) {
		const uint8_t *frame;
		enum ws_evidence evidence = ws_kernel_frame(system, va, &frame);
		size_t offset = va % WS_FRAME_SIZE;
		size_t n = WS_FRAME_SIZE - offset < len ? WS_FRAME_SIZE - offset : len;

		if (evidence != WS_READ)
			return evidence;
		memcpy(to, frame + offset, n);
		to += n;
		va += n;
		len -= n;
	}
	return WS_READ;
}

enum ws_evidence ws_kernel_u32(struct ws_system *system, uint64_t va, uint32_t *value)
{
	uint8_t bytes[4];
	enum ws_evidence evidence = ws_system_read(system, va, bytes, sizeof(bytes));

	*value = evidence == WS_READ ? ws_le32(bytes) : 0;
	return evidence;
}

enum ws_evidence ws_kernel_word(struct ws_system *system, uint64_t va, uint64_t *value)
{
	uint8_t bytes[8] = { 0 };
	enum ws_evidence evidence =
		ws_system_read(system, va, bytes, system->layout.word);

	*value = evidence == WS_READ ? ws_le64(bytes) : 0;
	return evidence;
}

bool ws_is_kernel_va(const struct ws_system *system, uint64_t va)
{
	uint64_t last = ~UINT64_C(0) >> (64 - 8 * system->layout.word);

	return va >= system->layout.kernel_first && va <= last;
}

bool ws_in_image(const struct ws_system *system, uint64_t va)
{
	const struct ws_layout *layout = &system->layout;

	return layout->image_last && va >= layout->image_first &&
	       va <= layout->image_last;
}

/* ---- notes ------------------------------------------------------------------------ */

void ws_note(struct ws_system *system, const char *fmt, ...)
{
	char *text;
	char **note;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	ws_vec_each(&system->notes, known)
		if (text && !strcmp(*known, text)) { /* once is enough */
			free(text);
			return;
		}
	note = text ? ws_vec_push(&system->notes) : NULL;
	if (note) {
		*note = text;
		return;
	}
	free(text);
	(void)!ws_target_short(system->target); /* an answer without it says too much */
}

const char *ws_system_note(const struct ws_system *system, unsigned i)
{
	unsigned ntarget = 0;

	while (ws_target_note(system->target, ntarget))
		ntarget++;
	if (i < ntarget)
		return ws_target_note(system->target, i);
	i -= ntarget;
	return i < system->notes.n ? system->notes.v[i] : NULL;
}

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
	system->paging = (struct ws_paging){ .frame = system_frame, .opaque = system };
	system->kernel_pages = calloc(WS_KERNEL_PAGES, sizeof(*system->kernel_pages));
	if (!system->kernel_pages ||
	    !copy_string(target->vmcoreinfo, (const char **)&system->vmcoreinfo) ||
	    !copy_string(options->system_map, &system->options.system_map) ||
	    !copy_string(options->vmlinux, &system->options.vmlinux))
		return ws_fail_memory(system->ctx);
	ws_set_format(system, target->format);
	return WS_OK;
}

/*
 * The layout can be had from the registers or the dump's notes, or else needs the
 * VMCOREINFO text that the pass over memory finds; then the roots need a second pass.
 */
static enum ws_status find_memory(struct ws_system *system)
{
	enum ws_status layout = ws_find_layout(system), status;

	if (layout != WS_OK && layout != WS_ERR_NOT_FOUND)
		return layout;
	status = ws_find_scan(system);
	if (status == WS_OK)
		status = ws_find_vmcoreinfo(system);
	if (status != WS_OK || layout == WS_OK)
		return status;
	layout = ws_find_layout(system);
	if (layout == WS_ERR_NOT_FOUND)
		return ws_layout_refuse(system);
	return layout == WS_OK ? ws_find_scan(system) : layout;
}

static enum ws_status find_system(struct ws_system *system)
{
	static enum ws_status (*const steps[])(struct ws_system *) = {
		find_memory,    ws_find_reference, ws_find_tasks,
		ws_find_spaces, ws_recognise,      ws_cross_check_tasks,
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
		status = find_system(system);
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
	ws_vec_release(&system->tasks);
	ws_vec_release(&system->spaces);
	free(system->owners);
	ws_vec_release(&system->modules);
	ws_scale_free(system->scale);
	ws_symbols_release(system);
	free(system->consensus);
	free(system->kernel_pages);
	free(system->vmcoreinfo);
	free((char *)system->options.system_map);
	free((char *)system->options.vmlinux);
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
