/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session.h"

#include <inttypes.h>
#include <sys/stat.h>

enum exit_status run_capture(struct session *session)
{
	const char *path = session->request->output;
	enum ws_status status = ws_capture(session->system, path);
	struct stat st;

	if (status != WS_OK)
		return session_fail(session, status, NULL);
	progress_clear(&session->progress);
	if (stat(path, &st) == 0)
		printf("%s: %" PRIu64 " KiB\n", path,
		       ((uint64_t)st.st_size + 1023) / 1024);
	return session_flush(session, EXIT_SEEN);
}
