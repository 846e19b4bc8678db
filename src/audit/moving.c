/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Two audits of one moving target: what both have found. */
#include <stdlib.h>

#include "audit/rule.h"
#include "util/cleanup.h"

static int compare(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/*
 * The same thing of the same space; its words may differ, for A and D bits come and go.
 */
static int by_matter(const void *left, const void *right)
{
	const struct ws_finding *a = *(const struct ws_finding *const *)left;
	const struct ws_finding *b = *(const struct ws_finding *const *)right;
	int order = compare((uintptr_t)a->rule, (uintptr_t)b->rule);

	if (!order)
		order = compare(a->space, b->space);
	if (!order)
		order = (a->cpu > b->cpu) - (a->cpu < b->cpu);
	if (!order)
		order = compare(a->va, b->va);
	return order ? order : compare(a->last, b->last);
}

enum ws_status ws_keep_confirmed(struct ws_audit *audit, const struct ws_audit *again)
{
	size_t n = again->findings.n, kept = 0;
	ws_autofree const struct ws_finding **known = calloc(n + 1, sizeof(*known));

	if (!known)
		return ws_fail_memory(audit->ctx);
	for (size_t i = 0; i < n; i++)
		known[i] = &again->findings.v[i];
	qsort(known, n, sizeof(*known), by_matter);
	for (size_t i = 0; i < audit->findings.n; i++) {
		struct ws_finding *finding = &audit->findings.v[i];
		const struct ws_finding *key = finding;

		if (bsearch(&key, known, n, sizeof(*known), by_matter))
			audit->findings.v[kept++] = *finding;
		else
			free(finding->text);
	}
	audit->findings.n = kept;
	return WS_OK;
}
