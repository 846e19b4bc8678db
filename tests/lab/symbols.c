/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Everything about modules and symbols that a dump says, a line each, for test_symbols.py
 * to hold against what the guest said of itself. With --forget-vmcoreinfo as if the
 * kernel had reported crash tools nothing, so that kallsyms must be found by its shape.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "linux/members.h"
#include "linux/symtab.h"

struct wish {
	bool forget_vmcoreinfo;
	struct ws_system_options options;
	const char *dump;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Milliseconds since the last call. */
static void lap(const char *what)
{
	static double last;
	double t = now();

	if (last > 0)
		printf("time %s %.2f\n", what, t - last);
	last = now();
}

static void print_modules(const struct ws_module *modules, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		printf("module %s %u", modules[i].name, modules[i].state);
		for (unsigned r = 0; r < modules[i].nregions; r++)
			printf(" %lx:%lu", modules[i].region[r].va,
			       modules[i].region[r].len);
		printf("\n");
	}
}

static void print_symbols(const struct ws_system *system)
{
	ws_vec_each(&system->symtab->entries, entry) {
		printf("symbol %lx %c %s", entry->va, entry->type ? entry->type : '-',
		       system->symtab->names + entry->name);
		if (entry->module >= 0)
			printf(" [%s]", system->modules.v[entry->module].name);
		printf("\n");
	}
}

static void print_members(const struct ws_members *members)
{
	unsigned reported = 0;

	for (int i = 0; i < WS_INFERRED_MEMBERS; i++)
		reported += members->offset[i] != WS_NO_MEMBER;
	printf("types %s: %u members\n", members->source, reported);
}

static enum ws_status say(struct ws_target *target, const struct wish *wish)
{
	struct ws_system *system = NULL;
	const struct ws_module *modules;
	struct ws_symbol symbol;
	enum ws_status status;
	size_t n;

	lap("target");
	status = ws_system_open(target, &wish->options, &system);
	if (status)
		return status;
	lap("system");
	if (wish->forget_vmcoreinfo) {
		free(system->vmcoreinfo);
		system->vmcoreinfo = NULL;
	}
	status = ws_system_modules(system, &modules, &n);
	lap("modules");
	if (!status) {
		print_modules(modules, n);
		lap("print");
		status = ws_symbols_load(system);
		lap("symbols");
	}
	if (!status) {
		print_symbols(system);
		lap("print");
		if (ws_symbol_find(system, "a_name_that_no_kernel_has", &symbol))
			printf("missing %s\n", ws_error(system->ctx, 0));
		if (system->members && system->members->source)
			print_members(system->members);
		for (unsigned i = 0; ws_system_note(system, i); i++)
			printf("note %s\n", ws_system_note(system, i));
	}
	ws_system_close(system);
	return status;
}

static struct wish arguments(int argc, char **argv)
{
	static const struct option options[] = {
		{ "forget-vmcoreinfo", no_argument, NULL, 'f' },
		{ "system-map", required_argument, NULL, 'm' },
		{ "vmlinux", required_argument, NULL, 'v' },
		{ 0 },
	};
	struct wish wish = { 0 };

	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;)
		if (c == 'f')
			wish.forget_vmcoreinfo = true;
		else if (c == 'm')
			wish.options.system_map = optarg;
		else if (c == 'v')
			wish.options.vmlinux = optarg;
	if (optind + 1 != argc)
		exit(2);
	wish.dump = argv[optind];
	return wish;
}

int main(int argc, char **argv)
{
	struct wish wish = arguments(argc, argv);
	struct ws_context *ctx = ws_context_create();
	struct ws_target *target = NULL;
	enum ws_status status;

	lap("start");
	status = ws_target_open(ctx, wish.dump, NULL, &target);
	if (!status)
		status = say(target, &wish);
	for (unsigned i = 0; status && ws_error(ctx, i); i++)
		fprintf(stderr, "%s\n", ws_error(ctx, i));
	ws_target_close(target);
	ws_context_destroy(ctx);
	return status ? 1 : 0;
}
