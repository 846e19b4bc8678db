/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether what looks like the kernel's log is one: memory that was run over, and lists of
 * names and numbers, have the shape of a few records, and an invented log is worse than none.
 */
#include "linux/log.h"

#define FACILITY_MAX 23u             /* local7 */
#define PID_MAX (UINT32_C(1) << 22)  /* PID_MAX_LIMIT */
#define CPUS_MAX (UINT32_C(1) << 13) /* NR_CPUS of any configuration */

static bool is_caller(uint32_t caller)
{
	return caller & WS_LOG_CALLER_CPU ? (caller & ~WS_LOG_CALLER_CPU) < CPUS_MAX
					  : caller <= PID_MAX;
}

/* It has a text, and nothing that is said beside it is out of bounds. */
static bool is_sound(const struct ws_log_record *record, const char *text)
{
	return !record->damaged && *text && record->has_level &&
	       record->facility <= FACILITY_MAX &&
	       (!record->has_caller || is_caller(record->caller));
}

/*
 * Processors take the time before they take a place in the log, so that a few records are
 * out of order; numbers that are no times are so half of the time.
 */
#define IN_ORDER_TO_ONE 8u

bool ws_log_convinces(const struct ws_log_store *store)
{
	size_t sound = 0, back = 0;
	uint64_t time = 0;

	for (size_t i = 0; i < store->records.n; i++) {
		const struct ws_log_record *record = &store->records.v[i];

		if (!is_sound(record, store->texts + store->offsets.v[i]))
			continue;
		sound++;
		back += record->has_time && record->time < time;
		time = record->has_time ? record->time : time;
	}
	return sound >= WS_LOG_SHAPE_MIN && 2 * sound > store->records.n &&
	       back <= sound / IN_ORDER_TO_ONE;
}
