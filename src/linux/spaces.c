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
#include "linux/special.h"
#include "linux/tasks.h"
#include "util/cleanup.h"
#include "util/count.h"

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
	bool inhabited;     /* no task is known, and user mode has memory there, or may */
	bool perhaps_freed; /* nothing that was read says */
	const struct ws_special_root *special; /* the kernel's own, by its place */
};

struct attribution {
	struct ws_system *system;
	struct claim *claim; /* one a root */
	struct ws_pages pages;
	bool has_pages;
	bool counts; /* references say which are in use: roots of processes have some */
	struct ws_page_books books;
	bool has_books;
	unsigned uses; /* a bit for each enum ws_page_use that a process's root has */
	bool has_list; /* pgd_list is whole: who is not listed has no root any more */
	size_t strange_halves; /* processes whose user half does not look like one */
	size_t unlisted; /* roots of no task, of which no page says whether they are freed */
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

	return read_pgd(system, mm, &pgd) ? ws_root_of_pgd(system, pgd)
					  : ws_loaded_root(system, mm);
}

/* So many are named one by one. */
#define STRANGE_NOTES_MAX 8

static bool is_absent(struct ws_system *system, uint64_t root)
{
	const uint8_t *table;

	return system->paging.frame(system, root, &table) == WS_ABSENT;
}

static enum ws_status add_damaged(struct ws_system *system, uint64_t root)
{
	uint64_t *added;

	if (ws_root_fit(system, root) != WS_MISFITS)
		return WS_OK;
	added = ws_vec_push(&system->damaged);
	if (!added)
		return ws_fail_memory(system->ctx);
	*added = root;
	return WS_OK;
}

static enum ws_status add_read_root(struct ws_system *system, uint64_t root)
{
	enum ws_status status = add_damaged(system, root);

	return status == WS_OK ? ws_root_add(system, root) : status;
}

/*
 * A process whose root looks like none is there all the same, and the more of interest.
 */
static enum ws_status add_root_of(struct ws_system *system, const struct ws_task *task,
				  size_t *strange)
{
	uint64_t pgd, pa;
	bool leads;

	if (!task->mm || root_of_mm(system, task->mm) != SIZE_MAX)
		return WS_OK;
	leads = read_pgd(system, task->mm, &pgd) && ws_pa_of_pgd(system, pgd, &pa) &&
		!(pa & ~system->paging.format->root_mask);
	if (leads && is_absent(system, pa))
		ws_note(system, "process %u: its root %#jx is not in the target",
			task->pid, pa);
	else if (!leads && ws_kernel_absent(system, task->mm + system->fields.mm_pgd,
					    system->layout.word, &pa))
		ws_note(system, "process %u: its mm at %#jx is not in the target",
			task->pid, task->mm);
	else if ((*strange)++ < STRANGE_NOTES_MAX)
		ws_note(system,
			leads ? "process %u: its root %#jx does not look like one"
			      : "process %u: its mm at %#jx leads to no root",
			task->pid, leads ? pa : task->mm);
	return leads ? add_read_root(system, pa) : WS_OK;
}

static enum ws_status add_roots_of_tasks(struct ws_system *system)
{
	enum ws_status status = WS_OK;
	size_t strange = 0;

	for (size_t i = 0; i < system->tasks.n && status == WS_OK; i++)
		status = add_root_of(system, &system->tasks.v[i], &strange);
	if (strange > STRANGE_NOTES_MAX)
		ws_note(system, "the same holds for %s",
			WS_COUNT_OF(strange - STRANGE_NOTES_MAX, "more process"));
	return status;
}

static bool is_init(const struct ws_system *system, size_t index)
{
	return system->init_known && system->roots.v[index] == system->init_root;
}

