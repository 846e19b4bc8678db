/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One pass over all memory, on all processors. It reads blocks into buffers that stay in
 * a processor's cache, since the first touch of a mapped page costs more than to copy it,
 * and does not read holes of the file at all.
 */
#include "target/target.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "util/cleanup.h"

/* What the workers share. The lock guards what is not constant. */
struct scan {
	struct ws_target *target;
	ws_scan_fn *fn;
	void *arg;
	pthread_mutex_t lock;
	size_t piece;   /* the next chunk begins in this one, */
	uint64_t taken; /* so many bytes after its first whole frame */
	uint64_t hole;  /* up to this file offset the piece's bytes are in no hole */
	uint64_t frames_taken;
};

struct worker {
	struct scan *scan;
	unsigned number;
	const char *what; /* NULL but in the caller's own, which reports the progress */
	uint8_t *buffer;  /* for a chunk that must be read or unpacked first; or NULL */
	uint64_t ndamaged;
	bool failed;
	pthread_t thread;
};

struct chunk {
	uint64_t pa, len, ordinal; /* of its first frame */
	const uint8_t *data;       /* in the file's; NULL: to be unpacked */
};

/* Passes over the whole frames at offset that lie in a hole of the file; their bytes. */
static uint64_t hole_skip(struct scan *scan, const struct ws_piece_of_memory *piece,
			  uint64_t offset, uint64_t left)
{
	struct ws_file *file = &scan->target->file;
	uint64_t at, data, skipped;

	if (!piece->data || !file->held)
		return 0;
	at = piece->data - file->data + offset;
	if (at < scan->hole)
		return 0;
	ws_file_extent(file, at, at + left, &data, &scan->hole);
	skipped = (data - at) & -(uint64_t)WS_FRAME_SIZE;
	scan->taken += skipped;
	scan->frames_taken += skipped / WS_FRAME_SIZE;
	return skipped;
}

/* The next frames of a piece, with no hole among them, of which left bytes are left. */
static void chunk_cut(struct scan *scan, const struct ws_piece_of_memory *piece,
		      uint64_t offset, uint64_t left, struct chunk *chunk)
{
	const struct ws_file *file = &scan->target->file;

	chunk->pa = piece->at.pa + offset;
	chunk->len = left < WS_SCAN_CHUNK ? left : WS_SCAN_CHUNK;
	chunk->data = piece->data ? piece->data + offset : NULL;
	if (chunk->data && file->held) {
		uint64_t full = scan->hole - (chunk->data - file->data);

		full = (full + WS_FRAME_SIZE - 1) & -(uint64_t)WS_FRAME_SIZE;
		if (chunk->len > full)
			chunk->len = full;
	}
	chunk->ordinal = ws_frame_ordinal(piece, chunk->pa);
	scan->taken += chunk->len;
	scan->frames_taken += chunk->len / WS_FRAME_SIZE;
}

static bool chunk_take(struct scan *scan, struct chunk *chunk)
{
	struct ws_target *target = scan->target;

	for (; scan->piece < target->memory.n;
	     scan->piece++, scan->taken = 0, scan->hole = 0) {
		const struct ws_piece_of_memory *piece = &target->memory.v[scan->piece];
		uint64_t ragged = -piece->at.pa & (WS_FRAME_SIZE - 1);
		uint64_t offset = ragged + scan->taken, left, skipped;

		if (offset >= piece->at.len || piece->at.len - offset < WS_FRAME_SIZE)
			continue;
		left = (piece->at.len - offset) & -(uint64_t)WS_FRAME_SIZE;
		skipped = hole_skip(scan, piece, offset, left);
		if (skipped == left)
			continue;
		chunk_cut(scan, piece, offset + skipped, left - skipped, chunk);
		return true;
	}
	return false;
}

static bool chunk_take_locked(struct scan *scan, struct chunk *chunk, double *done)
{
	bool taken;

	pthread_mutex_lock(&scan->lock);
	*done = (double)scan->frames_taken / (double)scan->target->nframes;
	taken = chunk_take(scan, chunk);
	pthread_mutex_unlock(&scan->lock);
	return taken;
}

