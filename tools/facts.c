/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "facts.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "linux/pids.h"
#include "report/report.h"
#include "report/words.h"
#include "util/cleanup.h"
#include "util/count.h"
#include "util/text.h"

static char *__attribute__((format(printf, 2, 3)))
print(struct facts *facts, const char *fmt, ...)
{
	char *text;
	va_list ap;

	va_start(ap, fmt);
	text = ws_text_of_args(fmt, ap);
	va_end(ap);
	facts->short_of_memory |= !text;
	return text;
}

/* Takes the strings over. NULL: memory is short. */
static struct fact *add(struct facts *facts, enum fact_kind kind, char *key, char *name,
			char *value)
{
	struct fact *fact = ws_vec_push(&facts->v);

	if (fact) {
		*fact = (struct fact){
			.kind = kind,
			.key = { key },
			.name = name,
			.value = value,
			.nth = facts->v.n,
			.verdict = -1,
			.severity = -1,
		};
		return fact;
	}
	facts->short_of_memory = true;
	free(key);
	free(name);
	free(value);
	return NULL;
}

/* What is gathered, and what it takes to name it. */
struct gathering {
	struct facts *facts;
	const struct facts_of *of;
	struct ws_pids pids;
};

/* Names may hold anything, so the length of the first says where it ends. */
static char *name_key(const struct gathering *g, const struct ws_space *space)
{
	const struct ws_task *task = NULL, *parent = NULL;
	const char *name = "";

	if (g->of->pairing == PAIR_BY_PARENT)
		task = ws_pids_find(&g->pids, space->pid);
	if (task)
		parent = ws_pids_find(&g->pids, task->ppid);
	if (parent)
		name = parent->comm;
	return print(g->facts, "process %s %s %zu", space->comm, name,
		     strlen(space->comm));
}

/* What has no process is known by its root, which another boot gives to anybody. */
static char *space_key(const struct gathering *g, const struct ws_space *space)
{
	if (space->kind == WS_SPACE_INIT)
		return print(g->facts, "init");
	if (!space_has_pid(space))
		return print(g->facts, "root %s%016" PRIx64, g->of->side, space->root);
	if (g->of->pairing != PAIR_BY_PID)
		return name_key(g, space);
	return print(g->facts, "process %010u", space->pid);
}

/*
 * A process may have lost its owner in one of two moments. In two boots a root is
 * nobody's in particular, and init_mm is always known.
 */
static void add_root_key(const struct gathering *g, const struct ws_space *space,
			 struct fact *fact)
{
	if (g->of->pairing == PAIR_BY_PID && space->kind != WS_SPACE_INIT)
		fact->key[1] = print(g->facts, "root %016" PRIx64, space->root);
}

/* What has no pid is named by its root, and whose it is not is its value. */
static void add_existence(const struct gathering *g, const struct ws_space *space)
{
	struct facts *facts = g->facts;
	bool owned = space_has_pid(space) || space->kind == WS_SPACE_INIT;
	char words[WORDS], kind[WORDS];
	struct fact *fact;

	space_words(space, words);
	space_owner_words(space, kind);
	fact = add(facts, FACT_SPACE, space_key(g, space),
		   owned ? print(facts, "%s", words)
			 : print(facts, "root 0x%" PRIx64, space->root),
		   print(facts, "%s, root 0x%" PRIx64, kind, space->root));
	if (!fact)
		return;
	fact->pid = space->pid;
	fact->alone = owned ? print(facts, "root 0x%" PRIx64, space->root)
			    : print(facts, "%s", kind);
	if (g->of->pairing != PAIR_BY_PID)
		fact->same = print(facts, "%s", kind);
	add_root_key(g, space, fact);
}

/* A user half comes and goes with its space, and its verdict is in that one's. */
static void add_space(const struct gathering *g, uint32_t s)
{
	struct facts *facts = g->facts;
	const struct ws_space *space = &g->of->digest->spaces[s];
	enum ws_verdict verdict = ws_audit_whole(g->of->digest->audit, s).verdict;
	char words[WORDS];
	struct fact *fact;

	add_existence(g, space);
	space_words(space, words);
	fact = add(facts, FACT_VERDICT, space_key(g, space), print(facts, "%s", words),
		   print(facts, "%s", ws_verdict_name(verdict)));
	if (!fact)
		return;
	fact->pid = space->pid;
	fact->verdict = (int)verdict;
	add_root_key(g, space, fact);
}

static uint64_t module_size(const struct ws_module *module)
{
	uint64_t size = 0;

	for (unsigned r = 0; r < module->nregions; r++)
		size += module->region[r].len;
	return size;
}

static char *module_value(struct facts *facts, const struct ws_module *module)
{
	uint64_t size = module_size(module);
	char cell[REPORT_CELL];

	if (!size)
		return print(facts, "of no known memory");
	return print(facts, "%s at 0x%" PRIx64, report_size(size, cell),
		     module->region[0].va);
}

