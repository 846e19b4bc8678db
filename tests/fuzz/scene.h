/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Captures as the memory that is fuzzed: an input says what is changed in one of them.
 *
 *	byte 0		which capture: tests/captures, in the order of their names
 *	then		changes, of EDIT_SIZE bytes each
 *
 * What a change does knows what pointers and entries are, so that bytes that are changed at
 * random still make page tables and lists that lead somewhere.
 */
#ifndef TESTS_FUZZ_SCENE_H
#define TESTS_FUZZ_SCENE_H

#include "fuzz.h"
#include "target/target.h"
#include "util/vec.h"

#define SCENES_MAX 32u
#define EDITS_MAX 256u
#define EDIT_SIZE 16u

enum edit_op {
	EDIT_PUT,   /* value */
	EDIT_XOR,   /* value */
	EDIT_ADD,   /* value */
	EDIT_FILL,  /* all of the block with value */
	EDIT_COPY,  /* all of another block over it */
	EDIT_ENTRY, /* a page table's entry that leads to another block, with some bits */
	EDIT_SHIFTED_ENTRY, /* the same, with the address two bits lower */
	EDIT_POINTER,       /* to somewhere in another block, in the direct map */
	EDIT_OPS
};

/* As it lies in an input, little-endian. Of another block, value is its number + bits << 32. */
struct edit {
	uint32_t block; /* of the capture's file, over its end from the beginning again */
	uint16_t at;
	uint8_t op;   /* enum edit_op, the same way */
	uint8_t log2; /* of how many bytes */
	uint64_t value;
};

enum spot_kind { SPOT_TABLE, SPOT_LIST, SPOT_TEXT, SPOT_KINDS };

/* A place in the file that means something. */
struct spot {
	uint32_t at, len;
};
typedef WS_VEC(struct spot) spot_vec;

struct scene {
	int fd;
	char path[32];
	uint8_t *bytes; /* of the file, as it is now; what is put there is in it */
	uint8_t *whole; /* and as it was */
	size_t size;
	uint32_t nblocks;
	uint64_t *pa;        /* of each block of memory; all ones: of headers and notes */
	uint32_t first;      /* block of memory */
	uint64_t direct;     /* from a pa to its va in the direct map */
	unsigned word;       /* 4 or 8 */
	unsigned entry_log2; /* of page tables */
	spot_vec spot[SPOT_KINDS];
	/* The image's longest run of frames that are neither written nor executed. */
	WS_VEC(uint32_t) constants;  /* blocks */
	uint32_t touched[EDITS_MAX]; /* blocks that are not as they were */
	unsigned ntouched;
};

unsigned scene_count(void);
/* The i-th, over the end from the beginning again. */
struct scene *scene_at(unsigned i);
/* That an input is about, as it has it, or as much of it as is there. */
struct scene *scene_edit(const uint8_t *data, size_t size);
/* As it was. */
void scene_restore(struct scene *scene);

/* Bytes over its constants, as many as there is room for. */
void scene_put_constants(struct scene *scene, const uint8_t *bytes, size_t n);

struct edit edit_read(const uint8_t *at);
void edit_write(uint8_t *at, const struct edit *edit);

/* The frame at pa; NULL: the capture lacks it. */
const uint8_t *scene_frame(const struct scene *scene, uint64_t pa);

typedef void with_fn(struct ws_system *system);
/* The capture's system with an input's changes, where there is one; options: or NULL. */
void with_system(const uint8_t *data, size_t size,
		 const struct ws_system_options *options, with_fn *fn);
/* The same of a target, if status says that it is opened. Takes it and the context over. */
void with_opened(struct ws_context *ctx, struct ws_target *target, enum ws_status status,
		 const struct ws_system_options *options, with_fn *fn);

#endif
