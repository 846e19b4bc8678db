/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From the roots up: whose a root is that no task on the list has. Its mm_struct names
 * it, and the tasks that have this mm name that twice, side by side:
 *
 *	root <---- mm_struct.pgd <---- task_struct.mm, .active_mm
 *
 * All of these are addresses in the direct map.
 *
 * Where the dump lacks the frame in which a task does so, mm_struct.owner leads to him.
 *
 * Each arrow is found by a pass over all memory, which is made only where such a root is
 * left. Where there is no task list to know a task's fields by, the tasks that are found
 * this way show them, as fields.c's do. From each the list is followed again: of one that
 * is cut in several places, or whose head is gone, every part that leads to a process is
 * found.
 */
#include <stdlib.h>
#include <string.h>

#include "linux/tasks.h"
#include "util/cleanup.h"
#include "util/hash.h"
#include "util/sorted.h"

/* More of them than any memory has, and few enough to hold where all of it is such. */
#define FINDS_MAX (1u << 20)

struct find {
	uint64_t pa;    /* of the word, */
	uint64_t value; /* which it holds */
};
typedef WS_VEC(struct find) find_vec;

struct worker {
	find_vec finds;
	bool short_of_memory;
};

/* One pass for words that lead to certain frames of the direct map. */
struct pass {
	const struct ws_system *system;
	const ws_pa_vec *wanted; /* the frames, sorted */
	uint64_t align;          /* the word's value is a multiple of it, */
	bool twice;              /* and the next word holds the same */
	struct worker worker[WS_SCAN_WORKERS];
};

struct search {
	struct ws_system *system;
	const ws_pa_vec *roots;
	find_vec pgds; /* words that hold the va of a root; value: that */
	find_vec mms;  /* the first of two words that hold the va of an mm; value: that */
	size_t found;  /* tasks that were not known */
};

/* ---- passes over memory ----------------------------------------------------------- */

