/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What was written to a machine, in a file: NDJSON, a line for the machine, one for each entry
 * before it is written, and one for what came of it. docs/live.md has its fields.
 */
#ifndef WHOSEES_JOURNAL_H
#define WHOSEES_JOURNAL_H

#include "session.h"
#include "util/vec.h"

struct journal {
	char *path; /* owned */
	FILE *file; /* NULL: there is none */
};

/*
 * Makes the file, which must not be there yet, and puts down what is going to be written;
 * when it returns it is on the disk. path NULL: one in the current folder, named by the time.
 */
enum exit_status journal_begin(struct journal *journal, struct session *session,
			       const struct ws_sync_entry *entries, size_t n,
			       const char *path);
/*
 * What came of them. Where nothing was written the file is removed, and path freed. Where this
 * cannot be put down, --undo can do without.
 */
enum exit_status journal_end(struct journal *journal, struct session *session,
			     const struct ws_sync_entry *entries, size_t n);
void journal_release(struct journal *journal);

typedef WS_VEC(struct ws_sync_entry) journal_entries;

/*
 * What was written by it, or may have been; the caller frees entries->v. Refuses one of
 * another machine, and what is no journal.
 */
enum exit_status journal_read(struct session *session, const char *path,
			      journal_entries *entries);

#endif
