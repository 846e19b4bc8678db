/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "audit/lack.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linux/roots.h"
#include "util/cleanup.h"
#include "util/hash.h"
#include "util/text.h"

/*
 * A dump that was cut in half lacks thousands of tables in each space; that some are
 * missing is what matters, and the first say which.
 */
#define LACKS_A_SPACE 16u

/* What was recorded of one space, or of all. */
struct ws_lacking {
	uint32_t space;
	uint32_t n;         /* lacks, those beyond LACKS_A_SPACE included */
	uint32_t different; /* of these, how many count only where the space differs */
	uint32_t first[LACKS_A_SPACE];
	UT_hash_handle hh;
};

static struct ws_lacking *lacking_of(const struct ws_audit *audit, uint32_t space)
{
	struct ws_lacking *lacking;

	HASH_FIND(hh, audit->lacking, &space, sizeof(space), lacking);
	return lacking;
}

static struct ws_lacking *lacking_make(struct ws_audit *audit, uint32_t space)
{
	struct ws_lacking *lacking = lacking_of(audit, space);

	if (lacking)
		return lacking;
	lacking = calloc(1, sizeof(*lacking));
	if (lacking) {
		lacking->space = space;
		HASH_ADD(hh, audit->lacking, space, sizeof(lacking->space), lacking);
	}
	if (lacking && lacking->hh.tbl)
		return lacking;
	free(lacking);
	return NULL;
}

static uint32_t kept(const struct ws_lacking *lacking)
{
	return lacking->n < LACKS_A_SPACE ? lacking->n : LACKS_A_SPACE;
}

static bool is_known(const struct ws_audit *audit, const struct ws_lacking *lacking,
		     const struct ws_lack *lack)
{
	for (uint32_t i = 0; i < kept(lacking); i++) {
		const struct ws_lack *other = &audit->lacks.v[lacking->first[i]];

		if (lack->has_pa ? other->has_pa && other->pa == lack->pa
				 : !strcmp(other->what, lack->what))
			return true;
	}
	return false;
}

/* Takes lack->what, which is the audit's from then on. */
static void add(struct ws_audit *audit, struct ws_lack *lack)
{
	struct ws_lacking *lacking = lack->what ? lacking_make(audit, lack->space) : NULL;
	struct ws_lack *added = NULL;

	if (!lacking) {
		audit->short_of_memory = true;
	} else if (!is_known(audit, lacking, lack)) {
		if (lacking->n < LACKS_A_SPACE) {
			lacking->first[lacking->n] = (uint32_t)audit->lacks.n;
			added = ws_vec_push(&audit->lacks);
			audit->short_of_memory |= !added;
		}
		lacking->n++;
		lacking->different += lack->where_different;
	}
	if (added)
		*added = *lack;
	else
		free(lack->what);
}

/* A frame that is there, and holds one byte all over, lacks what it held. */
static void say_overwritten(struct ws_audit *audit, struct ws_lack *lack)
{
	char *what = lack->what;
	const uint8_t *frame;

	if (!what ||
	    ws_target_frame(audit->system->target, lack->pa, &frame) != WS_READ ||
	    !ws_is_one_byte(frame))
		return;
	lack->what = ws_text_of("%s (overwritten: all bytes are %#x)", what, frame[0]);
	free(what);
}

static void add_frame(struct ws_audit *audit, struct ws_lack *lack, uint64_t pa)
{
	lack->has_pa = true;
	lack->pa = pa & -(uint64_t)WS_FRAME_SIZE;
	say_overwritten(audit, lack);
	add(audit, lack);
}

void ws_lack_frame(struct ws_audit *audit, uint32_t space, uint64_t pa, const char *fmt,
		   ...)
{
	struct ws_lack lack = { .space = space };
	va_list ap;

	va_start(ap, fmt);
	lack.what = ws_text_of_args(fmt, ap);
	va_end(ap);
	add_frame(audit, &lack, pa);
}

void ws_lack_user_table(struct ws_audit *audit, uint32_t space, uint64_t pa,
			const char *fmt, ...)
{
	struct ws_lack lack = { .space = space, .user_part = true };
	va_list ap;

	va_start(ap, fmt);
	lack.what = ws_text_of_args(fmt, ap);
	va_end(ap);
	add_frame(audit, &lack, pa);
}