/* The root that a task has as its own; SIZE_MAX: none. */
static size_t own_root(const struct attribution *a, const struct ws_task *task)
{
	size_t own = root_of_mm(a->system, task->mm);

	return own != SIZE_MAX && is_init(a->system, own) ? SIZE_MAX : own;
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

/* Memory that the kernel has in its direct map, and the target does not hold. */
static bool is_absent_memory(struct ws_system *system, uint64_t pa)
{
	const uint8_t *frame;
	uint64_t mapped;
	enum ws_evidence evidence =
		ws_kernel_translate(system, ws_direct_va(system, pa), &mapped);

	if (evidence == WS_READ
		    ? mapped != pa
		    : evidence != WS_ABSENT || pa >= system->target->memory_end)
		return false;
	return system->paging.frame(system, pa, &frame) == WS_ABSENT;
}

static bool is_half_of_known(struct ws_system *system, uint64_t root)
{
	uint64_t whole;

	return ws_may_be_user_half(system, root, &whole) &&
	       ws_root_find(system, whole) != SIZE_MAX && ws_isolates(system);
}

/*
 * A table that a processor runs on is one, whether or not the target holds it; under PTI
 * it may be the user half of one that is known.
 */
enum ws_status ws_add_loaded_roots(struct ws_system *system)
{
	enum ws_status status = WS_OK;

	for (size_t i = 0; i < system->target->cpus.n && status == WS_OK; i++) {
		const struct ws_cpu *cpu = &system->target->cpus.v[i];
		uint64_t root;

		if (!ws_system_cpu_root(system, cpu, &root) ||
		    ws_root_find(system, root) != SIZE_MAX ||
		    is_half_of_known(system, root))
			continue;
		if (!is_absent_memory(system, root) && !ws_lacks_directory(system, root))
			continue;
		ws_note(system,
			"cpu %zu: %s of the root %#jx that it runs on is not in the target",
			i,
			is_absent_memory(system, root) ? "the table"
						       : "the kernel page directory",
			root);
		status = ws_root_add(system, root);
	}
	return status;
}

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
		uint64_t root, whole;

		if (!ws_system_cpu_root(system, cpu, &root))
			continue;
		load(a, root);
		if (ws_may_be_user_half(system, root, &whole) &&
		    ws_has_user_half(system, whole))
			load(a, whole);
	}
}

/* ---- roots without a task --------------------------------------------------------- */

enum answer { NO, YES, PERHAPS };

/* Known by its place to be the kernel's own. */
static bool is_low(const struct ws_system *system, uint64_t root)
{
	return root < ws_linux_row(system)->low_roots_end;
}

/* Where its end is not known, memory that is a process's may lie within the margin. */
static bool is_surely_in_image(const struct ws_system *system, uint64_t va)
{
	return ws_in_image(system, va) && va <= system->image_sure;
}

/* Whether its page is known to have no reference. */
static bool is_free(const struct attribution *a, size_t index)
{
	uint32_t refcount;

	return a->has_pages && a->counts &&
	       ws_page_refcount(a->system, &a->pages, a->system->roots.v[index],
				&refcount) &&
	       !refcount;
}

/*
 * Whether its page is some other kind of memory than that of the roots which processes have:
 * a program's, a file's, a slab's. Who reads page tables, as we do on a running kernel, has
 * copies of them there.
 */
static bool is_a_copy(struct attribution *a, size_t index)
{
	enum ws_page_use use =
		a->has_books && a->uses
			? ws_page_use(a->system, &a->books, a->system->roots.v[index])
			: WS_PAGE_UNKNOWN;

	return use != WS_PAGE_UNKNOWN && use != WS_PAGE_FREE && !(a->uses & 1u << use);
}

/*
 * The first slot from there on at which a root's user half has an entry; the half's end: none has;
 * and beyond: one is not in the target.
 */
static unsigned next_entry(struct ws_system *system, uint64_t root, unsigned slot,
			   uint64_t *entry)
{
	unsigned end = ws_first_kernel_slot(system);

	for (; slot < end; slot++) {
		if (!ws_user_entry(system, root, slot, entry))
			return end + 1;
		if (*entry)
			break;
	}
	return slot;
}

/* Whether another root has all entries of a root's user half, of which that is the first. */
static bool has_all(struct ws_system *system, uint64_t other, uint64_t root,
		    unsigned slot, uint64_t entry)
{
	unsigned end = ws_first_kernel_slot(system);
	uint64_t its;

	for (; slot < end; slot = next_entry(system, root, slot + 1, &entry))
		if (!ws_user_entry(system, other, slot, &its) || its != entry)
			return false;
	return slot == end;
}

/*
 * Tables of user memory belong to one mm: a root whose every one is a process's is a copy of that
 * process's root, as whoever reads page tables leaves behind.
 */
static bool is_double(struct attribution *a, size_t index)
{
	struct ws_system *system = a->system;
	uint64_t whole, entry, root = system->roots.v[index];
	unsigned first;

	if (ws_may_be_user_half(system, root, &whole))
		return false;
	first = next_entry(system, root, 0, &entry);
	if (first >= ws_first_kernel_slot(system))
		return false;
	for (size_t i = 0; i < system->roots.n; i++)
		if (i != index && a->claim[i].task &&
		    has_all(system, system->roots.v[i], root, first, entry))
			return true;
	return false;
}

