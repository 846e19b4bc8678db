/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Roots x tasks -> spaces. A root that no task claims is somebody's all the same (efi_mm,
 * a mm that an exiting process or a lazy CPU still holds), or it is nobody's: its page
 * was freed and nothing has been written there since.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linux/pages.h"
#include "linux/roots.h"
#include "linux/tasks.h"
#include "paging/x86.h"
#include "util/cleanup.h"

/* The real-mode trampoline's page table must lie there: realmode_init(). */
#define REAL_MODE_END UINT64_C(0x100000)

/* One root: who claims it. */
struct claim {
	uint32_t kind;
	uint32_t space;       /* its index once spaces are sorted */
	struct ws_task *task; /* the first that has it as its mm */
	uint32_t ntasks, nthreads;
	uint32_t first_owner; /* of ntasks in system->owners */
	uint64_t mm;          /* some task's mm or active_mm */
	bool process;         /* one of these tasks is no kernel thread */
	bool borrowed;        /* some task runs in it */
	bool loaded;          /* some processor's CR3 holds it, or its user half */
	bool listed;          /* its page is on pgd_list */
	bool counts;
};

struct attribution {
	struct ws_system *system;
	struct claim *claim; /* one a root */
	struct ws_pages pages;
	bool has_pages;
	bool has_list; /* pgd_list is whole: who is not listed has no root any more */
	size_t strange_halves; /* processes whose user half does not look like one */
};

/* ---- whose mm leads where --------------------------------------------------------- */

static bool read_pgd(struct ws_system *system, uint64_t mm, uint64_t *pgd)
{
	return mm && system->fields.mm_pgd != WS_NO_FIELD &&
	       ws_kernel_word(system, mm + system->fields.mm_pgd, pgd) == WS_READ;
}

static size_t root_of_mm(struct ws_system *system, uint64_t mm)
{
	uint64_t pgd;

	return read_pgd(system, mm, &pgd) ? ws_root_of_pgd(system, pgd) : SIZE_MAX;
}

/* So many are named one by one. */
#define STRANGE_NOTES_MAX 8

/*
 * A process whose root looks like none is there all the same, and the more of interest.
 */
static enum ws_status add_root_of(struct ws_system *system, const struct ws_task *task,
				  size_t *strange)
{
	const uint8_t *table;
	uint64_t pgd, pa;
	bool leads;

	if (task->kernel_thread || !task->mm || root_of_mm(system, task->mm) != SIZE_MAX)
		return WS_OK;
	leads = read_pgd(system, task->mm, &pgd) &&
		ws_kernel_translate(system, pgd, &pa) == WS_READ &&
		!(pa & ~system->paging.format->root_mask);
	if (leads && system->paging.frame(system, pa, &table) == WS_ABSENT)
		ws_note(system, "process %u: its root %#lx is not in the target",
			task->pid, pa);
	else if ((*strange)++ < STRANGE_NOTES_MAX)
		ws_note(system,
			leads ? "process %u: its root %#lx does not look like one"
			      : "process %u: its mm at %#lx leads to no root",
			task->pid, leads ? pa : task->mm);
	return leads ? ws_root_add(system, pa) : WS_OK;
}

static enum ws_status add_roots_of_tasks(struct ws_system *system)
{
	enum ws_status status = WS_OK;
	size_t strange = 0;

	for (size_t i = 0; i < system->tasks.n && status == WS_OK; i++)
		status = add_root_of(system, &system->tasks.v[i], &strange);
	if (strange > STRANGE_NOTES_MAX)
		ws_note(system, "and so it is with %zu more processes",
			strange - STRANGE_NOTES_MAX);
	return status;
}

/* The root that a task has as its own; SIZE_MAX: none. */
static size_t own_root(const struct attribution *a, const struct ws_task *task)
{
	size_t own = root_of_mm(a->system, task->mm);

	return own != SIZE_MAX && a->system->roots.v[own] == a->system->layout.reference
		       ? SIZE_MAX
		       : own;
}

