/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Random numbers that a seed repeats everywhere: SplitMix64 (Steele et al., 2014). */
#ifndef TESTS_RANDOM_H
#define TESTS_RANDOM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

struct random {
	uint64_t state;
};

static inline uint64_t random_next(struct random *r)
{
	uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static inline uint64_t random_below(struct random *r, uint64_t n)
{
	return random_next(r) % n;
}

/* How many rounds of what each has its own damage: `make torture` has ten times as many. */
static inline unsigned random_rounds(unsigned usual)
{
	return getenv("WS_TORTURE_STEP") ? 10 * usual : usual;
}

/* True n times out of 100. */
static inline bool random_percent(struct random *r, unsigned n)
{
	return random_below(r, 100) < n;
}

/* The seed that WS_SEED asks for, or the one that `make check` always uses. */
static inline uint64_t random_seed(void)
{
	const char *text = getenv("WS_SEED");

	return text ? strtoull(text, NULL, 0) : 2012;
}

#endif
