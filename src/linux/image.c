/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the kernel image lies, and in it init_mm's own table, swapper_pg_dir: the
 * reference that every other root is held against.
 */
#include <string.h>

#include "linux/census.h"
#include "linux/hints.h"
#include "linux/image.h"
#include "linux/roots.h"
#include "paging/x86.h"

/* x86-64: from __START_KERNEL_map; with KASLR modules begin 1 GiB above it. */
#define IMAGE_PLACES (UINT64_C(1) << 30)
/* What is unmapped inside an image: the init sections, freed after boot. */
#define IMAGE_GAP_MAX (UINT64_C(64) << 20)
/* Text and read-only data of the smallest kernel are more than this. */
#define TEXT_MIN (UINT64_C(1) << 20)
/* Where nothing tells the end of .bss: how far it reaches at most past what is known. */
#define IMAGE_MARGIN (UINT64_C(16) << 20)

/* ---- the image's beginning -------------------------------------------------------- */

/* Runs that belong together: of one difference, or read-only in the direct map. */
struct stretch {
	uint64_t delta;
	bool read_only;
	uint64_t gap_max, first, last; /* last < first: none yet */
	uint64_t best_first, best_last;
};

static bool stretch_run(void *arg, const struct ws_run *run)
{
	struct stretch *s = arg;

	if (run->end != WS_END_PAGE || run->va - run->pa != s->delta ||
	    (s->read_only && run->access & WS_WRITE))
		return true;
	if (s->last < s->first || run->va - s->last - 1 > s->gap_max)
		s->first = run->va;
	s->last = run->last;
	if (s->last - s->first > s->best_last - s->best_first) {
		s->best_first = s->first;
		s->best_last = s->last;
	}
	return true;
}

/* Tables of one GiB of 4 KiB pages, and as many again for hostile ones. */
#define STRETCH_TABLES 1024

static bool stretch_find(struct ws_system *system, struct stretch *s, uint64_t first,
			 uint64_t last)
{
	enum ws_status status;

	s->first = 1;
	status = ws_range(&system->paging, system->layout.reference, first, last,
			  WS_RANGE_PHYSICAL, STRETCH_TABLES, stretch_run, s);
	return (status == WS_OK || status == WS_ERR_LIMIT) &&
	       s->best_last - s->best_first >= TEXT_MIN - 1;
}

/*
 * x86-64: the image's own mapping, cut to it by cleanup_highmap() (arch/x86/mm/init_64.c)
 * to 2 MiB; the difference under which most of that area lies.
 */
static bool mapping_64(struct ws_system *system, struct stretch *s)
{
	struct ws_census census = { .first = WS_KERNEL_MAP,
				    .last = WS_KERNEL_MAP + IMAGE_PLACES - 1,
				    .budget = STRETCH_TABLES };

	*s = (struct stretch){ .gap_max = IMAGE_GAP_MAX };
	if (ws_census_take(system, system->layout.reference, &census) != WS_OK)
		return false;
	s->delta = census.ballot[0].delta;
	return census.ballot[0].bytes &&
	       stretch_find(system, s, census.first, census.last);
}

/*
 * i386: the image is mapped by the direct map only. mark_rodata_ro()
 * (arch/x86/mm/init_32.c) makes its text and read-only data the longest read-only stretch
 * there; some kernels were built without.
 */
static bool read_only_32(struct ws_system *system, struct stretch *s)
{
	uint64_t page_offset = system->layout.page_offset;

	*s = (struct stretch){ .delta = page_offset, .read_only = true };
	return stretch_find(system, s, page_offset, UINT32_MAX);
}

bool ws_image_text(struct ws_system *system, uint64_t *first, uint64_t *last)
{
	struct stretch s;

	if (!(system->layout.word == 8 ? mapping_64 : read_only_32)(system, &s))
		return false;
	*first = s.best_first;
	*last = s.best_last;
	return true;
}

