/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an audit found, as one page to look at. */
#include "outputs.h"
#include "report/digest.h"
#include "report/html.h"
#include "util/cleanup.h"
#include "util/whole.h"

static enum exit_status write_page(struct session *session, const struct digest *digest)
{
	const char *path = session->request->output;
	struct ws_whole whole;
	enum exit_status status;
	bool written;

	if (!ws_whole_open(&whole, path))
		return session_write_failed(session, path);
	written = html_write(whole.file, digest, progress_show, &session->progress);
	progress_clear(&session->progress);
	status = session_looked(session, EXIT_SEEN);
	if (ws_whole_close(&whole, written && status == EXIT_SEEN))
		return EXIT_SEEN;
	return status == EXIT_SEEN ? session_write_failed(session, path) : status;
}

static enum exit_status print_page(struct session *session, const struct digest *digest)
{
	enum exit_status status = write_page(session, digest);

	if (status != EXIT_SEEN)
		return status;
	outputs_wrote(session, session->request->output);
	return audit_status(digest);
}

enum exit_status run_report(struct session *session)
{
	ws_cleanup(digest_release) struct digest digest = { 0 };
	struct ws_audit *audit;
	enum exit_status exit;
	enum ws_status status;

	status = ws_audit_run(session->system, &audit);
	if (status != WS_OK)
		return session_fail(session, status, NULL);
	exit = digest_make(&digest, session->system, audit, NULL, 0)
		       ? print_page(session, &digest)
		       : session_fail_memory();
	ws_audit_destroy(audit);
	return exit;
}
