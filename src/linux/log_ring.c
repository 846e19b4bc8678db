/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * printk's ring buffer (5.10, 896fbe20b4e2): a ring of descriptors, which say where in a
 * ring of texts a message lies, with an info beside each. kernel/printk/printk_ringbuffer.h
 * has the structures, VMCOREINFO their offsets; where it says nothing these stand for it.
 *
 * A descriptor's id rises by one with each message, its place in the ring is the id modulo
 * their number, and a text begins with the id of its descriptor. So each of the three
 * can be held against the others, and what was overwritten shows.
 */
#include "linux/log.h"

#include <stdlib.h>
#include <string.h>

#include "util/bits.h"

/* From the structures' definitions. */
enum state { RESERVED, COMMITTED, FINALIZED, REUSABLE };
#define NEWLINE 2u /* enum printk_info_flags */
#define CONTINUES 8u
#define NO_TEXT 1u    /* a position of text that is odd is none: */
#define EMPTY_LINE 3u /* the message is empty; else it found no room */

struct offsets {
	uint64_t desc_ring, text_ring;
	uint64_t count_bits, descs, infos, head_id, tail_id;
	uint64_t size_bits, data;
	uint64_t state, lpos, begin, next, desc_size;
	uint64_t seq, time, text_len, caller, info_size;
};

#define OF(member) offsetof(struct offsets, member)
static const struct {
	const char *kind, *name;
	size_t at;
	uint8_t words, bytes; /* where nothing else is known */
} rows[] = {
	{ "OFFSET", "printk_ringbuffer.desc_ring", OF(desc_ring), 0, 0 },
	{ "OFFSET", "printk_ringbuffer.text_data_ring", OF(text_ring), 5, 0 },
	{ "OFFSET", "prb_desc_ring.count_bits", OF(count_bits), 0, 0 },
	{ "OFFSET", "prb_desc_ring.descs", OF(descs), 1, 0 },
	{ "OFFSET", "prb_desc_ring.infos", OF(infos), 2, 0 },
	{ "OFFSET", "prb_desc_ring.head_id", OF(head_id), 3, 0 },
	{ "OFFSET", "prb_desc_ring.tail_id", OF(tail_id), 4, 0 },
	{ "OFFSET", "prb_data_ring.size_bits", OF(size_bits), 0, 0 },
	{ "OFFSET", "prb_data_ring.data", OF(data), 1, 0 },
	{ "OFFSET", "prb_desc.state_var", OF(state), 0, 0 },
	{ "OFFSET", "prb_desc.text_blk_lpos", OF(lpos), 1, 0 },
	{ "OFFSET", "prb_data_blk_lpos.begin", OF(begin), 0, 0 },
	{ "OFFSET", "prb_data_blk_lpos.next", OF(next), 1, 0 },
	{ "SIZE", "prb_desc", OF(desc_size), 3, 0 },
	{ "OFFSET", "printk_info.seq", OF(seq), 0, 0 },
	{ "OFFSET", "printk_info.ts_nsec", OF(time), 0, 8 },
	{ "OFFSET", "printk_info.text_len", OF(text_len), 0, 16 },
	{ "OFFSET", "printk_info.caller_id", OF(caller), 0, 20 },
	{ "SIZE", "printk_info", OF(info_size), 0, 88 },
};
#define STRUCT_MAX 512u

struct ring {
	struct ws_system *system;
	struct ws_log_store *store;
	struct offsets offsets;
	unsigned word;
	unsigned count_bits, size_bits;
	uint64_t mask; /* of ids */
	uint64_t descs, infos, data, head, tail;
	struct ws_log_bytes texts;
	bool has_blocks; /* of texts, by their shape */
	ws_log_block_vec blocks;
};

struct desc {
	unsigned state;
	uint64_t begin, next;
};

struct info {
	uint64_t seq, time;
	uint32_t text_len, caller;
	uint8_t facility, level, flags;
};

/* ---- the ring itself -------------------------------------------------------------- */

static struct offsets offsets_of(const struct ws_system *system)
{
	struct offsets offsets;