/* Whether anything that was read says which roots are free: pgd_list, or their pages. */
static bool is_told(const struct attribution *a)
{
	return a->has_list || (a->has_pages && a->counts) || (a->has_books && a->uses);
}

/*
 * A page with no reference is free, and a copy is nobody's root. One with references may have
 * been given to something else that has not written over all of it yet: then it is not on
 * pgd_list. Without
 * either, a root that maps no user memory is taken for a freed one: exit_mmap() empties
 * it before it is freed, and who lives has a stack; so is one that is no table any more
 * where user memory was. But that is not enough where its task
 * may be among those that were not found.
 */
static enum answer is_freed(struct attribution *a, size_t index)
{
	struct ws_system *system = a->system;
	uint64_t root = system->roots.v[index];

	if (a->claim[index].borrowed || a->claim[index].loaded ||
	    a->claim[index].listed || a->claim[index].special || is_low(system, root))
		return NO;
	if (is_free(a, index) || is_a_copy(a, index) || is_double(a, index))
		return YES;
	if ((!ws_user_half_is_empty(system, root) &&
	     !ws_user_half_is_reused(system, root)) ||
	    is_surely_in_image(system, root + system->layout.image_delta))
		return NO;
	return a->has_list || !ws_system_lacks_tasks(system) ? YES : PERHAPS;
}

/* Or what may be one: a table on the way there is not in the target. */
static bool is_users_page(void *arg, const struct ws_run *run)
{
	enum answer *found = arg;

	if (run->end == WS_END_PAGE && run->access & WS_USER_READ)
		*found = YES;
	else if (run->end == WS_END_ABSENT)
		*found = PERHAPS;
	return *found != YES;
}

/* Where nothing else was found, so many tables are looked at and no more. */
#define USER_TABLES_MAX 1024

/*
 * Whoever runs in user mode has some memory there, a stack at least. The roots that the
 * kernel keeps for itself have none: efi_mm, the trampoline's and poking_mm
 * (arch/x86/mm/init.c) map nothing there that user mode may touch.
 */
static enum answer has_users_pages(struct attribution *a, size_t index)
{
	struct ws_system *system = a->system;
	uint8_t *recorder = ws_search_begin(system);
	enum answer found = NO;

	(void)!ws_range(&system->paging, system->roots.v[index], 0,
			system->layout.kernel_first - 1, WS_RANGE_UNKNOWN,
			USER_TABLES_MAX, is_users_page, &found);
	ws_search_end(system, recorder);
	return found;
}

/*
 * Roots that the kernel runs on for a while and that are not meant to be like init_mm:
 * the trampoline's, i386's initial_page_table, efi_mm (a static mm_struct,
 * drivers/firmware/efi/). A processor that is on one has its own way back. The image is
 * no proof: of it the kernel frees what only booting needs (free_initmem(), mm/init.c),
 * and a process gets its root or its mm there as anywhere; but it has user memory then.
 */
static bool is_special(const struct attribution *a, size_t index, enum answer users)
{
	const struct ws_system *system = a->system;
	uint64_t root = system->roots.v[index];

	return a->claim[index].special || is_low(system, root) ||
	       (users == NO &&
		(ws_in_image(system, a->claim[index].mm) ||
		 is_surely_in_image(system, root + system->layout.image_delta)));
}

/*
 * A root that is still in use, by somebody whose task was not found. Where all tasks were,
 * it is the kernel's own use.
 */
static enum answer is_unowned(const struct attribution *a, size_t index,
			      enum answer users)
{
	if ((a->has_list && !a->claim[index].listed) || is_special(a, index, users))
		return NO;
	return users == PERHAPS && !ws_system_lacks_tasks(a->system) ? NO : users;
}

/*
 * What a processor has loaded it can run in, whatever it is. And an mm may outlive its
 * process: a kernel thread is in it yet.
 */
static bool is_run_in(const struct attribution *a, size_t index, enum answer users)
{
	return a->claim[index].loaded ||
	       (a->claim[index].borrowed && !is_special(a, index, users));
}