void ws_lack_kernel(struct ws_audit *audit, uint64_t va, uint64_t len, const char *fmt,
		    ...)
{
	struct ws_lack lack = { .space = WS_NO_SPACE, .has_pa = true };
	va_list ap;

	if (!ws_kernel_absent(audit->system, va, len, &lack.pa))
		return;
	va_start(ap, fmt);
	lack.what = ws_text_of_args(fmt, ap);
	va_end(ap);
	add(audit, &lack);
}

void ws_lack_fact(struct ws_audit *audit, bool where_different, const char *fmt, ...)
{
	struct ws_lack lack = { .space = WS_NO_SPACE,
				.where_different = where_different };
	va_list ap;

	va_start(ap, fmt);
	lack.what = ws_text_of_args(fmt, ap);
	va_end(ap);
	add(audit, &lack);
}

void ws_lack_fact_of(struct ws_audit *audit, uint32_t space, const char *fmt, ...)
{
	struct ws_lack lack = { .space = space };
	va_list ap;

	va_start(ap, fmt);
	lack.what = ws_text_of_args(fmt, ap);
	va_end(ap);
	add(audit, &lack);
}

void ws_lack_damaged(struct ws_audit *audit, uint32_t space, const char *fmt, ...)
{
	struct ws_lack lack = { .space = space, .is_damage = true };
	va_list ap;

	va_start(ap, fmt);
	lack.what = ws_text_of_args(fmt, ap);
	va_end(ap);
	add(audit, &lack);
}

void ws_lack_knowledge(struct ws_audit *audit, const char *sentence)
{
	struct ws_lack lack = { .space = WS_NO_SPACE,
				.where_different = true,
				.is_damage = true,
				.what = strdup(sentence) };

	add(audit, &lack);
}

static uint32_t counting(const struct ws_lacking *lacking, bool differs)
{
	return lacking ? lacking->n - (differs ? 0 : lacking->different) : 0;
}

uint32_t ws_lacks_count(const struct ws_audit *audit, uint32_t space, bool differs)
{
	return counting(lacking_of(audit, space), differs) +
	       counting(lacking_of(audit, WS_NO_SPACE), differs);
}

const struct ws_lack *ws_lacks_first(const struct ws_audit *audit, uint32_t space,
				     bool differs)
{
	const uint32_t whose[] = { space, WS_NO_SPACE };
	const struct ws_lack *users = NULL;

	for (size_t w = 0; w < WS_ARRAY_SIZE(whose); w++) {
		const struct ws_lacking *lacking = lacking_of(audit, whose[w]);

		for (uint32_t i = 0; lacking && i < kept(lacking); i++) {
			const struct ws_lack *lack = &audit->lacks.v[lacking->first[i]];

			if (!differs && lack->where_different)
				continue;
			if (!lack->user_part)
				return lack;
			users = users ? users : lack;
		}
	}
	return users;
}

bool ws_lacks_of(const struct ws_audit *audit, uint32_t space)
{
	return lacking_of(audit, space);
}

enum ws_status ws_lacks_keep(struct ws_audit *audit,
			     bool (*keeps)(void *arg, uint32_t space), void *arg)
{
	ws_autofree uint32_t *number = calloc(audit->lacks.n + 1, sizeof(*number));
	struct ws_lacking *it, *next;
	uint32_t nkept = 0;

	if (!number)
		return ws_fail_memory(audit->ctx);
	for (size_t i = 0; i < audit->lacks.n; i++) {
		struct ws_lack *lack = &audit->lacks.v[i];

		number[i] = nkept;
		if (lack->space == WS_NO_SPACE || keeps(arg, lack->space))
			audit->lacks.v[nkept++] = *lack;
		else
			free(lack->what);
	}
	audit->lacks.n = nkept;
	HASH_ITER(hh, audit->lacking, it, next)
	{
		for (uint32_t i = 0; i < kept(it); i++)
			it->first[i] = number[it->first[i]];
		if (it->space == WS_NO_SPACE || keeps(arg, it->space))
			continue;
		HASH_DEL(audit->lacking, it);
		free(it);
	}
	return WS_OK;
}

void ws_lacks_release(struct ws_audit *audit)
{
	struct ws_lacking *it, *next;

	HASH_ITER(hh, audit->lacking, it, next)
	{
		HASH_DEL(audit->lacking, it);
		free(it);
	}
	ws_vec_each(&audit->lacks, lack)
		free(lack->what);
	ws_vec_release(&audit->lacks);
}

const struct ws_lack *ws_audit_lacks(const struct ws_audit *audit, size_t *n)
{
	*n = audit->lacks.n;
	return audit->lacks.v;
}