	for (size_t i = 0; i < WS_ARRAY_SIZE(rows); i++) {
		uint64_t value;
		uint64_t *at = (uint64_t *)((uint8_t *)&offsets + rows[i].at);

		*at = rows[i].words * system->layout.word + rows[i].bytes;
		if (ws_vmcoreinfo(system, rows[i].kind, rows[i].name, &value) &&
		    value <= STRUCT_MAX)
			*at = value;
	}
	return offsets;
}

static uint64_t word_at(const struct ring *ring, const uint8_t *bytes, uint64_t at)
{
	return ws_le_word(bytes + at, ring->word);
}

/*
 * Whether what lies there is a ring: so many descriptors to so much text (PRB_AVGBITS),
 * and every pointer one.
 */
static bool parse_ring(struct ring *ring, const uint8_t *bytes)
{
	const struct offsets *o = &ring->offsets;
	const uint8_t *desc = bytes + o->desc_ring, *text = bytes + o->text_ring;

	ring->count_bits = ws_le32(desc + o->count_bits);
	ring->size_bits = ws_le32(text + o->size_bits);
	ring->descs = word_at(ring, desc, o->descs);
	ring->infos = word_at(ring, desc, o->infos);
	ring->data = word_at(ring, text, o->data);
	ring->head = word_at(ring, desc, o->head_id);
	ring->tail = word_at(ring, desc, o->tail_id);
	if (ring->count_bits < 5 || ring->size_bits > 28 ||
	    ring->size_bits <= ring->count_bits ||
	    ring->size_bits - ring->count_bits > 10)
		return false;
	return ws_is_kernel_va(ring->system, ring->descs) &&
	       ws_is_kernel_va(ring->system, ring->infos) &&
	       ws_is_kernel_va(ring->system, ring->data) &&
	       !((ring->descs | ring->infos | ring->data) & (ring->word - 1));
}

static struct ring ring_of(struct ws_system *system, struct ws_log_store *store)
{
	unsigned word = system->layout.word;

	return (struct ring){ .system = system,
			      .store = store,
			      .offsets = offsets_of(system),
			      .word = word,
			      .mask = WS_BITS(8 * word - 3, 0) };
}

/* ---- one message ------------------------------------------------------------------ */

static enum ws_evidence read_desc(const struct ring *ring, uint64_t id, struct desc *desc)
{
	const struct offsets *o = &ring->offsets;
	uint64_t index = id & ((UINT64_C(1) << ring->count_bits) - 1), state;
	uint8_t bytes[STRUCT_MAX + 8];
	enum ws_evidence evidence = ws_system_read(
		ring->system, ring->descs + index * o->desc_size, bytes, o->desc_size);

	if (evidence != WS_READ)
		return evidence;
	state = word_at(ring, bytes, o->state);
	desc->state = (unsigned)(state >> (8 * ring->word - 2));
	desc->begin = word_at(ring, bytes, o->lpos + o->begin);
	desc->next = word_at(ring, bytes, o->lpos + o->next);
	return (state & ring->mask) == id ? WS_READ : WS_NOT_MAPPED;
}

/*
 * The first message's id: -count, of 32 bits even where ids have more (DESC0_ID). Id and
 * number both rise by one.
 */
static uint64_t first_id(const struct ring *ring)
{
	const uint32_t count = UINT32_C(1) << ring->count_bits;

	return (UINT32_MAX - count + 1) & ring->mask;
}

static uint64_t seq_of(const struct ring *ring, uint64_t id)
{
	return (id - first_id(ring)) & ring->mask;
}

