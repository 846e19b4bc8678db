/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One pass over memory for exception frames. What a fault pushes looks like nothing else:
 * a code segment that the kernel has, flags of which many bits are fixed, an address of the
 * kernel or of a user. Old frames lie on every stack; but a handful that saved the same
 * address, one stride apart, is a fault that came again and again.
 *
 * Frames of a storm are kept as runs, so that two million cost no more than two.
 */
#include "autopsy/frames.h"

#include <stdlib.h>

/* Storms whose loop takes several faults a round have as many runs side by side. */
#define RUNS_OPEN 4
/* No two frames of a storm are farther apart: a handler's own stack lies between. */
#define STRIDE_MAX 4096u
/* Of a storm, so much in a row may have been written over since. */
#define GAP_MAX 4096u
/* Memory full of frames is hostile, or a storm of many kinds: the rest is counted. */
#define RUNS_MAX (1u << 16)

struct gatherer {
	ws_pile_vec runs;
	uint64_t nlost;
	bool short_of_memory;
};

struct pass {
	const struct ws_arch_autopsy *arch;
	struct ws_frame_rules rules;
	struct gatherer gatherer[WS_SCAN_WORKERS];
};

/* ---- in one piece of memory -------------------------------------------------------- */

static void close_run(struct gatherer *to, struct ws_pile *run)
{
	struct ws_pile *kept;

	if (!run->n)
		return;
	if (to->runs.n >= RUNS_MAX) {
		to->nlost += run->n;
	} else if ((kept = ws_vec_push(&to->runs))) {
		*kept = *run;
	} else {
		to->short_of_memory = true;
	}
	run->n = 0;
}

static bool is_alike(const struct ws_exception_frame *a,
		     const struct ws_exception_frame *b)
{
	return a->ip == b->ip && a->user == b->user;
}

static bool goes_on(const struct ws_pile *run, uint64_t pa,
		    const struct ws_exception_frame *frame)
{
	uint64_t apart = pa - run->last;

	return run->n && is_alike(&run->frame, frame) &&
	       (run->n == 1 ? apart <= STRIDE_MAX : apart == run->stride);
}

static void take_frame(struct gatherer *to, struct ws_pile open[static RUNS_OPEN],
		       uint64_t pa, const struct ws_exception_frame *frame)
{
	struct ws_pile *oldest = &open[0];

	for (size_t i = 0; i < RUNS_OPEN; i++) {
		if (goes_on(&open[i], pa, frame)) {
			open[i].stride = (uint32_t)(pa - open[i].last);
			open[i].last = pa;
			open[i].frame = *frame; /* the lowest may be torn */
			open[i].n++;
			return;
		}
		if (!open[i].n || (oldest->n && open[i].last < oldest->last))
			oldest = &open[i];
	}
	close_run(to, oldest);
	*oldest = (struct ws_pile){ .pa = pa, .last = pa, .n = 1, .frame = *frame };
}

static void look_at_chunk(void *arg, unsigned worker, uint64_t pa, const uint8_t *data,
			  size_t len)
{
	struct pass *pass = arg;
	struct ws_pile open[RUNS_OPEN] = { 0 };
	struct ws_exception_frame frame;

	for (size_t at = 0; pass->arch->next_frame(&pass->rules, data, len, &at, &frame);
	     at += pass->rules.word)
		take_frame(&pass->gatherer[worker], open, pa + at, &frame);
	for (size_t i = 0; i < RUNS_OPEN; i++)
		close_run(&pass->gatherer[worker], &open[i]);
}

/* ---- over all of memory ------------------------------------------------------------ */

static int by_address(const void *a, const void *b)
{
	const struct ws_pile *x = a, *y = b;

	return x->pa < y->pa ? -1 : x->pa > y->pa;
}

/* How many of the bytes between two addresses lie where what is written is lost. */
static uint64_t lost_between(const struct ws_arch_autopsy *arch, uint64_t first,
			     uint64_t end)
{
	if (!arch->lost_last || first > arch->lost_last || end <= arch->lost_first)
		return 0;
	if (first < arch->lost_first)
		first = arch->lost_first;
	return (end > arch->lost_last ? arch->lost_last + 1 : end) - first;
}

/*
 * Whether b goes on where a ends. What ran after the death may have written into the pile, and
 * the pass cuts frames in two: the frames between need not be there, if they are few, or were
 * pushed where there is no memory.
 */
static bool continues(const struct ws_arch_autopsy *arch, const struct ws_pile *a,
		      const struct ws_pile *b)
{
	uint64_t stride = a->stride ? a->stride : b->stride, apart = b->pa - a->last;

	return is_alike(&a->frame, &b->frame) && stride &&
	       (!b->stride || b->stride == stride) && apart % stride == 0 &&
	       apart - lost_between(arch, a->last, b->pa) <= GAP_MAX;
}

/* The last runs of what is joined already: interleaved ones end side by side. */
static struct ws_pile *joins(const struct ws_arch_autopsy *arch, ws_pile_vec *piles,
			     size_t n, const struct ws_pile *run)
{
	for (size_t back = 1; back <= 2 * RUNS_OPEN && back <= n; back++)
		if (continues(arch, &piles->v[n - back], run))
			return &piles->v[n - back];
	return NULL;
}

static void join_runs(const struct ws_arch_autopsy *arch, ws_pile_vec *piles)
{
	size_t n = 0;

	ws_vec_each(piles, run) {
		struct ws_pile *to = joins(arch, piles, n, run);

		if (!to) {
			piles->v[n++] = *run;
			continue;
		}
		to->stride = to->stride    ? to->stride
			     : run->stride ? run->stride
					   : (uint32_t)(run->pa - to->last);
		to->n += run->n + (run->pa - to->last) / to->stride - 1;
		to->last = run->last;
		to->frame = run->frame;
	}
	piles->n = n;
}

static enum ws_status collect(struct ws_system *system, struct pass *pass,
			      ws_pile_vec *piles, uint64_t *nlost)
{
	enum ws_status status = WS_OK;

	for (unsigned i = 0; i < WS_SCAN_WORKERS; i++) {
		struct gatherer *from = &pass->gatherer[i];

		*nlost += from->nlost;
		if (from->short_of_memory)
			status = ws_fail_memory(system->ctx);
		ws_vec_each(&from->runs, run) {
			struct ws_pile *kept =
				status == WS_OK ? ws_vec_push(piles) : NULL;

			if (kept)
				*kept = *run;
			else if (status == WS_OK)
				status = ws_fail_memory(system->ctx);
		}
		ws_vec_release(&from->runs);
	}
	if (piles->n)
		qsort(piles->v, piles->n, sizeof(*piles->v), by_address);
	return status;
}

enum ws_status ws_frames_find(struct ws_system *system,
			      const struct ws_arch_autopsy *arch, ws_pile_vec *piles,
			      uint64_t *nlost)
{
	struct pass pass = {
		.arch = arch,
		.rules = { .word = system->layout.word,
			   .kernel_first = system->layout.kernel_first },
	};
	enum ws_status scan = ws_target_scan(
		system->target, "looking for exception frames", look_at_chunk, &pass);
	enum ws_status status;

	*nlost = 0;
	status = collect(system, &pass, piles, nlost);
	if (scan != WS_OK)
		return scan;
	if (status == WS_OK)
		join_runs(arch, piles);
	return status;
}
