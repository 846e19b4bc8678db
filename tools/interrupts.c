/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "interrupts.h"

#include <pthread.h>

#include "util/bits.h"

static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

void interrupts_hold(struct interrupts *held)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < WS_ARRAY_SIZE(ending); i++)
		sigaddset(&set, ending[i]);
	pthread_sigmask(SIG_BLOCK, &set, &held->before);
}

bool interrupts_came(void)
{
	sigset_t waiting;

	sigpending(&waiting);
	for (size_t i = 0; i < WS_ARRAY_SIZE(ending); i++)
		if (sigismember(&waiting, ending[i]) == 1)
			return true;
	return false;
}

void interrupts_release(const struct interrupts *held)
{
	pthread_sigmask(SIG_SETMASK, &held->before, NULL);
}