/* False: it is not there, or not this message's. */
static bool read_info(const struct ring *ring, uint64_t id, struct info *info)
{
	const struct offsets *o = &ring->offsets;
	uint64_t last = (UINT64_C(1) << ring->count_bits) - 1, index = id & last;
	uint8_t bytes[STRUCT_MAX + 8];

	if (ws_system_read(ring->system, ring->infos + index * o->info_size, bytes,
			   o->info_size) != WS_READ)
		return false;
	info->seq = ws_le64(bytes + o->seq);
	info->time = ws_le64(bytes + o->time);
	info->text_len = ws_le16(bytes + o->text_len);
	info->facility = bytes[o->text_len + 2];
	info->flags = bytes[o->text_len + 3] & 0x1f;
	info->level = bytes[o->text_len + 3] >> 5;
	info->caller = ws_le32(bytes + o->caller);
	return (info->seq & ring->mask) == seq_of(ring, id);
}

static struct ws_log_record record_of(const struct ring *ring, uint64_t id,
				      const struct info *info)
{
	struct ws_log_record record = {
		.has_seq = true,
		.seq = info ? info->seq : seq_of(ring, id),
	};

	if (info) {
		record.has_time = record.has_level = record.has_caller = true;
		record.time = info->time;
		record.level = info->level;
		record.facility = info->facility;
		record.caller = info->caller;
		record.continues = info->flags & CONTINUES;
		record.open = !(info->flags & NEWLINE);
	}
	return record;
}

/*
 * Where the text lies: a block that would go over the end of the ring begins at its start.
 * False: the descriptor's positions are none, or the block is another message's.
 */
static bool text_of(const struct ring *ring, uint64_t id, const struct desc *desc,
		    size_t *at, size_t *max)
{
	uint64_t size = UINT64_C(1) << ring->size_bits, index = desc->begin & (size - 1);
	uint64_t len = desc->next - desc->begin;

	if (desc->begin >> ring->size_bits != (desc->next - 1) >> ring->size_bits) {
		index = 0;
		len = desc->next & (size - 1);
	}
	if ((desc->begin | desc->next) & (ring->word - 1) || len <= ring->word ||
	    index + len > size || !ws_log_is_there(&ring->texts, index, len) ||
	    word_at(ring, ring->texts.v, index) != id)
		return false;
	*at = index + ring->word;
	*max = len - ring->word;
	return true;
}

static bool is_absent(const struct ring *ring, const struct desc *desc)
{
	uint64_t index = desc->begin & ((UINT64_C(1) << ring->size_bits) - 1);

	return ring->texts.absent && !ws_log_is_there(&ring->texts, index, ring->word);
}

/* ---- what is left of a message ---------------------------------------------------- */

