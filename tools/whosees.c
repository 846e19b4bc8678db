/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* main(): parse, open the target, run one command. */
#include "outputs.h"
#include "result.h"
#include "stdout.h"

int main(int argc, char **argv)
{
	struct request request;
	struct session session;
	enum exit_status status;

	if (!stdout_begin())
		return session_fail_memory();
	parse_request(argc, argv, &request);
	status = session_begin(&session, &request);
	if (status == EXIT_SEEN)
		status = outputs_check(&session);
	if (status == EXIT_SEEN && !request.command->opens)
		status = session_open(&session);
	if (status == EXIT_SEEN)
		status = session_looked(&session, request.command->run(&session));
	status = result_of_failure(&session, status);
	session_close(&session);
	return status;
}
