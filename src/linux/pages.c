/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "linux/pages.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"

/* struct mem_section's pointer carries flags below it (SECTION_MAP_LAST_BIT). */
#define SECTION_MAP_FLAGS UINT64_C(0x3f)

/*
 * SPARSEMEM_EXTREME has a page of sections behind every entry of mem_section
 * (SECTIONS_PER_ROOT, include/linux/mmzone.h); SPARSEMEM_STATIC has the sections there
 * themselves.
 */
static bool find_sections(struct ws_system *system, struct ws_pages *pages)
{
	if (!ws_vmcoreinfo(system, "SYMBOL", "mem_section", &pages->mem_section) ||
	    !ws_vmcoreinfo(system, "SIZE", "mem_section", &pages->section_size) ||
	    !ws_vmcoreinfo(system, "OFFSET", "mem_section.section_mem_map",
			   &pages->section_map) ||
	    !ws_vmcoreinfo(system, "NUMBER", "SECTION_SIZE_BITS", &pages->section_bits))
		return false;
	pages->direct = ws_linux_row(system)->sections_static;
	if (!pages->section_size || pages->section_size > WS_FRAME_SIZE ||
	    pages->section_bits < 12 || pages->section_bits > 63)
		return false;
	pages->per_root = pages->direct ? 1 : WS_FRAME_SIZE / pages->section_size;
	return true;
}

bool ws_pages_find(struct ws_system *system, struct ws_pages *pages)
{
	uint64_t mem_map;

	*pages = (struct ws_pages){ 0 };
	/* before 4.7 (0139aa7b7fa1) it was called _count */
	if (!ws_vmcoreinfo(system, "SIZE", "page", &pages->size) ||
	    !ws_vmcoreinfo(system, "OFFSET", "page.lru", &pages->lru) ||
	    (!ws_vmcoreinfo(system, "OFFSET", "page._refcount", &pages->refcount) &&
	     !ws_vmcoreinfo(system, "OFFSET", "page._count", &pages->refcount)))
		return false;
	if (ws_vmcoreinfo(system, "SYMBOL", "mem_map", &mem_map))
		return ws_kernel_word(system, mem_map, &pages->mem_map) == WS_READ &&
		       pages->mem_map;
	return find_sections(system, pages);
}

uint64_t ws_page_of(struct ws_system *system, const struct ws_pages *pages, uint64_t pa)
{
	uint64_t pfn = pa / WS_FRAME_SIZE, section, root, map;

	if (pages->mem_map) /* of memory's first frame: ARCH_PFN_OFFSET */
		return pages->mem_map +
		       (pfn - ws_direct_pa(system, system->layout.page_offset) /
				      WS_FRAME_SIZE) *
			       pages->size;
	section = pa >> pages->section_bits;
	root = pages->mem_section;
	if (pages->direct)
		root += section * pages->section_size;
	else if (ws_kernel_word(system,
				root + section / pages->per_root * system->layout.word,
				&root) != WS_READ)
		return 0;
	else
		root += section % pages->per_root * pages->section_size;
	if (ws_kernel_word(system, root + pages->section_map, &map) != WS_READ || !map)
		return 0;
	/* encoded so that a frame's number indexes it: sparse_encode_mem_map() */
	return (map & ~SECTION_MAP_FLAGS) + pfn * pages->size;
}

bool ws_page_refcount(struct ws_system *system, const struct ws_pages *pages, uint64_t pa,
		      uint32_t *refcount)
{
	uint64_t page = ws_page_of(system, pages, pa);

	return page && ws_kernel_u32(system, page + pages->refcount, refcount) == WS_READ;
}

/* ---- what a frame is used for ----------------------------------------------------- */

#define MAPPING_FLAGS 3u /* PAGE_MAPPING_ANON, PAGE_MAPPING_MOVABLE */

static bool find_marks(struct ws_system *system, struct ws_page_marks *marks)
{
	static const struct {
		const char *name;
		size_t at;
	} offsets[] = {
		{ "page.flags", offsetof(struct ws_page_marks, flags) },
		{ "page._mapcount", offsetof(struct ws_page_marks, mapcount) },
		{ "page.mapping", offsetof(struct ws_page_marks, mapping) },
		{ "page.private", offsetof(struct ws_page_marks, private) },
		{ "page.compound_head", offsetof(struct ws_page_marks, compound_head) },
	};

	*marks = (struct ws_page_marks){ .slab_bit = 64 };
	for (size_t i = 0; i < WS_ARRAY_SIZE(offsets); i++)
		if (!ws_vmcoreinfo(system, "OFFSET", offsets[i].name,
				   (uint64_t *)((char *)marks + offsets[i].at)))
			return false;
	ws_vmcoreinfo(system, "NUMBER", "PG_slab", &marks->slab_bit);
	/* a type of page, and no flag, since 46df8e73a4a3 (6.10) */
	ws_vmcoreinfo(system, "NUMBER", "PAGE_SLAB_MAPCOUNT_VALUE", &marks->slab_type);
	ws_vmcoreinfo(system, "NUMBER", "PAGE_BUDDY_MAPCOUNT_VALUE", &marks->buddy_type);
	return true;
}

