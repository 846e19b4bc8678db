/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A command for crash that asks whosees about the machine which this crash session is about:
 *
 *	crash> extend whosees.so
 *	crash> whosees probe vfs_read ffffffffc0404000
 *
 * Memory is read by the session, by physical address, and so is the kernel's text for crash
 * tools; crash's own symbols stand for addresses.
 */
#include <ctype.h>

#include <crash/defs.h>
#include <whosees.h>

struct session {
	struct ws_context *ctx;
	struct ws_target *target;
	struct ws_system *system;
};

/* ---- the session's memory ----------------------------------------------------------------- */

static enum ws_evidence read_physical(void *arg, uint64_t pa, void *buf, size_t len)
{
	(void)arg;
	return readmem(pa, PHYSADDR, buf, (long)len, "physical memory",
		       RETURN_ON_ERROR | QUIET)
		       ? WS_READ
		       : WS_ABSENT;
}

static bool read_variable(char *name, ulong *value)
{
	return symbol_exists(name) &&
	       readmem(symbol_value(name), KVADDR, value, sizeof(*value), name,
		       RETURN_ON_ERROR | QUIET);
}

/* VMCOREINFO text, as the kernel keeps it for crash tools; the caller frees it. */
static char *read_vmcoreinfo(void)
{
	ulong at, size;
	char *text;

	if (!read_variable("vmcoreinfo_data", &at) ||
	    !read_variable("vmcoreinfo_size", &size) || size >= 4096)
		return NULL;
	text = calloc(1, size + 1);
	if (text && !readmem(at, KVADDR, text, (long)size, "vmcoreinfo_data",
			     RETURN_ON_ERROR | QUIET)) {
		free(text);
		text = NULL;
	}
	return text;
}

/* Where the kernel's nodes have memory, holes of it included: what is in none is not there. */
static struct ws_extent *extents_of_nodes(void)
{
	struct ws_extent *extents = calloc((size_t)vt->numnodes, sizeof(*extents));

	for (int i = 0; extents && i < vt->numnodes; i++) {
		extents[i].pa = vt->node_table[i].start_paddr;
		extents[i].len = (uint64_t)vt->node_table[i].size * PAGESIZE();
	}
	return extents;
}

static void close_session(struct session *session)
{
	ws_system_close(session->system);
	ws_target_close(session->target);
	ws_context_destroy(session->ctx);
}

static bool open_session(struct session *session)
{
	struct ws_given_memory given = {
		.extents = extents_of_nodes(),
		.nextents = (size_t)vt->numnodes,
		.read = read_physical,
		.vmcoreinfo = read_vmcoreinfo(),
		.moving = ACTIVE(),
	};
	bool ok;

	*session = (struct session){ .ctx = ws_context_create() };
	ok = session->ctx && given.extents &&
	     ws_target_open_given(session->ctx, "crash's session", &given, NULL,
				  &session->target) == WS_OK &&
	     ws_system_open(session->target, NULL, &session->system) == WS_OK;
	free((void *)given.extents);
	free((void *)given.vmcoreinfo);
	return ok;
}

/* ---- commands ------------------------------------------------------------------------------- */

static void print_space(const struct ws_space *space)
{
	fprintf(fp, "%7u %-20s ", space->pid, space->comm);
}

static void show_spaces(struct session *session)
{
	size_t n;
	const struct ws_space *spaces = ws_system_spaces(session->system, &n);

	for (size_t i = 0; i < n; i++) {
		print_space(&spaces[i]);
		fprintf(fp, "%-8s root %#llx\n", ws_space_kind_name(spaces[i].kind),
			(unsigned long long)spaces[i].root);
	}
}

static void probe_one(struct session *session, const struct ws_space *space, char *what,
		      uint64_t va)
{
	const struct ws_paging *paging = ws_system_paging(session->system);
	struct ws_trail trail;

	ws_walk(paging, space->root, va, &trail);
	print_space(space);
	if (trail.end == WS_END_PAGE)
		fprintf(fp, "%s: page %#llx\n", what, (unsigned long long)trail.pa);
	else
		fprintf(fp, "%s: %s at the %s\n", what,
			ws_end_is_known(trail.end) ? "not mapped" : "unknown, stopped",
			ws_level_name(paging->format,
				      trail.nsteps ? trail.nsteps - 1u : 0));
}