static void add_module(const struct gathering *g, const struct ws_module *module)
{
	struct facts *facts = g->facts;
	const struct ws_region *region = &module->region[0];
	struct fact *fact =
		add(facts, FACT_MODULE, print(facts, "%s", module->name),
		    print(facts, "%s", module->name), module_value(facts, module));

	if (fact && g->of->pairing != PAIR_BY_PID)
		fact->same = print(facts, "%" PRIu64, module_size(module));
	if (!fact || !module->nregions || !region->len)
		return;
	fact->has_range = true;
	fact->va = region->va;
	fact->last = region->va + (region->len - 1);
}

/* "whosees_lab:lab_page_fault+0x0", or where no symbol is: "vmalloc". */
static char *place_words(const struct gathering *g, const struct ws_finding *finding)
{
	struct ws_symbol symbol;
	enum ws_status status;

	status = ws_symbol_at(g->of->digest->system, finding->va, &symbol);
	if (status == WS_ERR_SYSTEM)
		g->facts->short_of_memory = true;
	if (status != WS_OK)
		return print(g->facts, "%s", finding->region ? finding->region : "");
	return print(g->facts, "%s:%s+0x%" PRIx64,
		     symbol.module ? symbol.module->name : "", symbol.name,
		     finding->va - symbol.va);
}

/* In two boots neither an address nor words that name one are the same. */
static void add_group_keys(const struct gathering *g, const struct ws_finding *finding,
			   struct fact *fact)
{
	ws_autofree char *space = NULL;

	if (g->of->pairing != PAIR_BY_PID)
		return;
	space = space_key(g, &g->of->digest->spaces[finding->space]);
	fact->key[1] = print(g->facts, "%s %016" PRIx64 " %d %s", finding->rule->id,
			     finding->va, finding->cpu, space ? space : "");
	fact->key[2] = print(g->facts, "%s %016" PRIx64 " %d", finding->rule->id,
			     finding->va, finding->cpu);
}

static char *group_key(const struct gathering *g, const struct ws_finding *finding)
{
	ws_autofree char *place = NULL;

	if (g->of->pairing == PAIR_BY_PID)
		return print(g->facts, "%016" PRIx64 "-%016" PRIx64 " %s %d %s",
			     finding->va, finding->last, finding->rule->id, finding->cpu,
			     finding->text);
	place = place_words(g, finding);
	return print(g->facts, "%s %d %s", finding->rule->id, finding->cpu,
		     place ? place : "");
}

static char *group_value(const struct gathering *g, const struct digest_group *group)
{
	const struct ws_finding *finding = group->first;
	char words[WORDS];

	if (finding->machine)
		return print(g->facts, "%s", finding->text);
	if (group->nspaces == 1)
		return print(g->facts, "in %s: %s",
			     space_words(&g->of->digest->spaces[finding->space], words),
			     finding->text);
	return print(g->facts, "in %s: %s", WS_COUNT_OF(group->nspaces, "space"),
		     finding->text);
}

static void add_group(const struct gathering *g, const struct digest_group *group)
{
	struct facts *facts = g->facts;
	const struct ws_finding *finding = group->first;
	struct fact *fact =
		add(facts, FACT_FINDING, group_key(g, finding),
		    print(facts, "%s at 0x%" PRIx64, finding->rule->id, finding->va),
		    group_value(g, group));

	if (!fact)
		return;
	add_group_keys(g, finding, fact);
	if (g->of->pairing != PAIR_BY_PID)
		fact->same = print(facts, "%u %u", group->nspaces, group->severity);
	else
		fact->same = print(facts, "%s %u %" PRIx64, fact->value, group->severity,
				   finding->last);
	fact->detail = print(facts, "%s, to 0x%" PRIx64,
			     ws_severity_name(group->severity), finding->last);
	fact->severity = (int)group->severity;
	fact->has_range = true;
	fact->va = finding->va;
	fact->last = finding->last;
}

static void gather(const struct gathering *g)
{
	const struct digest *digest = g->of->digest;

	for (uint32_t s = 0; s < digest->nspaces; s++)
		if (digest->chosen[s] && digest->spaces[s].kind != WS_SPACE_USER)
			add_space(g, s);
	for (size_t m = 0; m < g->of->nmodules; m++)
		add_module(g, &g->of->modules[m]);
	ws_vec_each(&digest->groups, group)
		add_group(g, group);
}

bool facts_gather(struct facts *facts, const struct facts_of *of)
{
	struct gathering g = { .facts = facts, .of = of };
	size_t ntasks;
	const struct ws_task *tasks = ws_system_tasks(of->digest->system, &ntasks);

	if (!ws_pids_make(&g.pids, tasks, ntasks))
		return false;
	gather(&g);
	ws_pids_release(&g.pids);
	return !facts->short_of_memory;
}

/* ---- pairs ------------------------------------------------------------------------ */