/* Of one that no task has. */
static uint32_t kind_of_unclaimed(struct attribution *a, size_t index)
{
	enum answer freed = is_freed(a, index), users, unowned;

	if (freed == YES)
		return WS_SPACE_FREED;
	users = has_users_pages(a, index);
	if (users != NO && ws_root_is_passing(a->system, a->system->roots.v[index]))
		return WS_SPACE_FREED;
	unowned = freed == PERHAPS && !is_special(a, index, users)
			  ? PERHAPS
			  : is_unowned(a, index, users);
	/* What is left of a process looks as one who lives, and its tables are others' by now. */
	if (unowned == YES && !is_told(a) && !is_run_in(a, index, users))
		unowned = PERHAPS;
	a->system->has_users |= unowned != NO && users == YES;
	a->claim[index].inhabited = unowned != NO;
	a->claim[index].perhaps_freed = unowned == PERHAPS;
	return unowned || is_run_in(a, index, users) ? WS_SPACE_UNOWNED : WS_SPACE_LONE;
}

static uint32_t kind_of(struct attribution *a, size_t index)
{
	if (is_init(a->system, index))
		return WS_SPACE_INIT;
	return a->claim[index].task ? WS_SPACE_PROCESS : kind_of_unclaimed(a, index);
}

/*
 * The one rule, of which all counts are made (struct ws_space): everyone is init_mm, each
 * process, and each root of no known owner. A user half is a part of its space.
 */
static bool counts(uint8_t kind)
{
	return kind == WS_SPACE_INIT || kind == WS_SPACE_PROCESS ||
	       kind == WS_SPACE_UNOWNED;
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

			if ((claim->task || claim->loaded) != !pass || is_free(a, i))
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
		unclaimed += !a->claim[i].task && !is_init(a->system, i);
	return unclaimed;
}

static size_t count_inhabited(const struct attribution *a, bool perhaps_freed)
{
	size_t n = 0;

	for (size_t i = 0; i < a->system->roots.n; i++)
		n += a->claim[i].inhabited && a->claim[i].perhaps_freed == perhaps_freed;
	return n;
}

/*
 * A root that is less than a page is a slab's object, and since 6.14 a slab's page has no
 * reference, used or not (mm/slub.c, alloc_slab_page()). So it is seen in those that
 * processes use whether references say anything; some of their pages may be overwritten.
 */
static bool references_count(struct attribution *a)
{
	size_t with = 0, without = 0;
	uint32_t refcount;

	for (size_t i = 0; i < a->system->roots.n; i++) {
		if (!a->claim[i].process ||
		    !ws_page_refcount(a->system, &a->pages, a->system->roots.v[i],
				      &refcount))
			continue;
		with += refcount > 0;
		without += !refcount;
	}
	return with >= without;
}

static void learn_uses(struct attribution *a)
{
	a->uses = 0;
	a->has_books = ws_page_books_open(a->system, &a->books);
	for (size_t i = 0; a->has_books && i < a->system->roots.n; i++)
		if (a->claim[i].process)
			a->uses |= 1u << ws_page_use(a->system, &a->books,
						     a->system->roots.v[i]);
}

static enum ws_status judge_roots(struct attribution *a)
{
	struct ws_system *system = a->system;
	size_t unclaimed = count_unclaimed(a);
	enum ws_status status = WS_OK;

