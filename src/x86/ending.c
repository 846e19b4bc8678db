/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a machine ends that lacks some of the fault path. */
#include <string.h>

#include "x86/faultpath.h"

/* For what ends a machine: what begins it, in whose space (and mode), and the mechanism. */
static const struct chain {
	const char *rule, *begins, *mode, *mechanism;
} chains[] = {
	{ "faultpath-pf-target", "a page fault in ", "",
	  "the processor cannot fetch the handler, which is the next page fault: for "
	  "that it pushes another exception frame and enters gate 14 again, and so on" },
	{ "faultpath-pf-reach", "a page fault in ", "",
	  "the handler faults before it has done anything, and so does each fault that "
	  "comes of it" },
	{ "faultpath-entry-text", "an entry to the kernel in ", "",
	  "the processor cannot fetch the entry code, which is a page fault, whose entry "
	  "fails in the same way" },
	{ "faultpath-pti-entry", "an entry to the kernel from ", "'s user mode",
	  "the entry code faults before it has left the user half, and each of these faults "
	  "enters in the same way" },
	{ "faultpath-idt", "any fault or interrupt in ", "",
	  "the processor cannot read its gate, which is a page fault, whose gate it cannot "
	  "read either" },
	{ "faultpath-gdt", "any fault or interrupt in ", "",
	  "the processor cannot load the gate's code segment, which is a page fault, whose "
	  "code segment it cannot load either" },
	{ "faultpath-tss", "a fault or interrupt in ", "'s user mode",
	  "the processor cannot read which stack to switch to, which is a page fault, for "
	  "which it cannot read that either" },
	{ "faultpath-entry-stack", "a fault or interrupt in ", "'s user mode",
	  "the processor cannot push its exception frame, which is a page fault, whose frame "
	  "it cannot push either" },
	{ "faultpath-ist-stack", "an interrupt in ", "",
	  "where its gate uses that stack, the processor cannot push the exception frame, "
	  "which is a page fault during delivery" },
	{ "faultpath-task-stack", "an entry to the kernel or a task switch in ", "",
	  "the first push to that stack is a page fault, whose exception frame cannot be "
	  "pushed there either" },
};

static const struct chain *chain_of(const struct ws_finding *finding)
{
	for (size_t i = 0; i < WS_ARRAY_SIZE(chains); i++)
		if (!strcmp(chains[i].rule, finding->rule->id))
			return &chains[i];
	return NULL;
}

/* What keeps the double fault itself from being delivered. */
static const char *no_delivery(const struct ws_about *about)
{
	static const char *const rules[] = { "faultpath-idt", "faultpath-gdt",
					     "faultpath-tss", "faultpath-double-fault" };

	for (size_t i = 0; i < WS_ARRAY_SIZE(rules); i++)
		if (ws_about_has(about, rules[i]))
			return rules[i];
	return NULL;
}

/* Where no processor shows it, as kernels have it since 4.15. */
static bool has_entry_stack(const struct ws_audit *audit)
{
	ws_vec_each(&audit->system->target->cpus, cpu)
		if (x86_has_tables(cpu))
			return x86_has_entry_stack(audit, cpu);
	return true;
}

/* VMAP_STACK, which has guard pages, is for 64 bit only (arch/x86/Kconfig). */
static void print_frames(const struct ws_audit *audit, FILE *to,
			 const struct ws_about *about)
{
	if (audit->system->layout.word == 8 || about->space->kind == WS_SPACE_USER)
		fprintf(to,
			"\nthe exception frames fill the %sstack down to its end, where the "
			"next one cannot be written",
			about->space->kind == WS_SPACE_USER ? "entry " : "");
	else if (!has_entry_stack(audit))
		fprintf(to,
			"\nthe exception frames run down the task's stack, which has no "
			"guard page, and through the memory below it, page tables included, "
			"until one cannot be written");
	else
		fprintf(to,
			"\nfrom user mode the exception frames fill the entry stack down to "
			"its end; from kernel mode they run down the task's stack, which has "
			"no guard page, and through the memory below it, page tables "
			"included, until one cannot be written");
}

/*
 * The double fault is delivered, and its handler is not mapped: that loops where the
 * stacks end at guard pages, as in the cpu_entry_area. Elsewhere the frames run through
 * memory, and may overwrite what delivery needs.
 */
bool x86_hangs(const struct ws_audit *audit, const struct ws_about *about)
{
	return ws_about_has(about, "faultpath-df-target") && !no_delivery(about) &&
	       has_entry_stack(audit);
}

/* What comes of frames that run through memory depends on what they overwrite there. */
static void print_open_end(const struct ws_audit *audit, FILE *to,
			   const struct ws_about *about)
{
	bool can_simulate = false;

	ws_vec_each(&audit->system->target->cpus, cpu)
		can_simulate |= x86_has_tables(cpu);
	fputs("the machine panics, hangs or resets", to);
	if (can_simulate && about->space->pid)
		fprintf(to, ": `whosees what-if --pid %u' simulates which",
			about->space->pid);
}

/* The consequence: what is seen of the machine. */
static void print_end(const struct ws_audit *audit, FILE *to,
		      const struct ws_about *about, enum ws_verdict verdict)
{
	const char *rule = no_delivery(about);

	if (rule)
		fprintf(to,
			"the machine resets: the double fault cannot be delivered either "
			"(%s), which is a triple fault",
			rule);
	else if (about->hangs && about->no_image)
		fputs("a CPU that enters the kernel in this space loops in page and double "
		      "faults for ever: no message, no reboot",
		      to);
	else if (about->hangs)
		fprintf(to,
			"the CPU hangs, with no message and no reset: the handler of double "
			"faults is not mapped either, so page faults and double faults "
			"repeat for ever on the double fault's stack");
	else if (about->last_resort)
		fprintf(to, "a double fault follows, whose own task is broken: %s",
			about->last_resort->text);
	else if (verdict == WS_NESTS)
		print_open_end(audit, to, about);
	else
		fputs("the kernel panics with a double fault", to);
}

bool x86_is_last_resort(const struct ws_rule *rule)
{
	return rule == &x86_fault_rules[X86_RULE_DOUBLE_FAULT] ||
	       rule == &x86_fault_rules[X86_RULE_DF_TARGET];
}

bool x86_print_death(const struct ws_audit *audit, FILE *to, const struct ws_about *about,
		     const struct ws_finding *finding)
{
	const struct chain *chain = chain_of(finding);

	if (!chain)
		return false;
	print_end(audit, to, about, finding->rule->verdict);
	fprintf(to, "\n%s%s%s: %s", chain->begins, about->owner, chain->mode,
		chain->mechanism);
	if (finding->rule->verdict == WS_NESTS)
		print_frames(audit, to, about);
	fprintf(to, "\nevidence: %s", finding->text);
	return true;
}
