/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the kernel image lies. */
#include <string.h>

#include "linux/census.h"
#include "linux/hints.h"
#include "linux/image.h"
#include "linux/region.h"
#include "linux/roots.h"
#include "util/count.h"

/* What is unmapped inside an image: the init sections, freed after boot. */
#define IMAGE_GAP_MAX (UINT64_C(64) << 20)
/* Text and read-only data of the smallest kernel are more than this. */
#define TEXT_MIN (UINT64_C(1) << 20)
/* Where nothing says the end of .bss: how far it reaches at most past what is known. */
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
	    (s->read_only && run->access & WS_KERNEL_WRITE))
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

static bool has_own_mapping(const struct ws_system *system)
{
	return ws_linux_row(system)->image_last;
}

/*
 * Where much else is mapped that the image may lie among, VMCOREINFO has one of its
 * addresses. From there it reaches to WS_IMAGE_MAX at most.
 */
static bool around_stext(struct ws_system *system, struct stretch *s, uint64_t *first,
			 uint64_t *last)
{
	uint64_t stext, pa;

	if (!ws_vmcoreinfo(system, "SYMBOL", "_stext", &stext) || stext < *first ||
	    ws_kernel_translate(system, stext, &pa) != WS_READ)
		return false;
	s->delta = stext - pa;
	if (stext - *first > WS_IMAGE_MAX)
		*first = stext - WS_IMAGE_MAX;
	if (*last - stext > WS_IMAGE_MAX)
		*last = stext + WS_IMAGE_MAX;
	return true;
}

/*
 * The image's own mapping, which x86-64 cuts to it (cleanup_highmap(),
 * arch/x86/mm/init_64.c) to 2 MiB; the difference under which most of that area lies.
 */
static bool own_mapping(struct ws_system *system, struct stretch *s)
{
	const struct ws_linux_layout *row = ws_linux_row(system);
	struct ws_census census = { .first = row->image_first,
				    .last = row->image_last,
				    .budget = STRETCH_TABLES,
				    .memory_only = row->image_anywhere };

	*s = (struct stretch){ .gap_max = IMAGE_GAP_MAX };
	if (row->image_anywhere && around_stext(system, s, &census.first, &census.last))
		return stretch_find(system, s, census.first, census.last);
	if (ws_census_take(system, system->layout.reference, &census) != WS_OK)
		return false;
	s->delta = census.ballot[0].delta;
	return census.ballot[0].bytes &&
	       stretch_find(system, s, census.first, census.last);
}

/*
 * An image that is mapped by the direct map only: mark_rodata_ro() (x86:
 * arch/x86/mm/init_32.c) makes its text and read-only data the longest read-only stretch
 * there; some kernels were built without.
 */
static bool read_only_part(struct ws_system *system, struct stretch *s)
{
	uint64_t page_offset = system->layout.page_offset;

	*s = (struct stretch){ .delta = system->layout.direct_delta, .read_only = true };
	return stretch_find(system, s, page_offset, ws_last_va(system));
}

