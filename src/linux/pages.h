/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* struct page: what the kernel's page allocator says of a frame. */
#ifndef WS_LINUX_PAGES_H
#define WS_LINUX_PAGES_H

#include "linux/linux.h"

/*
 * Where struct page of a frame lies, as VMCOREINFO says: one array (FLATMEM), or one a
 * section (SPARSEMEM; with VMEMMAP they are one again, but are found the same way).
 */
struct ws_pages {
	uint64_t size, lru, refcount; /* sizeof(struct page), and offsets in it */
	uint64_t mem_map;             /* FLATMEM: va of the array; 0: sections */
	uint64_t mem_section;         /* va of the top array of sections */
	uint64_t section_size;        /* sizeof(struct mem_section) */
	uint64_t section_map;         /* offset of section_mem_map */
	uint64_t section_bits;        /* log2 of a section's bytes */
	uint64_t per_root;            /* sections per entry of the top array; */
	bool direct;                  /* or the top array holds them itself */
};

/* False where VMCOREINFO does not say enough. */
bool ws_pages_find(struct ws_system *system, struct ws_pages *pages);
/* va of the struct page of pa's frame; 0: not known. */
uint64_t ws_page_of(struct ws_system *system, const struct ws_pages *pages, uint64_t pa);
/* False where the page's struct is not in memory. */
bool ws_page_refcount(struct ws_system *system, const struct ws_pages *pages, uint64_t pa,
		      uint32_t *refcount);

/* What the page allocator has a frame for, where that can be known. */
enum ws_page_use {
	WS_PAGE_UNKNOWN,
	WS_PAGE_FREE,  /* in the buddy allocator, as the first of its block or inside */
	WS_PAGE_SLAB,  /* or inside a compound page that is */
	WS_PAGE_CACHE, /* of a file */
	WS_PAGE_ANON,  /* of a user's, and of no file */
};

/* Where struct page says so, as VMCOREINFO has it; values that it has not are 0. */
struct ws_page_marks {
	uint64_t flags, mapcount, mapping, private, compound_head; /* offsets */
	uint64_t slab_bit;              /* PG_slab, a bit of flags; 64: none */
	uint64_t slab_type, buddy_type; /* values of _mapcount; 0: none */
};

/* No block of free frames is larger: MAX_ORDER - 1 was 10 or 11 (linux/mmzone.h). */
#define WS_FREE_ORDERS 12
#define WS_FREE_GROUP (1u << (WS_FREE_ORDERS - 1)) /* frames */

/* Which of neighbouring frames are free: those that were asked for last. */
struct ws_free_group {
	bool known;
	uint64_t first; /* number of the first frame */
	uint64_t bits[WS_FREE_GROUP / 64];
};

/* What it takes to ask what frames are used for. */
struct ws_page_books {
	struct ws_pages pages;
	struct ws_page_marks marks;
	struct ws_free_group group;
};
/* False where VMCOREINFO does not say enough. */
bool ws_page_books_open(struct ws_system *system, struct ws_page_books *books);
/* Frames are best asked for in their order. */
enum ws_page_use ws_page_use(struct ws_system *system, struct ws_page_books *books,
			     uint64_t pa);
/* The same without a look at the frame's own struct page. */
bool ws_page_is_free(struct ws_system *system, struct ws_page_books *books, uint64_t pa);

/*
 * Whether a frame is nobody's: it has no reference, and is in a free block, or on a list, as
 * a processor's own pages that are free are. What holds no memory counts as owned: it was
 * never given back.
 */
enum ws_page_owned { WS_PAGE_OWNED_UNKNOWN, WS_PAGE_OWNED, WS_PAGE_NOBODYS };
enum ws_page_owned ws_page_owned(struct ws_system *system, uint64_t pa);

/*
 * Which of system->roots the kernel has on pgd_list: listed[], one for each, false
 * before. x86 links the pages of all roots that have kernel entries of their own there
 * (pgd_list_add(), arch/x86/mm/pgtable.c), others none; any process's root will do to begin with. None
 * is listed where the list is not kept, or not whole.
 */
enum ws_status ws_pgd_list(struct ws_system *system, const struct ws_pages *pages,
			   uint64_t root, bool *listed) WS_MUST_CHECK;

#endif
