/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Translations: what processors may still have of user memory that page tables no longer
 * say. No dump holds a TLB; where a kernel keeps account of what each processor has
 * flushed, that is read.
 */
#include "audit/arch.h"

/* clang-format off */
static const struct ws_rule rules[] = {
	{
		"translations-behind", "translations", "processor behind with TLB flushes", WS_INFO,
		"The page tables of this space have changed, and a processor that has them "
		"loaded has not flushed its TLB as far as another has: what it still has there of "
		"user memory may be gone from the tables, or allow what they forbid by now. The "
		"kernel gives no page that was unmapped to anybody else before every processor "
		"has flushed, so nothing is wrong by that alone: this processor may be flushing, "
		"or whoever changed the tables waits for it, or asks it later (memory reclaim "
		"collects what it has to ask for); which, is not known. Who is asked by an "
		"interrupt does not flush while its interrupts are off. Under a hypervisor that "
		"flushes for its guests, it may have. Kernel memory is not counted by it.",
		"Nothing, where another look does not find it. If it stays, find out what keeps "
		"that processor from taking interrupts.",
		"Linux b0579ade7cd8 (4.14): a processor's tlb_gen of an mm behind another's",
		WS_COHERENT,
	},
};
/* clang-format on */

/* The last address of user memory. */
static uint64_t last_of_user(const struct ws_system *system)
{
	uint64_t kernel = system->layout.kernel_first;

	return kernel >> 63 ? ~kernel : kernel - 1;
}

static void record(struct ws_audit *audit, const struct ws_flushed *flushed)
{
	struct ws_finding *finding = ws_found(
		audit, &rules[0], flushed->space, 0, last_of_user(audit->system),
		"cpu %zu may use translations that are gone: it has flushed its TLB up to "
		"generation %ju of them, and cpu %zu up to %ju%s",
		flushed->cpu, (uintmax_t)flushed->flushed, flushed->other,
		(uintmax_t)flushed->others,
		flushed->deaf ? "; its interrupts are off" : "");

	if (finding)
		finding->cpu = (int)flushed->cpu;
}

#define UNKNOWN "what processors have flushed of user translations is not known"

/* Of which processors it is not known; why, of the first. */
static void say_unknown(struct ws_audit *audit, const struct ws_flushes *flushes)
{
	const struct ws_flushed *first = NULL;
	size_t n = 0;

	ws_vec_each(&flushes->of, flushed) {
		if (flushed->unknown && !n++)
			first = flushed;
	}
	if (flushes->unknown)
		ws_audit_say(audit, UNKNOWN ": %s", flushes->unknown);
	else if (n == 1)
		ws_audit_say(audit, UNKNOWN " of cpu %zu: %s", first->cpu,
			     first->unknown);
	else if (n)
		ws_audit_say(audit, UNKNOWN " of %zu of them; of cpu %zu: %s", n,
			     first->cpu, first->unknown);
}

static enum ws_status run_translations(struct ws_audit *audit)
{
	struct ws_flushes flushes = { 0 };
	enum ws_status status = WS_OK;

	if (audit->arch->flushes)
		status = audit->arch->flushes(audit->system, &flushes);
	ws_vec_each(&flushes.of, flushed) {
		if (status == WS_OK && !flushed->unknown &&
		    flushed->flushed < flushed->others)
			record(audit, flushed);
	}
	if (status == WS_OK)
		say_unknown(audit, &flushes);
	ws_vec_release(&flushes.of);
	return status;
}

const struct ws_family ws_translations = {
	.name = "translations",
	.rules = rules,
	.nrules = WS_ARRAY_SIZE(rules),
	.run = run_translations,
};
