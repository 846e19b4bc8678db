/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a processor can still do where it stands: nothing after a triple fault, or wait in panic(). */
#include "autopsy/states.h"

#include <string.h>

#include "linux/symtab.h"
#include "util/bits.h"

/* ---- shutdown ------------------------------------------------------------------------ */

/* The last fault was at what a delivery needs, or the next instruction is out of reach. */
static bool is_stranded(const struct ws_autopsy *autopsy, uint32_t space,
			const struct ws_standing *standing)
{
	struct ws_trail trail;

	if (standing->has_fault)
		ws_vec_each(&autopsy->audit->needs, need)
			if (autopsy->arch->is_delivery(need->rule) &&
			    need->va <= standing->fault &&
			    standing->fault <= need->last &&
			    ws_reach(autopsy, space, standing->fault, WS_KERNEL_READ,
				     &trail) == WS_REACH_NONE)
				return true;
	return !standing->user && ws_reach(autopsy, space, standing->ip,
					   WS_KERNEL_EXECUTE, &trail) == WS_REACH_NONE;
}

static struct ws_what_if question(const struct ws_autopsy *autopsy, uint32_t space,
				  const struct ws_standing *standing)
{
	struct ws_what_if what_if = {
		.space = space,
		.mode = standing->user ? WS_FAULT_USER : WS_FAULT_KERNEL,
		.has_mode = true,
		.has_sp = !standing->user,
		.sp = standing->sp,
		.has_address = !standing->user,
		.address = standing->ip,
	};

	if (autopsy->system->spaces.v[space].kind == WS_SPACE_USER && space)
		what_if.space--; /* its other half, which the question is about */
	return what_if;
}

/* What is not known, as of a target that lacks registers, is no shutdown. */
static bool takes(struct ws_autopsy *autopsy, enum ws_status status)
{
	if (status == WS_OK)
		return true;
	autopsy->short_of_memory |= status == WS_ERR_SYSTEM;
	ws_error_clear(autopsy->system->ctx);
	return false;
}

bool ws_has_shut_down(struct ws_autopsy *autopsy, uint32_t space,
		      const struct ws_standing *standing)
{
	struct ws_what_if what_if;
	struct ws_machine *machine;
	struct ws_story story = { 0 };
	bool resets;

	if (space == WS_NO_SPACE || !autopsy->arch->replay ||
	    !is_stranded(autopsy, space, standing) ||
	    !takes(autopsy, ws_machine_create(autopsy->audit, &machine)))
		return false;
	what_if = question(autopsy, space, standing);
	resets = takes(autopsy, ws_machine_what_if(machine, &what_if, &story)) &&
		 story.fate == WS_FATE_RESETS && !story.nested;
	ws_machine_destroy(machine);
	return resets;
}

/* ---- the stack's end ------------------------------------------------------------------ */

/* As much as a delivery pushes at most, on a stack that is aligned before. */
#define PUSHED_MAX 64u

bool ws_failed_to_push(const struct ws_autopsy *autopsy, uint32_t space,
		       const struct ws_standing *standing)
{
	struct ws_trail trail;
	enum ws_reach how;

	if (standing->user || !standing->has_fault || space == WS_NO_SPACE ||
	    standing->sp - standing->fault - 1 >= PUSHED_MAX)
		return false;
	how = ws_reach(autopsy, space, standing->fault, WS_KERNEL_WRITE, &trail);
	return how == WS_REACH_NONE || how == WS_REACH_REFUSED;
}

/* ---- panic --------------------------------------------------------------------------- */

/* va: in it, and not where it begins: a call made there leads back behind. */
static bool is_of_panic(struct ws_autopsy *autopsy, uint64_t va)
{
	static const char *const names[] = { "panic", "vpanic", "nmi_panic" };
	struct ws_symbol symbol;

	if (!ws_in_image(autopsy->system, va - 1))
		return false;
	if (ws_symbol_at(autopsy->system, va - 1, &symbol) != WS_OK) {
		ws_error_clear(autopsy->system->ctx);
		return false;
	}
	for (size_t i = 0; i < WS_ARRAY_SIZE(names); i++)
		if (!strcmp(symbol.name, names[i]))
			return true;
	return false;
}

/* A command line, or another machine's log, may quote the words. */
static bool has_panicked(struct ws_autopsy *autopsy)
{
	static const char words[] = "Kernel panic - not syncing";
	const struct ws_log *log = ws_log_of(autopsy);

	for (size_t i = 0; log && i < log->nrecords; i++)
		if (ws_is_kernels(&log->records[i]) &&
		    !strncmp(log->records[i].text, words, sizeof(words) - 1))
			return true;
	return false;
}

/* What panic() calls as it waits, a delay or a watchdog's notice, has frames of that size. */
#define FRAMES_BYTES 512u

bool ws_waits_in_panic(struct ws_autopsy *autopsy, const struct ws_standing *standing)
{
	unsigned word = autopsy->system->layout.word;
	uint8_t bytes[sizeof(uint64_t)];

	if (standing->user || !has_panicked(autopsy))
		return false;
	if (is_of_panic(autopsy, standing->ip))
		return true;
	for (unsigned at = 0; at < FRAMES_BYTES; at += word)
		if (ws_system_read(autopsy->system, standing->sp + at, bytes, word) ==
			    WS_READ &&
		    is_of_panic(autopsy, ws_le_word(bytes, word)))
			return true;
	return false;
}