static void claim_by(struct attribution *a, struct ws_task *task)
{
	size_t own = own_root(a, task);
	size_t active = root_of_mm(a->system, task->active_mm);

	if (active != SIZE_MAX) {
		a->claim[active].borrowed = true;
		a->claim[active].mm = task->active_mm;
	}
	if (own == SIZE_MAX)
		return;
	a->claim[own].mm = task->mm;
	a->claim[own].ntasks++;
	a->claim[own].nthreads += task->nthreads;
	if (!a->claim[own].task)
		a->claim[own].task = task;
}

/*
 * A kernel thread may have a process's mm for a while (kthread_use_mm(),
 * kernel/kthread.c): it is one of those who own the space, and never the first. But one
 * whose mm no process has is none.
 */
static void claim_all(struct attribution *a)
{
	struct ws_system *system = a->system;

	ws_vec_each(&system->tasks, task)
		if (!task->kernel_thread)
			claim_by(a, task);
	for (size_t i = 0; i < system->roots.n; i++)
		a->claim[i].process = a->claim[i].task;
	ws_vec_each(&system->tasks, task) {
		size_t own = own_root(a, task);

		if (!task->kernel_thread)
			continue;
		task->kernel_thread = own == SIZE_MAX || a->claim[own].process;
		claim_by(a, task);
	}
}

/* ---- processors ------------------------------------------------------------------- */

/* Under PTI the user half is the page above the root (arch/x86/entry/calling.h). */
static void load(struct attribution *a, uint64_t root)
{
	size_t index = ws_root_find(a->system, root);

	if (index != SIZE_MAX)
		a->claim[index].loaded = true;
}

static void load_all(struct attribution *a)
{
	struct ws_system *system = a->system;

	ws_vec_each(&system->target->cpus, cpu) {
		uint64_t root = cpu->cr3 & system->paging.format->root_mask;

		if (!cpu->has_control)
			continue;
		load(a, root);
		if (root & WS_FRAME_SIZE &&
		    ws_has_user_half(system, root - WS_FRAME_SIZE))
			load(a, root - WS_FRAME_SIZE);
	}
}

/* ---- roots without a task --------------------------------------------------------- */

/*
 * A page with no reference is free. One with references may have been given to something
 * else that has not written over all of it yet: then it is not on pgd_list. Without
 * either, a root that maps no user memory is taken for a freed one: exit_mmap() empties
 * it before it is freed, and who lives has a stack.
 */
static bool is_freed(struct attribution *a, size_t index)
{
	struct ws_system *system = a->system;
	uint64_t root = system->roots.v[index];
	uint32_t refcount;

	if (a->claim[index].borrowed || a->claim[index].loaded ||
	    a->claim[index].listed || root < REAL_MODE_END)
		return false;
	if (a->has_pages && ws_page_refcount(system, &a->pages, root, &refcount) &&
	    !refcount)
		return true;
	return ws_user_half_is_empty(system, root) &&
	       !ws_in_image(system, root + system->layout.image_delta);
}

/*
 * Roots that the kernel runs on for a while and that are not meant to be like init_mm:
 * the trampoline's, i386's initial_page_table, efi_mm (a static mm_struct,
 * drivers/firmware/efi/). A processor that is on one has its own way back.
 */
static bool is_special(const struct attribution *a, size_t index)
{
	const struct ws_system *system = a->system;
	uint64_t root = system->roots.v[index];

	return root < REAL_MODE_END || ws_in_image(system, a->claim[index].mm) ||
	       ws_in_image(system, root + system->layout.image_delta);
}

static bool is_users_page(void *arg, const struct ws_run *run)
{
	bool *found = arg;

	*found = run->end == WS_END_PAGE && run->access & WS_USER;
	return !*found;
}

/* Where nothing else was found, so many tables are looked at and no more. */
#define USER_TABLES_MAX 1024

/*
 * Whoever runs in user mode has some memory there, a stack at least. The roots that the
 * kernel keeps for itself have none: efi_mm, the trampoline's and poking_mm
 * (arch/x86/mm/init.c) map nothing there that user mode may touch.
 */
static bool has_users_pages(struct attribution *a, size_t index)
{
	struct ws_system *system = a->system;
	uint8_t *recorder = ws_search_begin(system);
	bool found = false;

	(void)!ws_range(&system->paging, system->roots.v[index], 0,
			system->layout.kernel_first - 1, 0, USER_TABLES_MAX,
			is_users_page, &found);
	ws_search_end(system, recorder);
	return found;
}