static int by_pa(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

static bool is_among(const ws_pa_vec *sorted, uint64_t pa)
{
	return sorted->n && bsearch(&pa, sorted->v, sorted->n, sizeof(*sorted->v), by_pa);
}

static uint64_t load(const uint8_t *bytes, unsigned word)
{
	return ws_le_word(bytes, word);
}

static bool is_wanted(const struct pass *pass, uint64_t value)
{
	uint64_t pa = ws_direct_pa(pass->system, value);

	return pa < pass->system->target->memory_end && !(value & (pass->align - 1)) &&
	       is_among(pass->wanted, pa & -(uint64_t)WS_FRAME_SIZE);
}

static void look_at_chunk(void *arg, unsigned number, uint64_t pa, const uint8_t *data,
			  size_t len)
{
	struct pass *pass = arg;
	struct worker *worker = &pass->worker[number];
	unsigned word = pass->system->layout.word;

	for (size_t at = 0; at < len - (pass->twice ? word : 0); at += word) {
		uint64_t value = load(data + at, word);
		struct find *find;

		if ((pass->twice && load(data + at + word, word) != value) ||
		    !is_wanted(pass, value) || worker->finds.n == FINDS_MAX)
			continue;
		find = ws_vec_push(&worker->finds);
		if (find)
			*find = (struct find){ pa + at, value };
		else
			worker->short_of_memory = true;
	}
}

static int by_place(const void *left, const void *right)
{
	const struct find *a = left, *b = right;

	return (a->pa > b->pa) - (a->pa < b->pa);
}

/* What the workers found, sorted by where it was. */
static enum ws_status take_finds(struct search *s, struct pass *pass, find_vec *finds)
{
	bool taken = true;

	for (unsigned i = 0; i < WS_SCAN_WORKERS; i++) {
		taken = taken && !pass->worker[i].short_of_memory;
		ws_vec_each(&pass->worker[i].finds, find) {
			struct find *added = taken ? ws_vec_push(finds) : NULL;

			if (added)
				*added = *find;
			else
				taken = false;
		}
		ws_vec_release(&pass->worker[i].finds);
	}
	if (finds->n)
		qsort(finds->v, finds->n, sizeof(*finds->v), by_place);
	return taken ? WS_OK : ws_fail_memory(s->system->ctx);
}

static enum ws_status run_pass(struct search *s, ws_pa_vec *wanted, uint64_t align,
			       bool twice, find_vec *finds)
{
	struct pass pass = {
		.system = s->system, .wanted = wanted, .align = align, .twice = twice
	};
	enum ws_status status, taken;

	if (!wanted->n)
		return WS_OK;
	qsort(wanted->v, wanted->n, sizeof(*wanted->v), by_pa);
	status = ws_target_scan(s->system->target, "looking for owners", look_at_chunk,
				&pass);
	taken = take_finds(s, &pass, finds);
	return status ? status : taken;
}

static bool want(ws_pa_vec *wanted, uint64_t pa)
{
	uint64_t *added = ws_vec_push(wanted);

	if (added)
		*added = pa & -(uint64_t)WS_FRAME_SIZE;
	return added;
}

/* Words that hold a root's va; with PAE others lead to a root's frame as well. */
static enum ws_status find_pgds(struct search *s)
{
	const struct ws_system *system = s->system;
	uint64_t mask = system->paging.format->root_mask;
	ws_pa_vec wanted = { 0 };
	enum ws_status status = WS_OK;
	size_t n = 0;

	ws_vec_each(s->roots, root)
		if (!want(&wanted, *root))
			status = ws_fail_memory(system->ctx);
	if (status == WS_OK)
		status = run_pass(s, &wanted, mask & -mask, false, &s->pgds);
	ws_vec_release(&wanted);
	ws_vec_each(&s->pgds, pgd)
		if (is_among(s->roots, ws_direct_pa(system, pgd->value)))
			s->pgds.v[n++] = *pgd;
	s->pgds.n = n;
	return status;
}

/* An mm begins before the word in it that names the root. */
static enum ws_status find_mms(struct search *s)
{
	ws_pa_vec wanted = { 0 };
	enum ws_status status = WS_OK;

	ws_vec_each(&s->pgds, pgd)
		if (!want(&wanted, pgd->pa) ||
		    (pgd->pa >= WS_MM_SIZE && !want(&wanted, pgd->pa - WS_MM_SIZE)))
			status = ws_fail_memory(s->system->ctx);
	if (status == WS_OK)
		status = run_pass(s, &wanted, s->system->layout.word, true, &s->mms);
	ws_vec_release(&wanted);
	return status;
}

/* ---- which of the words it is ----------------------------------------------------- */

static uint64_t va_of(const struct search *s, const struct find *find)
{
	return ws_direct_va(s->system, find->pa);
}

/* The root that the mm at va names at offset; NULL: none of those that are looked for. */
static const struct find *pgd_of(const struct search *s, uint64_t mm, uint64_t offset)
{
	struct find key = { .pa = ws_direct_pa(s->system, mm + offset) };

	return s->pgds.n ? bsearch(&key, s->pgds.v, s->pgds.n, sizeof(key), by_place)
			 : NULL;
}

/*
 * A list of one node or of two leads to one place twice as well, and there back to where
 * it began: an mm has several such in it, and more of them than there are tasks lie as
 * far from the pgd of one, or of its neighbour in the slab.
 */
static bool is_list(const struct search *s, const struct find *pair)
{
	uint64_t back;

	if (pair->value == va_of(s, pair))
		return true;
	return ws_kernel_word(s->system, pair->value, &back) == WS_READ &&
	       back == va_of(s, pair);
}

static void drop_lists(struct search *s)
{
	size_t n = 0;

	ws_vec_each(&s->mms, mm)
		if (!is_list(s, mm))
			s->mms.v[n++] = *mm;
	s->mms.n = n;
}

static int32_t offset_in_mm(const struct search *s, const ws_pa_vec *mms,
			    const struct find *pgd)
{
	uint64_t va = va_of(s, pgd);
	size_t low = ws_lower_bound(mms->v, mms->n, at, *at <= va);

	return low && va - mms->v[low - 1] < WS_MM_SIZE ? (int32_t)(va - mms->v[low - 1])
							: WS_NO_FIELD;
}

/* Whether all mms that can be read may name a root there, each its own. */
static bool may_be_pgd(const struct search *s, const ws_pa_vec *mms, int32_t offset)
{
	uint64_t mm = 0, before = 0, word;

	ws_vec_each(mms, next) {
		if (*next == mm)
			continue;
		mm = *next;
		if (ws_kernel_word(s->system, mm + offset, &word) != WS_READ)
			continue;
		if (word == before || !ws_may_lead_to_root(s->system, word))
			return false;
		before = word;
	}
	return true;
}

/*
 * Two mms cannot overlap. Where both of two name what may be a root at that offset, and
 * the second begins before the first one's does, that is no word of the first.
 */
static bool is_beyond_next(const struct search *s, const ws_pa_vec *mms, int32_t offset)
{
	uint64_t before = 0, word;

	ws_vec_each(mms, mm) {
		if (ws_kernel_word(s->system, *mm + offset, &word) != WS_READ ||
		    !ws_may_lead_to_root(s->system, word))
			continue;
		if (before && *mm != before && *mm - before <= (uint64_t)offset)
			return true;
		before = *mm;
	}
	return false;
}

/*
 * Where in an mm pgd lies: as far behind it as most words that name a root lie behind the
 * next mm before them. In a slab the mms lie side by side, and of some the dump lacks the
 * root, of others the task: then those words are a neighbour's. So a nearer word goes
 * first if in all mms it may name a root, and in one does; if it only may, nothing is
 * known. And one beyond the mm that comes next is none at all.
 */
static int32_t elect_pgd(const struct search *s, const ws_pa_vec *mms)
{
	int32_t word = (int32_t)s->system->layout.word, best = WS_NO_FIELD;
	uint32_t votes[WS_MM_SIZE / 4] = { 0 }, most = 0;

	ws_vec_each(&s->pgds, pgd) {
		int32_t o = offset_in_mm(s, mms, pgd);

		if (o != WS_NO_FIELD && !(o % word))
			votes[o / word]++;
	}
	for (int32_t o = 0; o < WS_MM_SIZE; o += word) {
		if (votes[o / word] <= most || is_beyond_next(s, mms, o))
			continue;
		most = votes[o / word];
		best = o;
	}
	for (int32_t o = 0; o < best; o += word)
		if (may_be_pgd(s, mms, o))
			return votes[o / word] ? o : WS_NO_FIELD;
	return best;
}

static enum ws_status vote_pgd(const struct search *s, int32_t *pgd)
{
	ws_pa_vec mms = { 0 };
	enum ws_status status = WS_OK;

	ws_vec_each(&s->mms, mm) {
		uint64_t *added = ws_vec_push(&mms);

		if (added)
			*added = mm->value;
		else
			status = ws_fail_memory(s->system->ctx);
	}
	if (mms.n)
		qsort(mms.v, mms.n, sizeof(*mms.v), by_pa);
	*pgd = status == WS_OK ? elect_pgd(s, &mms) : WS_NO_FIELD;
	ws_vec_release(&mms);
	return status;
}

/* Keeps the pairs whose mm names a root that is looked for. */
static void keep_mms(struct search *s, int32_t pgd)
{
	size_t n = 0;

	ws_vec_each(&s->mms, mm)
		if (pgd_of(s, mm->value, (uint64_t)pgd))
			s->mms.v[n++] = *mm;
	s->mms.n = n;
}

/* And those whose mm may name any: they are tasks as well, and show where fields lie. */
static void keep_tasks(struct search *s, int32_t pgd)
{
	size_t n = 0;

	ws_vec_each(&s->mms, mm) {
		uint64_t root;
		enum ws_evidence evidence =
			ws_kernel_word(s->system, mm->value + pgd, &root);

		if (evidence == WS_READ ? ws_may_lead_to_root(s->system, root)
					: evidence == WS_ABSENT)
			s->mms.v[n++] = *mm;
	}
	s->mms.n = n;
}

/* How many votes are enough: three of four of those that could. */
static bool is_enough(size_t votes, size_t of)
{
	return votes && votes * 4 >= of * 3;
}

/* On average names are longer: small numbers look like names of a letter or two. */
#define NAME_MIN 2

/* The bytes of what looks like a name at offset, if one of four tasks has one there. */
static size_t count_names(const struct search *s, int32_t offset)
{
	size_t votes = 0, length = 0;

	ws_vec_each(&s->mms, mm) {
		char comm[WS_COMM_LEN + 1];

		if (!ws_read_name(s->system, va_of(s, mm) + offset, comm) ||
		    !ws_is_name(comm))
			continue;
		votes++;
		length += strlen(comm);
	}
	return votes * 4 >= s->mms.n && length > votes * NAME_MIN ? length : 0;
}

/*
 * comm lies behind mm, as do all the other fields that are looked for but `tasks`. Beyond
 * comm lies a neighbour's in the slab: of two places with names of a length, the nearer
 * is the task's own.
 */
static int32_t vote_comm(const struct search *s)
{
	int32_t word = (int32_t)s->system->layout.word;
	size_t most = 0;

	for (int32_t o = 2 * word; o < WS_TASK_REACH; o += word) {
		size_t length = count_names(s, o);

		most = length > most ? length : most;
	}
	for (int32_t o = 2 * word; most && o < WS_TASK_REACH; o += word)
		if (count_names(s, o) * 2 > most)
			return o;
	return WS_NO_FIELD;
}

static bool read_pids_at(const struct search *s, uint64_t va, uint32_t *pid,
			 uint32_t *tgid)
{
	return ws_kernel_u32(s->system, va, pid) == WS_READ &&
	       ws_kernel_u32(s->system, va + 4, tgid) == WS_READ && *pid && *tgid &&
	       *pid <= WS_PID_MAX && *tgid <= WS_PID_MAX;
}

static bool read_pid(const struct search *s, const struct find *mm, int32_t offset,
		     uint32_t *pid, uint32_t *tgid)
{
	return read_pids_at(s, va_of(s, mm) + offset, pid, tgid);
}

static bool has_twin(const struct search *s, size_t upto, int32_t offset, uint32_t pid)
{
	uint32_t other, tgid;

	for (size_t i = 0; i < upto; i++)
		if (read_pid(s, &s->mms.v[i], offset, &other, &tgid) && other == pid)
			return true;
	return false;
}

/* So many show a field as well as all do. */
#define VOTERS 64

/* pid, and tgid beside it: both a pid in all, and alike in leaders; no two pids alike. */
static int32_t vote_pid(const struct search *s, int32_t comm)
{
	size_t n = s->mms.n < VOTERS ? s->mms.n : VOTERS, most = 0;
	int32_t best = WS_NO_FIELD;

	for (int32_t o = 2 * (int32_t)s->system->layout.word; o < comm; o += 4) {
		size_t votes = 0, leaders = 0;

		for (size_t i = 0; i < n; i++) {
			uint32_t pid, tgid;

			if (!read_pid(s, &s->mms.v[i], o, &pid, &tgid) ||
			    has_twin(s, i, o, pid))
				continue;
			votes++;
			leaders += pid == tgid;
		}
		if (!is_enough(votes, n) || leaders <= most)
			continue;
		most = leaders;
		best = o;
	}
	return best;
}

/* How many of the tasks have a list_head there that leads to another leader. */
static size_t count_leading(const struct search *s, int32_t offset, int32_t pid)
{
	size_t n = s->mms.n < VOTERS ? s->mms.n : VOTERS, votes = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t node = va_of(s, &s->mms.v[i]) + offset, next;
		uint32_t his, tgid;

		for (unsigned back = 0; back < 2; back++)
			if (ws_list_step(s->system, node, back, &next) && next != node &&
			    read_pids_at(s, next - offset + pid, &his, &tgid) &&
			    his == tgid) {
				votes++;
				break;
			}
	}
	return votes;
}

