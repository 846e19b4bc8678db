/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads kernel memory as init_mm's page tables, or those that stand in for them, map it. */
#include <string.h>

#include "linux/linux.h"
#include "linux/roots.h"
#include "util/cleanup.h"

static bool is_synthetic(const struct ws_system *system, uint64_t pa)
{
	return system->consensus && ws_consensus_frame(pa) < WS_CONSENSUS_FRAMES;
}

/* Target frames, and the synthetic ones of a consensus. */
static enum ws_evidence system_frame(void *opaque, uint64_t pa, const uint8_t **frame)
{
	struct ws_system *system = opaque;

	if (!is_synthetic(system, pa))
		return ws_target_frame(system->target, pa, frame);
	*frame = system->consensus + ws_consensus_frame(pa) * WS_FRAME_SIZE;
	return WS_READ;
}

/* Roots are weighed by what roots have in common (looks_damaged). */
static bool is_root(const struct ws_system *system, uint64_t pa)
{
	uint64_t root = pa & -ws_root_size(system->paging.format), whole;

	return ws_root_find(system, root) != SIZE_MAX ||
	       (ws_may_be_user_half(system, root, &whole) &&
		ws_root_find(system, whole) != SIZE_MAX);
}

/*
 * No kernel makes a table of one byte, repeated, that has entries: they would all map one
 * frame, wherever that byte says. To an audit, what was there is as good as not in the
 * target.
 */
static enum ws_evidence doubt(const struct ws_system *system, uint64_t pa,
			      enum ws_evidence evidence, const uint8_t **frame)
{
	if (evidence != WS_READ || !ws_is_one_byte(*frame) ||
	    !ws_is_present(system->paging.format, ws_le64(*frame)) || is_root(system, pa))
		return evidence;
	*frame = NULL;
	return WS_ABSENT;
}

static enum ws_evidence doubted_frame(void *opaque, uint64_t pa, const uint8_t **frame)
{
	return doubt(opaque, pa, system_frame(opaque, pa, frame), frame);
}

enum ws_evidence ws_peek_table(struct ws_system *system, uint64_t pa,
			       uint8_t scratch[WS_FRAME_SIZE], const uint8_t **frame)
{
	const struct ws_paging *paging = &system->paging;
	struct ws_peeked *peeked = &system->peeked;
	uint64_t tag = (pa & -(uint64_t)WS_FRAME_SIZE) | 1;
	enum ws_evidence evidence;

	if (is_synthetic(system, pa) || system->target->recorder)
		return paging->frame(paging->opaque, pa, frame);
	if (peeked->tag == tag) {
		*frame = memcpy(scratch, peeked->frame, WS_FRAME_SIZE);
		return WS_READ;
	}
	evidence = ws_target_peek_once(system->target, pa, scratch, frame);
	if (paging->frame == doubted_frame)
		evidence = doubt(system, pa, evidence, frame);
	if (*frame == scratch) {
		memcpy(peeked->frame, scratch, WS_FRAME_SIZE);
		peeked->tag = tag;
	}
	return evidence;
}

void ws_reading_begin(struct ws_system *system)
{
	system->paging = (struct ws_paging){ .frame = system_frame, .opaque = system };
}

/* All walks pay for what comes between them and the target: nothing, but in an audit. */
void ws_doubt_tables(struct ws_system *system, bool doubts)
{
	system->peeked.tag = 0;
	if (system->paging.frame == (doubts ? system_frame : doubted_frame))
		system->paging.frame = doubts ? doubted_frame : system_frame;
}

void ws_set_reference(struct ws_system *system, uint64_t root)
{
	system->layout.reference = root;
	memset(system->kernel_pages, 0, WS_KERNEL_PAGES * sizeof(*system->kernel_pages));
}

void ws_system_forget(struct ws_system *system)
{
	ws_target_forget(system->target);
	system->peeked.tag = 0;
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

void ws_kernel_tour(struct ws_system *system, uint64_t va, uint64_t len)
{
	const uint8_t *frame;

	for (uint64_t at = va & -(uint64_t)WS_FRAME_SIZE; at < va + len;
	     at += WS_FRAME_SIZE)
		(void)!ws_kernel_frame(system, at, &frame);
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

/* Most words lie in one frame: discovery reads millions of them. */
static inline enum ws_evidence read_word(struct ws_system *system, uint64_t va,
					 unsigned size, uint64_t *value)
{
	uint8_t bytes[8] = { 0 };
	enum ws_evidence evidence;
	const uint8_t *frame;

	if (va % WS_FRAME_SIZE > WS_FRAME_SIZE - size) {
		evidence = ws_system_read(system, va, bytes, size);
		*value = evidence == WS_READ ? ws_le64(bytes) : 0;
		return evidence;
	}
	evidence = ws_kernel_frame(system, va, &frame);
	*value = evidence == WS_READ ? ws_le_word(frame + va % WS_FRAME_SIZE, size) : 0;
	return evidence;
}

enum ws_evidence ws_kernel_u32(struct ws_system *system, uint64_t va, uint32_t *value)
{
	uint64_t word;
	enum ws_evidence evidence = read_word(system, va, 4, &word);

	*value = (uint32_t)word;
	return evidence;
}

enum ws_evidence ws_kernel_word(struct ws_system *system, uint64_t va, uint64_t *value)
{
	return read_word(system, va, system->layout.word, value);
}

bool ws_is_kernel_va(const struct ws_system *system, uint64_t va)
{
	return va >= system->layout.kernel_first && va <= ws_last_va(system);
}

bool ws_in_image(const struct ws_system *system, uint64_t va)
{
	const struct ws_layout *layout = &system->layout;

	return layout->image_last && va >= layout->image_first &&
	       va <= layout->image_last;
}

bool ws_system_cpu_root(const struct ws_system *system, const struct ws_cpu *cpu,
			uint64_t *root)
{
	if (!ws_cpu_root(cpu, root))
		return false;
	*root &= system->paging.format->root_mask;
	return true;
}
