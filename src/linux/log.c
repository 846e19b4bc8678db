/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel's log, from memory: by the variables that VMCOREINFO or symbols name, or, where
 * these are not known or were overwritten, by its shape.
 */
#include "linux/log.h"

#include <stdlib.h>

#include "util/bits.h"
#include "util/count.h"

/* ---- the ways --------------------------------------------------------------------- */

static ws_log_find_fn *const by_name[] = { ws_log_ring, ws_log_records, ws_log_text };

/* Best first: a ring has all, its texts alone have no times. */
static ws_log_search_fn *const by_shape[] = { ws_log_search_ring, ws_log_search_records,
					      ws_log_search_blocks, ws_log_search_text };

static enum ws_log_way find_by_name(struct ws_system *system, struct ws_log_store *store)
{
	bool absent = false;

	for (size_t i = 0; i < WS_ARRAY_SIZE(by_name); i++) {
		enum ws_log_way way = by_name[i](system, store);

		if (way == WS_LOG_TAKEN || store->short_of_memory)
			return way;
		absent |= way == WS_LOG_ABSENT;
		ws_log_clear(store);
	}
	return absent ? WS_LOG_ABSENT : WS_LOG_NOT_HERE;
}

/* Whoever searches looks at much that is not kept; what is found is then read. */
static enum ws_log_way search_in(struct ws_system *system, uint64_t first, uint64_t last,
				 size_t ways, struct ws_log_store *store)
{
	for (size_t i = 0; i < ways; i++) {
		enum ws_log_way way = by_shape[i](system, first, last, store);

		store->log.by_shape = true;
		if (way == WS_LOG_TAKEN || store->short_of_memory)
			return way;
		ws_log_clear(store);
	}
	return WS_LOG_NOT_HERE;
}

/*
 * In the image, which has the first buffer and what describes each; else in the direct map,
 * from which a larger one was taken. There lies user memory too, which may have lines of text
 * that look alike; nothing looks like the other two.
 */
static enum ws_log_way find_by_shape(struct ws_system *system, struct ws_log_store *store)
{
	const struct ws_layout *layout = &system->layout;
	enum ws_log_way way = WS_LOG_NOT_HERE;
	const struct ws_piece_of_memory *end;
	uint64_t first, last;

	if (layout->image_last)
		way = search_in(system, layout->image_first, layout->image_last,
				WS_ARRAY_SIZE(by_shape), store);
	if (way == WS_LOG_TAKEN || !system->target->memory.n || store->short_of_memory)
		return way;
	end = &system->target->memory.v[system->target->memory.n - 1];
	first = ws_direct_va(system, system->target->memory.v[0].at.pa);
	last = ws_direct_va(system, end->at.pa + end->at.len - 1);
	first = first < layout->page_offset ? layout->page_offset : first;
	if (last > ws_last_va(system) || last < first)
		last = ws_last_va(system);
	return search_in(system, first, last, WS_ARRAY_SIZE(by_shape) - 1, store);
}

/* ---- what is said of it ----------------------------------------------------------- */

static void seal(struct ws_log_store *store)
{
	struct ws_log *log = &store->log;

	for (size_t i = 0; i < store->records.n; i++) {
		store->records.v[i].text = store->texts + store->offsets.v[i];
		log->damaged += store->records.v[i].damaged;
	}
	log->records = store->records.v;
	log->nrecords = store->records.n;
	log->lost = store->overwritten + store->absent;
	log->lost_bytes = store->bytes_lost;
	log->complete = !log->lost && !log->lost_bytes && !log->damaged && !log->by_shape;
}

static void note_lost(struct ws_system *system, const struct ws_log_store *store)
{
	if (store->overwritten)
		ws_note(system, "%s of the kernel log %s overwritten, and cannot be read",
			WS_COUNT_OF(store->overwritten, "record"),
			store->overwritten == 1 ? "was" : "were");
	if (store->absent)
		ws_note(system, "%s of the kernel log %s not in the target",
			WS_COUNT_OF(store->absent, "record"),
			store->absent == 1 ? "is" : "are");
	if (store->bytes_lost)
		ws_note(system,
			"%s of the kernel log were overwritten, or are not in the target: "
			"how many records they held is not known",
			WS_COUNT_OF(store->bytes_lost, "byte"));
}

static void note_found(struct ws_system *system, const struct ws_log *log)
{
	if (log->by_shape && log->kind == WS_LOG_RING && !log->records[0].has_seq)
		ws_note(system,
			"of the kernel log only the texts were found, by their shape: times "
			"and levels are gone, and a text may be two characters short or have "
			"something behind it");
	else if (log->by_shape)
		ws_note(system, "the kernel log was found by its shape: nothing that is "
				"known names it, or what names it was overwritten");
	if (log->damaged && !(log->by_shape && !log->records[0].has_seq))
		ws_note(system,
			"%s of the kernel log %s damaged: what is printed of %s is what is "
			"left",
			WS_COUNT_OF(log->damaged, "record"),
			log->damaged == 1 ? "is" : "are",
			log->damaged == 1 ? "it" : "them");
}

static enum ws_status refuse(struct ws_system *system, enum ws_log_way way)
{
	return ws_fail(
		system->ctx, WS_ERR_UNKNOWN,
		way == WS_LOG_ABSENT
			? "the kernel log is not in this target"
			: "no kernel log was found: where it lies is not known, and "
			  "nothing in memory looks like one");
}

static enum ws_status find_log(struct ws_system *system, struct ws_log_store *store)
{
	enum ws_log_way named = find_by_name(system, store), way = named;

	if (way != WS_LOG_TAKEN && !store->short_of_memory)
		way = find_by_shape(system, store);
	if (store->short_of_memory)
		return ws_fail_memory(system->ctx);
	if (way != WS_LOG_TAKEN)
		return refuse(system, named);
	seal(store);
	note_found(system, &store->log);
	note_lost(system, store);
	return WS_OK;
}

void ws_log_free(struct ws_log_store *store)
{
	if (store)
		ws_log_clear(store);
	free(store);
}

enum ws_status ws_system_log(struct ws_system *system, const struct ws_log **log)
{
	struct ws_log_store *store;
	enum ws_status status;

	*log = NULL;
	if (!system->log) {
		store = calloc(1, sizeof(*store));
		if (!store)
			return ws_fail_memory(system->ctx);
		status = ws_target_looked(system->target, find_log(system, store));
		if (status != WS_OK) {
			ws_log_free(store);
			return status;
		}
		system->log = store;
	}
	*log = &system->log->log;
	return WS_OK;
}

const char *ws_log_kind_name(enum ws_log_kind kind)
{
	static const char *const names[] = { [WS_LOG_RING] = "ring",
					     [WS_LOG_RECORDS] = "records",
					     [WS_LOG_TEXT] = "text" };

	return kind < WS_ARRAY_SIZE(names) ? names[kind] : "?";
}