/*
 * `tasks` lies before mm, and the nearest such list is the task's own: farther off is
 * that of its neighbour in the slab. A list that is cut everywhere shows nothing.
 */
static int32_t vote_tasks(const struct search *s, int32_t pid)
{
	int32_t word = (int32_t)s->system->layout.word;
	size_t most = 0;

	for (int32_t o = -2 * word; o > -WS_TASK_REACH; o -= word) {
		size_t votes = count_leading(s, o, pid);

		most = votes > most ? votes : most;
	}
	for (int32_t o = -2 * word; most && o > -WS_TASK_REACH; o -= word)
		if (count_leading(s, o, pid) * 4 >= most * 3)
			return o;
	return WS_NO_FIELD;
}

/*
 * What one task has may be anything's: 8 KiB hold more than one word that looks like a
 * name.
 */
#define TASKS_MIN 2

/* From what the tasks that were found have in common; without a list to know it by. */
static enum ws_status infer_fields(struct search *s, bool *knows)
{
	struct ws_task_fields *fields = &s->system->fields;
	int32_t word = (int32_t)s->system->layout.word;
	int32_t pgd, comm, pid, tasks;
	enum ws_status status;

	*knows = false;
	drop_lists(s);
	status = vote_pgd(s, &pgd);
	if (status != WS_OK || pgd == WS_NO_FIELD)
		return status;
	keep_tasks(s, pgd);
	if (s->mms.n < TASKS_MIN)
		return WS_OK;
	comm = vote_comm(s);
	pid = comm == WS_NO_FIELD ? WS_NO_FIELD : vote_pid(s, comm);
	if (pid == WS_NO_FIELD)
		return WS_OK;
	tasks = vote_tasks(s, pid);
	fields->mm_pgd = pgd;
	fields->mm = -comm;
	fields->active_mm = word - comm;
	fields->pid = pid - comm;
	fields->tgid = fields->pid + 4;
	fields->tasks = tasks == WS_NO_FIELD ? WS_NO_FIELD : tasks - comm;
	fields->first = tasks == WS_NO_FIELD ? -comm : fields->tasks;
	fields->last = 0;
	keep_mms(s, pgd);
	*knows = true;
	return WS_OK;
}

