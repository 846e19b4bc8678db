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
 * enough to distinguish fields, few enough that a capture need not hold every task whole.
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
		ws_note(in->system, "pids were not found: tasks are listed by name only");
}

/* ---- mm --------------------------------------------------------------------------- */

/*
 * The kernel itself goes by the address alone (__pa(), arch/x86/include/asm/page.h), and
 * gives what comes of it to the processor: so where the dump lacks tables of the direct
 * map the root is known all the same.
 */
bool ws_pa_of_pgd(struct ws_system *system, uint64_t pgd, uint64_t *pa)
{
	enum ws_evidence evidence = WS_NOT_MAPPED;

	if (ws_is_kernel_va(system, pgd))
		evidence = ws_kernel_translate(system, pgd, pa);
	if (evidence != WS_ABSENT)
		return evidence == WS_READ;
	*pa = ws_direct_pa(system, pgd);
	return !(*pa & ~system->paging.format->root_mask);
}

size_t ws_root_of_pgd(struct ws_system *system, uint64_t pgd)
{
	uint64_t pa;

	return ws_pa_of_pgd(system, pgd, &pa) ? ws_root_find(system, pa) : SIZE_MAX;
}

/*
 * No process's root is the first page of memory, which task_size leads to on i386, or in
 * the image, where functions are.
 */
static bool may_be_allocated(const struct ws_system *system, uint64_t va)
{
	return va != system->layout.page_offset &&
	       !(ws_in_image(system, va) && va <= system->image_sure);
}

bool ws_may_lead_to_root(struct ws_system *system, uint64_t pgd)
{
	const uint8_t *frame;
	uint64_t pa;

	if (!ws_pa_of_pgd(system, pgd, &pa))
		return false;
	return ws_root_find(system, pa) != SIZE_MAX ||
	       (pgd - pa == system->layout.direct_delta &&
		!(pa & ~system->paging.format->root_mask) &&
		may_be_allocated(system, pgd) &&
		(system->paging.frame(system, pa, &frame) == WS_ABSENT ||
		 ws_lacks_directory(system, pa)));
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
		uint64_t va = word_at(in, &in->sample[i], mm), word;
		enum ws_evidence evidence;

		if (!va)
			continue;
		leads.present++;
		evidence = ws_kernel_word(in->system, va + pgd, &word);
		if (evidence == WS_READ && ws_root_of_pgd(in->system, word) != SIZE_MAX)
			leads.good++;
		else if (evidence == WS_READ ? !ws_may_lead_to_root(in->system, word)
					     : evidence != WS_ABSENT)
			leads.bad++; /* else it is not known */
	}
	return leads;
}

static bool may_lead(const struct inference *in, uint64_t mm, int32_t pgd)
{
	uint64_t va;

	return ws_kernel_word(in->system, mm + pgd, &va) == WS_READ &&
	       ws_may_lead_to_root(in->system, va);
}

/*
 * Two mms cannot overlap. Where both of two name what may be a root at that offset, and
 * the second begins before the first one's does, that is no word of the first.
 */
static bool is_beyond_next(const struct inference *in, int32_t mm, int32_t pgd)
{
	for (unsigned i = 0; i < in->n; i++) {
		uint64_t first = word_at(in, &in->sample[i], mm);

		for (unsigned j = 0; first && j < in->n; j++) {
			uint64_t next = word_at(in, &in->sample[j], mm);

			if (next > first && next - first <= (uint64_t)pgd &&
			    may_lead(in, first, pgd) && may_lead(in, next, pgd))
				return true;
		}
	}
	return false;
}

/* Looked for in that many of the samples that have an mm. */
#define PGD_SAMPLES 3

/*
 * Three of four must lead to a root, for one that was overwritten is not recognised; or
 * to a page that is not in the dump, but not more than half of them.
 */
static bool may_be_pgd(const struct inference *in, int32_t mm, int32_t pgd)
{
	struct leads leads = count_leads(in, mm, pgd);

	return leads.bad * 4 <= leads.present && leads.good * 2 >= leads.present &&
	       !is_beyond_next(in, mm, pgd);
}

/*
 * In a slab the mms lie side by side, and behind each one's pgd lies a neighbour's. Where
 * the dump lacks the roots of those that are known, but not of their neighbours, a nearer
 * word is the right one if it leads to a root in one, and in no other to anything else;
 * and if that was not read of any, nothing is known.
 */
static int32_t nearest_pgd(const struct inference *in, int32_t mm, int32_t pgd)
{
	int32_t word = (int32_t)in->system->layout.word;

	for (int32_t nearer = 0; nearer < pgd; nearer += word) {
		struct leads leads = count_leads(in, mm, nearer);

		if (!leads.bad)
			return leads.good ? nearer : WS_NO_FIELD;
	}
	return pgd;
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
	return best < WS_MM_SIZE ? nearest_pgd(in, mm, best) : WS_NO_FIELD;
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

/* least: so many tasks must lead to a root from there. */
static void find_mm_within(struct inference *in, int32_t first, int32_t last,
			   size_t least)
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
		if (tally.good < least || !is_better(in, o, &tally, &best))
			continue;
		best = tally;
		fields->mm = o;
		fields->mm_pgd = pgd;
	}
}

/*
 * mm lies before active_mm; the two differ where a kernel thread runs, if any does. Both
 * have always been between `tasks` and pid: elsewhere they are looked for last, and only
 * with a list that is whole. For a neighbour in the slab has an mm too, and where few
 * tasks are known, how far off that one is may not be: it would be taken for the task's
 * own, whose root may be what the dump lacks.
 */
#define ELSEWHERE_MIN 2

static void find_mm(struct inference *in)
{
	struct ws_task_fields *fields = &in->system->fields;
	int32_t word = (int32_t)in->system->layout.word;

	if (fields->pid != WS_NO_FIELD && fields->tasks < fields->pid)
		find_mm_within(in, fields->tasks + 2 * word, fields->pid - word, 1);
	if (fields->mm == WS_NO_FIELD && !in->system->tasks_partial)
		find_mm_within(in, in->first, in->last, ELSEWHERE_MIN);
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

/* Kernel threads never exec; init_task and pid 1 are distinguished by the flag alone. */
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

/*
 * Some word fits a few tasks by chance. Where these are all there are, no harm is done;
 * where the list was cut, others would be taken for kernel threads by it.
 */
#define FLAGS_TASKS_MIN 8

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
		if (in->system->tasks_partial && tally.present < FLAGS_TASKS_MIN)
			continue;
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
