/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where a task's fields lie. Offsets differ from kernel to kernel, but what the values
 * must be does not, and a value that is right for every task is right:
 *
 *	pid		0 for init_task, 1 for the first in the list, 2 for kthreadd, no
 *			two alike; tgid beside it
 *	mm		none for kernel threads; else a pointer to something that points,
 *			at the same place each time, at one of the roots
 *	active_mm	the same as mm wherever there is one
 *	flags		PF_KTHREAD where there is no mm, but for a zombie, which is exiting
 */
#include <stdlib.h>
#include <string.h>

#include "linux/roots.h"
#include "linux/tasks.h"
#include "util/cleanup.h"

/*
 * The first tasks, kernel threads for the most, and as many more spread over the list:
 * enough to tell fields apart, few enough that a capture need not hold every task whole.
 */
#define SAMPLES 32

/* The memory around one task's comm. Where it is not mapped it reads as zero. */
struct sample {
	const struct ws_task *task;
	uint8_t bytes[2 * WS_TASK_REACH];
};

struct inference {
	struct ws_system *system;
	struct sample *sample; /* init_task first */
	unsigned n;
	const struct sample *init, *kthreadd; /* pid 1, pid 2; NULL: not among them */
	int32_t size;                         /* task_struct is no larger */
	int32_t lowest, end;                  /* what is known to lie inside one */
	int32_t first, last;                  /* so words at other offsets do not */
};

static uint32_t word32_at(const struct sample *s, int32_t offset)
{
	return ws_le32(s->bytes + WS_TASK_REACH + offset);
}

static uint64_t word_at(const struct inference *in, const struct sample *s,
			int32_t offset)
{
	return in->system->layout.word == 8 ? ws_le64(s->bytes + WS_TASK_REACH + offset)
					    : word32_at(s, offset);
}

/* ---- the samples ------------------------------------------------------------------ */

static void fill_sample(struct ws_system *system, const struct ws_task *task,
			int32_t reach, struct sample *sample)
{
	uint64_t va = task->comm_va - reach, end = task->comm_va + reach;

	sample->task = task;
	while (va != end) {
		uint64_t n = WS_FRAME_SIZE - va % WS_FRAME_SIZE;
		uint8_t *to =
			sample->bytes + WS_TASK_REACH + (int64_t)(va - task->comm_va);

		if (n > end - va)
			n = end - va;
		if (ws_system_read(system, va, to, n) != WS_READ)
			memset(to, 0, n);
		va += n;
	}
}

