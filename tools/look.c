/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "look.h"

enum exit_status look_take(struct session *session, enum pairing pairing,
			   const char *side, struct look *look)
{
	struct ws_system *system = session->system;
	struct facts_of of = { .digest = &look->digest,
			       .pairing = pairing,
			       .side = side };
	enum ws_status status = WS_OK;

	if (session->request->without)
		status = ws_system_leave_out(system, session->request->without);
	if (status == WS_OK)
		status = ws_audit_run(system, &look->audit);
	if (status == WS_OK)
		status = ws_system_modules(system, &look->modules, &look->nmodules);
	if (status != WS_OK)
		return session_fail(session, status, NULL);
	of.modules = look->modules;
	of.nmodules = look->nmodules;
	if (!digest_make(&look->digest, system, look->audit, NULL, 0) ||
	    !facts_gather(&look->facts, &of))
		return session_fail_memory();
	return EXIT_SEEN;
}

void look_end(struct look *look)
{
	digest_release(&look->digest);
	ws_audit_destroy(look->audit);
	look->digest = (struct digest){ 0 };
	look->audit = NULL;
	look->modules = NULL;
	look->nmodules = 0;
}

void look_release(struct look *look)
{
	look_end(look);
	facts_release(&look->facts);
	*look = (struct look){ 0 };
}
