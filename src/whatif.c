/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a processor would do next: asked of the architectures that have one which is
 * simulated.
 */
#include "arch/arch.h"
#include "audit/rule.h"

bool ws_machine_is_known(const struct ws_format *format)
{
	const struct ws_arch *arch = ws_arch_of(format);

	return arch && arch->machine_create;
}

enum ws_status ws_machine_create(struct ws_audit *audit, struct ws_machine **machine)
{
	const struct ws_format *format = audit->system->paging.format;
	const struct ws_arch *arch = ws_arch_of(format);

	*machine = NULL;
	if (arch && arch->machine_create)
		return arch->machine_create(audit, machine);
	return ws_fail(audit->ctx, WS_ERR_UNSUPPORTED,
		       "what-if is not known for this architecture: %s", format->name);
}
