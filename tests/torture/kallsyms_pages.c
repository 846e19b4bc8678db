/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kallsyms_pages STEP DUMP...: what a kernel's symbols become when a page of kallsyms is
 * overwritten, every STEP-th of them, with zeros, 0xff, other bytes, and the page before
 * or behind it: each is where it was, or is not known, and that some are not is said. In
 * every LOOKS-th of them the dump is audited as well: nobody fares worse.
 * WS_TORTURE_STEP=1 in the environment overwrites every page.
 */
#include <stdlib.h>
#include <string.h>

#include "common/random.h"
#include "linux/symtab.h"
#include "torture/answer.h"
#include "util/cleanup.h"

#define LOOKS 16

enum pattern { ZEROS, ONES, RANDOM, PAGE_BEFORE, PAGE_BEHIND, PATTERNS };
static const char *const patterns[] = { "zeros", "0xff", "other bytes", "the page before",
					"the page behind" };

struct run {
	struct dump dump;
	struct answer whole;
	struct random random;
	unsigned pages, wrong;
};

static uint64_t table(const struct run *run, const char *name)
{
	char line[64], *at;
	const char *text = ws_system_vmcoreinfo(run->whole.system);

	snprintf(line, sizeof(line), "SYMBOL(kallsyms_%s)=", name);
	at = text ? strstr(text, line) : NULL;
	if (!at)
		abort();
	return strtoull(at + strlen(line), NULL, 16);
}

static bool has(const struct ws_symtab *symtab, const char *name, uint64_t va)
{
	uint32_t entry = ws_symtab_first(symtab, name, strlen(name));

	while (entry != WS_NO_ENTRY && symtab->entries.v[entry].va != va)
		entry = ws_symtab_next(symtab, entry);
	return entry != WS_NO_ENTRY;
}

static void is_wrong(struct run *run, uint64_t va, enum pattern pattern, const char *what)
{
	run->wrong++;
	printf("# the page at %#lx, %s: %s\n", va, patterns[pattern], what);
}

static void compare_symbols(struct run *run, struct ws_system *system, uint64_t va,
			    enum pattern pattern)
{
	const struct ws_symtab *before = run->whole.system->symtab, *after;
	unsigned moved = 0;

	if (ws_symbols_load(system) != WS_OK) {
		is_wrong(run, va, pattern, "symbols are refused");
		return;
	}
	after = system->symtab;
	for (uint32_t i = 0; i < after->entries.n; i++) {
		const struct ws_symtab_entry *entry = &after->entries.v[i];

		if (has(before, ws_symtab_name(after, i), entry->va))
			continue;
		if (!moved++)
			is_wrong(run, va, pattern, ws_symtab_name(after, i));
	}
	if (after->entries.n < before->entries.n && !after->partial)
		is_wrong(run, va, pattern, "symbols are lost, and nothing is said of it");
}

static void look(struct run *run, uint64_t va, enum pattern pattern, bool audit)
{
	struct dump_piece piece = { 0 };
	const struct omission omission = { &piece, 1 };
	struct answer part = { .ctx = ws_context_create() };
	ws_autofree char *words = NULL;
	size_t size;
	FILE *out = open_memstream(&words, &size);

	if (!out || ws_kernel_translate(run->whole.system, va, &piece.pa) != WS_READ)
		abort();
	if (audit) {
		ws_context_destroy(part.ctx);
		answer_get(&part, run->dump.path);
		answer_compare_damage(&run->whole, &part, &omission, out);
	} else if (ws_target_open(part.ctx, run->dump.path, NULL, &part.target) ||
		   ws_system_open(part.target, NULL, &part.system)) {
		part.system = NULL;
	}
	fclose(out);
	if (size)
		is_wrong(run, va, pattern, words);
	if (part.system)
		compare_symbols(run, part.system, va, pattern);
	answer_release(&part);
}

/* False: that page is not there. */
static bool fill(struct run *run, uint64_t va, enum pattern pattern, uint8_t *bytes)
{
	struct ws_system *system = run->whole.system;

	memset(bytes, pattern == ONES ? 0xff : 0, WS_FRAME_SIZE);
	for (size_t i = 0; pattern == RANDOM && i < WS_FRAME_SIZE; i++)
		bytes[i] = (uint8_t)random_next(&run->random);
	if (pattern == PAGE_BEFORE || pattern == PAGE_BEHIND)
		return ws_system_read(system,
				      pattern == PAGE_BEHIND ? va + WS_FRAME_SIZE
							     : va - WS_FRAME_SIZE,
				      bytes, WS_FRAME_SIZE) == WS_READ;
	return true;
}

static void overwrite(struct run *run, uint64_t va, enum pattern pattern)
{
	uint8_t bytes[WS_FRAME_SIZE], before[WS_FRAME_SIZE];
	uint64_t pa;

	if (ws_kernel_translate(run->whole.system, va, &pa) != WS_READ ||
	    !fill(run, va, pattern, bytes) ||
	    !dump_overwrite(&run->dump, pa, bytes, before))
		return;
	look(run, va, pattern, run->pages++ % LOOKS == 0);
	if (!dump_overwrite(&run->dump, pa, before, bytes))
		abort();
}

static void sweep(struct run *run, uint64_t va, uint64_t end, unsigned long step)
{
	va &= -(uint64_t)WS_FRAME_SIZE;
	for (unsigned i = 0; va < end; va += WS_FRAME_SIZE, i++)
		for (unsigned p = 0; p < PATTERNS; p++)
			if ((i + p) % step == 0 || va + WS_FRAME_SIZE >= end || !i)
				overwrite(run, va, p);
}

static void try_dump(struct run *run, const char *path, unsigned long step)
{
	uint64_t offsets, names, num;
	uint32_t n;

	if (!dump_open(&run->dump, path))
		abort();
	answer_get(&run->whole, run->dump.path);
	if (!run->whole.audit || ws_symbols_load(run->whole.system) != WS_OK)
		abort();
	offsets = table(run, "offsets");
	names = table(run, "names");
	num = table(run, "num_syms");
	if (ws_kernel_u32(run->whole.system, num, &n) != WS_READ)
		abort();
	sweep(run, num, names, step);
	sweep(run, names, table(run, "token_index") + 2 * 256, step);
	sweep(run, offsets, table(run, "relative_base") + 8, step);
	answer_release(&run->whole);
	dump_close(&run->dump);
}

int main(int argc, char **argv)
{
	const char *text = getenv("WS_TORTURE_STEP");
	unsigned long step = strtoul(text ? text : argc > 1 ? argv[1] : "1", NULL, 0);
	unsigned failed = 0;

	printf("1..%d\n", argc - 2);
	for (int i = 2; i < argc; i++) {
		struct run run = { .random = { random_seed() } };

		try_dump(&run, argv[i], step);
		printf("%sok %d - %s: %u pages overwritten: symbols are right or unknown\n",
		       run.wrong ? "not " : "", i - 1, strrchr(argv[i], '/') + 1,
		       run.pages);
		failed |= run.wrong != 0;
	}
	return (int)failed;
}
