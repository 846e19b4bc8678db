/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rules: what is looked for, what it means, how to mend it. One row a rule; rules that
 * look at one thing share a file and a pass.
 *
 * How to add a rule: a row in the file of its family (coherence.c, protection.c,
 * wellformed.c, an architecture's fault path), a call of ws_found() where its pass sees the thing, a
 * lab scenario or a synthetic memory in tests that has it, and one that has not.
 * docs/add-a-rule.md goes through one.
 */
#ifndef WS_AUDIT_RULE_H
#define WS_AUDIT_RULE_H

#include "linux/region.h"
#include "audit/spans.h"
#include "linux/linux.h"
#include "util/vec.h"
#include "whosees.h"

/* A family of rules: rows, and the one pass that finds what any of them is about. */
struct ws_family {
	const char *name;
	const struct ws_rule *rules;
	size_t nrules;
	bool about_tables; /* what it finds is true of all spaces that share the table */
	enum ws_status (*run)(struct ws_audit *audit);
};

extern const struct ws_family ws_coherence, ws_protection, ws_wellformed, ws_jumps,
	ws_specials, ws_translations, ws_frame_family;

typedef WS_VEC(struct ws_need) ws_need_vec;

/*
 * Work in progress. Owns the findings. Invariant: findings are in the order in which
 * they were found, which is the same for the same memory.
 */
struct ws_audit {
	struct ws_context *ctx;
	struct ws_system *system;
	const struct ws_arch_audit *arch; /* the system's (arch.h) */
	const struct ws_family *family;   /* the running one */
	ws_spans tables;          /* frames that are tables, sorted (wellformed.c) */
	bool no_user_reference;   /* PTI: init_mm's own user half is none (damaged.h) */
	bool users_tables;        /* some page that user mode may write is one */
	struct ws_crowd *crowds;  /* findings of one rule in one table (crowd.c) */
	struct ws_shared *shared; /* whom else findings concern (shared.c) */
	ws_need_vec needs;        /* what was asked of every space (needs.c) */
	WS_VEC(struct ws_finding) findings;
	WS_VEC(struct ws_lack) lacks;                 /* lack.c */
	struct ws_lacking *lacking;                   /* these, by space */
	WS_VEC(struct ws_judgement) judgements;       /* one a space, in their order */
	WS_VEC(struct ws_special_judgement) specials; /* special.c */
	uint64_t work;        /* entries compared or walked: what the audit cost */
	bool limited;         /* there were more findings than are kept */
	WS_VEC(char *) notes; /* of the machine: what is asked of an audit alone */
	char *doubt; /* what some processor cannot have run with (doubt.c); NULL: nothing */
	bool short_of_memory;
};

/* Why the kernel means what lies there to be as the rule says; NULL: it does not. */
const char *ws_why_meant(const struct ws_system *system, const char *rule, uint64_t va,
			 uint64_t last);

/*
 * Whether rules look at a space: it is audited, and what lies at its root is a table.
 * What is none is not gone into: each of its words would be a finding.
 */
bool ws_has_tables(const struct ws_audit *audit, uint32_t space);

/* The space that findings about no space in particular go to: init_mm's. */
uint32_t ws_init_space(const struct ws_audit *audit);
/* The space with that root, as a register holds it; WS_NO_SPACE: none. */
uint32_t ws_space_of_root(const struct ws_audit *audit, uint64_t root);

/* The root a space is held against: init_mm's, or for a PTI user half init_mm's own. */
uint64_t ws_reference_of(const struct ws_audit *audit, const struct ws_space *space);

/* Whether the region of va is one of these; names ends with NULL. */
bool ws_lies_in(const struct ws_audit *audit, uint64_t va, const char *const *names);

/*
 * No memory lies at or above it, as far as that is known: the direct map reaches further
 * than a dump that was filtered, or cut.
 */
uint64_t ws_memory_end(const struct ws_audit *audit);

/*
 * Puts down a finding of rule (a row of the running family) for one space. The trails
 * are walked here, so that a rule cannot show another one than it means. fmt: what it
 * means in plain words. NULL: memory is short, or there were enough of these.
 */
struct ws_finding *ws_found(struct ws_audit *audit, const struct ws_rule *rule,
			    uint32_t space, uint64_t va, uint64_t last, const char *fmt,
			    ...) __attribute__((format(printf, 6, 7)));

/* The same for ws_audit_note(). */
void ws_audit_say(struct ws_audit *audit, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Whether a finding that was just put down, of a rule about tables, is to be kept. */
bool ws_crowd_admits(struct ws_audit *audit, const struct ws_finding *finding);
/* Says in the last that were kept how many were not, and forgets all that. */
void ws_crowds_say(struct ws_audit *audit);

/* A space's private entry for a kernel va, but for A and D; 0: none. */
uint64_t ws_private_entry(const struct ws_audit *audit, uint64_t root, uint64_t va);
/* Whether all spaces have one root for that address, which is no process's own. */
bool ws_is_everybodys(const struct ws_audit *audit, uint64_t va);

/*
 * Says of a finding, if other spaces share the table that it is about, how many do;
 * ws_finding_shared_with() knows of it from then on. No finding may be added after.
 */
void ws_finding_share(struct ws_audit *audit, struct ws_finding *finding);
/* The worst finding about another space that is true of this one too; NULL: none. */
const struct ws_finding *ws_finding_shared_with(const struct ws_audit *audit,
						uint32_t space);
void ws_shared_release(struct ws_audit *audit);

/*
 * A moving target: forgets what the second of two audits of it has not found (moving.c).
 */
enum ws_status ws_keep_confirmed(struct ws_audit *audit,
				 struct ws_audit *again) WS_MUST_CHECK;
/* What is about this program's own memory, which changes by its looking. */
void ws_drop_own(struct ws_audit *audit);
/* What is about spaces that are no longer whose they were. */
enum ws_status ws_drop_vanished(struct ws_audit *audit) WS_MUST_CHECK;

/* A reason is a line, whatever a process has called itself. */
static inline void ws_one_line(char *text)
{
	for (; *text; text++)
		if (*text == '\n')
			*text = ' ';
}

/* After all rules: what the findings mean for each space (verdict.c). */
enum ws_status ws_judge(struct ws_audit *audit) WS_MUST_CHECK;

#endif