static int by_value(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

/*
 * Two tasks cannot overlap, so task_struct is no larger than the least distance between
 * two of them. Beyond it lie fields of a neighbour in the slab, and those too would have
 * a value that is right for every task, but another's.
 */
static enum ws_status least_distance(const struct ws_system *system, int32_t *size)
{
	size_t n = system->tasks.n;
	ws_autofree uint64_t *vas = calloc(n, sizeof(*vas));

	if (!vas)
		return ws_fail_memory(system->ctx);
	for (size_t i = 0; i < n; i++)
		vas[i] = system->tasks.v[i].comm_va;
	qsort(vas, n, sizeof(*vas), by_value);
	for (size_t i = 0; i + 1 < n; i++)
		if (vas[i + 1] - vas[i] < (uint64_t)*size)
			*size = (int32_t)(vas[i + 1] - vas[i]) & -8;
	return WS_OK;
}

/* A field of its own: what is as far from it as a task is long is a neighbour's. */
static void narrow(struct inference *in, int32_t offset, int32_t size)
{
	if (offset < in->lowest)
		in->lowest = offset;
	if (offset + size > in->end)
		in->end = offset + size;
	in->first = in->end - in->size;
	in->last = in->lowest + in->size - (int32_t)in->system->layout.word;
}

static enum ws_status take_samples(struct inference *in)
{
	const struct ws_system *system = in->system;
	size_t ntasks = system->tasks.n, half = SAMPLES / 2;
	enum ws_status status;

	in->size = WS_TASK_REACH;
	status = least_distance(system, &in->size);
	if (status != WS_OK)
		return status;
	narrow(in, 0, WS_COMM_LEN);
	narrow(in, system->fields.tasks, 2 * (int32_t)system->layout.word);
	in->n = ntasks < SAMPLES ? (unsigned)ntasks : SAMPLES;
	in->sample = calloc(in->n, sizeof(*in->sample));
	if (!in->sample)
		return ws_fail_memory(system->ctx);
	for (size_t i = 0; i < in->n; i++) {
		size_t spread = half + (i - half) * (ntasks - half) / half;
		size_t index = in->n < SAMPLES || i < half ? i : spread;
		const struct ws_task *task = &system->tasks.v[index];

		fill_sample(in->system, task, in->size, &in->sample[i]);
		if (!in->kthreadd && !strcmp(task->comm, "kthreadd"))
			in->kthreadd = &in->sample[i];
	}
	in->init = in->n > 1 ? &in->sample[1] : NULL;
	return WS_OK;
}

/* ---- pid -------------------------------------------------------------------------- */

static bool may_be_pid(const struct inference *in, int32_t offset)
{
	if (word32_at(&in->sample[0], offset) ||
	    (in->kthreadd && word32_at(in->kthreadd, offset) != 2))
		return false;
	for (unsigned i = 1; i < in->n; i++) {
		uint32_t pid = word32_at(&in->sample[i], offset);

		if (!pid || pid > WS_PID_MAX)
			return false;
		for (unsigned j = 1; j < i; j++)
			if (word32_at(&in->sample[j], offset) == pid)
				return false;
	}
	return true;
}

static bool are_twins(const struct inference *in, int32_t a, int32_t b)
{
	if (b > in->last)
		return false;
	for (unsigned i = 0; i < in->n; i++)
		if (word32_at(&in->sample[i], a) != word32_at(&in->sample[i], b))
			return false;
	return true;
}

/* Leaders have pid and tgid alike, and the two lie side by side. */
static void find_pid(struct inference *in)
{
	struct ws_task_fields *fields = &in->system->fields;
	bool twins = false;

	for (int32_t o = in->first; o <= in->last && !twins; o += 4) {
		if (!may_be_pid(in, o))
			continue;
		twins = are_twins(in, o, o + 4);
		if (twins || fields->pid == WS_NO_FIELD)
			fields->pid = o;
	}
	if (twins)
		fields->tgid = fields->pid + 4;
	if (fields->pid != WS_NO_FIELD)
		narrow(in, fields->pid, twins ? 8 : 4);
	else
		ws_note(in->system, "pids were not found: tasks are told by name only");
}

/* ---- mm --------------------------------------------------------------------------- */

size_t ws_root_of_pgd(struct ws_system *system, uint64_t pgd)
{
	uint64_t pa;

	if (!ws_is_kernel_va(system, pgd) ||
	    ws_kernel_translate(system, pgd, &pa) != WS_READ)
		return SIZE_MAX;
	return ws_root_find(system, pa);
}

/* A page of the direct map that is not in the dump: what a root there looks like is not
 * known, so it may be one. */
static bool may_lead_to_root(struct ws_system *system, uint64_t mm, int32_t offset)
{
	const uint8_t *frame;
	uint64_t pgd, pa;
	enum ws_evidence evidence = ws_kernel_word(system, mm + offset, &pgd);

	if (evidence == WS_READ && ws_is_kernel_va(system, pgd))
		evidence = ws_kernel_translate(system, pgd, &pa);
	else if (evidence == WS_READ)
		return false;
	if (evidence == WS_ABSENT)
		return true;
	return evidence == WS_READ && pgd - pa == system->layout.page_offset &&
	       !(pa & ~system->paging.format->root_mask) &&
	       system->paging.frame(system, pa, &frame) == WS_ABSENT;
}

static bool leads_to_root(struct ws_system *system, uint64_t mm, int32_t pgd)
{
	uint64_t va;

	return ws_kernel_word(system, mm + pgd, &va) == WS_READ &&
	       ws_root_of_pgd(system, va) != SIZE_MAX;
}

static bool may_be_mm(const struct inference *in, int32_t offset)
{
	unsigned present = 0;

	if (word_at(in, &in->sample[0], offset) ||
	    (in->kthreadd && word_at(in, in->kthreadd, offset)))
		return false;
	for (unsigned i = 0; i < in->n; i++) {
		uint64_t mm = word_at(in, &in->sample[i], offset);

		if (mm &&
		    (!ws_is_kernel_va(in->system, mm) || mm % in->system->layout.word))
			return false;
		present += mm != 0;
	}
	return present;
}

/* Of the samples that have an mm there: how many lead to a root, and how many to none. */
struct leads {
	unsigned present, good, bad;
};

static struct leads count_leads(const struct inference *in, int32_t mm, int32_t pgd)
{
	struct leads leads = { 0 };

	for (unsigned i = 0; i < in->n; i++) {
		uint64_t va = word_at(in, &in->sample[i], mm);

		if (!va)
			continue;
		leads.present++;
		if (leads_to_root(in->system, va, pgd))
			leads.good++;
		else if (!may_lead_to_root(in->system, va, pgd))
			leads.bad++;
	}
	return leads;
}

/* Looked for in that many of the samples that have an mm. */
#define PGD_SAMPLES 3

/*
 * Three of four must lead to a root, for that of a victim may be past recognition; or to
 * a page that is not in the dump, but not more than half of them.
 */
static bool may_be_pgd(const struct inference *in, int32_t mm, int32_t pgd)
{
	struct leads leads = count_leads(in, mm, pgd);

	return leads.bad * 4 <= leads.present && leads.good * 2 >= leads.present;
}

/*
 * The first, whichever of the samples shows it: behind it lies a neighbour's in the slab,
 * which leads to a root as well in most.
 */
static int32_t find_pgd(const struct inference *in, int32_t mm)
{
	int32_t word = (int32_t)in->system->layout.word, best = WS_MM_SIZE;
	unsigned looked_at = 0;

	for (unsigned i = 0; i < in->n && looked_at < PGD_SAMPLES; i++) {
		uint64_t va = word_at(in, &in->sample[i], mm);

		looked_at += va != 0;
		for (int32_t pgd = 0; va && pgd < best; pgd += word)
			if (leads_to_root(in->system, va, pgd) && may_be_pgd(in, mm, pgd))
				best = pgd;
	}
	return best < WS_MM_SIZE ? best : WS_NO_FIELD;
}

/* Over all tasks: how many have one, and how many of these are as they should be. */
struct tally {
	size_t present, good;
};

static struct tally tally_mm(const struct inference *in, int32_t mm, int32_t pgd)
{
	struct tally tally = { 0 };
	uint64_t value;

	ws_vec_each(&in->system->tasks, task) {
		if (ws_kernel_word(in->system, task->comm_va + mm, &value) != WS_READ ||
		    !value)
			continue;
		tally.present++;
		tally.good += leads_to_root(in->system, value, pgd);
	}
	return tally;
}

static bool are_alike(const struct inference *in, int32_t a, int32_t b)
{
	for (unsigned i = 0; i < in->n; i++) {
		uint64_t x = word_at(in, &in->sample[i], a);
		uint64_t y = word_at(in, &in->sample[i], b);

		if (x && y && x != y)
			return false;
	}
	return true;
}

/*
 * Of all that leads to roots, what does so for the most tasks is active_mm, or mm; and of
 * those two, that which fewer have, for kernel threads borrow an active_mm.
 */
static bool is_better(const struct inference *in, int32_t offset, const struct tally *a,
		      const struct tally *b)
{
	size_t cpus = in->system->target->cpus.n + 1; /* at most so many borrow */
	int32_t best = in->system->fields.mm;

	if (best == WS_NO_FIELD || a->good > b->good + cpus || b->good > a->good + cpus ||
	    !are_alike(in, offset, best))
		return a->good > b->good;
	return a->present < b->present;
}

static void find_mm_within(struct inference *in, int32_t first, int32_t last)
{
	struct ws_task_fields *fields = &in->system->fields;
	int32_t word = (int32_t)in->system->layout.word, pgd;
	struct tally best = { 0 }, tally;

	for (int32_t o = first; o <= last; o += word) {
		if (!may_be_mm(in, o))
			continue;
		pgd = find_pgd(in, o);
		if (pgd == WS_NO_FIELD)
			continue;
		tally = tally_mm(in, o, pgd);
		if (!is_better(in, o, &tally, &best))
			continue;
		best = tally;
		fields->mm = o;
		fields->mm_pgd = pgd;
	}
}

/*
 * mm lies before active_mm; the two differ where a kernel thread runs, if any does. Both
 * have always been between `tasks` and pid: elsewhere they are looked for last, for a
 * neighbour in the slab has an mm too, and where few tasks are known, how far off that
 * one is may not be.
 */
static void find_mm(struct inference *in)
{
	struct ws_task_fields *fields = &in->system->fields;
	int32_t word = (int32_t)in->system->layout.word;

	if (fields->pid != WS_NO_FIELD && fields->tasks < fields->pid)
		find_mm_within(in, fields->tasks + 2 * word, fields->pid - word);
	if (fields->mm == WS_NO_FIELD)
		find_mm_within(in, in->first, in->last);
	if (fields->mm == WS_NO_FIELD)
		ws_note(in->system, "no task's mm was found: roots have no owners");
	else
		narrow(in, fields->mm, word);
}

static bool repeats_mm(const struct inference *in, int32_t offset)
{
	int32_t mm_offset = in->system->fields.mm;

	if (offset == mm_offset)
		return false;
	for (unsigned i = 0; i < in->n; i++) {
		uint64_t mm = word_at(in, &in->sample[i], mm_offset);

		if (mm && word_at(in, &in->sample[i], offset) != mm)
			return false;
	}
	return true;
}

/* The nearest to mm: the two have always been neighbours. */
static void find_active_mm(struct inference *in)
{
	struct ws_task_fields *fields = &in->system->fields;
	int32_t word = (int32_t)in->system->layout.word;

	for (int32_t o = in->first; o <= in->last; o += word)
		if (repeats_mm(in, o) &&
		    (fields->active_mm == WS_NO_FIELD ||
		     abs(o - fields->mm) < abs(fields->active_mm - fields->mm)))
			fields->active_mm = o;
	if (fields->active_mm == WS_NO_FIELD)
		ws_note(in->system,
			"active_mm was not found: whose space a kernel thread "
			"borrows is not known");
}

/* ---- flags ------------------------------------------------------------------------ */

/* Kernel threads never exec; init_task and pid 1 are told apart by the flag alone. */
static bool may_be_flags(const struct inference *in, int32_t offset)
{
	const uint32_t both = WS_PF_KTHREAD | WS_PF_FORKNOEXEC;

	return word32_at(&in->sample[0], offset) & WS_PF_KTHREAD &&
	       (!in->init || !(word32_at(in->init, offset) & WS_PF_KTHREAD)) &&
	       (!in->kthreadd || (word32_at(in->kthreadd, offset) & both) == both);
}

/*
 * Who has no mm is a kernel thread, and never was anything else, or is exiting: a zombie
 * has PF_EXITING (do_exit(), kernel/exit.c). Who has one is no kernel thread; those that
 * use a process's mm for a while are few.
 */
static bool is_odd(uint64_t mm, uint32_t flags)
{
	const uint32_t both = WS_PF_KTHREAD | WS_PF_FORKNOEXEC;

	return mm ? flags & WS_PF_KTHREAD
		  : (flags & both) != both && !(flags & WS_PF_EXITING);
}

/* Over all tasks but the first: how many could be asked, and how many do not fit. */
static struct tally tally_flags(const struct inference *in, int32_t offset)
{
	struct ws_system *system = in->system;
	struct tally tally = { 0 };

	for (size_t i = 1; i < system->tasks.n; i++) {
		uint64_t comm_va = system->tasks.v[i].comm_va, mm;
		uint32_t flags;

		if (ws_kernel_word(system, comm_va + system->fields.mm, &mm) != WS_READ ||
		    ws_kernel_u32(system, comm_va + offset, &flags) != WS_READ)
			continue;
		tally.present++;
		tally.good += !is_odd(mm, flags);
	}
	return tally;
}

/*
 * On 2.6.17, which has no PF_KTHREAD, the best of the wrong words fits all but a quarter
 * of the tasks. The right one fits all but the few that use another's mm.
 */
#define ODD_SHARE 16

static void find_flags(struct inference *in)
{
	struct ws_task_fields *fields = &in->system->fields;
	size_t least = SIZE_MAX;

	for (int32_t o = in->first; o <= in->last; o += 4) {
		struct tally tally;
		size_t odd;

		if (!may_be_flags(in, o))
			continue;
		tally = tally_flags(in, o);
		odd = tally.present - tally.good;
		if (odd * ODD_SHARE > tally.present || odd >= least)
			continue;
		least = odd;
		fields->flags = o;
	}
	if (fields->flags == WS_NO_FIELD)
		ws_note(in->system, "task flags were not found: zombies are taken for "
				    "kernel threads");
}

enum ws_status ws_find_fields(struct ws_system *system)
{
	struct inference in = { .system = system };
	enum ws_status status = take_samples(&in);

	if (status == WS_OK) {
		find_pid(&in);
		find_mm(&in);
		if (system->fields.mm != WS_NO_FIELD) {
			find_active_mm(&in);
			find_flags(&in);
		}
		system->fields.first = in.first;
		system->fields.last = in.last;
	}
	free(in.sample);
	return status;
}