	a->has_pages = unclaimed && ws_pages_find(system, &a->pages);
	if (a->has_pages) {
		a->counts = references_count(a);
		learn_uses(a);
		status = find_listed(a);
	}
	a->unlisted = a->has_pages ? 0 : unclaimed;
	for (size_t i = 0; i < system->roots.n; i++) {
		if (!a->claim[i].task)
			a->claim[i].special =
				ws_special_by_place(system, system->roots.v[i]);
		a->claim[i].kind = kind_of(a, i);
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
 * are tables that a processor starts and resumes with.
 */
static const char *name_of(const struct ws_system *system, const struct claim *claim,
			   uint64_t root, uint8_t kind)
{
	if (kind == WS_SPACE_LONE && claim->special)
		return claim->special->name;
	if (kind == WS_SPACE_LONE && !claim->borrowed && !claim->listed &&
	    ws_in_image(system, root + system->layout.image_delta))
		return "boot table";
	return kind_names[kind];
}

/* The root itself, or that whose user half it is. */
static uint64_t whole_root(const struct ws_system *system, uint64_t root, uint8_t kind)
{
	uint64_t whole = root;

	if (kind == WS_SPACE_USER)
		(void)!ws_may_be_user_half(system, root, &whole);
	return whole;
}

/* With the word before it, if there is room for both. */
static void name_by_root(struct ws_space *space, uint64_t root)
{
	if (snprintf(space->comm, sizeof(space->comm), "root %#jx", root) >=
	    (int)sizeof(space->comm))
		snprintf(space->comm, sizeof(space->comm), "%#jx", root);
}

static enum ws_status add_space(struct ws_system *system, const struct claim *claim,
				uint64_t root, uint8_t kind)
{
	struct ws_space *space = ws_target_push(system->target, &system->spaces);

	if (!space)
		return ws_fail_memory(system->ctx);
	space->root = root;
	space->kind = kind;
	space->mm = claim->mm;
	space->ntasks = claim->ntasks;
	space->nthreads = claim->nthreads;
	space->counts = counts(kind);
	space->user_mode = kind == WS_SPACE_PROCESS ||
			   (kind == WS_SPACE_UNOWNED && claim->inhabited);
	space->perhaps_freed = claim->perhaps_freed;
	if (claim->task && claim->kind == WS_SPACE_PROCESS) {
		space->pid = claim->task->pid;
		memcpy(space->comm, claim->task->comm, sizeof(claim->task->comm));
	} else if (claim->kind == WS_SPACE_UNOWNED) {
		name_by_root(space, whole_root(system, root, kind));
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
	uint64_t half = ws_user_half_of(a->system, root);

	if (!ws_has_user_half(a->system, root) && a->strange_halves++ < STRANGE_NOTES_MAX)
		ws_note(a->system,
			"process %u: the user half at %#jx does not look like one",
			claim->task->pid, half);
	return add_space(a->system, claim, half, WS_SPACE_USER);
}

static int by_root(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

static bool is_damaged(const struct ws_system *system, uint64_t root)
{
	return system->damaged.n && bsearch(&root, system->damaged.v, system->damaged.n,
					    sizeof(root), by_root);
}

static void mark_damaged(struct ws_system *system)
{
	if (system->damaged.n)
		qsort(system->damaged.v, system->damaged.n, sizeof(*system->damaged.v),
		      by_root);
	ws_vec_each(&system->spaces, space)
		space->looks_damaged =
			space->kind == WS_SPACE_USER
				? ws_user_half_fit(system, whole_root(system, space->root,
								      space->kind)) ==
					  WS_MISFITS
				: is_damaged(system, space->root);
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
		     (claim->inhabited && ws_has_user_half(system, system->roots.v[i]))))
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
	return ws_root_find(system, whole_root(system, space->root, space->kind));
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
	ws_vec_each(&system->spaces, space) {
		size_t root = root_of_space(system, space);

		if (root == SIZE_MAX) /* a half whose root no longer shows whose it is */
			space->ntasks = space->nthreads = 0;
		space->owners = system->owners +
				(root == SIZE_MAX ? 0 : a->claim[root].first_owner);
	}
	return WS_OK;
}

/* Who claims what, and what of the rest is in use. */
static enum ws_status claim_and_judge(struct attribution *a)
{
	free(a->claim);
	a->claim = calloc(a->system->roots.n + 1, sizeof(*a->claim));
	if (!a->claim)
		return ws_fail_memory(a->system->ctx);
	a->has_list = false;
	claim_all(a);
	load_all(a);
	return judge_roots(a);
}

static enum ws_status gather_inhabited(struct attribution *a, ws_pa_vec *roots)
{
	for (size_t i = 0; i < a->system->roots.n; i++) {
		uint64_t *root = NULL;

		if (!a->claim[i].inhabited)
			continue;
		root = ws_vec_push(roots);
		if (!root)
			return ws_fail_memory(a->system->ctx);
		*root = a->system->roots.v[i];
	}
	return WS_OK;
}

/* Whose root is not known, and a processor has it loaded that runs him. */
static enum ws_status look_at_loaded(struct attribution *a)
{
	ws_pa_vec unowned = { 0 };
	enum ws_status status = gather_inhabited(a, &unowned);

	if (status == WS_OK)
		status = ws_find_loaded_mms(a->system, &unowned);
	if (status == WS_OK && a->system->loaded_mms.n)
		status = claim_and_judge(a);
	ws_vec_release(&unowned);
	return status;
}

/* Where there is no list, that was noted, and nothing need be said of what is on it. */
static void note_found(struct ws_system *system, size_t n, const char *how)
{
	if (!n)
		return;
	if (system->no_task_list)
		ws_note(system, "%s %s found %s", WS_COUNT_OF(n, "task"),
			n == 1 ? "was" : "were", how);
	else
		ws_note(system,
			"%s %s not on the task list as far as it can be followed, but %s "
			"found %s",
			WS_COUNT_OF(n, "task"), n == 1 ? "is" : "are",
			n == 1 ? "was" : "were", how);
}

/* Where somebody lives whose task is not known, or some tasks are missing. */
static enum ws_status look_at_processors(struct attribution *a, bool inhabited)
{
	struct ws_system *system = a->system;
	enum ws_status status = WS_OK;
	size_t found = 0;

	if (!inhabited && !ws_system_lacks_tasks(system))
		return WS_OK;
	status = ws_find_cpu_tasks(system, &found);
	if (status == WS_OK && found) {
		note_found(system, found, "by the stack that a processor runs on");
		status = add_roots_of_tasks(system);
		if (status == WS_OK)
			status = claim_and_judge(a);
	}
	return status == WS_OK ? look_at_loaded(a) : status;
}

/* Memory is gone through once more only where somebody lives whose task is not known. */
static enum ws_status look_for_owners(struct attribution *a)
{
	ws_pa_vec roots = { 0 };
	size_t found = 0, inhabited, perhaps;
	enum ws_status status = gather_inhabited(a, &roots);

	if (status == WS_OK && roots.n)
		status = ws_find_owners(a->system, &roots, &found);
	if (status == WS_OK && found) /* a neighbour's on the list, whose root is lost */
		status = add_roots_of_tasks(a->system);
	if (status == WS_OK && roots.n)
		status = claim_and_judge(a);
	if (status == WS_OK)
		status = look_at_processors(a, roots.n);
	ws_vec_release(&roots);
	note_found(a->system, found, "by a pointer to page tables");
	inhabited = count_inhabited(a, false);
	if (inhabited)
		ws_note(a->system,
			"%s with user mappings %s to no task that was found: counted, and "
			"named by root",
			WS_COUNT_OF(inhabited, "address space"),
			inhabited == 1 ? "belongs" : "belong");
	perhaps = count_inhabited(a, true);
	if (perhaps)
		ws_note(a->system,
			"%s %s to no task that was found, and may be in use or freed: "
			"counted, without a verdict",
			WS_COUNT_OF(perhaps, "address space"),
			perhaps == 1 ? "belongs" : "belong");
	return status;
}

static enum ws_status attribute(struct attribution *a)
{
	struct ws_system *system = a->system;
	enum ws_status status = claim_and_judge(a);

	if (status == WS_OK)
		status = look_for_owners(a);
	if (status == WS_OK && a->unlisted) /* once all owners are found that can be */
		ws_note(system,
			"%s %s to no task; without VMCOREINFO freed ones are "
			"recognised only by their lack of user mappings",
			WS_COUNT_OF(a->unlisted, "root"),
			a->unlisted == 1 ? "belongs" : "belong");
	if (status == WS_OK)
		status = add_spaces(a);
	if (status != WS_OK)
		return status;
	mark_damaged(system);
	qsort(system->spaces.v, system->spaces.n, sizeof(*system->spaces.v), by_pid);
	link_tasks(a);
	return link_owners(a);
}

static void keep_root_of(struct ws_system *system, bool *kept, uint64_t mm)
{
	size_t root = root_of_mm(system, mm);

	if (root != SIZE_MAX)
		kept[root] = true;
}

/*
 * What was only found by a shape that other tables have as well is a root if some task's
 * mm leads to it, or a processor has it loaded.
 */
static enum ws_status drop_shapes(struct ws_system *system)
{
	ws_autofree bool *kept = calloc(system->roots.n + 1, sizeof(*kept));
	uint64_t loaded;
	size_t n = 0;

	if (!kept)
		return ws_fail_memory(system->ctx);
	ws_vec_each(&system->tasks, task) {
		keep_root_of(system, kept, task->mm);
		keep_root_of(system, kept, task->active_mm);
	}
	for (size_t i = 0; i < system->roots.n; i++) {
		kept[i] |= is_init(system, i);
		ws_vec_each(&system->target->cpus, cpu)
			kept[i] |= ws_system_cpu_root(system, cpu, &loaded) &&
				   loaded == system->roots.v[i];
		if (kept[i])
			system->roots.v[n++] = system->roots.v[i];
	}
	system->roots.n = n;
	return WS_OK;
}

enum ws_status ws_find_spaces(struct ws_system *system)
{
	struct attribution a = { .system = system };
	enum ws_status status = add_roots_of_tasks(system);

	if (status == WS_OK && ws_root_kind(system->paging.format) == WS_ROOT_NO_KERNEL)
		status = drop_shapes(system);
	if (status == WS_OK)
		status = ws_special_add_roots(system);
	if (status == WS_OK)
		status = attribute(&a);
	free(a.claim);
	return status;
}
