/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * init_mm's own table, swapper_pg_dir: the reference that every other root is held
 * against.
 */
#include "linux/hints.h"
#include "linux/image.h"
#include "linux/roots.h"
#include "util/count.h"

/* ---- by a pointer to it -------------------------------------------------------------- */

/*
 * i386's initial_page_table lies in the image too, but its lower half repeats the upper
 * (sync_initial_page_table()); and a process may have a root in what were the init
 * sections, but to that the image does not point: init_mm.pgd does to this.
 */
struct swapper_search {
	struct ws_system *system;
	uint64_t root;
	bool found, ambiguous;
};

static bool swapper_frame(void *arg, uint64_t va, const uint8_t *frame)
{
	struct swapper_search *s = arg;
	unsigned size = s->system->layout.word;
	const uint8_t *recorded;

	for (unsigned i = 0; i < WS_FRAME_SIZE; i += size) {
		uint64_t word = ws_le_word(frame + i, size);
		uint64_t root = word - s->system->layout.image_delta;

		if (!ws_in_image(s->system, word) ||
		    ws_root_find(s->system, root) == SIZE_MAX ||
		    !ws_user_half_is_empty(s->system, root) ||
		    /* for a capture, which needs the frame that the answer rests on */
		    ws_kernel_frame(s->system, va, &recorded) != WS_READ)
			continue;
		s->ambiguous = s->found && s->root != root;
		s->root = root;
		s->found = true;
		if (s->ambiguous)
			return false;
	}
	return true;
}

/* *ambiguous is set where more than one is found, and left as it is where not. */
static bool search_swapper(struct ws_system *system, uint64_t last, uint64_t *swapper,
			   bool *ambiguous)
{
	struct swapper_search s = { .system = system };
	enum ws_status status =
		ws_search(system, system->layout.image_first, last, 0, swapper_frame, &s);

	*swapper = s.root;
	*ambiguous |= s.ambiguous;
	return status == WS_OK && s.found && !s.ambiguous;
}

/* A root whose table lies at va, and maps itself there. */
static bool is_root_at(struct ws_system *system, uint64_t va, uint64_t *root)
{
	struct ws_trail trail;

	*root = va - system->layout.image_delta;
	if (*root & ~system->paging.format->root_mask)
		return false;
	ws_walk(&system->paging, *root, va, &trail);
	return trail.end == WS_END_PAGE && trail.pa == *root;
}

static bool swapper_by_hints(struct ws_system *system, uint64_t *swapper)
{
	/* x86-64 had names of its own for what it calls swapper_pg_dir elsewhere */
	static const char *const names[] = { "swapper_pg_dir", "init_top_pgt",
					     "init_level4_pgt" };
	uint64_t va;

	for (size_t i = 0; i < WS_ARRAY_SIZE(names); i++)
		if (ws_hint(system, names[i], &va) && is_root_at(system, va, swapper))
			return true;
	return false;
}

/* Whoever gives a root that maps no user memory means init_mm's. */
static bool swapper_is_given(struct ws_system *system, uint64_t *swapper)
{
	*swapper = system->target->root & system->paging.format->root_mask;
	return system->target->has_root && ws_user_half_is_empty(system, *swapper);
}

/* ---- by where it lies -------------------------------------------------------------- */

/*
 * What the image has of its own there is never freed, as what lies between them may be;
 * nor is the root that lies before it (arm_mm_memblock_reserve()).
 */
static bool is_static(const struct ws_system *system, const struct ws_image_parts *parts,
		      uint64_t pa)
{
	uint64_t before = ws_linux_row(system)->root_before_image;

	if (before)
		return parts->code && pa == parts->code - before;
	return (parts->data && pa >= parts->data && pa <= parts->data_end) ||
	       (parts->bss && pa >= parts->bss && pa <= parts->bss_end);
}

/*
 * Where the target lacks init_mm itself: the one root in the image's data and .bss that
 * maps no user memory. initial_page_table does (swapper_search); others lie in the init
 * sections, or were allocated.
 */
static bool swapper_by_place(struct ws_system *system, const struct ws_image_parts *parts,
			     uint64_t *swapper)
{
	size_t found = 0;
	uint64_t root;

	ws_vec_each(&system->roots, pa)
		if (is_static(system, parts, *pa) && ws_user_half_is_empty(system, *pa) &&
		    is_root_at(system, *pa + system->layout.image_delta, &root)) {
			*swapper = root;
			found++;
		}
	if (found == 1)
		ws_note(system,
			"init_mm's page table is taken to be that at %#jx: the one in the "
			"kernel image that maps no user memory",
			*swapper);
	return found == 1;
}

/* ---- the reference ------------------------------------------------------------------- */

/*
 * init_mm lies in the image's data, whose end is better known than that of .bss: what
 * points there from behind it may be an mm that was freed.
 */
static bool find_swapper(struct ws_system *system, const struct ws_image_parts *parts,
			 uint64_t *swapper)
{
	uint64_t last = system->layout.image_last, sure = system->image_sure;
	bool ambiguous = false;

	if (last && sure < last && search_swapper(system, sure, swapper, &ambiguous))
		return true;
	return (last && search_swapper(system, last, swapper, &ambiguous)) ||
	       swapper_by_hints(system, swapper) ||
	       (!ambiguous && swapper_by_place(system, parts, swapper)) ||
	       swapper_is_given(system, swapper);
}

static enum ws_status take_swapper(struct ws_system *system, uint64_t root)
{
	system->init_known = true;
	system->init_root = root;
	return ws_root_add(system, root);
}

/* named: where VMCOREINFO has it, whose table or what that leads to is lacking; or 0. */
static enum ws_status infer_reference(struct ws_system *system, uint64_t named)
{
	enum ws_status status = ws_hints_load(system);
	struct ws_image_parts parts;
	uint64_t swapper;

	if (status == WS_OK)
		status = ws_find_consensus(system);
	if (status != WS_OK)
		return status;
	ws_image_find(system, &parts);
	if (!find_swapper(system, &parts, &swapper)) {
		ws_note(system,
			"init_mm's page table was not found%s: spaces are compared "
			"with what most of the %s hold",
			named ? " where VMCOREINFO has it" : "",
			WS_COUNT_OF(system->roots.n, "root"));
		return named ? take_swapper(system, named) : WS_OK;
	}
	system->layout.consensus = false;
	ws_set_reference(system, swapper);
	return take_swapper(system, swapper);
}

/*
 * Where the target lacks what would show that VMCOREINFO's root maps itself, it is taken
 * all the same if memory holds a root there. *swapper: 0 where it is none.
 */
static bool has_swapper(struct ws_system *system, uint64_t *swapper)
{
	enum ws_fit fit;

	*swapper = system->layout.reference;
	if (ws_root_kind(system->paging.format) == WS_ROOT_NO_KERNEL)
		return true; /* no other holds the kernel's entries */
	*swapper = 0;
	fit = ws_vmcoreinfo_root(system, swapper);
	if (fit == WS_MISFITS)
		*swapper = 0;
	return *swapper && (fit == WS_FITS || ws_root_find(system, *swapper) != SIZE_MAX);
}

enum ws_status ws_find_reference(struct ws_system *system)
{
	struct ws_image_parts parts;
	uint64_t root;
	enum ws_status status = WS_OK;

	/* The pass found none: what the layout rests on is one all the same. */
	if (!system->roots.n)
		status = ws_root_add(system, system->layout.reference);
	if (status != WS_OK)
		return status;
	if (!has_swapper(system, &root))
		return infer_reference(system, root);
	ws_set_reference(system, root);
	ws_image_find(system, &parts);
	return take_swapper(system, root);
}
