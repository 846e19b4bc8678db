/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A scenario as a target: "sim:NAME" is run up to where it says dump(), "sim:NAME@end" to its
 * end, and the ELF core of what it leaves is read as any other core is. So there is one way
 * in, and what holds for sim:NAME holds for the file that is saved of it. What is written to it
 * is written to that core, and once more to the machine if it is to go on: it is run anew, as it
 * does the same every time.
 */
#include "target/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "machine/script.h"
#include "util/cleanup.h"
#include "util/nearest.h"
#include "util/text.h"

#define AT_END "@end"

/* "there is no scenario 'x'; there are: naughty-bug, ...; did you mean ...?" */
static enum ws_status refuse_unknown(struct ws_context *ctx, const char *name,
				     const char *why)
{
	struct ws_nearest nearest = ws_nearest_to(name);
	char words[WS_NEAREST_WORDS];
	ws_autofree char *names = NULL;
	struct ws_text text;
	FILE *to = ws_text_open(&text);

	if (!to)
		return ws_fail_memory(ctx);
	for (const struct script_scenario *s = script_scenarios; s->name; s++)
		ws_nearest_offer(&nearest, s->name);
	for (const struct script_scenario *s = script_scenarios; s->name; s++)
		fprintf(to, "%s %s", s == script_scenarios ? "" : ",", s->name);
	names = ws_text_close(&text, NULL);
	if (!names)
		return ws_fail_memory(ctx);
	return ws_fail(ctx, WS_ERR_USAGE, "%s; there are:%s%s", why, names,
		       ws_nearest_words(&nearest, words));
}

/* What is said to be wrong with it names its file and line. */
static enum ws_status refuse(struct ws_context *ctx, enum script_status status,
			     const char *name, const char *why)
{
	if (!why || status == SCRIPT_NO_MEMORY)
		return ws_fail_memory(ctx);
	if (status == SCRIPT_UNKNOWN)
		return refuse_unknown(ctx, name, why);
	return ws_fail(ctx,
		       status == SCRIPT_UNREADABLE ? WS_ERR_UNREADABLE : WS_ERR_USAGE,
		       "%s", why);
}

/* The core is that much longer than RAM at most: headers, and notes of a few pages. */
#define REST (UINT64_C(1) << 20)

/*
 * In anonymous memory, where a hole that is only read costs nothing; a file in memory
 * gets a page for it.
 */
static enum ws_status save(struct ws_context *ctx, struct ws_file *file,
			   struct kernel *kernel)
{
	size_t room = kernel_options(kernel)->ram + REST;
	enum ws_status status = WS_OK;
	void *data = mmap(NULL, room, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	FILE *to;

	if (data == MAP_FAILED)
		return ws_fail_errno(ctx, "%s: cannot keep its memory", file->path);
	to = fmemopen(data, room, "w");
	if (!to || !kernel_save(kernel, to))
		status = ws_fail_errno(ctx, "%s: cannot keep its memory", file->path);
	file->size = status ? room : (size_t)ftello(to);
	file->data = mremap(data, room, file->size, 0);
	if (to)
		fclose(to);
	return status;
}

/* Cuts "@end" off the name: whether it was there. */
static bool cut_end(char *name)
{
	size_t len = strlen(name), end = strlen(AT_END);

	if (len < end || strcmp(name + len - end, AT_END) != 0)
		return false;
	name[len - end] = '\0';
	return true;
}

/* Runs it as far as its dump(), and keeps the ELF core of what it left. */
static enum ws_status run(struct ws_target *target)
{
	ws_autofree char *name = strdup(ws_target_address(target)), *why = NULL;
	struct script_options options = { .scenario = name };
	struct kernel *kernel = NULL;
	enum script_status status;
	enum ws_status saved;