bool ws_image_text(struct ws_system *system, uint64_t *first, uint64_t *last)
{
	struct stretch s;

	if (!(has_own_mapping(system) ? own_mapping : read_only_part)(system, &s))
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

static bool find_own_mapping(struct ws_system *system)
{
	struct ws_layout *layout = &system->layout;
	struct stretch s;

	if (!own_mapping(system, &s))
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

/* It begins with its text: which VMCOREINFO has, or the protection, or the kernel. */
static bool find_in_direct_map(struct ws_system *system)
{
	struct ws_layout *layout = &system->layout;
	struct ws_image_parts parts;
	uint64_t stext;
	struct stretch s;

	layout->image_delta = layout->direct_delta;
	if (ws_vmcoreinfo(system, "SYMBOL", "_stext", &stext) &&
	    stext > layout->page_offset) {
		layout->image_first = stext & -(uint64_t)WS_FRAME_SIZE;
		layout->image_last = last_symbol(system, stext);
	} else if (read_only_part(system, &s)) {
		layout->image_first = s.best_first;
		layout->image_last = s.best_last;
	} else if (ws_image_parts_search(system, layout->page_offset, ws_last_va(system),
					 layout->image_delta, &parts)) {
		layout->image_first = parts.code + layout->image_delta;
		layout->image_last = parts.code_end + layout->image_delta;
	} else if (!first_by_hints(system)) {
		return false;
	}
	layout->image_last += IMAGE_MARGIN;
	if (layout->image_last > ws_last_va(system))
		layout->image_last = ws_last_va(system);
	return true;
}

/* ---- the image's end -------------------------------------------------------------- */

/* It ends before the direct map does. */
static void keep_in_direct_map(struct ws_system *system, uint64_t known)
{
	struct ws_layout *layout = &system->layout;
	uint64_t last = known;

	if (ws_stretch(system, layout->image_delta, known, layout->image_last, &last) ==
	    WS_OK)
		layout->image_last = last;
}

/* Only .bss lies between what is surely known and the margin behind it. */
static void reach_beyond(struct ws_system *system, uint64_t known)
{
	struct ws_layout *layout = &system->layout;

	if (!has_own_mapping(system) && known)
		layout->image_last = known + IMAGE_MARGIN;
	if (!has_own_mapping(system) && layout->image_last > ws_last_va(system))
		layout->image_last = ws_last_va(system);
	if (!has_own_mapping(system))
		keep_in_direct_map(system, known ? known : layout->image_first);
	ws_note(system,
		"the kernel's end is not known: its image is taken to reach to %#jx",
		layout->image_last);
}

/*
 * By the address where the image begins; or, where its text begins behind a head, by name.
 * A head that is no part of what was found becomes one.
 */
static bool find_parts(struct ws_system *system, struct ws_image_parts *parts)
{
	struct ws_layout *layout = &system->layout;
	uint64_t head = ws_linux_row(system)->image_head_max, first;

	if (ws_image_parts(system, layout->image_first, layout->image_last,
			   layout->image_first - layout->image_delta, parts))
		return true;
	if (!(head || ws_linux_row(system)->image_head) ||
	    !ws_image_parts_search(system, layout->image_first - head, layout->image_last,
				   layout->image_delta, parts))
		return false;
	if (!head)
		return true;
	first = parts->code + layout->image_delta;
	if (layout->image_first - first > head) {
		*parts = (struct ws_image_parts){ 0 };
		return false;
	}
	layout->image_first = first;
	return true;
}

static void find_image_end(struct ws_system *system, struct ws_image_parts *parts)
{
	struct ws_layout *layout = &system->layout;
	uint64_t end;

	system->image_named = find_parts(system, parts);
	if (ws_linux_row(system)->data_holds_bss)
		parts->bss_end = parts->data_end;
	if (system->image_named && parts->bss_end)
		end = parts->bss_end + layout->image_delta;
	else if (!ws_hint(system, "_end", &end) || end <= layout->image_first ||
		 end - layout->image_first >= WS_IMAGE_MAX)
		end = 0;
	system->image_sure = end               ? end
			     : parts->data_end ? parts->data_end + layout->image_delta
			     : has_own_mapping(system)
				     ? layout->image_last
				     : layout->image_last - IMAGE_MARGIN;
	if (end)
		layout->image_last = end;
	else
		reach_beyond(system, parts->data_end ? system->image_sure : 0);
}

void ws_image_find(struct ws_system *system, struct ws_image_parts *parts)
{
	bool found =
		(has_own_mapping(system) ? find_own_mapping : find_in_direct_map)(system);

	*parts = (struct ws_image_parts){ 0 };
	if (found)
		find_image_end(system, parts);
	else
		ws_note(system, "the kernel image was not found: its mapping is gone, or "
				"nothing in it is write-protected and it says nothing of "
				"itself; a System.map of this kernel would show it");
}
