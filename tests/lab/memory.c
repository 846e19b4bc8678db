/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * memory WHOLE PART: every frame of PART beside the same one of WHOLE, an ELF core.
 * memory libkdumpfile PART: beside what libkdumpfile reads from the same file.
 *
 * Prints, a line each: "frames PART WHOLE", "missing N [FIRST]" of those that WHOLE
 * lacks, "different N [FIRST]", and "registers", "vmcoreinfo" with "same" or "different";
 * registers are "alike" where all are the same that both know.
 */
#include "common/frames.h"
#include "context.h"
#include "target/target.h"
#include "util/cleanup.h"

#include <fcntl.h>
#include <libkdumpfile/kdumpfile.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* Frames that are not as they should be. */
struct count {
	uint64_t n, first;
};

struct comparison {
	pthread_mutex_t lock;    /* of all below: workers compare one after the other */
	struct ws_target *whole; /* or */
	kdump_ctx_t *kdumpfile;
	uint8_t buffer[WS_FRAME_SIZE];
	struct count missing, different;
};

static void count(struct count *count, uint64_t pa)
{
	if (!count->n++ || pa < count->first)
		count->first = pa;
}

static const uint8_t *frame_of_kdumpfile(struct comparison *c, uint64_t pa)
{
	size_t n = WS_FRAME_SIZE;

	return kdump_read(c->kdumpfile, KDUMP_MACHPHYSADDR, pa, c->buffer, &n) == KDUMP_OK
		       ? c->buffer
		       : NULL;
}

static void compare(void *arg, unsigned worker, uint64_t pa, const uint8_t *data,
		    size_t len)
{
	struct comparison *c = arg;

	(void)worker;
	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < len; i += WS_FRAME_SIZE) {
		const uint8_t *frame = c->whole ? target_frame(c->whole, pa + i)
						: frame_of_kdumpfile(c, pa + i);

		if (!frame)
			count(&c->missing, pa + i);
		else if (memcmp(frame, data + i, WS_FRAME_SIZE))
			count(&c->different, pa + i);
	}
	pthread_mutex_unlock(&c->lock);
}

static void print_count(const char *what, const struct count *count)
{
	if (count->n)
		printf("%s %lu %#lx\n", what, count->n, count->first);
	else
		printf("%s 0\n", what);
}

static void print_same(const char *what, bool same)
{
	printf("%s %s\n", what, same ? "same" : "different");
}

/* Whether all registers are the same that both know. */
static bool are_alike(const struct ws_cpu *a, const struct ws_cpu *b)
{
	for (unsigned i = 0; i < WS_REGISTERS_MAX; i++)
		if (ws_cpu_knows(a, i) && ws_cpu_knows(b, i) && a->reg[i] != b->reg[i])
			return false;
	return a->arch == b->arch && a->word == b->word;
}

static const char *compare_registers(const struct ws_target *whole,
				     const struct ws_target *part)
{
	size_t n = whole->cpus.n;

	if (n != part->cpus.n)
		return "different";
	if (!memcmp(whole->cpus.v, part->cpus.v, n * sizeof(*whole->cpus.v)))
		return "same";
	for (size_t i = 0; i < n; i++)
		if (!are_alike(&whole->cpus.v[i], &part->cpus.v[i]))
			return "different";
	return "alike";
}

static void compare_rest(const struct ws_target *whole, const struct ws_target *part)
{
	printf("registers %s\n", compare_registers(whole, part));
	print_same("vmcoreinfo", whole->vmcoreinfo && part->vmcoreinfo
					 ? !strcmp(whole->vmcoreinfo, part->vmcoreinfo)
					 : whole->vmcoreinfo == part->vmcoreinfo);
}

static struct ws_target *open_target(struct ws_context *ctx, const char *path)
{
	struct ws_target *target;

	if (ws_target_open(ctx, path, NULL, &target))
		fprintf(stderr, "%s\n", ws_error(ctx, 0));
	return target;
}

/* Never freed: kdump_free() of 0.5.1 uses what it has freed. */
static kdump_ctx_t *open_kdumpfile(int fd)
{
	kdump_ctx_t *kdumpfile = kdump_new();

	if (kdumpfile && kdump_open_fd(kdumpfile, fd) == KDUMP_OK)
		return kdumpfile;
	fprintf(stderr, "libkdumpfile: %s\n", kdumpfile ? kdump_get_err(kdumpfile) : "?");
	return NULL;
}

/* Counts the frames that the file has by libkdumpfile's account. */
static uint64_t kdumpfile_frames(kdump_ctx_t *kdumpfile)
{
	kdump_attr_t map = { .type = KDUMP_BITMAP };
	kdump_addr_t first = 0, end;
	uint64_t n = 0;

	if (kdump_get_typed_attr(kdumpfile, KDUMP_ATTR_FILE_PAGEMAP, &map) != KDUMP_OK)
		return 0;
	for (; kdump_bmp_find_set(map.val.bitmap, &first) == KDUMP_OK; first = end) {
		end = first;
		if (kdump_bmp_find_clear(map.val.bitmap, &end) != KDUMP_OK)
			break;
		n += end - first;
	}
	return n;
}

static int report(struct comparison *c, struct ws_target *part)
{
	if (ws_target_scan(part, "comparing", compare, c))
		return EXIT_FAILURE;
	printf("frames %lu %lu\n", part->nframes,
	       c->whole ? c->whole->nframes : kdumpfile_frames(c->kdumpfile));
	print_count("missing", &c->missing);
	print_count("different", &c->different);
	printf("damaged %lu\n", part->ndamaged);
	if (c->whole)
		compare_rest(c->whole, part);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	static struct comparison c = { .lock = PTHREAD_MUTEX_INITIALIZER };
	struct ws_context *ctx = ws_context_create();
	ws_autoclose int fd = -1;
	struct ws_target *part;
	int exit_status = EXIT_FAILURE;

	if (argc != 3 || !ctx)
		return EXIT_FAILURE;
	part = open_target(ctx, argv[2]);
	if (!strcmp(argv[1], "libkdumpfile")) {
		fd = open(argv[2], O_RDONLY | O_CLOEXEC);
		c.kdumpfile = open_kdumpfile(fd);
	} else {
		c.whole = open_target(ctx, argv[1]);
	}
	if (part && (c.whole || c.kdumpfile))
		exit_status = report(&c, part);
	ws_target_close(c.whole);
	ws_target_close(part);
	ws_context_destroy(ctx);
	return exit_status;
}