/* A root that is still in use, by somebody whose task was not found. */
static bool is_unowned(struct attribution *a, size_t index)
{
	return !(a->has_list && !a->claim[index].listed) && !is_special(a, index) &&
	       has_users_pages(a, index);
}

static uint32_t kind_of(struct attribution *a, size_t index)
{
	const struct ws_layout *layout = &a->system->layout;

	if (!layout->consensus && a->system->roots.v[index] == layout->reference)
		return WS_SPACE_INIT;
	if (a->claim[index].task)
		return WS_SPACE_PROCESS;
	if (is_freed(a, index))
		return WS_SPACE_FREED;
	return is_unowned(a, index) ? WS_SPACE_UNOWNED : WS_SPACE_LONE;
}

/* A space that nobody runs in has nothing to see; a lone one counts while one does. */
static bool counts(const struct attribution *a, size_t index)
{
	const struct claim *claim = &a->claim[index];

	if (claim->kind != WS_SPACE_LONE)
		return claim->kind != WS_SPACE_FREED;
	return (claim->borrowed || claim->loaded) && !is_special(a, index);
}

/* Any root that is listed will do to begin with; one that is claimed most likely is. */
#define LIST_TRIES 8

static enum ws_status find_listed(struct attribution *a)
{
	size_t n = a->system->roots.n, tries = 0;
	ws_autofree bool *listed = calloc(n, sizeof(*listed));
	enum ws_status status = WS_OK;

	if (!listed)
		return ws_fail_memory(a->system->ctx);
	for (unsigned pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < n && tries < LIST_TRIES && !a->has_list; i++) {
			const struct claim *claim = &a->claim[i];

			if ((claim->task || claim->loaded) != !pass)
				continue;
			tries++;
			status = ws_pgd_list(a->system, &a->pages, a->system->roots.v[i],
					     listed);
			if (status != WS_OK)
				return status;
			a->has_list = listed[i];
		}
	for (size_t i = 0; i < n; i++)
		a->claim[i].listed = listed[i];
	return WS_OK;
}

static size_t count_unclaimed(const struct attribution *a)
{
	size_t unclaimed = 0;

	for (size_t i = 0; i < a->system->roots.n; i++)
		unclaimed += !a->claim[i].task &&
			     a->system->roots.v[i] != a->system->layout.reference;
	return unclaimed;
}

static size_t count_kind(const struct attribution *a, enum ws_space_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < a->system->roots.n; i++)
		n += a->claim[i].kind == (uint32_t)kind;
	return n;
}

static enum ws_status judge_roots(struct attribution *a)
{
	struct ws_system *system = a->system;
	size_t unclaimed = count_unclaimed(a);
	enum ws_status status = WS_OK;

	a->has_pages = unclaimed && ws_pages_find(system, &a->pages);
	if (a->has_pages)
		status = find_listed(a);
	else if (unclaimed)
		ws_note(system,
			"%zu roots belong to no task; without VMCOREINFO freed ones are "
			"told only by their having no user memory",
			unclaimed);
	for (size_t i = 0; i < system->roots.n; i++) {
		a->claim[i].kind = kind_of(a, i);
		a->claim[i].counts = counts(a, i);
	}
	return status;
}

/* ---- the spaces ------------------------------------------------------------------- */

static const char *const kind_names[] = {
	[WS_SPACE_INIT] = "init_mm",   [WS_SPACE_PROCESS] = "process",
	[WS_SPACE_USER] = "user half", [WS_SPACE_LONE] = "lone",
	[WS_SPACE_FREED] = "freed",    [WS_SPACE_UNOWNED] = "unowned",
};

const char *ws_space_kind_name(enum ws_space_kind kind)
{
	return (size_t)kind < WS_ARRAY_SIZE(kind_names) ? kind_names[kind] : "?";
}

/*
 * What is known of a space without a task by the place of its root alone. In the image
 * are the tables that a processor starts and resumes with (initial_page_table,
 * arch/x86/kernel/head_32.S), below 1 MiB those with which it leaves real mode
 * (trampoline_pgd, arch/x86/realmode/init.c).
 */