/* ---- the tasks -------------------------------------------------------------------- */

/* A task by its comm_va, or a thread group by its tgid. */
struct known {
	uint64_t key;
	uint32_t task;  /* index in system->tasks */
	bool by_thread; /* of it only threads were found, which are counted here */
	UT_hash_handle hh;
};

struct gathering {
	struct ws_system *system;
	struct known *by_comm, *by_tgid;
	uint64_t steps; /* how many are left */
	bool short_of_memory;
};

static struct known *find_known(struct known *table, uint64_t key)
{
	struct known *known;

	HASH_FIND(hh, table, &key, sizeof(key), known);
	return known;
}

static void make_known(struct gathering *g, struct known **table, uint64_t key,
		       size_t task)
{
	struct known *known = calloc(1, sizeof(*known));

	if (known) {
		*known = (struct known){ .key = key, .task = (uint32_t)task };
		HASH_ADD(hh, *table, key, sizeof(known->key), known);
		if (known->hh.tbl)
			return;
	}
	free(known);
	g->short_of_memory = true;
}

static void forget_known(struct known **table)
{
	struct known *it, *next;

	HASH_ITER(hh, *table, it, next)
	{
		HASH_DEL(*table, it);
		free(it);
	}
}

static void make_task_known(struct gathering *g, size_t index)
{
	const struct ws_task *task = &g->system->tasks.v[index];

	make_known(g, &g->by_comm, task->comm_va, index);
	if (!find_known(g->by_tgid, task->pid))
		make_known(g, &g->by_tgid, task->pid, index);
}

