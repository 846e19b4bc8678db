/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an audit and an autopsy found, as one page to look at. */
#include "outputs.h"
#include "report/digest.h"
#include "report/html.h"
#include "util/cleanup.h"
#include "util/whole.h"

static enum exit_status write_page(struct session *session, const struct html_subject *of)
{
	const char *path = session->request->output;
	struct ws_whole whole;
	enum exit_status status;
	bool written;

	if (!ws_whole_open(&whole, path))
		return session_write_failed(session, path);
	written = html_write(whole.file, of, progress_show, &session->progress);
	progress_clear(&session->progress);
	status = session_looked(session, EXIT_SEEN);
	if (ws_whole_close(&whole, written && status == EXIT_SEEN))
		return EXIT_SEEN;
	return status == EXIT_SEEN ? session_write_failed(session, path) : status;
}

static enum exit_status print_page(struct session *session, const struct html_subject *of)
{
	enum exit_status status = write_page(session, of);

	if (status != EXIT_SEEN)
		return status;
	outputs_wrote(session, session->request->output);
	return ws_autopsy_death(of->autopsy)->certainty > WS_CERTAINTY_POSSIBLE
		       ? EXIT_UNSEEN
		       : audit_status(of->digest);
}

struct examined {
	struct ws_audit *audit;
	struct ws_autopsy *autopsy;
};

static void examined_release(struct examined *examined)
{
	ws_autopsy_destroy(examined->autopsy);
	ws_audit_destroy(examined->audit);
}

enum exit_status run_report(struct session *session)
{
	ws_cleanup(examined_release) struct examined examined = { 0 };
	ws_cleanup(digest_release) struct digest digest = { 0 };
	enum ws_status status = ws_audit_run(session->system, &examined.audit);

	if (status == WS_OK)
		status = ws_autopsy_run(examined.audit, &examined.autopsy);
	if (status != WS_OK)
		return session_fail(session, status, NULL);
	if (!digest_make(&digest, session->system, examined.audit, NULL, 0))
		return session_fail_memory();
	return print_page(session, &(struct html_subject){ &digest, examined.autopsy });
}
