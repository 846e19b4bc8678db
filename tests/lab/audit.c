/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the audit says of a dump, a line a space and a line a finding, for test_audit.py.
 * And what it would say if one space had not its private entry for an address: --hide
 * ROOT:ADDRESS, each after the other, in the same memory. The dump itself stays as it is:
 * its mapping is private.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/frames.h"
#include "linux/linux.h"
#include "linux/roots.h"
#include "paging/format.h"
#include "target/target.h"

#define HIDES_MAX 64

struct hide {
	uint64_t root, va;
};

static void print_reasons(const char *reasons)
{
	for (const char *at = reasons; at && *at;) {
		size_t n = strcspn(at, "\n");

		printf("reason %.*s\n", (int)n, at);
		at += n + (at[n] == '\n');
	}
}

static void print_spaces(struct ws_system *system, const struct ws_audit *audit)
{
	size_t n;
	const struct ws_judgement *judged = ws_audit_judgements(audit, &n);

	for (size_t i = 0; i < n; i++) {
		const struct ws_space *space = &system->spaces.v[i];

		printf("space %d %#lx %s %u %u %s\n", space->kind, space->root,
		       ws_verdict_name(judged[i].verdict), judged[i].nfindings,
		       space->pid, space->comm);
		print_reasons(judged[i].reasons);
	}
}

static void print_findings(struct ws_system *system, const struct ws_audit *audit)
{
	size_t n;
	const struct ws_finding *findings = ws_audit_findings(audit, &n);

	for (size_t i = 0; i < n; i++) {
		const struct ws_finding *f = &findings[i];

		printf("finding %s %s %#lx %#lx %#lx %s\n", f->rule->id,
		       ws_severity_name(f->severity), system->spaces.v[f->space].root,
		       f->va, f->last, f->text);
	}
}

static enum ws_status say(struct ws_system *system, const char *what)
{
	struct ws_audit *audit;
	enum ws_status status = ws_audit_run(system, &audit);

	if (status)
		return status;
	printf("audit %s\n", what);
	print_spaces(system, audit);
	print_findings(system, audit);
	ws_audit_destroy(audit);
	return WS_OK;
}

/* The frame is the file's own mapping, made writable. */
static uint8_t *private_entry(struct ws_system *system, const struct hide *hide)
{
	const struct ws_format *format = system->paging.format;
	unsigned level = ws_private_level(format);
	struct ws_trail trail;
	uint64_t pa;

	ws_walk(&system->paging, hide->root, hide->va, &trail);
	if (trail.nsteps <= level)
		return NULL;
	pa = ws_step_entry_pa(format, &trail.step[level]);
	return (uint8_t *)target_frame(system->target, pa) + pa % WS_FRAME_SIZE;
}

static enum ws_status say_hidden(struct ws_system *system, const struct hide *hide)
{
	uint8_t *entry = private_entry(system, hide), kept[8] = { 0 };
	size_t size = (size_t)1 << system->paging.format->entry_log2;
	enum ws_status status;
	char what[64];

	if (!entry)
		return WS_ERR_USAGE;
	snprintf(what, sizeof(what), "%#lx:%#lx", hide->root, hide->va);
	memcpy(kept, entry, size);
	memset(entry, 0, size);
	status = say(system, what);
	memcpy(entry, kept, size);
	return status;
}

static enum ws_status say_all(struct ws_target *target, const struct hide *hides,
			      unsigned n)
{
	struct ws_system *system;
	enum ws_status status = ws_system_open(target, NULL, &system);

	if (status)
		return status;
	status = say(system, "as-it-is");
	for (unsigned i = 0; i < n && !status; i++)
		status = say_hidden(system, &hides[i]);
	for (unsigned i = 0; ws_system_note(system, i); i++)
		printf("note %s\n", ws_system_note(system, i));
	ws_system_close(system);
	return status;
}

static enum ws_status say_dump(struct ws_context *ctx, const char *path,
			       const struct hide *hides, unsigned n)
{
	struct ws_target_options none = { 0 };
	struct ws_target *target;
	enum ws_status status = ws_target_open(ctx, path, &none, &target);

	if (status)
		return status;
	if (n && ws_file_hold_all(&target->file) != WS_READ)
		status = WS_ERR_SYSTEM;
	else
		status = say_all(target, hides, n);
	ws_target_close(target);
	return status;
}

static bool read_hides(int argc, char **argv, struct hide *hides, unsigned *n)
{
	static const struct option options[] = {
		{ "hide", required_argument, NULL, 'h' },
		{ 0 },
	};
	char *rest;

	*n = 0;
	while (getopt_long(argc, argv, "", options, NULL) == 'h') {
		if (*n == HIDES_MAX)
			return false;
		hides[*n].root = strtoull(optarg, &rest, 0);
		hides[*n].va = *rest ? strtoull(rest + 1, NULL, 0) : 0;
		++*n;
	}
	return argc - optind == 1;
}

int main(int argc, char **argv)
{
	struct hide hides[HIDES_MAX];
	struct ws_context *ctx;
	enum ws_status status;
	unsigned n;

	if (!read_hides(argc, argv, hides, &n)) {
		fprintf(stderr, "usage: audit [--hide ROOT:ADDRESS]... DUMP\n");
		return 2;
	}
	ctx = ws_context_create();
	if (!ctx)
		return 1;
	status = say_dump(ctx, argv[optind], hides, n);
	for (unsigned depth = 0; status && ws_error(ctx, depth); depth++)
		fprintf(stderr, "%s\n", ws_error(ctx, depth));
	ws_context_destroy(ctx);
	return status ? 1 : 0;
}
