/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Parts that unpack one without the other are unpacked by all processors; what follows the
 * last of them, or all where there are none, by one, as far as it goes. A part that is
 * damaged is a gap in what came out: its place and its length are known all the same.
 */
#include "target/packed.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "target/packed_parts.h"
#include "target/spool.h"
#include "target/workers.h"
#include "util/cleanup.h"
#include "util/text.h"

#define IN_BLOCK ((size_t)256 << 10)
#define OUT_BLOCK ((size_t)1 << 20)

/*
 * Zeroes pack to a thousandth and less, so no ratio tells a dump from a file that is made
 * to fill a disk. What is not zero is bounded by the disk; the rest by this.
 */
#define PLAIN_MAX (UINT64_C(1) << 40)
#define RATIO_MAX 1024u

enum ending {
	WHOLE,
	CUT,
	DAMAGED,
	FOLLOWED, /* by what is no member of this format */
	FAILED,   /* job->trouble says why */
};

enum trouble { NONE, DISK, READING, MEMORY, TOO_BIG, TOO_LARGE };

struct job {
	struct ws_context *ctx;
	struct ws_file *file;
	struct ws_spool spool;
	struct ws_parts parts;
	struct outcome *outcomes; /* of each part */
	uint64_t begin, limit;    /* in the file, and of what comes out */
	uint64_t window;          /* how far back it may refer */
	uint64_t next;            /* part that nobody has taken; atomic */
	uint64_t taken;           /* bytes of the file that were read; atomic */
	unsigned trouble;         /* atomic */
};

/* How a part, or what follows them, came out. */
struct outcome {
	enum ending ending;
	uint64_t in, sure; /* where in the file it ended, and up to where out is right */
};

/* One thread's work. */
struct run {
	struct job *job;
	const struct ws_codec *codec;
	bool leads; /* it is the caller's own thread, which reports the progress */
	uint8_t *in_block, *out_block;
	struct ws_codec_stream s;
	uint64_t in, in_end;   /* what is read next, and where that ends */
	uint64_t out, out_end; /* where out_block goes, and what must not be passed */
	pthread_t thread;
};

static enum ending failed(struct job *job, enum trouble trouble)
{
	__atomic_store_n(&job->trouble, trouble, __ATOMIC_RELAXED);
	return FAILED;
}

/* ---- one stream ------------------------------------------------------------------- */

static void report(const struct run *run)
{
	struct job *job = run->job;
	uint64_t taken = __atomic_load_n(&job->taken, __ATOMIC_RELAXED);

	if (run->leads)
		ws_progress(job->ctx, "unpacking",
			    (double)taken / (double)(job->file->size - job->begin));
}

/* Fills the block behind what is left in it. */
static bool refill(struct run *run)
{
	struct job *job = run->job;
	size_t want = IN_BLOCK - run->s.nin, got = 0;

	memmove(run->in_block, run->s.in, run->s.nin);
	if (want > run->in_end - run->in)
		want = run->in_end - run->in;
	if (want && ws_file_read(job->file, run->in, run->in_block + run->s.nin, want,
				 &got) == WS_FAILED)
		return failed(job, READING) != FAILED;
	if (got < want)
		run->in_end = run->in + got;
	run->in += got;
	run->s.in = run->in_block;
	run->s.nin += got;
	run->s.last = run->in == run->in_end;
	__atomic_add_fetch(&job->taken, got, __ATOMIC_RELAXED);
	report(run);
	return job->trouble == NONE;
}

static uint64_t out_so_far(const struct run *run)
{
	return run->out + (OUT_BLOCK - run->s.nout);
}

static enum ending flush(struct run *run)
{
	size_t size = OUT_BLOCK - run->s.nout;

	if (size > run->out_end - run->out)
		return run->out_end == run->job->limit ? failed(run->job, TOO_LARGE)
						       : DAMAGED;
	if (!ws_spool_write(&run->job->spool, run->out, run->out_block, size))
		return failed(run->job, DISK);
	run->out += size;
	run->s.out = run->out_block;
	run->s.nout = OUT_BLOCK;
	return WHOLE;
}

static enum ending ending_of(struct run *run, enum ws_flow step)
{
	switch (step) {
	case WS_FLOW_MEMORY:
		return failed(run->job, MEMORY);
	case WS_FLOW_TOO_BIG:
		return failed(run->job, TOO_BIG);
	case WS_FLOW_DAMAGED:
		return DAMAGED;
	default:
		return WHOLE;
	}
}

static enum ending member_unpack(struct run *run, void *state)
{
	enum ws_flow step = WS_FLOW_ON;
	enum ending ending;

