/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which segments of a copy of /proc/kcore are memory, and where that lies.
 *
 * A segment is the direct map's where its address is among those that one can have on that
 * architecture; its distance to p_paddr has to be, too. The image holds nothing that the direct map
 * does not hold as well, read at another moment: it is taken only where there is none. What has
 * no physical address is left out: where vmalloc has pages that the direct map lacks (highmem),
 * they are absent.
 *
 * Before 4.11 no segment says where it lies. On x86 the direct map lies below all others, and
 * its first address is physical 0; the hole behind it is wider than any in it.
 */
#include "target/kcore.h"

#include <stdlib.h>

#include "util/count.h"

void ws_kcore_release(struct ws_kcore *kcore)
{
	ws_vec_release(&kcore->segments);
}

/* ---- which are the direct map's --------------------------------------------------- */

static bool row_has(const struct ws_linux_layout *row, const struct ws_target *target,
		    uint64_t va)
{
	return row->word == target->word && va >= row->direct_first &&
	       va <= row->direct_last;
}

static const struct ws_linux_layout *row_of(const struct ws_target *target, uint64_t va)
{
	const struct ws_arch_linux *on_linux = target->arch->on_linux;

	for (const struct ws_linux_layout *row = on_linux->layouts; row->format; row++)
		if (row_has(row, target, va))
			return row;
	return NULL;
}

static int by_va(const void *left, const void *right)
{
	uint64_t a = ((const struct ws_kcore_segment *)left)->va;
	uint64_t b = ((const struct ws_kcore_segment *)right)->va;

	return (a > b) - (a < b);
}

/* Where the first gap begins that is too wide to be within the direct map. */
static uint64_t chain_end(const struct ws_kcore *kcore, uint64_t gap)
{
	uint64_t end = kcore->segments.v[0].va;

	ws_vec_each(&kcore->segments, segment) {
		if (segment->va > end && segment->va - end >= gap)
			break;
		if (segment->va + segment->len > end)
			end = segment->va + segment->len;
	}
	return end;
}

/* Without addresses of a kernel it is the core of a process, as old kernels wrote them. */
static enum ws_status direct_map_find(struct ws_target *target, struct ws_kcore *kcore)
{
	const struct ws_linux_layout *row;

	qsort(kcore->segments.v, kcore->segments.n, sizeof(*kcore->segments.v), by_va);
	row = row_of(target, kcore->segments.v[0].va);
	kcore->is = row;
	if (!row)
		return WS_OK;
	if (!row->from_zero)
		return ws_fail(
			target->ctx, WS_ERR_UNSUPPORTED,
			"%s: a copy of /proc/kcore whose segments all have physical "
			"address 0, as Linux before 4.11 wrote them: where memory "
			"begins on this machine they do not say. Take the dump with "
			"LiME",
			target->file.path);
	kcore->base = kcore->segments.v[0].va & -row->delta_step;
	kcore->end = chain_end(kcore, row->direct_gap);
	return WS_OK;
}

/* ---- what it is ------------------------------------------------------------------- */

enum what { VIRTUAL, DIRECT, IMAGE };

/* Where no kernel of that architecture can have it so. */
static bool is_damaged(const struct ws_target *target,
		       const struct ws_kcore_segment *segment)
{
	const struct ws_arch_linux *on_linux = target->arch->on_linux;

	for (const struct ws_linux_layout *row = on_linux->layouts; row->format; row++)
		if (row_has(row, target, segment->va) &&
		    ws_may_be_delta(row, segment->va - segment->pa))
			return false;
	return true;
}

static enum what what_is(const struct ws_target *target, const struct ws_kcore *kcore,
			 const struct ws_kcore_segment *segment)
{
	if (kcore->unplaced)
		return segment->va >= kcore->base && segment->va < kcore->end ? DIRECT
									      : VIRTUAL;
	if (segment->pa == UINT64_MAX)
		return VIRTUAL;
	return row_of(target, segment->va) ? DIRECT : IMAGE;
}

static void count(const struct ws_target *target, struct ws_kcore *kcore)
{
	ws_vec_each(&kcore->segments, segment) {
		enum what what = what_is(target, kcore, segment);

		kcore->ndirect += what == DIRECT;
		kcore->nimage += what == IMAGE;
		kcore->nvirtual += what == VIRTUAL;
	}
}

static bool is_kcore(const struct ws_target *target, struct ws_kcore *kcore)
{
	bool some_virtual = false;

	kcore->unplaced = true;
	ws_vec_each(&kcore->segments, segment) {
		some_virtual |= segment->pa == UINT64_MAX && segment->va;
		kcore->unplaced &= !segment->pa;
	}
	return kcore->segments.n && target->arch->on_linux &&
	       (some_virtual || target->of_itself);
}

enum ws_status ws_kcore_look(struct ws_target *target, struct ws_kcore *kcore)
{
	enum ws_status status;

	kcore->is = is_kcore(target, kcore);
	if (kcore->is && kcore->unplaced && (status = direct_map_find(target, kcore)))
		return status;
	if (!kcore->is)
		return WS_OK;
	count(target, kcore);
	target->cpus.n = 0; /* its PRSTATUS is of nobody, and zero */
	/* What the kernel has no address for is not in it. */
	if (target->word == 4)
		ws_target_reaches(target, WS_PHYSICAL_END);
	return target->moving ? ws_kernel_registers(target) : WS_OK;
}

bool ws_kcore_place(const struct ws_target *target, const struct ws_kcore *kcore,
		    const struct ws_kcore_segment *segment, uint64_t *pa,
		    const char **flaw)
{
	enum what what = what_is(target, kcore, segment);

	*pa = kcore->unplaced ? segment->va - kcore->base : segment->pa;
	*flaw = NULL;
	if (what == DIRECT && !kcore->unplaced && is_damaged(target, segment))
		*flaw = "its virtual address is none that the direct map has for it";
	return what == DIRECT || (what == IMAGE && !kcore->ndirect);
}

enum ws_status ws_kcore_note(struct ws_target *target, const struct ws_kcore *kcore)
{
	return ws_target_add_note(
		target,
		"%s, so what is read may be of different moments%s. "
		"Memory is read by the direct map (%s%s); the kernel's image (%s), vmalloc, modules and the "
		"like (%s) are read by page tables%s",
		target->moving
			? "/proc/kcore: the machine runs on meanwhile"
			: "a copy of /proc/kcore: it was written while the machine ran",
		target->cpus.n ? "; registers are by /dev/whosees"
			       : ", and it has no registers",
		WS_COUNT_OF(kcore->ndirect, "segment"),
		kcore->unplaced ? ", taken to begin at physical 0" : "",
		WS_COUNT_OF(kcore->nimage, "segment"),
		WS_COUNT_OF(kcore->nvirtual, "segment"),
		target->word == 4 ? "; memory that the direct map has no address for "
				    "(highmem) is not in it"
				  : "");
}
