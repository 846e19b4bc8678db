/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any bytes as a target of one kind: opened, read whole and walked through. "packed": of any
 * kind, compressed as a whole. Of raw memory the first line is where its pieces lie.
 */
#include "fuzz.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "target/target.h"
#include "util/cleanup.h"

#define PIECES_MAX 4096
/* So many addresses, spread over all there are, are walked by each root. */
#define WALKS 16
/* All that have registers in these files are of one architecture. */
#define ROOT_REGISTER "cr3"

static void touch(void *arg, unsigned worker, uint64_t pa, const uint8_t *data,
		  size_t len)
{
	uint64_t *sum = arg;

	insist(!(pa % WS_FRAME_SIZE) && !(len % WS_FRAME_SIZE),
	       "a scan of no whole frames");
	for (size_t i = 0; i < len; i++)
		sum[worker] += data[i];
}

/* The ends of every extent, by each way to read. */
static uint64_t read_extents(struct ws_target *target)
{
	const struct ws_extent *extents;
	uint8_t bytes[64], scratch[WS_FRAME_SIZE];
	uint64_t sum = 0, end = 0;
	size_t n;

	extents = ws_target_extents(target, &n);
	insist(n > 0, "a target without memory is opened");
	for (size_t i = 0; i < n; i++) {
		uint64_t at[] = { extents[i].pa, extents[i].pa + extents[i].len - 1 };

		insist(!i || extents[i].pa > end, "extents overlap, or are not in order");
		insist(extents[i].len && at[1] >= at[0],
		       "an extent of nothing, or that wraps");
		end = at[1] + 1;
		for (unsigned j = 0; j < 2; j++) {
			const uint8_t *frame;

			if (ws_target_frame(target, at[j], &frame) == WS_READ)
				sum += frame[0] + frame[WS_FRAME_SIZE - 1];
			if (ws_target_peek(target, at[j], scratch, &frame) == WS_READ)
				sum += frame[0] + frame[WS_FRAME_SIZE - 1];
			if (ws_target_read(target, at[j], bytes, sizeof(bytes)) ==
			    WS_READ)
				sum += bytes[sizeof(bytes) - 1];
		}
	}
	return sum;
}

static enum ws_evidence lend_frame(void *target, uint64_t pa, const uint8_t **frame)
{
	return ws_target_frame(target, pa, frame);
}

/* By every processor's root, in the format that the target is of. */
static void walk(struct ws_target *target)
{
	struct ws_paging paging = { .format = target->format,
				    .frame = lend_frame,
				    .opaque = target };
	const struct ws_cpu *cpu;
	struct ws_trail trail;
	struct ws_flaw flaw;
	uint64_t root;

	for (size_t i = 0; target->format && (cpu = ws_target_cpu(target, i)); i++) {
		if (!ws_cpu_register(cpu, ROOT_REGISTER, &root))
			continue;
		for (uint64_t n = 0; n < WALKS; n++) {
			ws_walk(&paging, root & -(uint64_t)WS_FRAME_SIZE,
				n << 60 | n << 28, &trail);
			(void)ws_check(&paging, &trail, &flaw);
		}
	}
}

static void look_at(struct ws_target *target)
{
	uint64_t sum[WS_SCAN_WORKERS] = { 0 };

	insist(ws_target_scan(target, "scan", touch, sum) == WS_OK, "a scan fails");
	sum[0] += read_extents(target);
	walk(target);
	for (unsigned i = 0; ws_target_note(target, i); i++)
		sum[0] += strlen(ws_target_note(target, i));
	/* Nothing to hold it against, but it has to be computed. */
	__asm__ volatile("" : : "r"(sum[0]));
}

/* Cuts the first line off, which is the pieces; NULL: there is none. */
static char *pieces_take(const uint8_t **data, size_t *size)
{
	const uint8_t *end = memchr(*data, '\n', *size < PIECES_MAX ? *size : PIECES_MAX);
	char *pieces = end ? strndup((const char *)*data, end - *data) : NULL;

	if (end) {
		*size -= end + 1 - *data;
		*data = end + 1;
	}
	return pieces;
}

#define CLOUD_MEMORY (1 << 20)

static void put(const char *path, const uint8_t *data, size_t size, off_t length)
{
	ws_autoclose int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	insist(fd >= 0 && write(fd, data, size) == (ssize_t)size &&
		       ftruncate(fd, length) == 0,
	       "no file can be written in /dev/shm");
}

static char folder[] = "/dev/shm/whosees-XXXXXX", memory[64], state[64];

static void leave_cloud(void)
{
	unlink(memory);
	unlink(state);
	rmdir(folder);
}

/* A target of two files, of which the bytes are the description. */
static void open_cloud(const uint8_t *data, size_t size)
{
	if (!*memory) {
		insist(mkdtemp(folder), "no folder can be made in /dev/shm");
		snprintf(memory, sizeof(memory), "%s/memory-ranges", folder);
		snprintf(state, sizeof(state), "%s/state.json", folder);
		atexit(leave_cloud);
		put(memory, NULL, 0, CLOUD_MEMORY);
	}
	put(state, data, size, (off_t)size);
	fuzz_open(memory, NULL, look_at);
}

void fuzz_container(const uint8_t *data, size_t size)
{
	struct ws_target_options options = { .kind = getenv("WS_FUZZ_KIND") };
	ws_autofree char *pieces = NULL;

	if (!strcmp(options.kind, "cloud-hypervisor")) {
		open_cloud(data, size);
		return;
	}
	if (!strcmp(options.kind, "packed"))
		options.kind = NULL;
	else if (!strcmp(options.kind, "raw"))
		options.pieces = pieces = pieces_take(&data, &size);
	{
		autofile file = fuzz_file(data, size);

		fuzz_open(file.path, &options, look_at);
	}
}