/* The last of the VMCOREINFO symbols that lie where an image that begins at first may. */
static uint64_t last_symbol(const struct ws_system *system, uint64_t first)
{
	static const char *const names[] = { "swapper_pg_dir", "init_uts_ns",
					     "vmap_area_list", "mem_map",
					     "mem_section",    "contig_page_data",
					     "log_buf_len",    "kallsyms_names",
					     "node_online_map" };
	uint64_t last = first, va;

	for (size_t i = 0; i < WS_ARRAY_SIZE(names); i++)
		if (ws_vmcoreinfo(system, "SYMBOL", names[i], &va) && va > last &&
		    va - first < WS_IMAGE_MAX)
			last = va;
	return last;
}

static bool find_image_64(struct ws_system *system)
{
	struct ws_layout *layout = &system->layout;
	struct stretch s;

	if (!mapping_64(system, &s))
		return false;
	layout->image_delta = s.delta;
	layout->image_first = s.best_first;
	layout->image_last = s.best_last;
	return true;
}

/* A file's word is taken where memory has none: its names were held against memory. */
static bool first_by_hints(struct ws_system *system)
{
	struct ws_layout *layout = &system->layout;
	uint64_t first;

	if (!ws_hint(system, "_text", &first) && !ws_hint(system, "_stext", &first))
		return false;
	layout->image_first = first & -(uint64_t)WS_FRAME_SIZE;
	layout->image_last = first;
	return true;
}

/* It begins with its text: which VMCOREINFO tells, or the protection, or the kernel. */
static bool find_image_32(struct ws_system *system)
{
	struct ws_layout *layout = &system->layout;
	struct ws_image_parts parts;
	uint64_t stext;
	struct stretch s;

	layout->image_delta = layout->page_offset;
	if (ws_vmcoreinfo(system, "SYMBOL", "_stext", &stext) &&
	    stext > layout->page_offset) {
		layout->image_first = stext & -(uint64_t)WS_FRAME_SIZE;
		layout->image_last = last_symbol(system, stext);
	} else if (read_only_32(system, &s)) {
		layout->image_first = s.best_first;
		layout->image_last = s.best_last;
	} else if (ws_image_parts_search(system, &parts)) {
		layout->image_first = parts.code + layout->image_delta;
		layout->image_last = parts.code_end + layout->image_delta;
	} else if (!first_by_hints(system)) {
		return false;
	}
	layout->image_last += IMAGE_MARGIN;
	if (layout->image_last > UINT32_MAX)
		layout->image_last = UINT32_MAX;
	return true;
}

/* ---- the image's end -------------------------------------------------------------- */

struct reach {
	uint64_t delta, last;
};

static bool reaches(void *arg, const struct ws_run *run)
{
	struct reach *reach = arg;

	if (run->va - run->pa != reach->delta)
		return false;
	reach->last = run->last;
	return true;
}

/* i386's image lies in the direct map, and ends before that does. */
static void keep_in_direct_map(struct ws_system *system, uint64_t known)
{
	struct ws_layout *layout = &system->layout;
	struct reach reach = { layout->image_delta, known };

	if (ws_range(&system->paging, layout->reference, known, layout->image_last,
		     WS_RANGE_PHYSICAL, 0, reaches, &reach) == WS_OK)
		layout->image_last = reach.last;
}

/* Only .bss lies between what is surely known and the margin behind it. */
static void reach_beyond(struct ws_system *system, uint64_t known)
{
	struct ws_layout *layout = &system->layout;

	if (layout->word == 4 && known)
		layout->image_last = known + IMAGE_MARGIN;
	if (layout->word == 4 && layout->image_last > UINT32_MAX)
		layout->image_last = UINT32_MAX;
	if (layout->word == 4)
		keep_in_direct_map(system, known ? known : layout->image_first);
	ws_note(system,
		"the kernel's end is not known: its image is taken to reach to %#lx",
		layout->image_last);
}