static void add_task(struct gathering *g, uint64_t comm_va, uint32_t tgid)
{
	struct ws_task *task = ws_target_push(g->system->target, &g->system->tasks);

	if (!task) {
		g->short_of_memory = true;
		return;
	}
	task->comm_va = comm_va;
	task->space = task->active_space = WS_NO_SPACE;
	ws_read_name(g->system, comm_va, task->comm);
	ws_read_task(g->system, task);
	task->leader_exited = task->pid != tgid;
	task->nthreads = task->leader_exited;
	task->pid = tgid;
	make_task_known(g, g->system->tasks.n - 1);
}

/* A task_struct, as far as its pids show it. */
static bool read_pids(struct ws_system *system, uint64_t comm_va, uint32_t *pid,
		      uint32_t *tgid)
{
	const struct ws_task_fields *fields = &system->fields;

	return ws_kernel_u32(system, comm_va + fields->pid, pid) == WS_READ &&
	       ws_kernel_u32(system, comm_va + fields->tgid, tgid) == WS_READ &&
	       *pid <= WS_PID_MAX && *tgid <= WS_PID_MAX;
}

/*
 * Along the list, as far as it holds and nobody is met who is known. Who was taken off it leads to
 * himself; and where a copy of his task was met first, he is known by that.
 */
