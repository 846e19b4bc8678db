/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A scenario as a target: "sim:NAME" is run up to where it says dump(), "sim:NAME@end" to its
 * end, and the ELF core of what it leaves is read as any other core is. So there is one way
 * in, and what holds for sim:NAME holds for the file that is saved of it.
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

const struct ws_target_ops ws_target_sim = {
	.kind = "sim",
	.title = "scenario",
	.scheme = "sim:SCENARIO",
	.about = "A simulated machine where the scenario says "
		 "dump, or, with @end behind its name, where it ends.",
	.header = "program header",
	.open = sim_open,
};
