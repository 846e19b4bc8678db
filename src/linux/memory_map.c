/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the machine has memory, by the kernel's own map of it: the tree of struct resource
 * below iomem_resource, in which every stretch of memory is called "System RAM". Where no
 * table of symbols has that name (CONFIG_KALLSYMS_ALL), it is known by its own: "PCI mem".
 *
 *	start, end: resource_size_t; name; flags: long; [desc: long, since 4.6 (43ee493bde78)];
 *	parent, sibling, child
 */
#include <string.h>

#include "linux/linux.h"

#define RAM "System RAM"
#define ROOT "PCI mem"
/* A machine has dozens; a list that is longer is none. */
#define SIBLINGS_MAX 4096u
/* Which offsets fit shows by the first child's parent. */
struct shape {
	unsigned size;                         /* of start and end */
	unsigned name, parent, sibling, child; /* offsets */
};

static struct shape shape_of(unsigned word, unsigned size, bool has_desc)
{
	unsigned name = 2 * size, parent = name + (has_desc ? 3 : 2) * word;

	return (struct shape){ size, name, parent, parent + word, parent + 2 * word };
}

static uint64_t word_at(struct ws_system *system, uint64_t va)
{
	uint64_t value;

	return va && ws_kernel_word(system, va, &value) == WS_READ ? value : 0;
}

/* The first child of the root; 0: by this shape it is none. */
static uint64_t first_child(struct ws_system *system, uint64_t root,
			    const struct shape *shape)
{
	uint64_t child = word_at(system, root + shape->child);

	return ws_is_kernel_va(system, child) &&
			       word_at(system, child + shape->parent) == root
		       ? child
		       : 0;
}

static uint64_t find_tree(struct ws_system *system, uint64_t root, struct shape *shape)
{
	unsigned word = system->layout.word;

	for (unsigned size = word; size <= 8; size *= 2)
		for (unsigned has_desc = 0; has_desc < 2; has_desc++) {
			uint64_t child;

			*shape = shape_of(word, size, has_desc);
			child = first_child(system, root, shape);
			if (child)
				return child;
		}
	return 0;
}

static bool is_ram(struct ws_system *system, uint64_t va, const struct shape *shape)
{
	uint64_t name = word_at(system, va + shape->name);
	char text[sizeof(RAM)];

	return name && ws_system_read(system, name, text, sizeof(text)) == WS_READ &&
	       !memcmp(text, RAM, sizeof(RAM));
}

/* False: the tree is broken here. */
static bool take(struct ws_system *system, uint64_t root, uint64_t va,
		 const struct shape *shape)
{
	uint8_t bytes[16];
	uint64_t first, last;
	struct ws_extent *added;

	if (word_at(system, va + shape->parent) != root ||
	    ws_system_read(system, va, bytes, 2 * shape->size) != WS_READ)
		return false;
	first = ws_le_word(bytes, shape->size);
	last = ws_le_word(bytes + shape->size, shape->size);
	if (last < first)
		return false;
	if (!is_ram(system, va, shape))
		return true;
	added = ws_vec_push(&system->ram);
	if (!added) {
		(void)!ws_target_short(system->target);
		return false;
	}
	*added = (struct ws_extent){ first, last - first + 1 };
	return true;
}

/* ---- the root, by what it looks like ---------------------------------------------- */

struct hunt {
	struct ws_system *system;
	unsigned size;
	uint64_t root;
};

/* From 0 to the last address that the processor has: 2^n - 1. */
static bool is_all(const struct hunt *hunt, const uint8_t *bytes)
{
	uint64_t end = ws_le_word(bytes + hunt->size, hunt->size);

	return !ws_le_word(bytes, hunt->size) && end >= UINT32_MAX && !(end & (end + 1));
}

static bool is_root(struct ws_system *system, uint64_t name)
{
	char text[sizeof(ROOT)];

	return ws_is_kernel_va(system, name) &&
	       ws_system_read(system, name, text, sizeof(text)) == WS_READ &&
	       !memcmp(text, ROOT, sizeof(ROOT));
}

static bool hunt_page(void *arg, uint64_t va, const uint8_t *page)
{
	struct hunt *hunt = arg;
	unsigned word = hunt->system->layout.word, room = 2 * hunt->size + word;

	for (size_t at = 0; at + room <= WS_FRAME_SIZE; at += word)
		if (is_all(hunt, page + at) &&
		    is_root(hunt->system, ws_le_word(page + at + 2 * hunt->size, word))) {
			hunt->root = va + at;
			return false;
		}
	return true;
}

static uint64_t hunt_root(struct ws_system *system)
{
	const struct ws_layout *layout = &system->layout;
	struct hunt hunt = { .system = system };

	for (hunt.size = layout->word; layout->image_last && hunt.size <= 8;
	     hunt.size *= 2)
		if (ws_search(system, layout->image_first, layout->image_last, 0,
			      hunt_page, &hunt) == WS_OK &&
		    hunt.root)
			break;
	return hunt.root;
}

static uint64_t find_root(struct ws_system *system)
{
	uint64_t root = ws_variable(system, "iomem_resource");

	return root ? root : hunt_root(system);
}

/* All of it or nothing: what is missing from half a map is no sign of missing memory. */
static void read_map(struct ws_system *system)
{
	struct shape shape;
	uint64_t root = find_root(system);
	uint64_t va = root ? find_tree(system, root, &shape) : 0;
	unsigned n = 0;

	while (va && n++ < SIBLINGS_MAX && take(system, root, va, &shape)) {
		uint64_t next;

		if (ws_kernel_word(system, va + shape.sibling, &next) != WS_READ)
			break;
		if (!next)
			return;
		va = next;
	}
	ws_vec_release(&system->ram);
}

static bool has_piece(const struct ws_system *system, uint64_t pa)
{
	ws_vec_each(&system->ram, piece)
		if (pa - piece->pa < piece->len)
			return true;
	return false;
}

enum ws_frame_there ws_frame_there(struct ws_system *system, uint64_t pa)
{
	if (ws_target_piece(system->target, pa))
		return WS_THERE;
	if (!system->has_read_ram && !system->layout.tables_only) {
		system->has_read_ram = true;
		read_map(system);
	}
	if (!system->ram.n)
		return WS_THERE_UNKNOWN;
	return has_piece(system, pa) ? WS_THERE_ABSENT : WS_THERE_NONE;
}

const char *ws_frame_there_name(enum ws_frame_there there)
{
	static const char *const names[] = { [WS_THERE] = "in target",
					     [WS_THERE_ABSENT] = "absent",
					     [WS_THERE_NONE] = "no memory",
					     [WS_THERE_UNKNOWN] = "unknown" };

	return there < WS_ARRAY_SIZE(names) ? names[there] : "?";
}
