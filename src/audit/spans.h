/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sets of physical memory, as spans that know where each is mapped. */
#ifndef WS_AUDIT_SPANS_H
#define WS_AUDIT_SPANS_H

#include <stdbool.h>
#include <stdint.h>

#include "util/vec.h"

struct ws_span {
	uint64_t pa, last;
	uint64_t va; /* of pa */
};

/* Once sorted: by pa, none meets another. */
typedef WS_VEC(struct ws_span) ws_spans;

/* Adds a span, to the one before if it goes on there. False: memory is short. */
bool ws_spans_add(ws_spans *spans, uint64_t pa, uint64_t last, uint64_t va);
void ws_spans_sort(ws_spans *spans);
/* The first of sorted spans that meets [pa, last], or NULL. */
const struct ws_span *ws_spans_meet(const ws_spans *spans, uint64_t pa, uint64_t last);

#endif