	while (step == WS_FLOW_ON) {
		size_t nin, nout = run->s.nout;

		if (!run->s.nin && !refill(run))
			return FAILED;
		nin = run->s.nin;
		step = run->codec->step(state, &run->s);
		if (step == WS_FLOW_ON && nin == run->s.nin && nout == run->s.nout) {
			if (!refill(run))
				return FAILED;
			if (nin == run->s.nin)
				return CUT;
		}
		if ((step != WS_FLOW_ON || !run->s.nout) &&
		    (ending = flush(run)) != WHOLE)
			return ending;
	}
	return ending_of(run, step);
}

/* Past zeroes, which fill the file up, to a member; false: there is none. */
static bool member_follows(struct run *run, enum ending *ending)
{
	const struct ws_codec *codec = run->codec;

	do {
		while (run->s.nin && !*run->s.in)
			run->s.in++, run->s.nin--;
		if (run->s.nin < WS_CODEC_HEAD && !run->s.last && !refill(run)) {
			*ending = FAILED;
			return false;
		}
	} while (!run->s.last && (!run->s.nin || !*run->s.in));
	while (run->s.nin && !*run->s.in)
		run->s.in++, run->s.nin--;
	*ending = run->s.nin ? FOLLOWED : WHOLE;
	return run->s.nin &&
	       codec->probe(run->s.in,
			    run->s.nin < WS_CODEC_HEAD ? run->s.nin : WS_CODEC_HEAD);
}

static enum ending member_run(struct run *run, unsigned how, uint64_t *sure)
{
	uint64_t begin = out_so_far(run);
	void *state = run->codec->begin(how, run->job->window);
	enum ending ending;

	if (!state)
		return failed(run->job, MEMORY);
	run->s.made = run->s.sure = 0;
	ending = member_unpack(run, state);
	run->codec->end(state);
	if (ending == CUT && flush(run) == FAILED)
		return FAILED;
	*sure = ending == DAMAGED ? begin + run->s.sure : out_so_far(run);
	return ending;
}

/* Members up to in_end, or one that lacks a signature of its own. */
static struct outcome members_run(struct run *run, unsigned how)
{
	struct outcome outcome = { .sure = run->out };

	run->s = (struct ws_codec_stream){ .in = run->in_block,
					   .out = run->out_block,
					   .nout = OUT_BLOCK };
	if (!refill(run))
		outcome.ending = FAILED;
	else if (!run->codec->probe)
		outcome.ending = member_run(run, how, &outcome.sure);
	else
		while (member_follows(run, &outcome.ending))
			if ((outcome.ending = member_run(run, how, &outcome.sure)))
				break;
	outcome.in = run->in - run->s.nin;
	return outcome;
}

static bool run_begin(struct run *run, struct job *job, bool leads)
{
	*run = (struct run){ .job = job, .codec = job->parts.codec, .leads = leads };
	run->in_block = malloc(IN_BLOCK);
	run->out_block = malloc(OUT_BLOCK);
	return run->in_block && run->out_block;
}

static void run_end(struct run *run)
{
	free(run->in_block);
	free(run->out_block);
}

/* ---- parts ------------------------------------------------------------------------ */

static void part_run(struct run *run, const struct ws_part *part, struct outcome *outcome)
{
	run->in = part->in;
	run->in_end = part->in + part->in_size;
	run->out = part->out;
	run->out_end = part->out + part->out_size;
	*outcome = members_run(run, part->how);
	if (outcome->ending == WHOLE && outcome->sure != run->out_end)
		outcome->ending = DAMAGED;
}

static void *parts_run(void *arg)
{
	struct run *run = arg;
	struct job *job = run->job;
	uint64_t i;

	while (job->trouble == NONE &&
	       (i = __atomic_fetch_add(&job->next, 1, __ATOMIC_RELAXED)) <
		       job->parts.all.n)
		part_run(run, &job->parts.all.v[i], &job->outcomes[i]);
	return NULL;
}

#define THREAD_MEMORY (WS_CODEC_WINDOW + WS_CODEC_REST + IN_BLOCK + OUT_BLOCK)

/* As many as there are parts for, and memory if each refers back as far as it may. */
static uint64_t threads_for(const struct job *job)
{
	uint64_t n = ws_workers(), memory = job->file->memory;

	if (memory && n > memory / THREAD_MEMORY)
		n = memory / THREAD_MEMORY;
	if (!n)
		n = 1;
	return n < job->parts.all.n ? n : job->parts.all.n;
}