/* A symbol of crash's, or a number in hexadecimal, as crash's own commands take one. */
static bool address_of(char *what, uint64_t *va)
{
	char *end;

	if (symbol_exists(what)) {
		*va = symbol_value(what);
		return true;
	}
	errno = 0;
	*va = strtoull(what, &end, 16);
	return isxdigit((unsigned char)what[0]) && !*end && !errno;
}

static void show_probes(struct session *session)
{
	size_t n;
	const struct ws_space *spaces = ws_system_spaces(session->system, &n);

	for (int word = 2; word < argcnt; word++) {
		uint64_t va;

		if (!address_of(args[word], &va)) {
			fprintf(fp, "whosees: %s is neither a symbol nor hexadecimal\n",
				args[word]);
			return;
		}
		for (size_t i = 0; i < n; i++)
			if (spaces[i].kind == WS_SPACE_PROCESS)
				probe_one(session, &spaces[i], args[word], va);
	}
}

static void print_audit(struct ws_system *system, const struct ws_audit *audit)
{
	size_t nspaces, nfindings;
	const struct ws_space *spaces = ws_system_spaces(system, &nspaces);
	const struct ws_judgement *judged = ws_audit_judgements(audit, &nspaces);
	const struct ws_finding *finding = ws_audit_findings(audit, &nfindings);

	const char *note;
	size_t counted = 0;

	for (size_t i = 0; i < nspaces; i++) {
		if (!ws_audited(audit, (uint32_t)i))
			continue;
		counted++;
		if (judged[i].verdict == WS_COHERENT)
			continue;
		print_space(&spaces[i]);
		fprintf(fp, "%s\n", ws_verdict_name(judged[i].verdict));
	}
	for (size_t i = 0; i < nfindings; i++)
		fprintf(fp, "%s: %s: %s\n", ws_severity_name(finding[i].severity),
			finding[i].rule->id, finding[i].text);
	for (unsigned i = 0; (note = ws_audit_note(audit, i)); i++)
		fprintf(fp, "note: %s\n", note);
	fprintf(fp, "%zu finding%s in %zu address spaces\n", nfindings,
		nfindings == 1 ? "" : "s", counted);
}

static void show_audit(struct session *session)
{
	struct ws_audit *audit;

	if (ws_audit_run(session->system, &audit) != WS_OK) {
		fprintf(fp, "whosees: %s\n", ws_error(session->ctx, 0));
		return;
	}
	print_audit(session->system, audit);
	ws_audit_destroy(audit);
}

static const struct {
	const char *name;
	int nargs; /* at least, with the command and its name */
	void (*show)(struct session *session);
} commands[] = {
	{ "spaces", 2, show_spaces },
	{ "probe", 3, show_probes },
	{ "audit", 2, show_audit },
};

static void cmd_whosees(void)
{
	struct session session;

	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		if (argcnt < commands[i].nargs || strcmp(args[1], commands[i].name))
			continue;
		if (open_session(&session))
			commands[i].show(&session);
		else
			fprintf(fp, "whosees: %s\n",
				session.ctx ? ws_error(session.ctx, 0) : "out of memory");
		close_session(&session);
		return;
	}
	cmd_usage(pc->curcmd, SYNOPSIS);
}

static char *help_whosees[] = {
	"whosees",
	"which address spaces see a kernel address",
	"spaces | probe WHAT... | audit",
	"  spaces   the address spaces",
	"  probe    how the walk of a symbol or of an address in hexadecimal ends in each process",
	"  audit    what diverges from init_mm, and what it comes to",
	NULL,
};

static struct command_table_entry table[] = {
	{ "whosees", cmd_whosees, help_whosees, 0 },
	{ NULL },
};

__attribute__((constructor)) static void start(void)
{
	register_extension(table);
}
