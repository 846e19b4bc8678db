/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "facts.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "report/words.h"
#include "util/cleanup.h"

int fact_compare(const void *left, const void *right)
{
	const struct fact *a = left, *b = right;

	if (a->kind != b->kind)
		return (a->kind > b->kind) - (a->kind < b->kind);
	return strcmp(a->key, b->key);
}

static char *__attribute__((format(printf, 2, 3)))
print(struct facts *facts, const char *fmt, ...)
{
	char *text;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0) {
		text = NULL;
		facts->short_of_memory = true;
	}
	va_end(ap);
	return text;
}

/* Takes the strings over. NULL: memory is short. */
static struct fact *add(struct facts *facts, enum fact_kind kind, char *key, char *name,
			char *value)
{
	struct fact *fact = ws_vec_push(&facts->v);

	if (fact) {
		*fact = (struct fact){
			.kind = kind, .key = key, .name = name, .value = value
		};
		return fact;
	}
	facts->short_of_memory = true;
	free(key);
	free(name);
	free(value);
	return NULL;
}

/* A process is known by its pid, whatever it executes; what has none, by its root. */
static char *space_key(struct facts *facts, const struct ws_space *space)
{
	switch (space->kind) {
	case WS_SPACE_INIT:
		return print(facts, "init");
	case WS_SPACE_PROCESS:
		return print(facts, "process %010u", space->pid);
	case WS_SPACE_USER:
		if (space->pid)
			return print(facts, "process %010u user half", space->pid);
		return print(facts, "root %016" PRIx64, space->root);
	default:
		return print(facts, "root %016" PRIx64, space->root);
	}
}

static void add_space(struct facts *facts, const struct digest *digest, size_t s)
{
	const struct ws_space *space = &digest->spaces[s];
	enum ws_verdict verdict = digest->judgements[s].verdict;
	char words[WORDS];

	space_words(space, words);
	add(facts, FACT_SPACE, space_key(facts, space), print(facts, "%s", words),
	    print(facts, "%s, root 0x%" PRIx64, space->comm, space->root));
	add(facts, FACT_VERDICT, space_key(facts, space), print(facts, "%s", words),
	    print(facts, "%s", ws_verdict_name(verdict)));
}

static char *module_value(struct facts *facts, const struct ws_module *module)
{
	uint64_t size = 0;

	for (unsigned r = 0; r < module->nregions; r++)
		size += module->region[r].len;
	if (!size)
		return print(facts, "of no known memory");
	return print(facts, "%" PRIu64 " bytes at 0x%" PRIx64, size,
		     module->region[0].va);
}

static void add_module(struct facts *facts, const struct ws_module *module)
{
	const struct ws_region *region = &module->region[0];
	struct fact *fact =
		add(facts, FACT_MODULE, print(facts, "%s", module->name),
		    print(facts, "%s", module->name), module_value(facts, module));

	if (!fact || !module->nregions || !region->len)
		return;
	fact->has_range = true;
	fact->va = region->va;
	fact->last = region->va + (region->len - 1);
}

static void add_group(struct facts *facts, const struct digest_group *group)
{
	const struct ws_finding *finding = group->first;
	struct fact *fact =
		add(facts, FACT_FINDING,
		    print(facts, "%016" PRIx64 "-%016" PRIx64 " %s %d %s", finding->va,
			  finding->last, finding->rule->id, finding->cpu, finding->text),
		    print(facts, "%s at 0x%" PRIx64, finding->rule->id, finding->va),
		    print(facts, "in %u space%s: %s", group->nspaces,
			  group->nspaces == 1 ? "" : "s", finding->text));

	if (!fact)
		return;
	fact->has_range = true;
	fact->va = finding->va;
	fact->last = finding->last;
}

bool facts_gather(struct facts *facts, const struct digest *digest,
		  const struct ws_module *modules, size_t nmodules)
{
	for (size_t s = 0; s < digest->nspaces; s++)
		if (digest->told[s])
			add_space(facts, digest, s);
	for (size_t m = 0; m < nmodules; m++)
		add_module(facts, &modules[m]);
	ws_vec_each(&digest->groups, group)
		add_group(facts, group);
	if (facts->short_of_memory)
		return false;
	if (facts->v.n)
		qsort(facts->v.v, facts->v.n, sizeof(*facts->v.v), fact_compare);
	return true;
}

void facts_release(struct facts *facts)
{
	ws_vec_each(&facts->v, fact) {
		free(fact->key);
		free(fact->name);
		free(fact->value);
	}
	ws_vec_release(&facts->v);
}
