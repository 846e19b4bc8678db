/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reading.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench.h"
#include "target/workers.h"

#define READ_BLOCK ((size_t)256 << 10)

/* What the threads share: the next block that is in no hole. */
struct reading {
	int fd;
	off_t at, hole, size;
	pthread_mutex_t lock;
};

static size_t take_block(struct reading *r, off_t *at)
{
	size_t size = 0;

	pthread_mutex_lock(&r->lock);
	if (r->at >= r->hole && r->at < r->size) {
		r->at = lseek(r->fd, r->at, SEEK_DATA);
		r->hole = r->at < 0 ? 0 : lseek(r->fd, r->at, SEEK_HOLE);
		r->at = r->at < 0 ? r->size : r->at;
	}
	*at = r->at;
	if (r->at < r->size)
		size = (size_t)(r->hole - r->at) < READ_BLOCK ? (size_t)(r->hole - r->at)
							      : READ_BLOCK;
	r->at += (off_t)size;
	pthread_mutex_unlock(&r->lock);
	return size;
}

static void *read_blocks(void *arg)
{
	struct reading *r = arg;
	uint8_t *buffer = malloc(READ_BLOCK);
	off_t at;

	for (size_t size; buffer && (size = take_block(r, &at));)
		if (pread(r->fd, buffer, size, at) < 0)
			break;
	free(buffer);
	return NULL;
}

double bench_reading_seconds(const char *path)
{
	struct reading r = { .fd = open(path, O_RDONLY | O_CLOEXEC),
			     .lock = PTHREAD_MUTEX_INITIALIZER };
	pthread_t thread[WS_SCAN_WORKERS];
	double start = bench_seconds();
	unsigned n = ws_workers(), started = 0;

	r.size = lseek(r.fd, 0, SEEK_END);
	while (started + 1 < n &&
	       !pthread_create(&thread[started], NULL, read_blocks, &r))
		started++;
	read_blocks(&r);
	while (started)
		pthread_join(thread[--started], NULL);
	close(r.fd);
	return bench_seconds() - start;
}
