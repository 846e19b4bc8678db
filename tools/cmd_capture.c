/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writes the small dump that holds only what the answers rest on. */
#include "outputs.h"

enum exit_status run_capture(struct session *session)
{
	const char *path = session->request->output;
	enum ws_status status = ws_capture(session->system, path);

	if (status != WS_OK)
		return session_fail(session, status, NULL);
	outputs_wrote(session, path);
	return EXIT_SEEN;
}