static void follow_part(struct gathering *g, uint64_t comm_va, bool back)
{
	int32_t tasks = g->system->fields.tasks;
	uint64_t node = comm_va + tasks;

	while (g->steps && !g->short_of_memory &&
	       ws_list_step(g->system, node, back, &node)) {
		uint32_t pid, tgid;

		g->steps--;
		if (node == comm_va + tasks || find_known(g->by_comm, node - tasks) ||
		    !read_pids(g->system, node - tasks, &pid, &tgid) || pid != tgid)
			return;
		if (!find_known(g->by_tgid, pid))
			add_task(g, node - tasks, pid);
	}
}

static void take_leader(struct gathering *g, uint64_t comm_va)
{
	uint32_t pid, tgid;

	if (!read_pids(g->system, comm_va, &pid, &tgid) || !pid || pid != tgid ||
	    find_known(g->by_comm, comm_va))
		return;
	if (!find_known(g->by_tgid, tgid))
		add_task(g, comm_va, tgid);
	if (g->system->fields.tasks == WS_NO_FIELD)
		return;
	follow_part(g, comm_va, false);
	follow_part(g, comm_va, true);
}

/* The leader has exited, or it was not found: then the thread stands for it. */
static void take_thread(struct gathering *g, uint64_t comm_va)
{
	struct ws_task *task;
	struct known *known;
	uint32_t pid, tgid;

	if (!read_pids(g->system, comm_va, &pid, &tgid) || !pid || !tgid || pid == tgid)
		return;
	known = find_known(g->by_tgid, tgid);
	if (!known) {
		add_task(g, comm_va, tgid);
		known = find_known(g->by_tgid, tgid);
		if (known)
			known->by_thread = true;
		return;
	}
	task = &g->system->tasks.v[known->task];
	task->nthreads += known->by_thread;
	if (task->mm)
		return;
	known->by_thread = true;
	task->comm_va = comm_va;
	ws_read_task(g->system, task);
	task->pid = tgid;
	task->leader_exited = true;
	task->nthreads = 1;
}

