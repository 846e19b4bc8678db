/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the ways to the kernel's log share: where records gather, and what is looked for.
 *
 *	log.c          which way is gone, and what is said of the whole
 *	log_store.c    where records gather, and how memory is read
 *	log_ring.c     printk's ring buffer of descriptors, infos and texts (since 5.10)
 *	log_blocks.c   the texts of such a ring by their own shape, where nothing else is left
 *	log_records.c  records, one behind the other (3.5 to 5.9)
 *	log_text.c     characters (before 3.5)
 *	log_shape.c    whether what looks like a log is one
 */
#ifndef WS_LINUX_LOG_H
#define WS_LINUX_LOG_H

#include "linux/linux.h"

/* A buffer that is larger (CONFIG_LOG_BUF_SHIFT: 25 at most) is none. */
#define WS_LOG_MAX (UINT64_C(1) << 28)
/* A message's text (LOG_LINE_MAX and PRINTKRB_RECORD_MAX are 1024), continued or not. */
#define WS_LOG_TEXT_MAX 8192u

/* What came of looking for a log in one way. */
enum ws_log_way {
	WS_LOG_NOT_HERE,
	WS_LOG_ABSENT, /* it is where the target has no memory */
	WS_LOG_TAKEN,
};

/* Owned by the system. Texts move until the log is done: records have their offsets. */
struct ws_log_store {
	struct ws_log log;
	WS_VEC(struct ws_log_record) records;
	WS_VEC(size_t) offsets; /* of each record's text in texts */
	char *texts;
	size_t len, room;
	uint64_t overwritten, absent; /* records: both are lost */
	uint64_t bytes_lost;          /* and bytes that held some number of them */
	bool short_of_memory;
};

/* False only where memory is short. A NUL ends the text, which is damaged then. */
bool ws_log_add(struct ws_log_store *store, const struct ws_log_record *record,
		const uint8_t *text, size_t len);
void ws_log_clear(struct ws_log_store *store);

/*
 * What only looks like a log is one from so many records on that agree with each other.
 * Tables of numbers and names come to four or five in a row; a kernel that lived long
 * enough to die of something has printed dozens.
 */
#define WS_LOG_SHAPE_MIN 8u
/* Whether records that were found by their shape are a log's. */
bool ws_log_convinces(const struct ws_log_store *store);

/* Bytes of kernel memory. What the target lacks is zeros, and its pages are marked. */
struct ws_log_bytes {
	uint64_t va;
	size_t len;
	uint8_t *v;
	uint8_t *is_there; /* one a page, from that of va on */
	size_t absent;     /* bytes */
};
/* False: memory is short, or len is more than the target could hold. To be released. */
bool ws_log_read(struct ws_system *system, uint64_t va, uint64_t len,
		 struct ws_log_bytes *bytes);
void ws_log_release(struct ws_log_bytes *bytes);
bool ws_log_is_there(const struct ws_log_bytes *bytes, size_t at, size_t len);

/* Whether a byte may stand in a message. */
static inline bool ws_log_is_text(uint8_t byte)
{
	return (byte >= ' ' && byte != 0x7f) || byte == '\n' || byte == '\t' ||
	       byte == '\r' || byte == 0x1b || byte == '\b';
}

typedef enum ws_log_way ws_log_find_fn(struct ws_system *system,
				       struct ws_log_store *store);

ws_log_find_fn ws_log_ring, ws_log_records, ws_log_text;
/* By the shape of what lies in memory; first and last: where is looked. */
typedef enum ws_log_way ws_log_search_fn(struct ws_system *system, uint64_t first,
					 uint64_t last, struct ws_log_store *store);
ws_log_search_fn ws_log_search_ring, ws_log_search_blocks, ws_log_search_records,
	ws_log_search_text;

/*
 * A stretch of memory of which each page looks as fn says, the longest there is in
 * [first, last]; false: there is none.
 */
typedef bool ws_log_page_fn(unsigned word, const uint8_t *page);
bool ws_log_stretch(struct ws_system *system, uint64_t first, uint64_t last,
		    ws_log_page_fn *fn, uint64_t *va, uint64_t *len);

/* ---- texts of a ring (log_blocks.c) ---- */

/* A text in a ring: its word of an id, and what follows. */
struct ws_log_block {
	uint64_t id;
	size_t at;  /* of its text */
	size_t max; /* to the next block, or as far as there is text */
};
typedef WS_VEC(struct ws_log_block) ws_log_block_vec;

/* Whether a number is an id of [first, last], which may go over the end of ids. */
static inline bool ws_log_is_between(uint64_t id, uint64_t first, uint64_t last,
				     uint64_t mask)
{
	return ((id - first) & mask) <= ((last - first) & mask);
}

/* Each text of an id in [first, last], by where it lies. False: memory is short. */
bool ws_log_find_blocks(const struct ws_log_bytes *bytes, unsigned word, uint64_t first,
			uint64_t last, ws_log_block_vec *blocks);
/* How many bytes of text begin there, up to max. */
static inline size_t ws_log_text_run(const uint8_t *text, size_t max)
{
	size_t n = 0;

	while (n < max && ws_log_is_text(text[n]))
		n++;
	return n;
}
/* How long its text is, by the text itself. */
size_t ws_log_block_text(const struct ws_log_bytes *bytes,
			 const struct ws_log_block *block);

#endif
