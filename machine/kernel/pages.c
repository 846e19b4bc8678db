/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Page frames, by buddies (Knuth, vol. 1, 2.5). Under CONFIG_DEBUG_PAGEALLOC a free frame
 * is "not there": its entry in the direct map is empty, so that who follows a pointer to
 * it is caught.
 */
#include "machine/kernel/pgtable.h"

#include <stdlib.h>

#define ORDERS 25 /* 64 GiB at most, so a block is at most 1 << 24 frames */
#define NONE UINT32_MAX

struct frame_book {
	uint8_t use;            /* enum page_use */
	uint8_t order;          /* of the free block that begins here */
	bool head;              /* a free block begins here */
	bool written;           /* something other than zeroes may be in it */
	uint32_t before, after; /* in the list of free blocks of that order */
};

struct frames {
	uint32_t n;
	uint64_t used[PAGE_USES];
	uint32_t free[ORDERS];
	struct frame_book book[];
};

/* ---- free blocks ---- */

static void list_add(struct frames *f, uint32_t at, unsigned order)
{
	struct frame_book *book = &f->book[at];

	book->head = true;
	book->order = (uint8_t)order;
	book->before = NONE;
	book->after = f->free[order];
	if (book->after != NONE)
		f->book[book->after].before = at;
	f->free[order] = at;
}

static void list_remove(struct frames *f, uint32_t at)
{
	struct frame_book *book = &f->book[at];

	book->head = false;
	if (book->before != NONE)
		f->book[book->before].after = book->after;
	else
		f->free[book->order] = book->after;
	if (book->after != NONE)
		f->book[book->after].before = book->before;
}

/* A block comes together with its buddy as often as that is free and whole. */
static void give_block(struct frames *f, uint32_t at, unsigned order)
{
	for (; order + 1 < ORDERS; order++) {
		uint32_t buddy = at ^ (UINT32_C(1) << order);

		if (buddy >= f->n || !f->book[buddy].head ||
		    f->book[buddy].order != order)
			break;
		list_remove(f, buddy);
		at &= buddy;
	}
	list_add(f, at, order);
}

/* NONE: there is no block so large. */
static uint32_t take_block(struct frames *f, unsigned order)
{
	unsigned from = order;
	uint32_t at;

	while (from < ORDERS && f->free[from] == NONE)
		from++;
	if (from == ORDERS)
		return NONE;
	at = f->free[from];
	list_remove(f, at);
	while (from-- > order)
		list_add(f, at + (UINT32_C(1) << from), from);
	return at;
}

static void give_run(struct frames *f, uint32_t at, uint32_t n)
{
	while (n) {
		unsigned order = at ? (unsigned)__builtin_ctz(at) : ORDERS - 1;

		while (order >= ORDERS || UINT32_C(1) << order > n)
			order--;
		give_block(f, at, order);
		at += UINT32_C(1) << order;
		n -= UINT32_C(1) << order;
	}
}

/* ---- frames ---- */

static void set_use(struct kernel *kernel, uint32_t at, unsigned n, enum page_use use)
{
	struct frames *f = kernel->frames;

	for (unsigned i = 0; i < n; i++) {
		f->used[f->book[at + i].use]--;
		f->used[use]++;
		f->book[at + i].use = (uint8_t)use;
	}
	if (kernel->options.debug_pagealloc)
		pgtable_direct(kernel, (uint64_t)at * PAGE, n, use != PAGE_FREE);
	if (kernel->books)
		linux_page(kernel, (uint64_t)at * PAGE, n, use);
}

static void clear(struct kernel *kernel, uint32_t at, unsigned n, enum page_use use)
{
	static const uint8_t zeroes[PAGE];

	for (unsigned i = 0; i < n; i++) {
		struct frame_book *book = &kernel->frames->book[at + i];

		if (book->written)
			machine_memory_write(kernel->memory, (uint64_t)(at + i) * PAGE,
					     zeroes, PAGE);
		book->written = use != PAGE_RESERVED;
	}
}

uint64_t pages_take(struct kernel *kernel, unsigned n, enum page_use use)
{
	struct frames *f = kernel->frames;
	unsigned order = 0;
	uint32_t at;

	while (UINT32_C(1) << order < n)
		order++;
	at = take_block(f, order);
	if (at == NONE)
		return 0;
	give_run(f, at + n, (UINT32_C(1) << order) - n);
	clear(kernel, at, n, use);
	set_use(kernel, at, n, use);
	return (uint64_t)at * PAGE;
}

void pages_give(struct kernel *kernel, uint64_t pa, unsigned n)
{
	struct frames *f = kernel->frames;

	for (; n; n--, pa += PAGE) {
		enum page_use use = pages_use(kernel, pa);

		if (use == PAGE_FREE || use == PAGE_RESERVED)
			continue;
		set_use(kernel, (uint32_t)(pa / PAGE), 1, PAGE_FREE);
		give_block(f, (uint32_t)(pa / PAGE), 0);
	}
}

enum page_use pages_use(const struct kernel *kernel, uint64_t pa)
{
	const struct frames *f = kernel->frames;

	return pa / PAGE < f->n ? f->book[pa / PAGE].use : PAGE_RESERVED;
}

uint64_t pages_used(const struct kernel *kernel, enum page_use use)
{
	return kernel->frames->used[use];
}

void pages_written(struct kernel *kernel, uint64_t pa)
{
	if (pa / PAGE < kernel->frames->n)
		kernel->frames->book[pa / PAGE].written = true;
}

/* ---- the beginning ---- */

/* [from, to) of physical memory is given out from now on; lowest first. */
static void open_run(struct frames *f, uint64_t from, uint64_t to)
{
	uint32_t at = (uint32_t)(from / PAGE), n = (uint32_t)((to - from) / PAGE);

	for (uint32_t i = 0; i < n; i++)
		f->book[at + i].use = PAGE_FREE;
	f->used[PAGE_RESERVED] -= n;
	f->used[PAGE_FREE] += n;
	give_run(f, at, n);
}

bool pages_create(struct kernel *kernel)
{
	const struct layout *l = &kernel->layout;
	uint32_t n = (uint32_t)(kernel->options.ram / PAGE);
	struct frames *f = calloc(1, sizeof(*f) + n * sizeof(f->book[0]));

	if (!f)
		return false;
	f->n = n;
	f->used[PAGE_RESERVED] = n;
	for (unsigned i = 0; i < ORDERS; i++)
		f->free[i] = NONE;
	/* The first megabyte is the firmware's, as on every PC. */
	open_run(f, MIB, l->image_pa);
	open_run(f, l->image_pa + l->image_size, kernel->options.ram);
	kernel->frames = f;
	return true;
}

void pages_release(struct kernel *kernel)
{
	free(kernel->frames);
}
