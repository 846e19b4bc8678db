/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "audit/spans.h"
#include "util/sorted.h"

bool ws_spans_add(ws_spans *spans, uint64_t pa, uint64_t last, uint64_t va)
{
	struct ws_span *before = spans->n ? &spans->v[spans->n - 1] : NULL, *added;

	if (before && before->last + 1 == pa && va - pa == before->va - before->pa) {
		before->last = last;
		return true;
	}
	added = ws_vec_push(spans);
	if (added)
		*added = (struct ws_span){ pa, last, va };
	return added;
}

static int by_pa(const void *left, const void *right)
{
	const struct ws_span *a = left, *b = right;

	if (a->pa != b->pa)
		return a->pa < b->pa ? -1 : 1;
	return (a->va > b->va) - (a->va < b->va);
}

/* Of spans that meet, the later one loses what the earlier has. */
void ws_spans_sort(ws_spans *spans)
{
	size_t n = 0;

	if (spans->n)
		qsort(spans->v, spans->n, sizeof(*spans->v), by_pa);
	for (size_t i = 0; i < spans->n; i++) {
		struct ws_span span = spans->v[i];
		uint64_t end = n ? spans->v[n - 1].last + 1 : 0;

		if (n && span.last < end)
			continue;
		if (span.pa < end) {
			span.va += end - span.pa;
			span.pa = end;
		}
		spans->v[n++] = span;
	}
	spans->n = n;
}

const struct ws_span *ws_spans_meet(const ws_spans *spans, uint64_t pa, uint64_t last)
{
	size_t low = ws_lower_bound(spans->v, spans->n, at, at->last < pa);

	return low < spans->n && spans->v[low].pa <= last ? &spans->v[low] : NULL;
}
