/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tally.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

uint32_t tally_tcg(const char *version)
{
	unsigned major, minor;

	if (sscanf(version, "%u.%u", &major, &minor) != 2) {
		fprintf(stderr, "%s is no version of QEMU's\n", version);
		exit(2);
	}
	return machine_tcg(major * 100 + minor);
}

static void count(struct tally *tally, uint32_t departures)
{
	unsigned i = 0;

	while (i < tally->nreasons && tally->departures[i] != departures)
		i++;
	if (i == TALLY_REASONS)
		abort();
	if (i == tally->nreasons)
		tally->departures[tally->nreasons++] = departures;
	tally->count[i]++;
}

bool tally_case(struct tally *tally, tally_fn *agrees, void *arg)
{
	uint32_t departures = tally->tcg;

	tally->cases++;
	if (agrees(arg, 0)) {
		tally->agree++;
		return true;
	}
	if (!agrees(arg, departures)) {
		tally->differ++;
		return false;
	}
	for (const struct machine_departure *d = machine_departures; d->bit; d++)
		if (agrees(arg, departures & ~d->bit))
			departures &= ~d->bit;
	count(tally, departures);
	return true;
}

void tally_print(const struct tally *tally, const char *name)
{
	printf("%s: %" PRIu32 " cases, %" PRIu32 " agree", name, tally->cases,
	       tally->agree);
	for (unsigned i = 0; i < tally->nreasons; i++) {
		const char *sign = "";

		printf("; %" PRIu32 " depart: ", tally->count[i]);
		for (const struct machine_departure *d = machine_departures; d->bit;
		     d++) {
			if (!(tally->departures[i] & d->bit))
				continue;
			printf("%s%s (%s)", sign, d->name, d->section);
			sign = " + ";
		}
	}
	if (tally->differ)
		printf("; %" PRIu32 " differ", tally->differ);
}