/* Damaged frames part the chunk into runs. */
static void chunk_unpack(struct worker *worker, const struct chunk *chunk)
{
	struct scan *scan = worker->scan;
	uint64_t run = 0, here = 0;
	size_t got;

	while (here < chunk->len) {
		enum ws_evidence evidence = ws_target_copy(
			scan->target, worker->number,
			chunk->ordinal + here / WS_FRAME_SIZE,
			(chunk->len - here) / WS_FRAME_SIZE, worker->buffer + here, &got);

		here += got * WS_FRAME_SIZE;
		if (evidence == WS_READ)
			continue;
		worker->ndamaged += evidence == WS_ABSENT;
		worker->failed |= evidence == WS_FAILED;
		if (here > run)
			scan->fn(scan->arg, worker->number, chunk->pa + run,
				 worker->buffer + run, here - run);
		run = here += WS_FRAME_SIZE;
	}
	if (here > run)
		scan->fn(scan->arg, worker->number, chunk->pa + run, worker->buffer + run,
			 here - run);
}

/* A file that has shrunk gives what it still has. */
static void chunk_read(struct worker *worker, const struct chunk *chunk)
{
	struct scan *scan = worker->scan;
	struct ws_file *file = &scan->target->file;
	size_t got = 0;

	if (ws_file_read(file, chunk->data - file->data, worker->buffer, chunk->len,
			 &got) == WS_FAILED)
		worker->failed = true;
	got &= -(size_t)WS_FRAME_SIZE;
	if (got)
		scan->fn(scan->arg, worker->number, chunk->pa, worker->buffer, got);
}

static void *worker_run(void *arg)
{
	struct worker *worker = arg;
	struct scan *scan = worker->scan;
	struct chunk chunk;
	double done;

	while (chunk_take_locked(scan, &chunk, &done)) {
		if (worker->what)
			ws_progress(scan->target->ctx, worker->what, done);
		if (!chunk.data)
			chunk_unpack(worker, &chunk);
		else if (scan->target->file.held)
			chunk_read(worker, &chunk);
		else
			scan->fn(scan->arg, worker->number, chunk.pa, chunk.data,
				 chunk.len);
	}
	return NULL;
}

/* The caller is worker 0; a thread that cannot be had makes it slower, not wrong. */
static void workers_run(struct worker *workers, unsigned n)
{
	unsigned started = 1;

	while (started < n && !pthread_create(&workers[started].thread, NULL, worker_run,
					      &workers[started]))
		started++;
	worker_run(&workers[0]);
	while (--started)
		pthread_join(workers[started].thread, NULL);
}

/* What could not be unpacked, but for what was known before and what is gone since. */
static uint64_t newly_damaged(const struct ws_target *target,
			      const struct worker *workers, unsigned n)
{
	uint64_t ndamaged = 0;

	for (unsigned i = 0; i < n; i++)
		ndamaged += workers[i].ndamaged;
	return target->file.shrunk || ndamaged < target->nknown_absent
		       ? 0
		       : ndamaged - target->nknown_absent;
}

enum ws_status ws_target_scan(struct ws_target *target, const char *what, ws_scan_fn *fn,
			      void *arg)
{
	struct scan scan = { .target = target, .fn = fn, .arg = arg };
	struct worker workers[WS_SCAN_WORKERS] = { 0 };
	ws_autofree uint8_t *buffers = NULL;
	unsigned n = target->ops->one_thread ? 1 : ws_workers();

	if (ws_target_copies(target) || target->file.held) {
		buffers = malloc((size_t)n * WS_SCAN_CHUNK);
		if (!buffers)
			return ws_fail_memory(target->ctx);
	}
	for (unsigned i = 0; i < n; i++)
		workers[i] = (struct worker){
			.scan = &scan,
			.number = i,
			.buffer = buffers ? buffers + (size_t)i * WS_SCAN_CHUNK : NULL,
		};
	workers[0].what = what;
	pthread_mutex_init(&scan.lock, NULL);
	workers_run(workers, n);
	pthread_mutex_destroy(&scan.lock);
	for (unsigned i = 0; i < n; i++)
		target->failed |= workers[i].failed;
	target->ndamaged = newly_damaged(target, workers, n);
	ws_progress(target->ctx, what, 1);
	return ws_target_looked(target, WS_OK);
}