/* A fact, and the key that it is looked up by now. */
struct keyed {
	const char *key;
	struct fact *fact;
};
typedef WS_VEC(struct keyed) keyed_vec;

static int compare_keys(const struct fact *a, const char *key_a, const struct fact *b,
			const char *key_b)
{
	int order = (a->kind > b->kind) - (a->kind < b->kind);

	return order ? order : strcmp(key_a, key_b);
}

static int compare_keyed(const void *left, const void *right)
{
	const struct keyed *a = left, *b = right;
	int order = compare_keys(a->fact, a->key, b->fact, b->key);

	return order ? order
		     : (a->fact->nth > b->fact->nth) - (a->fact->nth < b->fact->nth);
}

/* What is in no pair yet and has such a key, sorted. */
static bool gather_keyed(struct facts *facts, unsigned k, keyed_vec *keyed)
{
	struct keyed *one;

	keyed->n = 0;
	ws_vec_each(&facts->v, fact) {
		if (fact->paired || !fact->key[k])
			continue;
		one = ws_vec_push(keyed);
		if (!one)
			return false;
		*one = (struct keyed){ fact->key[k], fact };
	}
	if (keyed->n)
		qsort(keyed->v, keyed->n, sizeof(*keyed->v), compare_keyed);
	return true;
}

static bool add_pair(fact_pairs *pairs, struct fact *before, struct fact *after)
{
	struct fact_pair *pair = ws_vec_push(pairs);

	if (!pair)
		return false;
	*pair = (struct fact_pair){ before, after };
	if (before)
		before->paired = true;
	if (after)
		after->paired = true;
	return true;
}

/* Two processes that have had one root after the other are two. */
static bool may_pair(const struct fact *before, const struct fact *after, unsigned k)
{
	return !k || !before->pid || !after->pid;
}

static bool pair_keyed(const keyed_vec *before, const keyed_vec *after, unsigned k,
		       fact_pairs *pairs)
{
	size_t a = 0, b = 0;

	while (a < before->n && b < after->n) {
		const struct keyed *was = &before->v[a], *is = &after->v[b];
		int order = compare_keys(was->fact, was->key, is->fact, is->key);

		a += order <= 0;
		b += order >= 0;
		if (!order && may_pair(was->fact, is->fact, k) &&
		    !add_pair(pairs, was->fact, is->fact))
			return false;
	}
	return true;
}

static int compare_pairs(const void *left, const void *right)
{
	const struct fact_pair *a = left, *b = right;
	const struct fact *fa = a->after ? a->after : a->before;
	const struct fact *fb = b->after ? b->after : b->before;
	int order = compare_keys(fa, fa->key[0], fb, fb->key[0]);

	if (!order)
		order = (fa->nth > fb->nth) - (fa->nth < fb->nth);
	return order ? order : !a->after - !b->after;
}

/* Those that only one of the two has. */
static bool add_alone(struct facts *facts, bool before, fact_pairs *pairs)
{
	ws_vec_each(&facts->v, fact) {
		if (!fact->paired &&
		    !add_pair(pairs, before ? fact : NULL, before ? NULL : fact))
			return false;
	}
	return true;
}

bool facts_pair(struct facts *before, struct facts *after, fact_pairs *pairs)
{
	keyed_vec was = { 0 }, is = { 0 };
	bool paired = true;

	for (unsigned k = 0; paired && k < FACT_KEYS; k++)
		paired = gather_keyed(before, k, &was) && gather_keyed(after, k, &is) &&
			 pair_keyed(&was, &is, k, pairs);
	ws_vec_release(&was);
	ws_vec_release(&is);
	paired = paired && add_alone(before, true, pairs) &&
		 add_alone(after, false, pairs);
	if (paired && pairs->n)
		qsort(pairs->v, pairs->n, sizeof(*pairs->v), compare_pairs);
	return paired;
}

/* ---- the rest --------------------------------------------------------------------- */

bool facts_have_parents(struct ws_system *system, bool *have)
{
	size_t nspaces, ntasks;
	const struct ws_space *spaces = ws_system_spaces(system, &nspaces);
	const struct ws_task *tasks = ws_system_tasks(system, &ntasks), *task;
	struct ws_pids pids;

	*have = true;
	if (!ws_pids_make(&pids, tasks, ntasks))
		return false;
	for (size_t s = 0; s < nspaces && *have; s++) {
		if (spaces[s].kind != WS_SPACE_PROCESS)
			continue;
		task = ws_pids_find(&pids, spaces[s].pid);
		*have = task && task->ppid != WS_NO_PID;
	}
	ws_pids_release(&pids);
	return true;
}

void facts_release(struct facts *facts)
{
	ws_vec_each(&facts->v, fact) {
		for (unsigned k = 0; k < FACT_KEYS; k++)
			free(fact->key[k]);
		free(fact->name);
		free(fact->value);
		free(fact->alone);
		free(fact->same);
		free(fact->detail);
	}
	ws_vec_release(&facts->v);
}