/* The smallest that is worth it; zstd has powers of two. */
#define WINDOW_MIN (UINT64_C(1) << 20)

static uint64_t window_for(const struct ws_file *file)
{
	uint64_t window = WS_CODEC_WINDOW, rest = THREAD_MEMORY - WS_CODEC_WINDOW;

	while (file->memory && window > WINDOW_MIN && file->memory < window + rest)
		window /= 2;
	return window;
}

/* A thread that cannot be had makes it slower, not wrong. */
static void parts_unpack(struct job *job)
{
	struct run runs[WS_SCAN_WORKERS] = { 0 };
	uint64_t n = threads_for(job), made = 0, started = 1;

	while (made < n && run_begin(&runs[made], job, !made))
		made++;
	if (made < n)
		run_end(&runs[made]);
	if (made)
		while (started < made && !pthread_create(&runs[started].thread, NULL,
							 parts_run, &runs[started]))
			started++;
	if (made)
		parts_run(&runs[0]);
	else if (n)
		failed(job, MEMORY);
	while (--started)
		pthread_join(runs[started].thread, NULL);
	while (made)
		run_end(&runs[--made]);
}

/* ---- what is said of it ----------------------------------------------------------- */

static bool gap_add(struct ws_file *file, uint64_t from, uint64_t end)
{
	struct ws_gap *last = file->gaps.n ? &file->gaps.v[file->gaps.n - 1] : NULL;

	if (last && last->end == from) {
		last->end = end;
		return true;
	}
	last = from < end ? ws_vec_push(&file->gaps) : NULL;
	if (last)
		*last = (struct ws_gap){ from, end };
	return last || from >= end;
}

/* Parts that are damaged become gaps, and one note says how much is missing. */
static enum ws_status gaps_note(struct job *job, struct ws_file *unpacked)
{
	uint64_t lost = 0, first = 0;

	for (size_t i = 0; i < job->parts.all.n; i++) {
		const struct ws_part *part = &job->parts.all.v[i];
		const struct outcome *o = &job->outcomes[i];
		uint64_t end = part->out + part->out_size;

		if (o->ending == WHOLE)
			continue;
		if (!lost)
			first = part->in;
		lost += end - o->sure;
		if (!gap_add(unpacked, o->sure, end))
			return ws_fail_memory(job->ctx);
	}
	if (!lost)
		return WS_OK;
	unpacked->notes[0] = ws_text_of(
		"the %s file is damaged: %ju of the %ju bytes that it unpacks to are "
		"unknown, the first of them packed from file offset %#jx on",
		unpacked->packing, lost, job->parts.out, first);
	return unpacked->notes[0] ? WS_OK : ws_fail_memory(job->ctx);
}

static enum ws_status tail_note(struct job *job, struct ws_file *unpacked,
				const struct outcome *o)
{
	const char *name = unpacked->packing;
	char **note = &unpacked->notes[1];

	unpacked->partial = o->ending == CUT || o->ending == DAMAGED ||
			    (o->ending == FOLLOWED && job->parts.all.n);
	if (o->ending == CUT)
		*note = ws_text_of("the %s file is cut off at its end, file offset %#jx: "
				   "what it unpacks to is read up to there, and what "
				   "followed is unknown",
				   name, o->in);
	else if (o->ending == DAMAGED)
		*note = ws_text_of(
			"the %s file is damaged at file offset %#jx, or not "
			"far before it: what it unpacks to is read up to there, "
			"%#jx bytes, and what followed is unknown",
			name, o->in, o->sure);
	else if (o->ending == FOLLOWED)
		*note = ws_text_of("from file offset %#jx on, the %s file goes on with "
				   "%ju bytes that are not %s: they are not read",
				   o->in, name, job->file->size - o->in, name);
	return *note || o->ending == WHOLE ? WS_OK : ws_fail_memory(job->ctx);
}

static enum ws_status job_failed(const struct job *job)
{
	const char *path = job->file->path, *name = job->parts.codec->name;

	switch (job->trouble) {
	case DISK:
		return ws_spool_fail(job->ctx, path, &job->spool);
	case READING:
		return ws_fail(job->ctx, WS_ERR_SYSTEM, "%s: %s", path,
			       strerror(job->file->error));
	case TOO_BIG:
		return ws_fail(
			job->ctx, WS_ERR_UNSUPPORTED,
			"%s: compressed by %s with a window (a dictionary) larger than "
			"%ju MiB, which takes as much memory: %s",
			path, name, job->window >> 20,
			job->window < WS_CODEC_WINDOW
				? "--memory gives it more, or unpack it first"
				: "unpack it first");
	case TOO_LARGE:
		return ws_fail(
			job->ctx, WS_ERR_UNSUPPORTED,
			"%s: a %s file that unpacks to more than %ju GiB, which no "
			"dump of its size should: if it is one, unpack it first",
			path, name, job->limit >> 30);
	default:
		return ws_fail_memory(job->ctx);
	}
}

