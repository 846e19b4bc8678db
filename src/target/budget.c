/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "target/budget.h"

#include <sys/sysinfo.h>

uint64_t ws_budget_usual(void)
{
	struct sysinfo info;

	return sysinfo(&info) ? 0 : (uint64_t)info.totalram * info.mem_unit / 4;
}

bool ws_budget_take(struct ws_budget *budget, uint64_t bytes)
{
	if (budget->limit && bytes > budget->limit - budget->taken) {
		budget->spent = true;
		return false;
	}
	budget->taken += bytes;
	return true;
}

void ws_budget_give(struct ws_budget *budget, uint64_t bytes)
{
	budget->taken -= bytes;
}