/* One struct page, as far as it is known. */
struct page {
	uint64_t flags, mapping, private, compound_head;
	uint32_t mapcount;
};

static bool read_page(struct ws_system *system, const struct ws_page_marks *marks,
		      uint64_t va, struct page *page)
{
	return va && ws_kernel_word(system, va + marks->flags, &page->flags) == WS_READ &&
	       ws_kernel_word(system, va + marks->mapping, &page->mapping) == WS_READ &&
	       ws_kernel_word(system, va + marks->private, &page->private) == WS_READ &&
	       ws_kernel_word(system, va + marks->compound_head, &page->compound_head) ==
		       WS_READ &&
	       ws_kernel_u32(system, va + marks->mapcount, &page->mapcount) == WS_READ;
}

/* Since 4ffca5a96678 (6.12) a type is the highest byte alone. */
static bool has_type(const struct page *page, uint64_t type)
{
	uint32_t value = (uint32_t)type;

	if (!value)
		return false;
	return value & 0xffffff ? page->mapcount == value
				: page->mapcount >> 24 == value >> 24;
}

bool ws_page_books_open(struct ws_system *system, struct ws_page_books *books)
{
	books->group.known = false;
	return ws_pages_find(system, &books->pages) && find_marks(system, &books->marks);
}

/* The order of the free block that begins with a frame; WS_FREE_ORDERS: none does. */
static uint64_t order_at(struct ws_system *system, const struct ws_page_books *books,
			 uint64_t frame)
{
	const struct ws_page_marks *marks = &books->marks;
	uint64_t va = ws_page_of(system, &books->pages, frame * WS_FRAME_SIZE), order;
	struct page page;

	if (!va ||
	    ws_kernel_u32(system, va + marks->mapcount, &page.mapcount) != WS_READ ||
	    !has_type(&page, marks->buddy_type) ||
	    ws_kernel_word(system, va + marks->private, &order) != WS_READ)
		return WS_FREE_ORDERS;
	/* a block lies on a multiple of its size */
	return order < WS_FREE_ORDERS && !(frame & (WS_BIT(order) - 1)) ? order
									: WS_FREE_ORDERS;
}

/* A block of free frames is marked in the first of them, which has its order too. */
static void read_group(struct ws_system *system, struct ws_page_books *books,
		       uint64_t frame)
{
	struct ws_free_group *group = &books->group;

	memset(group, 0, sizeof(*group));
	group->known = true;
	group->first = frame & ~(uint64_t)(WS_FREE_GROUP - 1);
	/* No section is smaller than a group; of one that is not there nothing is. */
	if (!ws_page_of(system, &books->pages, group->first * WS_FRAME_SIZE))
		return;
	for (unsigned i = 0; i < WS_FREE_GROUP; i++) {
		uint64_t order = order_at(system, books, group->first + i);

		if (order == WS_FREE_ORDERS)
			continue;
		for (uint64_t end = i + WS_BIT(order); i < end && i < WS_FREE_GROUP; i++)
			group->bits[i / 64] |= WS_BIT(i % 64);
		i--;
	}
}

bool ws_page_is_free(struct ws_system *system, struct ws_page_books *books, uint64_t pa)
{
	const struct ws_free_group *group = &books->group;
	uint64_t frame = pa / WS_FRAME_SIZE;

	if (!books->marks.buddy_type)
		return false;
	if (!group->known || frame - group->first >= WS_FREE_GROUP)
		read_group(system, books, frame);
	frame -= group->first;
	return group->bits[frame / 64] >> frame % 64 & 1;
}

static bool reads(struct ws_system *system, uint64_t va, uint64_t *value, bool *lacks)
{
	enum ws_evidence there = ws_kernel_word(system, va, value);

	*lacks |= there != WS_READ && there != WS_NOT_MAPPED;
	return there == WS_READ;
}

/*
 * Each neighbour leads back. A page without a reference that lies inside of a block in use
 * is on none: its pointers are those of list_del() (LIST_POISON1). *lacks: the target does
 * not have what would say it.
 */