static const char *name_of(const struct ws_system *system, const struct claim *claim,
			   uint64_t root, uint8_t kind)
{
	if (kind == WS_SPACE_LONE && root < REAL_MODE_END)
		return "trampoline";
	if (kind == WS_SPACE_LONE && !claim->borrowed && !claim->listed &&
	    ws_in_image(system, root + system->layout.image_delta))
		return "boot table";
	return kind_names[kind];
}

/* With the word before it, if there is room for both. */
static void name_by_root(struct ws_space *space, uint64_t root)
{
	if (snprintf(space->comm, sizeof(space->comm), "root %#lx", root) >=
	    (int)sizeof(space->comm))
		snprintf(space->comm, sizeof(space->comm), "%#lx", root);
}

static enum ws_status add_space(struct ws_system *system, const struct claim *claim,
				uint64_t root, uint8_t kind)
{
	struct ws_space *space = ws_vec_push(&system->spaces);

	if (!space)
		return ws_fail_memory(system->ctx);
	space->root = root;
	space->kind = kind;
	space->mm = claim->mm;
	space->ntasks = claim->ntasks;
	space->nthreads = claim->nthreads;
	space->counts = claim->counts;
	if (claim->task && claim->kind == WS_SPACE_PROCESS) {
		space->pid = claim->task->pid;
		memcpy(space->comm, claim->task->comm, sizeof(space->comm));
	} else if (claim->kind == WS_SPACE_UNOWNED) {
		name_by_root(space, kind == WS_SPACE_USER ? root - WS_FRAME_SIZE : root);
	} else {
		snprintf(space->comm, sizeof(space->comm), "%s",
			 name_of(system, claim, root, kind));
	}
	return WS_OK;
}

/* Under PTI every process has one, and the more of interest is one that is damaged. */
static enum ws_status add_user_half(struct attribution *a, const struct claim *claim,
				    uint64_t root)
{
	if (!ws_has_user_half(a->system, root) && a->strange_halves++ < STRANGE_NOTES_MAX)
		ws_note(a->system,
			"process %u: the user half at %#lx does not look like one",
			claim->task->pid, root + WS_FRAME_SIZE);
	return add_space(a->system, claim, root + WS_FRAME_SIZE, WS_SPACE_USER);
}

static enum ws_status add_spaces(struct attribution *a)
{
	struct ws_system *system = a->system;
	enum ws_status status = WS_OK;

	system->layout.pti = ws_isolates(system);
	for (size_t i = 0; i < system->roots.n && status == WS_OK; i++) {
		const struct claim *claim = &a->claim[i];

		status = add_space(system, claim, system->roots.v[i],
				   (uint8_t)claim->kind);
		if (status == WS_OK && system->layout.pti &&
		    (claim->kind == WS_SPACE_PROCESS ||
		     (claim->kind == WS_SPACE_UNOWNED &&
		      ws_has_user_half(system, system->roots.v[i]))))
			status = add_user_half(a, claim, system->roots.v[i]);
	}
	return status;
}

/* init_mm, processes with their user halves, unowned ones with theirs, lone, freed. */
static int group_of(const struct ws_space *space)
{
	static const int groups[] = { [WS_SPACE_INIT] = 0,
				      [WS_SPACE_PROCESS] = 1,
				      [WS_SPACE_UNOWNED] = 2,
				      [WS_SPACE_LONE] = 3,
				      [WS_SPACE_FREED] = 4 };

	if (space->kind == WS_SPACE_USER) /* with the one whose half it is */
		return space->ntasks ? 1 : 2;
	return groups[space->kind];
}

static int by_pid(const void *left, const void *right)
{
	const struct ws_space *a = left, *b = right;

	if (group_of(a) != group_of(b))
		return group_of(a) - group_of(b);
	if (a->pid != b->pid)
		return a->pid < b->pid ? -1 : 1;
	return (a->root > b->root) - (a->root < b->root);
}

