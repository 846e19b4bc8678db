/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the kernel image lies, and in it init_mm's own table, swapper_pg_dir: the
 * reference that every other root is held against.
 */
#include <string.h>

#include "linux/census.h"
#include "linux/linux.h"
#include "linux/roots.h"
#include "paging/x86.h"

/*
 * No image is larger: 64-bit ones cannot be (KERNEL_IMAGE_SIZE without KASLR leaves 512
 * MiB for all), 32-bit ones must leave room in lowmem; real ones have 20 to 60 MiB.
 */
#define IMAGE_MAX (UINT64_C(128) << 20)
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
static bool find_image_64(struct ws_system *system)
{
	struct ws_layout *layout = &system->layout;
	struct ws_census census = { .first = WS_KERNEL_MAP,
				    .last = WS_KERNEL_MAP + IMAGE_PLACES - 1,
				    .budget = STRETCH_TABLES };
	struct stretch s = { .gap_max = IMAGE_GAP_MAX };

	if (ws_census_take(system, layout->reference, &census) != WS_OK)
		return false;
	s.delta = census.ballot[0].delta;
	if (!census.ballot[0].bytes ||
	    !stretch_find(system, &s, census.first, census.last))
		return false;
	layout->image_delta = s.delta;
	layout->image_first = s.best_first;
	layout->image_last = s.best_last;
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
		    va - first < IMAGE_MAX)
			last = va;
	return last;
}

/*
 * i386: the image is mapped by the direct map only. It begins with its text, which
 * VMCOREINFO tells or else the protection shows: mark_rodata_ro() (arch/x86/mm/init_32.c)
 * makes text and read-only data the longest read-only stretch there.
 */
static bool find_image_32(struct ws_system *system)
{
	struct ws_layout *layout = &system->layout;
	struct stretch s = { .delta = layout->page_offset, .read_only = true };
	uint64_t stext;

	layout->image_delta = layout->page_offset;
	if (ws_vmcoreinfo(system, "SYMBOL", "_stext", &stext) &&
	    stext > layout->page_offset) {
		layout->image_first = stext & -(uint64_t)WS_FRAME_SIZE;
		layout->image_last = last_symbol(system, stext);
	} else if (stretch_find(system, &s, layout->page_offset, UINT32_MAX)) {
		layout->image_first = s.best_first;
		layout->image_last = s.best_last;
	} else {
		return false;
	}
	layout->image_last += IMAGE_MARGIN;
	if (layout->image_last > UINT32_MAX)
		layout->image_last = UINT32_MAX;
	return true;
}

/* ---- the image's end -------------------------------------------------------------- */

/*
 * struct resource (include/linux/ioport.h): start and end, of the width of a physical
 * address, then the name. setup_arch() fills one for the code, whose start is that of
 * the image, and one for .bss, where the image ends.
 */
struct resource {
	uint64_t start, end;
	char name[16];
};

/* The name is looked at last: what is no resource leads anywhere. */
static bool read_resource(struct ws_system *system, uint64_t va, struct resource *r)
{
	bool wide = system->paging.format->entry_log2 == 3;
	uint8_t bytes[16];
	uint64_t name;

	if (ws_system_read(system, va, bytes, wide ? 16 : 8) != WS_READ)
		return false;
	r->start = wide ? ws_le64(bytes) : ws_le32(bytes);
	r->end = wide ? ws_le64(bytes + 8) : ws_le32(bytes + 4);
	if (r->start % WS_FRAME_SIZE || r->end <= r->start ||
	    r->end - r->start >= IMAGE_MAX ||
	    ws_kernel_word(system, va + (wide ? 16 : 8), &name) != WS_READ ||
	    !ws_in_image(system, name) ||
	    ws_system_read(system, name, r->name, sizeof(r->name)) != WS_READ)
		return false;
	r->name[sizeof(r->name) - 1] = '\0';
	return true;
}

struct resource_search {
	struct ws_system *system;
	uint64_t start; /* of the code, as a pa */
	uint64_t found; /* va of the code's resource; 0: none */
};

/* A quick look at what lies in this frame: start, and an end that fits it. */
static bool may_be_code(const struct resource_search *s, const uint8_t *frame,
			unsigned at)
{
	bool wide = s->system->paging.format->entry_log2 == 3;
	unsigned size = wide ? 8 : 4;
	uint64_t end;

	if (ws_le32(frame + at) != (uint32_t)s->start)
		return false;
	if (at + 2 * size > WS_FRAME_SIZE)
		return true;
	end = wide ? ws_le64(frame + at + size) : ws_le32(frame + at + size);
	return end > s->start && end - s->start < IMAGE_MAX;
}

