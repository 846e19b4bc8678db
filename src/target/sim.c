/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A scenario as a target: "sim:NAME" is run up to where it says dump(), and the ELF core
 * of what it leaves is read as any other core is. So there is one way in, and what holds
 * for sim:NAME holds for the file that is saved of it.
 */
#include "target/target.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "machine/script.h"
#include "util/cleanup.h"

#define PREFIX "sim:"

bool ws_is_sim(const char *path)
{
	return !strncmp(path, PREFIX, strlen(PREFIX));
}

/* "there is no scenario 'x'; there are: naughty-bug, ..." */
static enum ws_status refuse_unknown(struct ws_context *ctx, const char *why)
{
	ws_autofree char *names = NULL;
	size_t size;
	FILE *to = open_memstream(&names, &size);

	if (!to)
		return ws_fail_memory(ctx);
	for (const struct script_scenario *s = script_scenarios; s->name; s++)
		fprintf(to, "%s %s", s == script_scenarios ? "" : ",", s->name);
	if (fclose(to) != 0)
		return ws_fail_memory(ctx);
	return ws_fail(ctx, WS_ERR_USAGE, "%s; there are:%s", why, names);
}

/* What the script is told is wrong with it names its file and line. */
static enum ws_status refuse(struct ws_context *ctx, enum script_status status,
			     const char *why)
{
	if (!why || status == SCRIPT_NO_MEMORY)
		return ws_fail_memory(ctx);
	if (status == SCRIPT_UNKNOWN)
		return refuse_unknown(ctx, why);
	return ws_fail(ctx,
		       status == SCRIPT_UNREADABLE ? WS_ERR_UNREADABLE : WS_ERR_USAGE,
		       "%s", why);
}

/* *fd: a file in memory, which is gone with its last descriptor. */
static enum ws_status save(struct ws_context *ctx, const char *path,
			   struct kernel *kernel, int *fd)
{
	enum ws_status status = WS_OK;
	int copy;
	FILE *to;

	*fd = memfd_create("sim", MFD_CLOEXEC);
	copy = *fd < 0 ? -1 : fcntl(*fd, F_DUPFD_CLOEXEC, 0);
	to = copy < 0 ? NULL : fdopen(copy, "w");
	if (!to || !kernel_save(kernel, to))
		status = ws_fail_errno(ctx, "%s: cannot keep its memory", path);
	if (to)
		fclose(to);
	else if (copy >= 0)
		close(copy);
	return status;
}

enum ws_status ws_sim_run(struct ws_context *ctx, const char *path, int *fd)
{
	const struct script_options options = { .scenario = path + strlen(PREFIX),
						.until_dump = true };
	ws_autofree char *why = NULL;
	struct kernel *kernel = NULL;
	enum script_status status = script_run(&options, &kernel, &why);
	enum ws_status saved;

	if (status != SCRIPT_HOLDS)
		return refuse(ctx, status, why);
	saved = save(ctx, path, kernel, fd);
	kernel_destroy(kernel);
	return saved;
}

static enum ws_status sim_open(struct ws_target *target,
			       const struct ws_target_options *options)
{
	if (!ws_is_sim(target->file.path))
		return ws_fail(target->ctx, WS_ERR_USAGE,
			       "%s: a simulated target is a scenario, sim:NAME",
			       target->file.path);
	return ws_target_elf.open(target, options);
}

const struct ws_target_ops ws_target_sim = {
	.kind = "sim",
	.open = sim_open,
};