	if (!name)
		return ws_fail_memory(target->ctx);
	options.until_dump = !cut_end(name);
	status = script_run(&options, &kernel, &why);
	if (status != SCRIPT_HOLDS)
		return refuse(target->ctx, status, options.scenario, why);
	saved = save(target->ctx, &target->file, kernel);
	kernel_destroy(kernel);
	return saved;
}

static enum ws_status sim_open(struct ws_target *target,
			       const struct ws_target_options *options)
{
	enum ws_status status = run(target);

	return status ? status : ws_target_elf.open(target, options);
}

/* ---- writing ---------------------------------------------------------------------- */

/* Bytes that were written to the core. */
struct written {
	uint64_t pa;
	uint8_t bytes[8];
	uint8_t n;
};

struct sim {
	WS_VEC(struct written) written;
};

/* Where len bytes at pa lie in the core, which is ours: save() has made it. NULL: nowhere. */
static uint8_t *place_of(const struct ws_target *target, uint64_t pa, size_t len)
{
	ws_vec_each(&target->memory, piece)
		if (pa >= piece->at.pa && pa - piece->at.pa < piece->at.len &&
		    piece->at.len - (pa - piece->at.pa) >= len)
			return (uint8_t *)piece->data + (pa - piece->at.pa);
	return NULL;
}

static enum ws_status no_memory_at(struct ws_target *target, uint64_t pa)
{
	return ws_fail(target->ctx, WS_ERR_UNSUPPORTED,
		       "%s: no memory of it lies at physical %#jx", target->named,
		       (uintmax_t)pa);
}

static enum ws_status sim_read(struct ws_target *target, uint64_t pa, void *bytes,
			       size_t n)
{
	const uint8_t *place = place_of(target, pa, n);

	if (!place)
		return no_memory_at(target, pa);
	memcpy(bytes, place, n);
	return WS_OK;
}

static enum ws_status sim_write(struct ws_target *target, uint64_t pa, const void *bytes,
				size_t n)
{
	uint8_t *place = place_of(target, pa, n);
	struct sim *sim = target->priv;
	struct written *kept;

	if (!sim && !(sim = target->priv = calloc(1, sizeof(*sim))))
		return ws_fail_memory(target->ctx);
	if (!place || n > sizeof(kept->bytes))
		return no_memory_at(target, pa);
	kept = ws_vec_push(&sim->written);
	if (!kept)
		return ws_fail_memory(target->ctx);
	*kept = (struct written){ .pa = pa, .n = (uint8_t)n };
	memcpy(kept->bytes, bytes, n);
	memcpy(place, bytes, n);
	return WS_OK;
}

/* What the machine is, too, and no processor of it remembers otherwise. */
static void write_again(void *arg, struct kernel *kernel)
{
	const struct sim *sim = ((struct ws_target *)arg)->priv;

	for (size_t i = 0; sim && i < sim->written.n; i++)
		machine_memory_write(kernel_memory(kernel), sim->written.v[i].pa,
				     sim->written.v[i].bytes, sim->written.v[i].n);
	for (unsigned cpu = 0; cpu < kernel_options(kernel)->cpus; cpu++)
		kernel_flush_tlb(kernel, cpu);
}

/* Where the scenario says dump, or at its end, where there is nothing to go on with. */
static enum ws_status sim_go_on(struct ws_target *target, char **sentence)
{
	ws_autofree char *name = strdup(ws_target_address(target)), *why = NULL;
	struct script_options options = { .scenario = name,
					  .look = write_again,
					  .arg = target };
	struct kernel *kernel = NULL;
	enum script_status status;

	if (!name)
		return ws_fail_memory(target->ctx);
	if (cut_end(name))
		return WS_OK;
	status = script_run(&options, &kernel, &why);
	if (status == SCRIPT_HOLDS)
		*sentence = strdup("the scenario goes on as it says");
	else if (status == SCRIPT_FAILS && why)
		*sentence = ws_text_of("the scenario goes on otherwise than it says: %s",
				       why);
	else
		return refuse(target->ctx, status, options.scenario, why);
	kernel_destroy(kernel);
	return *sentence ? WS_OK : ws_fail_memory(target->ctx);
}

static void sim_close(struct ws_target *target)
{
	struct sim *sim = target->priv;

	if (sim)
		ws_vec_release(&sim->written);
	free(sim);
}

const struct ws_target_ops ws_target_sim = {
	.kind = "sim",
	.title = "scenario",
	.scheme = "sim:SCENARIO",
	.about = "A simulated machine where the scenario says "
		 "dump, or, with @end behind its name, where it ends.",
	.header = "program header",
	.open = sim_open,
	.read = sim_read,
	.write = sim_write,
	.go_on = sim_go_on,
	.close = sim_close,
};
