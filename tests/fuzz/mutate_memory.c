/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Changes of a capture by one who knows what lies where: entries of page tables that lead to
 * themselves, to each other and to what is no table; list heads and a task's pointers; and
 * kallsyms' counts, lengths, tokens and markers, and the notes with the registers. WS_FUZZ_SPOTS
 * in the environment says which of the three ("tls"), to see what each is good for.
 */
#include "scene.h"

#include <string.h>

#include "util/bits.h"

/* A number that is at an end of something. */
static uint64_t edge(struct random *random)
{
	static const uint64_t edges[] = { 0,
					  1,
					  2,
					  0x7f,
					  0x80,
					  0xff,
					  0x100,
					  0xfff,
					  0x1000,
					  0x7fffffff,
					  0x80000000,
					  0xffffffff,
					  UINT64_C(1) << 63,
					  UINT64_MAX };
	uint64_t near = edges[random_below(random, WS_ARRAY_SIZE(edges))];

	return near + random_below(random, 3) - 1;
}

static uint64_t other_block(const struct scene *scene, struct random *random,
			    enum spot_kind kind, uint64_t bits)
{
	const spot_vec *spots = &scene->spot[kind];
	uint64_t block =
		spots->n && random_percent(random, 70)
			? spots->v[random_below(random, spots->n)].at / WS_FRAME_SIZE
			: random_below(random, scene->nblocks);

	return block | bits << 32;
}

/* Present and of every right mostly, and then any bits. */
static struct edit edit_table(const struct scene *scene, struct random *random)
{
	struct edit edit = { .log2 = (uint8_t)scene->entry_log2 };
	uint64_t bits = random_percent(random, 60) ? 0x67 : random_next(random) & 0xfff;

	switch (random_below(random, 6)) {
	case 0:
		edit.op = EDIT_XOR;
		edit.value = UINT64_C(1) << random_below(random, 64);
		break;
	case 1:
		edit.op = EDIT_PUT;
		edit.value = random_percent(random, 30) ? 0 : random_next(random);
		break;
	case 2:
		edit.op = EDIT_COPY;
		edit.value = other_block(scene, random, SPOT_TABLE, 0);
		break;
	default:
		edit.op = random_percent(random, 75) ? EDIT_ENTRY : EDIT_SHIFTED_ENTRY;
		edit.value = other_block(scene, random, SPOT_TABLE, bits);
	}
	return edit;
}

/* To another's head, to somewhere near it, to itself, or nowhere. */
static struct edit edit_list(const struct scene *scene, struct random *random)
{
	struct edit edit = { .log2 = scene->word == 8 ? 3 : 2 };
	const spot_vec *spots = &scene->spot[SPOT_LIST];
	uint32_t to = spots->n ? spots->v[random_below(random, spots->n)].at : 0;

	switch (random_below(random, 5)) {
	case 0:
		edit.op = EDIT_ADD;
		edit.value = edge(random);
		break;
	case 1:
		edit.op = EDIT_PUT;
		edit.value = edge(random);
		break;
	default:
		edit.op = EDIT_POINTER;
		edit.value = to / WS_FRAME_SIZE | (uint64_t)(to % WS_FRAME_SIZE) << 32;
	}
	return edit;
}

static struct edit edit_text(const struct scene *scene, struct random *random)
{
	struct edit edit = { .log2 = (uint8_t)random_below(random, 4) };

	(void)scene;
	edit.op = (uint8_t)random_below(random, EDIT_ADD + 1);
	edit.value = edge(random);
	return edit;
}

static const struct {
	char letter;
	struct edit (*edit)(const struct scene *scene, struct random *random);
} editors[SPOT_KINDS] = {
	[SPOT_TABLE] = { 't', edit_table },
	[SPOT_LIST] = { 'l', edit_list },
	[SPOT_TEXT] = { 's', edit_text },
};

static bool is_asked(enum spot_kind kind)
{
	const char *asked = getenv("WS_FUZZ_SPOTS");

	return !asked || strchr(asked, editors[kind].letter);
}

/* An entry of the table, or a byte at any place of what is there. */
static void aim(const struct spot *spot, struct edit *edit, struct random *random)
{
	uint32_t at = spot->at + (uint32_t)random_below(random, spot->len);

	edit->block = at / WS_FRAME_SIZE;
	edit->at = (uint16_t)(at % WS_FRAME_SIZE);
}

static bool make_edit(const struct scene *scene, struct random *random, struct edit *edit)
{
	enum spot_kind kind = (enum spot_kind)random_below(random, SPOT_KINDS);
	const spot_vec *spots = &scene->spot[kind];

	if (!is_asked(kind) || !spots->n)
		return false;
	*edit = editors[kind].edit(scene, random);
	aim(&spots->v[random_below(random, spots->n)], edit, random);
	return true;
}

/* One more change, or another in the place of one. */
size_t mutate_memory(uint8_t *data, size_t size, size_t max, struct random *random)
{
	struct edit edit;
	size_t n, at;

	if (!size) {
		data[0] = (uint8_t)random_next(random);
		size = 1;
	}
	if (random_percent(random, 5))
		data[0] = (uint8_t)random_next(random);
	while (!make_edit(scene_at(data[0]), random, &edit))
		;
	n = (size - 1) / EDIT_SIZE;
	at = !n || random_percent(random, 60) ? n : random_below(random, n);
	if (at == EDITS_MAX || 1 + (at + 1) * EDIT_SIZE > max)
		at = 0;
	if (1 + (at + 1) * EDIT_SIZE > max)
		return size;
	edit_write(data + 1 + at * EDIT_SIZE, &edit);
	return at < n ? size : 1 + (at + 1) * EDIT_SIZE;
}