static bool is_on_list(struct ws_system *system, uint64_t node, bool *lacks)
{
	unsigned word = system->layout.word;
	uint64_t next, prev, facing;

	return reads(system, node, &next, lacks) && next != node &&
	       reads(system, node + word, &prev, lacks) &&
	       reads(system, next + word, &facing, lacks) && facing == node &&
	       reads(system, prev, &facing, lacks) && facing == node;
}

enum ws_page_owned ws_page_owned(struct ws_system *system, uint64_t pa)
{
	struct ws_page_books books = { 0 };
	uint32_t refcount;
	bool lacks = false;

	if (system->layout.tables_only || !ws_pages_find(system, &books.pages))
		return WS_PAGE_OWNED_UNKNOWN;
	if (!ws_page_refcount(system, &books.pages, pa, &refcount))
		return ws_frame_there(system, pa) == WS_THERE_NONE
			       ? WS_PAGE_OWNED
			       : WS_PAGE_OWNED_UNKNOWN;
	if (refcount)
		return WS_PAGE_OWNED;
	if (is_on_list(system, ws_page_of(system, &books.pages, pa) + books.pages.lru,
		       &lacks) ||
	    (ws_page_books_open(system, &books) && ws_page_is_free(system, &books, pa)))
		return WS_PAGE_NOBODYS;
	return lacks ? WS_PAGE_OWNED_UNKNOWN : WS_PAGE_OWNED;
}

enum ws_page_use ws_page_use(struct ws_system *system, struct ws_page_books *books,
			     uint64_t pa)
{
	const struct ws_page_marks *marks = &books->marks;
	struct page page;

	if (ws_page_is_free(system, books, pa))
		return WS_PAGE_FREE;
	if (!read_page(system, marks, ws_page_of(system, &books->pages, pa), &page))
		return WS_PAGE_UNKNOWN;
	if (page.compound_head & 1 &&
	    !read_page(system, marks, page.compound_head - 1, &page))
		return WS_PAGE_UNKNOWN;
	if (has_type(&page, marks->slab_type) ||
	    (marks->slab_bit < 64 && page.flags & WS_BIT(marks->slab_bit)))
		return WS_PAGE_SLAB;
	if (!page.mapping || !ws_is_kernel_va(system, page.mapping))
		return WS_PAGE_UNKNOWN;
	return page.mapping & MAPPING_FLAGS ? (page.mapping & MAPPING_FLAGS) == 1
						      ? WS_PAGE_ANON
						      : WS_PAGE_UNKNOWN
					    : WS_PAGE_CACHE;
}

/* ---- pgd_list --------------------------------------------------------------------- */

struct listed_root {
	uint64_t lru; /* va of page->lru, by which it would be listed */
	size_t index;
};

static int by_lru(const void *left, const void *right)
{
	uint64_t a = ((const struct listed_root *)left)->lru;
	uint64_t b = ((const struct listed_root *)right)->lru;

	return (a > b) - (a < b);
}

/*
 * From start all around; it must be closed, and have its head in the image. Lists of free
 * pages have theirs in memory of a processor's, which may lie right behind it.
 */
static bool walk_list(struct ws_system *system, uint64_t start,
		      const struct listed_root *roots, bool *listed)
{
	size_t n = system->roots.n;
	unsigned word = system->layout.word, heads = 0;
	uint64_t node = start, next, facing;

	for (size_t steps = 0; steps < 2 * n + 2; steps++) {
		struct listed_root key = { .lru = node };
		const struct listed_root *root =
			bsearch(&key, roots, n, sizeof(*roots), by_lru);

		if (root)
			listed[root->index] = true;
		heads += ws_in_image(system, node) && node <= system->image_sure;
		if (ws_kernel_word(system, node, &next) != WS_READ ||
		    ws_kernel_word(system, next + word, &facing) != WS_READ ||
		    facing != node)
			return false;
		if (next == start)
			return heads == 1;
		node = next;
	}
	return false;
}

enum ws_status ws_pgd_list(struct ws_system *system, const struct ws_pages *pages,
			   uint64_t root, bool *listed)
{
	size_t n = system->roots.n;
	ws_autofree struct listed_root *roots = calloc(n, sizeof(*roots));
	uint64_t start = ws_page_of(system, pages, root);

	if (!roots)
		return ws_fail_memory(system->ctx);
	for (size_t i = 0; i < n; i++) {
		uint64_t page = ws_page_of(system, pages, system->roots.v[i]);

		roots[i] = (struct listed_root){ page + pages->lru, i };
	}
	qsort(roots, n, sizeof(*roots), by_lru);
	if (!start || !walk_list(system, start + pages->lru, roots, listed))
		memset(listed, 0, n * sizeof(*listed));
	return WS_OK;
}
