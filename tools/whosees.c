/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "outputs.h"

int main(int argc, char **argv)
{
	struct request request;
	struct session session;
	enum exit_status status;

	outputs_begin();
	parse_request(argc, argv, &request);
	status = session_open(&session, &request);
	if (status != EXIT_SEEN)
		return status;
	status = session_looked(&session, request.command->run(&session));
	session_close(&session);
	return status;
}