/* Whose mm is known by what it says itself: his own word for it is not in the dump. */
static void take_owner(struct gathering *g, uint64_t mm, uint64_t comm_va)
{
	const struct known *known;
	struct ws_task *task;
	uint32_t pid, tgid;

	if (!read_pids(g->system, comm_va, &pid, &tgid) || !pid || !tgid)
		return;
	if (!find_known(g->by_comm, comm_va) && !find_known(g->by_tgid, tgid))
		add_task(g, comm_va, tgid);
	known = find_known(g->by_tgid, tgid);
	task = known ? &g->system->tasks.v[known->task] : NULL;
	if (!task || task->mm)
		return;
	task->mm = task->active_mm = mm;
	task->kernel_thread = false;
	task->nthreads += !task->nthreads;
}

static void take_owners(struct gathering *g, const struct search *s)
{
	struct ws_mm_owner owner;
	uint64_t comm_va;

	if (!ws_find_mm_owner(g->system, &owner))
		return;
	ws_vec_each(&s->pgds, pgd) {
		uint64_t mm = va_of(s, pgd) - g->system->fields.mm_pgd;

		if (ws_mm_owner(g->system, &owner, mm, &comm_va))
			take_owner(g, mm, comm_va);
	}
}

static void release_gathering(struct gathering *g)
{
	forget_known(&g->by_comm);
	forget_known(&g->by_tgid);
}

static enum ws_status gather_tasks(struct search *s)
{
	struct ws_system *system = s->system;
	struct gathering g = { .system = system, .steps = 4u * WS_PID_MAX };
	size_t before = system->tasks.n;

	for (size_t i = 0; i < before; i++)
		make_task_known(&g, i);
	ws_vec_each(&s->mms, mm)
		take_leader(&g, va_of(s, mm) - system->fields.mm);
	ws_take_threads(system, before);
	ws_vec_each(&s->mms, mm)
		take_thread(&g, va_of(s, mm) - system->fields.mm);
	take_owners(&g, s);
	release_gathering(&g);
	s->found = system->tasks.n - before;
	return g.short_of_memory ? ws_fail_memory(system->ctx) : WS_OK;
}

enum ws_status ws_take_comms(struct ws_system *system, const ws_pa_vec *comms,
			     size_t *found)
{
	struct gathering g = { .system = system, .steps = 4u * WS_PID_MAX };
	size_t before = system->tasks.n;

	for (size_t i = 0; i < before; i++)
		make_task_known(&g, i);
	ws_vec_each(comms, comm_va)
		take_leader(&g, *comm_va);
	ws_take_threads(system, before);
	ws_vec_each(comms, comm_va)
		take_thread(&g, *comm_va);
	release_gathering(&g);
	*found = system->tasks.n - before;
	return g.short_of_memory ? ws_fail_memory(system->ctx) : WS_OK;
}

/* ---- all of it -------------------------------------------------------------------- */

static bool has_fields(const struct ws_system *system)
{
	const struct ws_task_fields *fields = &system->fields;

	return fields->mm != WS_NO_FIELD && fields->mm_pgd != WS_NO_FIELD &&
	       fields->tgid != WS_NO_FIELD;
}

static enum ws_status search_owners(struct search *s)
{
	bool knows = has_fields(s->system);
	uint8_t *recorder;
	enum ws_status status = find_pgds(s);

	if (status == WS_OK)
		status = find_mms(s);
	if (status != WS_OK)
		return status;
	/* what is looked at until it is known which words count is no answer's ground */
	recorder = ws_search_begin(s->system);
	if (knows)
		keep_mms(s, s->system->fields.mm_pgd);
	else
		status = infer_fields(s, &knows);
	ws_search_end(s->system, recorder);
	if (status != WS_OK)
		return status;
	if (knows && s->system->fields.flags == WS_NO_FIELD)
		ws_note(s->system, "task flags were not found: zombies are taken for "
				   "kernel threads");
	return knows ? gather_tasks(s) : WS_OK;
}

enum ws_status ws_find_owners(struct ws_system *system, const ws_pa_vec *roots,
			      size_t *found)
{
	struct search s = { .system = system, .roots = roots };
	enum ws_status status = search_owners(&s);

	ws_vec_release(&s.pgds);
	ws_vec_release(&s.mms);
	*found = s.found;
	return status;
}