static void link_tasks(struct attribution *a)
{
	struct ws_system *system = a->system;

	for (size_t i = 0; i < system->spaces.n; i++) {
		size_t root = ws_root_find(system, system->spaces.v[i].root);

		if (root != SIZE_MAX)
			a->claim[root].space = (uint32_t)i;
	}
	ws_vec_each(&system->tasks, task) {
		size_t own = root_of_mm(system, task->mm);
		size_t active = root_of_mm(system, task->active_mm);

		if (own != SIZE_MAX && !task->kernel_thread)
			task->space = a->claim[own].space;
		if (active != SIZE_MAX)
			task->active_space = a->claim[active].space;
	}
}

/* Of a space, or of the one that it is the user half of; SIZE_MAX: a task's is none. */
static size_t root_of_space(const struct ws_system *system, const struct ws_space *space)
{
	return ws_root_find(system, space->kind == WS_SPACE_USER
					    ? space->root - WS_FRAME_SIZE
					    : space->root);
}

/* The owners of all spaces in one array, those of each in the order of the task list. */
static enum ws_status link_owners(struct attribution *a)
{
	struct ws_system *system = a->system;
	uint32_t owners = 0;

	for (size_t i = 0; i < system->roots.n; i++) {
		a->claim[i].first_owner = owners;
		owners += a->claim[i].ntasks;
		a->claim[i].ntasks = 0;
	}
	system->owners = calloc(owners ? owners : 1, sizeof(*system->owners));
	if (!system->owners)
		return ws_fail_memory(system->ctx);
	ws_vec_each(&system->tasks, task) {
		size_t own = own_root(a, task);

		if (own != SIZE_MAX)
			system->owners[a->claim[own].first_owner +
				       a->claim[own].ntasks++] = task->pid;
	}
	ws_vec_each(&system->spaces, space)
		space->owners = system->owners +
				a->claim[root_of_space(system, space)].first_owner;
	return WS_OK;
}

/* Who claims what, and what of the rest is in use. */
static enum ws_status claim_and_judge(struct attribution *a)
{
	memset(a->claim, 0, a->system->roots.n * sizeof(*a->claim));
	a->has_list = false;
	claim_all(a);
	load_all(a);
	return judge_roots(a);
}

static enum ws_status gather_unowned(struct attribution *a, ws_pa_vec *roots)
{
	for (size_t i = 0; i < a->system->roots.n; i++) {
		uint64_t *root = NULL;

		if (a->claim[i].kind != WS_SPACE_UNOWNED)
			continue;
		root = ws_vec_push(roots);
		if (!root)
			return ws_fail_memory(a->system->ctx);
		*root = a->system->roots.v[i];
	}
	return WS_OK;
}

/* Memory is gone through once more only where somebody lives whose task is not known. */
static enum ws_status look_for_owners(struct attribution *a)
{
	ws_pa_vec roots = { 0 };
	size_t found = 0, unowned;
	enum ws_status status = gather_unowned(a, &roots);

	if (status == WS_OK && roots.n)
		status = ws_find_owners(a->system, &roots, &found);
	if (status == WS_OK && roots.n)
		status = claim_and_judge(a);
	ws_vec_release(&roots);
	if (found)
		ws_note(a->system,
			"%zu tasks are not on the task list as far as it can be gone "
			"along: they were found by what names their page tables",
			found);
	unowned = count_kind(a, WS_SPACE_UNOWNED);
	if (unowned)
		ws_note(a->system,
			"%zu page tables that user mode has memory in belong to no task "
			"that was found: they are counted, and named by their roots",
			unowned);
	return status;
}

static enum ws_status attribute(struct attribution *a)
{
	struct ws_system *system = a->system;
	enum ws_status status = claim_and_judge(a);

	if (status == WS_OK)
		status = look_for_owners(a);
	if (status == WS_OK)
		status = add_spaces(a);
	if (status != WS_OK)
		return status;
	qsort(system->spaces.v, system->spaces.n, sizeof(*system->spaces.v), by_pid);
	link_tasks(a);
	return link_owners(a);
}

enum ws_status ws_find_spaces(struct ws_system *system)
{
	struct attribution a = { .system = system };
	enum ws_status status = add_roots_of_tasks(system);

	if (status != WS_OK)
		return status;
	a.claim = calloc(system->roots.n + 1, sizeof(*a.claim));
	status = a.claim ? attribute(&a) : ws_fail_memory(system->ctx);
	free(a.claim);
	return status;
}
