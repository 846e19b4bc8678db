/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an audit found, as one page to look at. */
#include <inttypes.h>
#include <sys/stat.h>

#include "report/digest.h"
#include "report/html.h"
#include "session.h"
#include "util/cleanup.h"
#include "util/whole.h"

static bool is_same_file(const char *left, const char *right)
{
	struct stat a, b;

	return stat(left, &a) == 0 && stat(right, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

static enum exit_status write_page(struct session *session, const struct digest *digest)
{
	const char *path = session->request->output;
	struct ws_whole whole;

	if (ws_whole_open(&whole, path) &&
	    ws_whole_close(&whole, html_write(whole.file, digest)))
		return EXIT_SEEN;
	return session_write_failed(session, path);
}

static enum exit_status tell_page(struct session *session, const struct digest *digest)
{
	const char *path = session->request->output;
	enum exit_status status = write_page(session, digest);
	struct stat st;

	if (status != EXIT_SEEN)
		return status;
	progress_clear(&session->progress);
	if (stat(path, &st) == 0)
		printf("%s: %" PRIu64 " KiB\n", path,
		       ((uint64_t)st.st_size + 1023) / 1024);
	return session_flush(session, audit_status(digest));
}

enum exit_status run_report(struct session *session)
{
	ws_cleanup(digest_release) struct digest digest = { 0 };
	struct ws_audit *audit;
	enum exit_status exit;
	enum ws_status status;

	if (is_same_file(session->request->output, session->request->target))
		return session_usage(session, NULL,
				     "%s: the report would replace the dump it is about",
				     session->request->output);
	status = ws_audit_run(session->system, &audit);
	if (status != WS_OK)
		return session_fail(session, status, NULL);
	exit = digest_make(&digest, session->system, audit, NULL)
		       ? tell_page(session, &digest)
		       : session_fail_memory();
	ws_audit_destroy(audit);
	return exit;
}
