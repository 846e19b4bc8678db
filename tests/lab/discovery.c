/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who is there by a dump, a line each, for test_truth.py to hold against what the guest
 * said of itself. On request as if less were known: without registers, without the text
 * that the kernel keeps for crash tools, without init_mm's pointer to its page table, or
 * with one CR3 only. The dump itself stays as it is: its mapping is private.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "linux/linux.h"
#include "target/target.h"
#include "x86/registers.h"

struct wish {
	bool forget_registers, forget_vmcoreinfo;
	bool forget_image;       /* what the kernel says of where its parts lie */
	uint64_t forget_pointer; /* every word of this value reads as 0; or 0 */
	uint64_t cr3;            /* all that the registers hold; or 0 */
	bool weigh;
	const char *dump;
};

/* ---- knowing less ----------------------------------------------------------------- */

static void forget_in_frame(const struct wish *wish, uint8_t *frame, unsigned word)
{
	static const char text[] = "OSRELEASE="; /* the kernel has it in two places */

	for (unsigned i = 0; i + sizeof(text) <= WS_FRAME_SIZE; i += 4)
		if (wish->forget_vmcoreinfo && !memcmp(frame + i, text, sizeof(text) - 1))
			memset(frame + i, 0, sizeof(text));
	for (unsigned i = 0; wish->forget_pointer && i < WS_FRAME_SIZE; i += word)
		if (!memcmp(frame + i, &wish->forget_pointer, word))
			memset(frame + i, 0, word);
}

/* The names of those resources, wherever they begin. */
static void forget_names(uint8_t *frame)
{
	static const char *const names[] = { "Kernel code", "Kernel data", "Kernel bss" };

	for (size_t n = 0; n < WS_ARRAY_SIZE(names); n++) {
		size_t size = strlen(names[n]) + 1;
		uint8_t *at = frame, *end = frame + WS_FRAME_SIZE;

		while ((at = memmem(at, end - at, names[n], size)))
			memset(at, 0, size);
	}
}

static bool forget_in_memory(struct ws_target *target, const struct wish *wish)
{
	uint8_t *data = (uint8_t *)target->file.data;

	if (ws_file_hold_all(&target->file) != WS_READ)
		return false;
	ws_vec_each(&target->memory, piece)
		for (uint64_t at = 0; at + WS_FRAME_SIZE <= piece->at.len;
		     at += WS_FRAME_SIZE) {
			uint8_t *frame = data + (piece->data - data) + at;

			forget_in_frame(wish, frame, target->word);
			if (wish->forget_image)
				forget_names(frame);
		}
	return true;
}

static bool forget(struct ws_target *target, const struct wish *wish)
{
	if (wish->forget_vmcoreinfo) {
		free(target->vmcoreinfo);
		target->vmcoreinfo = NULL;
	}
	if (wish->forget_registers) {
		target->cpus.n = 0;
		target->format = NULL;
	}
	if (wish->cr3)
		ws_vec_each(&target->cpus, cpu)
			cpu->reg[X86_CR3] = wish->cr3;
	return (!wish->forget_vmcoreinfo && !wish->forget_pointer) ||
	       forget_in_memory(target, wish);
}

/* ---- reports ---------------------------------------------------------------------- */

static void print_layout(const struct ws_layout *layout)
{
	printf("layout page_offset=%#lx reference=%#lx consensus=%d pti=%d "
	       "image_first=%#lx image_last=%#lx\n",
	       layout->page_offset, layout->reference, layout->consensus, layout->pti,
	       layout->image_first, layout->image_last);
}

static bool print_spaces(struct ws_system *system, const struct wish *wish)
{
	size_t n;
	const struct ws_space *spaces = ws_system_spaces(system, &n);

	for (size_t i = 0; i < n; i++) {
		struct ws_weight weight = { 0 };

		if (wish->weigh && ws_space_weigh(system, &spaces[i], &weight))
			return false;
		printf("space %d %u %#lx %u %#lx %lu %lu %lu %s\n", spaces[i].kind,
		       spaces[i].pid, spaces[i].root, spaces[i].ntasks, spaces[i].mm,
		       weight.user_tables, weight.private_tables, weight.shared_tables,
		       spaces[i].comm);
	}
	return true;
}

static uint64_t root_of(const struct ws_system *system, uint32_t space)
{
	return space == WS_NO_SPACE ? 0 : system->spaces.v[space].root;
}

static void print_tasks(const struct ws_system *system)
{
	size_t n;
	const struct ws_task *tasks = ws_system_tasks(system, &n);

	for (size_t i = 0; i < n; i++)
		printf("task %u %d %#lx %#lx %#lx %#lx %u %d %s\n", tasks[i].pid,
		       tasks[i].kernel_thread, tasks[i].mm, tasks[i].active_mm,
		       root_of(system, tasks[i].space),
		       root_of(system, tasks[i].active_space), tasks[i].nthreads,
		       tasks[i].leader_exited, tasks[i].comm);
}

/* ---- all of it -------------------------------------------------------------------- */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static enum ws_status say(struct ws_target *target, const struct wish *wish)
{
	struct ws_system *system;
	double begun = now();
	enum ws_status status = ws_system_open(target, NULL, &system);

	if (status)
		return status;
	printf("time system %.1f\n", now() - begun);
	print_layout(ws_system_layout(system));
	for (unsigned i = 0; ws_system_note(system, i); i++)
		printf("note %s\n", ws_system_note(system, i));
	begun = now();
	if (!print_spaces(system, wish))
		status = WS_ERR_LIMIT;
	printf("time spaces %.1f\n", now() - begun);
	print_tasks(system);
	ws_system_close(system);
	return status;
}

static enum ws_status say_dump(struct ws_context *ctx, const struct wish *wish)
{
	struct ws_target_options none = { 0 };
	struct ws_target *target;
	double begun = now();
	enum ws_status status = ws_target_open(ctx, wish->dump, &none, &target);

	if (status)
		return status;
	printf("time target %.1f\n", now() - begun);
	status = forget(target, wish) ? say(target, wish) : WS_ERR_SYSTEM;
	ws_target_close(target);
	return status;
}

static bool read_wish(int argc, char **argv, struct wish *wish)
{
	static const struct option options[] = {
		{ "forget-registers", no_argument, NULL, 'r' },
		{ "forget-vmcoreinfo", no_argument, NULL, 'v' },
		{ "forget-image", no_argument, NULL, 'i' },
		{ "forget-pointer", required_argument, NULL, 'p' },
		{ "cr3", required_argument, NULL, 'c' },
		{ "weigh", no_argument, NULL, 'w' },
		{ 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (option) {
		case 'r':
			wish->forget_registers = true;
			break;
		case 'v':
			wish->forget_vmcoreinfo = true;
			break;
		case 'i':
			wish->forget_image = true;
			break;
		case 'p':
			wish->forget_pointer = strtoull(optarg, NULL, 0);
			break;
		case 'c':
			wish->cr3 = strtoull(optarg, NULL, 0);
			break;
		case 'w':
			wish->weigh = true;
			break;
		default:
			return false;
		}
	wish->dump = argv[optind];
	return wish->dump && !argv[optind + 1];
}

int main(int argc, char **argv)
{
	struct wish wish = { 0 };
	struct ws_context *ctx;
	enum ws_status status;

	if (!read_wish(argc, argv, &wish))
		return 2;
	ctx = ws_context_create();
	status = say_dump(ctx, &wish);
	for (unsigned i = 0; ws_error(ctx, i); i++)
		fprintf(stderr, "%s\n", ws_error(ctx, i));
	ws_context_destroy(ctx);
	return status ? 1 : 0;
}