static int by_id(const void *a, const void *b)
{
	const struct ws_log_block *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

/* The text with that id, wherever it lies; NULL: there is none. */
static const struct ws_log_block *find_block(struct ring *ring, uint64_t id)
{
	struct ws_log_block key = { .id = id };

	if (!ring->has_blocks) {
		ring->has_blocks = true;
		if (!ws_log_find_blocks(&ring->texts, ring->word, ring->tail, ring->head,
					&ring->blocks))
			ring->store->short_of_memory = true;
		if (ring->blocks.n)
			qsort(ring->blocks.v, ring->blocks.n, sizeof(*ring->blocks.v),
			      by_id);
	}
	return ring->blocks.n
		       ? bsearch(&key, ring->blocks.v, ring->blocks.n, sizeof(key), by_id)
		       : NULL;
}

/* A message whose descriptor is gone, by its text. */
static void salvage(struct ring *ring, uint64_t id, bool absent)
{
	const struct ws_log_block *block = find_block(ring, id);
	struct ws_log_record record;
	struct info info;
	bool has_info;
	size_t len;

	if (!block) {
		*(absent ? &ring->store->absent : &ring->store->overwritten) += 1;
		return;
	}
	has_info = read_info(ring, id, &info) && info.text_len <= block->max;
	record = record_of(ring, id, has_info ? &info : NULL);
	record.damaged = !has_info;
	len = has_info ? info.text_len : ws_log_block_text(&ring->texts, block);
	ws_log_add(ring->store, &record, ring->texts.v + block->at, len);
}

static void take_text(struct ring *ring, uint64_t id, const struct desc *desc)
{
	struct info info;
	bool has_info = read_info(ring, id, &info);
	struct ws_log_record record = record_of(ring, id, has_info ? &info : NULL);
	struct ws_log_block block = { .id = id };

	if (!text_of(ring, id, desc, &block.at, &block.max)) {
		salvage(ring, id, is_absent(ring, desc));
		return;
	}
	record.damaged = !has_info;
	if (has_info && info.text_len < block.max)
		block.max = info.text_len;
	if (!has_info)
		block.max = ws_log_block_text(&ring->texts, &block);
	ws_log_add(ring->store, &record, ring->texts.v + block.at, block.max);
}

/* The ring begins with a descriptor that is of no message. */
static bool is_never(const struct ring *ring, uint64_t id)
{
	return id == ((first_id(ring) - 1) & ring->mask);
}

static void take(struct ring *ring, uint64_t id)
{
	struct desc desc = { 0 };
	struct info info;
	enum ws_evidence evidence = read_desc(ring, id, &desc);

	if (is_never(ring, id))
		return;
	if (evidence != WS_READ || desc.state == RESERVED) {
		/* what was reserved was being written, and its text may be there */
		salvage(ring, id, evidence == WS_ABSENT);
	} else if (desc.state == REUSABLE) {
		return; /* newer ones have its text */
	} else if (desc.begin & NO_TEXT) {
		if (desc.begin == EMPTY_LINE && read_info(ring, id, &info)) {
			struct ws_log_record record = record_of(ring, id, &info);

			ws_log_add(ring->store, &record, NULL, 0);
		}
	} else {
		take_text(ring, id, &desc);
	}
}

/* ---- all of them ------------------------------------------------------------------ */

/* Where the ring does not say which are the first and the last, the descriptors do. */
static bool mend_ends(struct ring *ring)
{
	uint64_t count = UINT64_C(1) << ring->count_bits, seen = 0;

	if (((ring->head - ring->tail) & ring->mask) < count &&
	    !((ring->head | ring->tail) & ~ring->mask))
		return true;
	for (uint64_t i = 0; i < count; i++) {
		uint8_t bytes[STRUCT_MAX + 8];
		uint64_t id;

		if (ws_system_read(ring->system,
				   ring->descs + i * ring->offsets.desc_size, bytes,
				   ring->offsets.desc_size) != WS_READ)
			continue;
		id = word_at(ring, bytes, ring->offsets.state) & ring->mask;
		if ((id & (count - 1)) != i)
			continue;
		if (!seen || ((id - ring->head) & ring->mask) < count)
			ring->head = id;
		seen++;
	}
	ring->tail = (ring->head - count + 1) & ring->mask;
	return seen > 1;
}

static void take_all(struct ring *ring)
{
	uint64_t id = ring->tail;

	for (uint64_t i = 0; i < UINT64_C(1) << ring->count_bits; i++) {
		if (ring->store->short_of_memory)
			return;
		take(ring, id);
		if (id == ring->head)
			return;
		id = (id + 1) & ring->mask;
	}
}

static enum ws_log_way walk_ring(struct ring *ring)
{
	struct ws_log_store *store = ring->store;

	if (!mend_ends(ring))
		return WS_LOG_NOT_HERE;
	if (!ws_log_read(ring->system, ring->data, UINT64_C(1) << ring->size_bits,
			 &ring->texts)) {
		ws_log_release(&ring->texts);
		return WS_LOG_NOT_HERE;
	}
	take_all(ring);
	ws_vec_release(&ring->blocks);
	ws_log_release(&ring->texts);
	if (store->records.n)
		return WS_LOG_TAKEN;
	return store->absent ? WS_LOG_ABSENT : WS_LOG_NOT_HERE;
}

static enum ws_log_way try_ring(struct ws_system *system, uint64_t va,
				struct ws_log_store *store)
{
	struct ring ring = ring_of(system, store);
	uint8_t bytes[3 * STRUCT_MAX] = { 0 };
	uint64_t size = ring.offsets.text_ring + 4 * ring.word;
	enum ws_evidence evidence = ws_system_read(system, va, bytes, size);

	if (evidence == WS_ABSENT)
		return WS_LOG_ABSENT;
	if (evidence != WS_READ || !parse_ring(&ring, bytes))
		return WS_LOG_NOT_HERE;
	return walk_ring(&ring);
}

enum ws_log_way ws_log_ring(struct ws_system *system, struct ws_log_store *store)
{
	uint64_t pointer = ws_variable(system, "prb"), va;
	enum ws_evidence evidence;

	store->log.kind = WS_LOG_RING;
	if (!pointer)
		return WS_LOG_NOT_HERE;
	evidence = ws_kernel_word(system, pointer, &va);
	if (evidence != WS_READ)
		return evidence == WS_ABSENT ? WS_LOG_ABSENT : WS_LOG_NOT_HERE;
	return try_ring(system, va, store);
}

/* ---- found in memory -------------------------------------------------------------- */

#define RINGS_MAX 8

struct hunt {
	struct ring ring;
	uint64_t found[RINGS_MAX];
	unsigned n;
};

/* PRB_AVGBITS is 5 in every kernel; a search wants that. */
static bool hunt_page(void *arg, uint64_t va, const uint8_t *frame)
{
	struct hunt *hunt = arg;
	struct ring *ring = &hunt->ring;
	uint64_t size = ring->offsets.text_ring + 4 * ring->word;

	for (uint64_t at = 0; at + size <= WS_FRAME_SIZE; at += ring->word) {
		unsigned bits = ws_le32(frame + at);

		if (bits < 5 || bits > 23 ||
		    ws_le32(frame + at + ring->offsets.text_ring) != bits + 5)
			continue;
		if (!parse_ring(ring, frame + at))
			continue;
		hunt->found[hunt->n++] = va + at;
		if (hunt->n == RINGS_MAX)
			return false;
	}
	return true;
}

static void hunt_rings(struct hunt *hunt, uint64_t first, uint64_t last, bool newer)
{
	/* behind tail_id is last_finalized_id: f244b4dc53e5 (5.18) */
	if (newer)
		hunt->ring.offsets.text_ring += hunt->ring.word;
	if (ws_search(hunt->ring.system, first, last, WS_SEARCH_NO_HOLES, hunt_page,
		      hunt) != WS_OK)
		hunt->n = 0;
}

/* The newest number that a ring has: printk leaves its first ring for a larger one. */
static uint64_t newest(const struct ws_log_store *store)
{
	const struct ws_log_record *record = &store->records.v[store->records.n - 1];

	return record->has_seq ? record->seq : 0;
}

enum ws_log_way ws_log_search_ring(struct ws_system *system, uint64_t first,
				   uint64_t last, struct ws_log_store *store)
{
	uint64_t known;
	bool told = ws_vmcoreinfo(system, "OFFSET", "printk_ringbuffer.text_data_ring",
				  &known);

	for (int newer = 0; newer <= (told ? 0 : 1); newer++) {
		struct hunt hunt = { .ring = ring_of(system, store) };
		struct offsets offsets;

		hunt_rings(&hunt, first, last, newer);
		offsets = hunt.ring.offsets;
		for (unsigned i = 0; i < hunt.n; i++) {
			struct ws_log_store other = { .log.kind = WS_LOG_RING };
			struct ring ring = ring_of(system, &other);
			uint8_t bytes[3 * STRUCT_MAX] = { 0 };

			ring.offsets = offsets;
			if (ws_system_read(system, hunt.found[i], bytes,
					   offsets.text_ring + 4 * ring.word) !=
				    WS_READ ||
			    !parse_ring(&ring, bytes) ||
			    walk_ring(&ring) != WS_LOG_TAKEN ||
			    !ws_log_convinces(&other) ||
			    (store->records.n && newest(&other) < newest(store))) {
				store->short_of_memory |= other.short_of_memory;
				ws_log_clear(&other);
				continue;
			}
			ws_log_clear(store);
			*store = other;
		}
	}
	return store->records.n ? WS_LOG_TAKEN : WS_LOG_NOT_HERE;
}
