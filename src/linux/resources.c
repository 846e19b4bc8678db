/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * struct resource (include/linux/ioport.h): where setup_arch() says that the kernel's
 * code, data and .bss lie.
 *
 *	resource_size_t start, end; const char *name; ...	since 2.6.18
 *	const char *name; unsigned long start, end; ...		before 6550e07f4141
 *
 * With PAE a resource_size_t has 64 bits, but for some versions only if configured.
 */
#include <string.h>

#include "linux/image.h"

/* The static variables beside each other in one file, setup.c: the compiler's order. */
#define NEIGHBOURS 1024

struct resource {
	uint64_t start, end;
	char name[16];
};

struct shape {
	unsigned size; /* of start and end */
	unsigned start, name;
};

#define SHAPES 3

/* The shapes that this kernel's structs may have. */
static unsigned shapes_of(const struct ws_system *system, struct shape shape[SHAPES])
{
	unsigned word = system->layout.word, n = 0;

	if (word == 8 || system->paging.format->entry_log2 == 3)
		shape[n++] = (struct shape){ 8, 0, 16 };
	if (word == 4)
		shape[n++] = (struct shape){ 4, 0, 8 };
	shape[n++] = (struct shape){ word, word, 0 };
	return n;
}

static uint64_t load(const uint8_t *bytes, unsigned size)
{
	return ws_le_word(bytes, size);
}

static bool extent_valid(uint64_t start, uint64_t end)
{
	return start % WS_FRAME_SIZE == 0 && end > start && end - start < WS_IMAGE_MAX;
}

/* The name is looked at last: what is no resource leads anywhere. */
static bool read_resource(struct ws_system *system, uint64_t va,
			  const struct shape *shape, struct resource *r)
{
	uint8_t bytes[24];
	uint64_t name;

	if (ws_system_read(system, va, bytes, 2 * shape->size + system->layout.word) !=
	    WS_READ)
		return false;
	r->start = load(bytes + shape->start, shape->size);
	r->end = load(bytes + shape->start + shape->size, shape->size);
	name = load(bytes + shape->name, system->layout.word);
	if (r->end <= r->start || r->end - r->start >= WS_IMAGE_MAX ||
	    !ws_is_kernel_va(system, name) ||
	    ws_system_read(system, name, r->name, sizeof(r->name)) != WS_READ)
		return false;
	r->name[sizeof(r->name) - 1] = '\0';
	return true;
}

/* Data and .bss, by the resources around that of the code. */
static void read_neighbours(struct ws_system *system, uint64_t va,
			    const struct shape *shape, struct ws_image_parts *parts)
{
	struct resource r;

	for (uint64_t at = va - NEIGHBOURS; at < va + NEIGHBOURS; at += 4) {
		if (!read_resource(system, at, shape, &r) || r.start < parts->code ||
		    r.end - parts->code >= WS_IMAGE_MAX)
			continue;
		if (!strcmp(r.name, "Kernel data")) {
			parts->data = r.start;
			parts->data_end = r.end;
		} else if (!strcmp(r.name, "Kernel bss")) {
			parts->bss = r.start;
			parts->bss_end = r.end;
		}
	}
}

static bool take_code(struct ws_system *system, uint64_t va, const struct shape *shape,
		      struct ws_image_parts *parts)
{
	struct resource r;

	if (!read_resource(system, va, shape, &r) || strcmp(r.name, "Kernel code"))
		return false;
	*parts = (struct ws_image_parts){ .code = r.start, .code_end = r.end };
	read_neighbours(system, va, shape, parts);
	return true;
}

/* ---- by the address where the image begins ----------------------------------------- */

struct search {
	struct ws_system *system;
	struct ws_image_parts *parts;
	struct shape shape[SHAPES];
	unsigned nshapes;
	uint64_t code;
	bool found;
};

