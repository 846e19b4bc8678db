/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Page frames, by buddies (Knuth, vol. 1, 2.5), from the top of memory down; those below
 * 16 MiB, Linux's ZONE_DMA, when there are no others. Under CONFIG_DEBUG_PAGEALLOC a free
 * frame is "not there": its entry in the direct map is empty, so that who follows a
 * pointer to it is caught.
 */
#include "machine/kernel/pgtable.h"

#include <stdlib.h>
#include <string.h>

#define ORDERS 11 /* as Linux's MAX_ORDER: a block is 4 MiB at most */
#define BLOCK (UINT32_C(1) << (ORDERS - 1))
#define DMA_FRAMES (16 * MIB / PAGE)
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
	uint32_t free[2][ORDERS]; /* normal, DMA */
	struct frame_book book[];
};

/* ---- free blocks ---- */

static uint32_t *list_of(struct frames *f, uint32_t at, unsigned order)
{
	return &f->free[at < DMA_FRAMES][order];
}

static void list_add(struct frames *f, uint32_t at, unsigned order)
{
	struct frame_book *book = &f->book[at];
	uint32_t *list = list_of(f, at, order);

	book->head = true;
	book->order = (uint8_t)order;
	book->before = NONE;
	book->after = *list;
	if (book->after != NONE)
		f->book[book->after].before = at;
	*list = at;
}

static void list_remove(struct frames *f, uint32_t at)
{
	struct frame_book *book = &f->book[at];

	book->head = false;
	if (book->before != NONE)
		f->book[book->before].after = book->after;
	else
		*list_of(f, at, book->order) = book->after;
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

/* The upper end of a free block; NONE: there is none so large. */
static uint32_t take_block(struct frames *f, unsigned dma, unsigned order)
{
	unsigned from = order;
	uint32_t at;

	while (from < ORDERS && f->free[dma][from] == NONE)
		from++;
	if (from == ORDERS)
		return NONE;
	at = f->free[dma][from];
	list_remove(f, at);
	while (from-- > order) {
		list_add(f, at, from);
		at += UINT32_C(1) << from;
	}
	return at;
}

static bool is_free_block(const struct frames *f, uint32_t at)
{
	return f->book[at].head && f->book[at].order == ORDERS - 1;
}

/* Whole blocks side by side, the highest there are: for what no block holds. */
static uint32_t take_blocks(struct frames *f, uint32_t n)
{
	uint32_t found = 0, at = f->n / BLOCK * BLOCK;

	n = (n + BLOCK - 1) / BLOCK;
	while (at && found < n) {
		at -= BLOCK;
		found = is_free_block(f, at) ? found + 1 : 0;
	}
	if (found < n)
		return NONE;
	for (uint32_t i = 0; i < n; i++)
		list_remove(f, at + i * BLOCK);
	return at;
}

static void give_run(struct frames *f, uint32_t at, uint32_t n)
{
	while (n) {
		unsigned order = at % BLOCK ? (unsigned)__builtin_ctz(at) : ORDERS - 1;

		while (UINT32_C(1) << order > n)
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

static void clear(struct kernel *kernel, uint32_t at, unsigned n)
{
	static const uint8_t zeroes[PAGE];

	for (unsigned i = 0; i < n; i++) {
		struct frame_book *book = &kernel->frames->book[at + i];

		if (book->written)
			machine_memory_write(kernel->memory, (uint64_t)(at + i) * PAGE,
					     zeroes, PAGE);
		book->written = true;
	}
}

uint64_t pages_take(struct kernel *kernel, unsigned n, enum page_use use)
{
	struct frames *f = kernel->frames;
	uint32_t at, whole = 1;

	while (whole < n && whole < BLOCK)
		whole *= 2;
	if (n > BLOCK) {
		whole = (n + BLOCK - 1) / BLOCK * BLOCK;
		at = take_blocks(f, n);
	} else {
		unsigned order = (unsigned)__builtin_ctz(whole);

		at = take_block(f, false, order);
		if (at == NONE)
			at = take_block(f, true, order);
	}
	if (at == NONE)
		return 0;
	give_run(f, at + n, whole - n);
	clear(kernel, at, n);
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

/* ---- the books ---- */

/* Free frames that lie in free blocks; or UINT32_MAX where a list is broken. */
static uint32_t count_free(const struct frames *f, bool dma, unsigned order)
{
	uint32_t n = 0, before = NONE;

	for (uint32_t at = f->free[dma][order]; at != NONE; at = f->book[at].after) {
		if (!f->book[at].head || f->book[at].order != order ||
		    f->book[at].before != before || n > f->n)
			return UINT32_MAX;
		for (uint32_t i = 0; i < UINT32_C(1) << order; i++)
			if (f->book[at + i].use != PAGE_FREE)
				return UINT32_MAX;
		n += UINT32_C(1) << order;
		before = at;
	}
	return n;
}

const char *pages_check(const struct kernel *kernel)
{
	const struct frames *f = kernel->frames;
	uint64_t used[PAGE_USES] = { 0 }, in_blocks = 0;

	for (uint32_t i = 0; i < f->n; i++)
		used[f->book[i].use]++;
	if (memcmp(used, f->used, sizeof(used)))
		return "frames are not counted right";
	for (unsigned order = 0; order < ORDERS; order++)
		for (unsigned dma = 0; dma < 2; dma++) {
			uint32_t n = count_free(f, dma, order);

			if (n == UINT32_MAX)
				return "a list of free blocks is broken";
			in_blocks += n;
		}
	return in_blocks == used[PAGE_FREE] ? NULL : "a free frame is in no block";
}

/* ---- the beginning ---- */

/* [from, to) of physical memory is given out from now on; the highest block first. */
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
	struct frames *f = host_allocate(kernel, sizeof(*f) + n * sizeof(f->book[0]));

	if (!f)
		return false;
	f->n = n;
	f->used[PAGE_RESERVED] = n;
	for (unsigned i = 0; i < ORDERS; i++)
		f->free[false][i] = f->free[true][i] = NONE;
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
