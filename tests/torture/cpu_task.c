/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cpu_task DUMP...: in each the processor runs a process in kernel mode. Taken off the
 * task list, and with the frame of its mm left out, it is found by the stack that the
 * processor is on, and has the root that the processor has loaded; without the
 * processor's registers it is not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linux/tasks.h"
#include "torture/dump.h"
#include "x86/registers.h"

struct opened {
	struct ws_context *ctx;
	struct ws_target *target;
	struct ws_system *system;
};

static bool open_dump(struct opened *opened, const char *path, bool has_cpu)
{
	*opened = (struct opened){ .ctx = ws_context_create() };
	if (ws_target_open(opened->ctx, path, NULL, &opened->target) != WS_OK)
		return false;
	for (size_t i = 0; !has_cpu && i < opened->target->cpus.n; i++) {
		opened->target->cpus.v[i].reg[X86_SP] = 0;
		opened->target->cpus.v[i].reg[X86_TR + WS_SEGMENT_BASE] = 0;
	}
	return ws_system_open(opened->target, NULL, &opened->system) == WS_OK;
}

static void close_dump(struct opened *opened)
{
	ws_system_close(opened->system);
	ws_target_close(opened->target);
	ws_context_destroy(opened->ctx);
}

static const struct ws_space *space_of(const struct opened *opened, uint64_t root)
{
	ws_vec_each(&opened->system->spaces, space)
		if (space->root == root)
			return space;
	return NULL;
}

static const struct ws_task *task_with(const struct opened *opened, uint32_t pid)
{
	ws_vec_each(&opened->system->tasks, task)
		if (task->pid == pid)
			return task;
	return NULL;
}

/* No neighbour of a list_head points to it, if it points to none. */
static bool take_off_list(struct dump *dump, struct ws_system *system,
			  const struct ws_task *task)
{
	uint64_t pa = task->comm_va + system->fields.tasks - system->layout.page_offset;
	uint8_t frame[WS_FRAME_SIZE], before[WS_FRAME_SIZE];
	uint64_t first = pa & -(uint64_t)WS_FRAME_SIZE;

	if (ws_system_read(system, system->layout.page_offset + first, frame,
			   WS_FRAME_SIZE) != WS_READ)
		return false;
	memset(frame + pa - first, 0, 2ul * system->layout.word);
	return dump_overwrite(dump, first, frame, before);
}

static bool do_harm(struct dump *dump, const struct opened *whole,
		    const struct ws_task *task)
{
	struct dump_piece piece;

	piece.pa =
		(task->mm - whole->system->layout.page_offset) & -(uint64_t)WS_FRAME_SIZE;
	piece.last = piece.pa + 2 * WS_FRAME_SIZE - 1; /* an mm may lie astride two */
	return take_off_list(dump, whole->system, task) && dump_without(dump, &piece, 1);
}

static const char *look(const char *path, bool has_cpu, uint64_t root,
			const struct ws_task *was)
{
	struct opened part;
	const char *wrong = "it is refused";

	if (open_dump(&part, path, has_cpu)) {
		const struct ws_task *is = task_with(&part, was->pid);
		const struct ws_space *space = space_of(&part, root);

		wrong = !is != !has_cpu                                ? "the task"
			: is && is->mm != was->mm                      ? "its mm"
			: is && is->comm_va != was->comm_va            ? "another task"
			: !space || !space->counts                     ? "its space"
			: (space->kind == WS_SPACE_PROCESS) != has_cpu ? "its kind"
			: has_cpu && space->pid != was->pid            ? "the owner"
								       : NULL;
	}
	close_dump(&part);
	return wrong;
}

static const char *try_dump(const char *path)
{
	struct opened whole;
	struct dump dump;
	const struct ws_space *space = NULL;
	const struct ws_task *task;
	uint64_t root;
	const char *wrong = "no processor runs a process";

	if (!dump_open(&dump, path) || !open_dump(&whole, dump.path, true))
		return "it cannot be opened";
	if (whole.target->cpus.n &&
	    ws_system_cpu_root(whole.system, &whole.target->cpus.v[0], &root))
		space = space_of(&whole, root);
	task = space ? task_with(&whole, space->pid) : NULL;
	if (task)
		wrong = do_harm(&dump, &whole, task) ? NULL : "it cannot be changed";
	for (unsigned has_cpu = 0; !wrong && has_cpu < 2; has_cpu++)
		wrong = look(dump.path, has_cpu, space->root, task);
	close_dump(&whole);
	dump_close(&dump);
	return wrong;
}

int main(int argc, char **argv)
{
	int failed = 0;

	printf("1..%d\n", argc - 1);
	for (int i = 1; i < argc; i++) {
		const char *wrong = try_dump(argv[i]);

		printf("%sok %d - %s: who runs is found by the stack%s%s\n",
		       wrong ? "not " : "", i, strrchr(argv[i], '/') + 1,
		       wrong ? ", but: " : "", wrong ? wrong : "");
		failed |= wrong != NULL;
	}
	return failed;
}