/* A loop that compilers turn into vectors; most frames need no other. */
static bool frame_has(const uint8_t *frame, uint32_t word)
{
	uint32_t any = 0;

	for (unsigned i = 0; i < WS_FRAME_SIZE; i += 4)
		any |= ws_le32(frame + i) == word;
	return any;
}

static bool resource_frame(void *arg, uint64_t va, const uint8_t *frame)
{
	struct resource_search *s = arg;
	struct resource r;

	if (!frame_has(frame, (uint32_t)s->start))
		return true;
	for (unsigned i = 0; i < WS_FRAME_SIZE; i += 4) {
		if (!may_be_code(s, frame, i) || !read_resource(s->system, va + i, &r) ||
		    r.start != s->start || strcmp(r.name, "Kernel code"))
			continue;
		s->found = va + i;
		return false;
	}
	return true;
}

/* The static variables beside each other in one file, setup.c: the compiler's order. */
#define RESOURCE_NEIGHBOURS 1024

static bool find_bss(struct ws_system *system, uint64_t code, struct resource *bss)
{
	for (uint64_t va = code - RESOURCE_NEIGHBOURS; va < code + RESOURCE_NEIGHBOURS;
	     va += 4)
		if (read_resource(system, va, bss) && !strcmp(bss->name, "Kernel bss"))
			return true;
	return false;
}

static void find_image_end(struct ws_system *system)
{
	struct ws_layout *layout = &system->layout;
	struct resource_search s = {
		.system = system,
		.start = layout->image_first - layout->image_delta,
	};
	struct resource bss;

	if (ws_search(system, layout->image_first, layout->image_last, 0, resource_frame,
		      &s) == WS_OK &&
	    s.found && find_bss(system, s.found, &bss) && bss.start > s.start &&
	    bss.end - s.start < IMAGE_MAX)
		layout->image_last = bss.end + layout->image_delta;
	else
		ws_note(system,
			"the kernel's end is not known: its image is taken to reach "
			"to %#lx",
			layout->image_last);
}

static void find_image(struct ws_system *system)
{
	bool found =
		system->layout.word == 8 ? find_image_64(system) : find_image_32(system);

	if (found)
		find_image_end(system);
	else
		ws_note(system, "the kernel image was not found: its mapping is gone, or "
				"nothing in it is write-protected");
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

	(void)va;
	for (unsigned i = 0; i < WS_FRAME_SIZE; i += size) {
		uint64_t word = size == 8 ? ws_le64(frame + i) : ws_le32(frame + i);
		uint64_t root = word - s->system->layout.image_delta;

		if (!ws_in_image(s->system, word) ||
		    ws_root_find(s->system, root) == SIZE_MAX ||
		    !ws_user_half_is_empty(s->system, root))
			continue;
		s->ambiguous = s->found && s->root != root;
		s->root = root;
		s->found = true;
	}
	return !s->ambiguous;
}

static bool find_swapper(struct ws_system *system, uint64_t *swapper)
{
	struct swapper_search s = { .system = system };
	enum ws_status status =
		ws_search(system, system->layout.image_first, system->layout.image_last,
			  0, swapper_frame, &s);

	*swapper = s.root;
	return status == WS_OK && s.found && !s.ambiguous;
}

static enum ws_status infer_reference(struct ws_system *system)
{
	enum ws_status status = ws_find_consensus(system);
	uint64_t swapper;

	if (status != WS_OK)
		return status;
	find_image(system);
	if (find_swapper(system, &swapper)) {
		system->layout.consensus = false;
		ws_set_reference(system, swapper);
	} else {
		ws_note(system,
			"init_mm's page table was not found: spaces are compared "
			"with what most of the %zu roots hold",
			system->roots.n);
	}
	return WS_OK;
}

enum ws_status ws_find_reference(struct ws_system *system)
{
	uint64_t root = system->layout.reference;
	enum ws_status status;

	/* The pass found none: what the layout rests on is one all the same. */
	if (!system->roots.n) {
		status = ws_root_add(system, root);
		if (status != WS_OK)
			return status;
	}
	if (!ws_vmcoreinfo_swapper(system, &root))
		return infer_reference(system);
	ws_set_reference(system, root);
	find_image(system);
	return ws_root_add(system, root);
}
