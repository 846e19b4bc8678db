/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A handler that is reached, and faults itself at its first instruction. */
#include "autopsy/causes.h"
#include "autopsy/first_fault.h"

#include <string.h>

#include "util/count.h"

#define CODE_BYTES 2u

static bool read_code(const struct ws_autopsy *autopsy, uint64_t ip,
		      uint8_t code[CODE_BYTES])
{
	return ws_system_read(autopsy->system, ip, code, CODE_BYTES) == WS_READ;
}

static const struct ws_storm *reached_storm(const struct ws_autopsy *autopsy)
{
	ws_vec_each(&autopsy->storms, storm)
		if (storm->frames >= WS_PILE_MIN &&
		    autopsy->arch->is_handler(autopsy->system, storm->frame.ip) &&
		    ws_reach_in_reference(autopsy, storm->frame.ip, WS_KERNEL_EXECUTE) ==
			    WS_REACHED)
			return storm;
	return NULL;
}

static void clue_code(struct ws_autopsy *autopsy, uint64_t ip,
		      const uint8_t code[CODE_BYTES])
{
	struct ws_clue *clue = ws_clue(
		autopsy, "code",
		"init_mm maps the handler, and may execute it; its code begins with "
		"%02x %02x now",
		code[0], code[1]);

	if (!clue)
		return;
	clue->has_va = true;
	clue->va = ip;
}

static void clue_reached(struct ws_autopsy *autopsy, const struct ws_storm *storm)
{
	uint8_t code[CODE_BYTES];

	ws_clue_storm(autopsy, storm);
	if (read_code(autopsy, storm->frame.ip, code))
		clue_code(autopsy, storm->frame.ip, code);
}

const struct ws_storm *ws_find_reached_storm(struct ws_autopsy *autopsy)
{
	const struct ws_storm *storm = reached_storm(autopsy);

	if (storm)
		clue_reached(autopsy, storm);
	return storm;
}

static bool by_storm(struct ws_autopsy *autopsy, struct ws_death *death)
{
	const struct ws_storm *storm = reached_storm(autopsy);
	char named[WS_NAMED];
	uint8_t code[CODE_BYTES];

	if (!storm || !read_code(autopsy, storm->frame.ip, code) ||
	    !autopsy->arch->is_undefined(autopsy->system, code))
		return false;
	death->certainty = WS_CERTAINTY_LIKELY;
	death->storm = storm;
	death->handler = storm->frame.ip;
	clue_reached(autopsy, storm);
	ws_say(autopsy,
	       "the code of a fault's handler, %s, was overwritten: it begins with %02x %02x, "
	       "which is no instruction, so that each fault was followed by another, %s in a row",
	       ws_named(autopsy, storm->frame.ip, named), code[0], code[1],
	       WS_COUNT_OF(storm->frames, "time"));
	return true;
}

/* What lies there is no instruction, and is what the processor met: no stale translation. */
static bool was_refused(const struct ws_autopsy *autopsy, const struct ws_oops *oops,
			const uint8_t code[CODE_BYTES])
{
	return autopsy->arch->is_undefined(autopsy->system, code) &&
	       (oops->ncode < oops->below + CODE_BYTES ||
		!memcmp(code, oops->code + oops->below, CODE_BYTES));
}

/* A stack with room enough, and a report that needs no page fault: no storm. */
static bool by_log(struct ws_autopsy *autopsy, struct ws_death *death)
{
	struct ws_fault_told fault;
	char named[WS_NAMED];
	uint8_t code[CODE_BYTES];

	if (!ws_died_of_fault(autopsy, &fault) || !fault.oops.undefined ||
	    !autopsy->arch->is_handler(autopsy->system, fault.oops.ip) ||
	    !read_code(autopsy, fault.oops.ip, code) ||
	    !was_refused(autopsy, &fault.oops, code))
		return false;
	ws_put_fault(autopsy, death, &fault);
	death->handler = fault.oops.ip;
	clue_code(autopsy, fault.oops.ip, code);
	ws_say(autopsy,
	       "the code of a fault's handler, %s, was overwritten: it begins with %02x %02x, "
	       "which the processor refused as an invalid opcode",
	       ws_named(autopsy, fault.oops.ip, named), code[0], code[1]);
	return true;
}

bool ws_is_handler_overwritten(struct ws_autopsy *autopsy, struct ws_death *death)
{
	return by_storm(autopsy, death) || by_log(autopsy, death);
}