/* *sure: as far as it surely reaches; a margin may go beyond. */
static void find_image_end(struct ws_system *system, uint64_t *sure)
{
	struct ws_layout *layout = &system->layout;
	struct ws_image_parts parts = { 0 };
	uint64_t end;

	system->image_named =
		ws_image_parts(system, layout->image_first, layout->image_last,
			       layout->image_first - layout->image_delta, &parts);
	if (system->image_named && parts.bss_end)
		end = parts.bss_end + layout->image_delta;
	else if (!ws_hint(system, "_end", &end) || end <= layout->image_first ||
		 end - layout->image_first >= WS_IMAGE_MAX)
		end = 0;
	*sure = end                 ? end
		: parts.data_end    ? parts.data_end + layout->image_delta
		: layout->word == 8 ? layout->image_last
				    : layout->image_last - IMAGE_MARGIN;
	if (end)
		layout->image_last = end;
	else
		reach_beyond(system, parts.data_end ? *sure : 0);
}

static void find_image(struct ws_system *system, uint64_t *sure)
{
	bool found =
		system->layout.word == 8 ? find_image_64(system) : find_image_32(system);

	*sure = 0;
	if (found)
		find_image_end(system, sure);
	else
		ws_note(system, "the kernel image was not found: its mapping is gone, or "
				"nothing in it is write-protected and it says nothing of "
				"itself; a System.map of this kernel would show it");
}

/* ---- init_mm's table -------------------------------------------------------------- */

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
		uint64_t word = size == 8 ? ws_le64(frame + i) : ws_le32(frame + i);
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

static bool search_swapper(struct ws_system *system, uint64_t last, uint64_t *swapper)
{
	struct swapper_search s = { .system = system };
	enum ws_status status =
		ws_search(system, system->layout.image_first, last, 0, swapper_frame, &s);

	*swapper = s.root;
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

/*
 * init_mm lies in the image's data, whose end is better known than that of .bss: what
 * points there from behind it may be an mm that was freed.
 */
static bool find_swapper(struct ws_system *system, uint64_t sure, uint64_t *swapper)
{
	uint64_t last = system->layout.image_last;

	if (last && sure < last && search_swapper(system, sure, swapper))
		return true;
	return (last && search_swapper(system, last, swapper)) ||
	       swapper_by_hints(system, swapper) || swapper_is_given(system, swapper);
}

static enum ws_status infer_reference(struct ws_system *system)
{
	enum ws_status status = ws_hints_load(system);
	uint64_t sure, swapper;

	if (status == WS_OK)
		status = ws_find_consensus(system);
	if (status != WS_OK)
		return status;
	find_image(system, &sure);
	if (!find_swapper(system, sure, &swapper)) {
		ws_note(system,
			"init_mm's page table was not found: spaces are compared "
			"with what most of the %zu roots hold",
			system->roots.n);
		return WS_OK;
	}
	system->layout.consensus = false;
	ws_set_reference(system, swapper);
	return ws_root_add(system, swapper);
}

/*
 * Where the target lacks what would show that VMCOREINFO's root maps itself, it is taken
 * all the same if memory holds a root there.
 */
static bool has_swapper(struct ws_system *system, uint64_t *swapper)
{
	uint64_t root = 0;
	enum ws_fit fit = ws_vmcoreinfo_root(system, &root);

	if (fit == WS_FITS ||
	    (fit == WS_FIT_UNKNOWN && root && ws_root_find(system, root) != SIZE_MAX)) {
		*swapper = root;
		return true;
	}
	return false;
}

enum ws_status ws_find_reference(struct ws_system *system)
{
	uint64_t root = system->layout.reference, sure;
	enum ws_status status = WS_OK;

	/* The pass found none: what the layout rests on is one all the same. */
	if (status == WS_OK && !system->roots.n)
		status = ws_root_add(system, root);
	if (status != WS_OK)
		return status;
	if (!has_swapper(system, &root))
		return infer_reference(system);
	ws_set_reference(system, root);
	find_image(system, &sure);
	return ws_root_add(system, root);
}