/* ---- all of it -------------------------------------------------------------------- */

static enum ws_status no_bytes(const struct job *job, const struct outcome *o)
{
	static const char *const words[] = {
		[WHOLE] = "there is nothing in it: it holds no memory",
		[CUT] = "it is cut off before anything can be unpacked",
		[DAMAGED] = "it is damaged, or its checksum is wrong, and nothing shows "
			    "which of its bytes are right; what unpacks it by hand may "
			    "say more",
		[FOLLOWED] = "there is nothing in it before other bytes follow",
	};

	const struct ws_codec *codec = job->parts.codec;
	bool in_one = o->ending == CUT && codec->whole;

	return ws_fail(job->ctx, WS_ERR_UNREADABLE, "%s: compressed by %s: %s%s%s%s",
		       job->file->path, codec->name, words[o->ending],
		       in_one ? ": its first part is not whole, and " : "",
		       in_one ? codec->whole : "",
		       in_one ? ", is unpacked as a whole or not at all" : "");
}

static struct outcome tail_unpack(struct job *job)
{
	struct outcome outcome = { .ending = WHOLE, .sure = job->parts.out };
	struct run run;

	if (job->parts.in >= job->file->size)
		return outcome;
	if (!run_begin(&run, job, true)) {
		failed(job, MEMORY);
	} else {
		run.in = job->parts.in;
		run.in_end = job->file->size;
		run.out = job->parts.out;
		run.out_end = job->limit;
		outcome = members_run(&run, 0);
	}
	run_end(&run);
	return outcome;
}

static enum ws_status job_run(struct job *job, struct ws_file *unpacked)
{
	struct outcome tail;
	uint64_t gone = 0;
	enum ws_status status;

	job->outcomes = calloc(job->parts.all.n + 1, sizeof(*job->outcomes));
	if (!job->outcomes)
		return ws_fail_memory(job->ctx);
	if (job->parts.out > job->limit)
		failed(job, TOO_LARGE);
	if (job->trouble == NONE)
		parts_unpack(job);
	if (job->trouble != NONE)
		return job_failed(job);
	tail = tail_unpack(job);
	if (job->trouble != NONE)
		return job_failed(job);
	if (!ws_spool_end(&job->spool, tail.sure))
		return ws_spool_fail(job->ctx, job->file->path, &job->spool);
	unpacked->size = tail.sure;
	status = gaps_note(job, unpacked);
	ws_vec_each(&unpacked->gaps, gap)
		gone += gap->end - gap->at;
	if (!status && gone == tail.sure)
		return no_bytes(job, gone ? &job->outcomes[0] : &tail);
	return status ? status : tail_note(job, unpacked, &tail);
}

enum ws_status ws_packed_open(struct ws_context *ctx, struct ws_file *file,
			      uint64_t offset, struct ws_file *unpacked)
{
	struct job job = {
		.ctx = ctx, .file = file, .begin = offset, .window = window_for(file)
	};
	uint64_t size = offset < file->size ? file->size - offset : 0;
	uint8_t head[WS_CODEC_HEAD];
	enum ws_status status;
	const struct ws_codec *codec;
	size_t got = 0;

	if (ws_file_read(file, offset, head, sizeof(head), &got) == WS_FAILED)
		return ws_fail(ctx, WS_ERR_SYSTEM, "%s: %s", file->path,
			       strerror(file->error));
	codec = ws_codec_of(head, got);
	if (!codec)
		return WS_ERR_NOT_FOUND;
	unpacked->packing = codec->name;
	job.limit = size > PLAIN_MAX / RATIO_MAX ? size * RATIO_MAX : PLAIN_MAX;
	if (ws_parts_find(file, offset, codec, &job.parts) == WS_FAILED)
		failed(&job, file->error ? READING : MEMORY);
	status = job.trouble ? job_failed(&job)
			     : ws_spool_open(ctx, file->path, &job.spool);
	if (!status) {
		status = job_run(&job, unpacked);
		unpacked->fd = job.spool.fd;
	}
	free(job.outcomes);
	ws_vec_release(&job.parts.all);
	ws_progress(ctx, "unpacking", 1);
	return status;
}