/* A quick look at what lies in this frame: the start, and an end that fits it. */
static bool may_be_code(const struct search *s, const struct shape *shape,
			const uint8_t *frame, unsigned at)
{
	uint64_t end;

	if (at + 2 * shape->size > WS_FRAME_SIZE)
		return true;
	end = load(frame + at + shape->size, shape->size);
	return end > s->code && end - s->code < WS_IMAGE_MAX;
}

/* A loop that compilers turn into vectors; most frames need no other. */
static bool frame_has(const uint8_t *frame, uint32_t word)
{
	uint32_t any = 0;

	for (unsigned i = 0; i < WS_FRAME_SIZE; i += 4)
		any |= ws_le32(frame + i) == word;
	return any;
}

static bool code_frame(void *arg, uint64_t va, const uint8_t *frame)
{
	struct search *s = arg;

	if (!frame_has(frame, (uint32_t)s->code))
		return true;
	for (unsigned i = 0; i < WS_FRAME_SIZE; i += 4)
		for (unsigned k = 0; k < s->nshapes; k++) {
			const struct shape *shape = &s->shape[k];

			if (ws_le32(frame + i) != (uint32_t)s->code ||
			    !may_be_code(s, shape, frame, i) ||
			    !take_code(s->system, va + i - shape->start, shape,
				       s->parts) ||
			    s->parts->code != s->code)
				continue;
			s->found = true;
			return false;
		}
	return true;
}

bool ws_image_parts(struct ws_system *system, uint64_t first, uint64_t last,
		    uint64_t code, struct ws_image_parts *parts)
{
	struct search s = { .system = system, .parts = parts, .code = code };

	s.nshapes = shapes_of(system, s.shape);
	return ws_search(system, first, last, 0, code_frame, &s) == WS_OK && s.found;
}

/* ---- by the name alone ------------------------------------------------------------- */

#define NAMES_MAX 64

struct name_search {
	struct search s;
	uint64_t delta;           /* va - pa in the image */
	uint64_t name[NAMES_MAX]; /* va of each "Kernel code", sorted */
	unsigned nnames;
};

static bool is_name(const struct name_search *n, uint64_t word)
{
	for (unsigned i = 0; i < n->nnames; i++)
		if (n->name[i] == word)
			return true;
	return false;
}

/*
 * What says where the image begins must lie in that image itself, and its name as well:
 * a copy elsewhere, in a file or in the log, does not.
 */
static bool is_in_its_image(const struct name_search *n, uint64_t va, uint64_t name)
{
	const struct ws_image_parts *parts = n->s.parts;
	uint64_t image = parts->code + n->delta;

	return extent_valid(parts->code, parts->code_end) && va >= image &&
	       va - image < WS_IMAGE_MAX && name >= image && name - image < WS_IMAGE_MAX;
}

static bool pointer_frame(void *arg, uint64_t va, const uint8_t *frame)
{
	struct name_search *n = arg;
	unsigned word = n->s.system->layout.word;

	for (unsigned i = 0; i < WS_FRAME_SIZE; i += word) {
		uint64_t name = load(frame + i, word);

		if (name < n->name[0] || name > n->name[n->nnames - 1] ||
		    !is_name(n, name))
			continue;
		for (unsigned k = 0; k < n->s.nshapes; k++) {
			uint64_t at = va + i - n->s.shape[k].name;

			n->s.found =
				take_code(n->s.system, at, &n->s.shape[k], n->s.parts) &&
				is_in_its_image(n, at, name);
			if (n->s.found)
				return false;
		}
	}
	return true;
}

bool ws_image_parts_search(struct ws_system *system, uint64_t first, uint64_t last,
			   uint64_t delta, struct ws_image_parts *parts)
{
	static const uint8_t text[] = "Kernel code";
	struct name_search n = { .s = { .system = system, .parts = parts },
				 .delta = delta };
	enum ws_status status;

	n.s.nshapes = shapes_of(system, n.s.shape);
	status = ws_search_bytes(system, first, last, text, sizeof(text), n.name,
				 NAMES_MAX, &n.nnames);
	return status == WS_OK && n.nnames &&
	       ws_search(system, first, last, 0, pointer_frame, &n) == WS_OK && n.s.found;
}
