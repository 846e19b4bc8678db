/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The run: frames, storms, the cause, and what cannot be known. */
#include "autopsy/autopsy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/count.h"
#include "util/text.h"

const char *ws_certainty_name(enum ws_certainty certainty)
{
	static const char *const names[] = {
		[WS_CERTAINTY_NONE] = "none",
		[WS_CERTAINTY_POSSIBLE] = "possible",
		[WS_CERTAINTY_LIKELY] = "likely",
		[WS_CERTAINTY_REPRODUCED] = "reproduced",
	};

	return names[certainty];
}

/* ---- what is not there to look at ---------------------------------------------------- */

/* The stacks whose upper end, where an exception's frame goes, the target lacks. */
static size_t stacks_absent(const struct ws_autopsy *autopsy)
{
	size_t n = 0;
	uint64_t pa;

	ws_vec_each(&autopsy->stacks, stack)
		n += ws_kernel_absent(autopsy->system, stack->va + stack->size - 1, 1,
				      &pa);
	return n;
}

static bool has_standing(const struct ws_autopsy *autopsy)
{
	struct ws_standing standing;

	ws_vec_each(&autopsy->system->target->cpus, cpu)
		if (autopsy->arch->standing(autopsy->system, cpu, &standing))
			return true;
	return false;
}

static bool is_cut(const struct ws_target *target)
{
	return target->cut || target->cut_more || target->nleft || target->ndamaged;
}

static void say_unknown(struct ws_autopsy *autopsy)
{
	size_t nabsent = autopsy->arch ? stacks_absent(autopsy) : 0;
	char named[WS_NAMED];

	if (autopsy->reached)
		autopsy->unknown =
			ws_text_of("why %s faulted at its first instruction is not known",
				   ws_named(autopsy, autopsy->reached->frame.ip, named));
	else if (autopsy->is_stranded && !autopsy->death.cause)
		autopsy->unknown = ws_text_of(
			"a processor cannot go on where it stands, and why is not known");
	else if (!autopsy->arch || !autopsy->arch->next_frame)
		autopsy->unknown =
			ws_text_of("what exceptions leave in memory is not known "
				   "of this architecture");
	else if (is_cut(autopsy->system->target))
		autopsy->unknown = ws_text_of(
			"the target is cut off or damaged, and what lay in the rest of memory is "
			"not known");
	else if (nabsent)
		autopsy->unknown = ws_text_of(
			"the target lacks %s of %zu, and what lay on them is not known",
			WS_COUNT_OF(nabsent, "kernel stack"), autopsy->stacks.n);
	else if (!has_standing(autopsy))
		autopsy->unknown = ws_text_of(
			"the target keeps no registers of a processor, and where it stood is "
			"not known");
	else
		return;
	autopsy->short_of_memory |= !autopsy->unknown;
}

#define NONE_WORDS (WS_NAMED + 256)

/* What may as well be otherwise begins with that word. */
static void hedge(struct ws_autopsy *autopsy)
{
	char *sentence;

	if (autopsy->death.certainty != WS_CERTAINTY_POSSIBLE || !autopsy->sentence)
		return;
	sentence = ws_text_of("possibly: %s", autopsy->sentence);
	autopsy->short_of_memory |= !sentence;
	free(autopsy->sentence);
	autopsy->sentence = sentence;
}

/* ---- all of it ---------------------------------------------------------------------- */

static const char *none_words(struct ws_autopsy *autopsy, char words[static NONE_WORDS])
{
	char named[WS_NAMED];

	if (!autopsy->reached && ws_paging_is_off(autopsy->system->target))
		return "the machine was reset, or has not come as far as a kernel: no processor "
		       "has paging on; of what went before, this memory shows no sign of an "
		       "address-space fault";
	if (!autopsy->reached)
		return autopsy->is_stranded
			       ? "a processor cannot go on where it stands, and nothing else "
				 "shows why"
		       : autopsy->unknown
			       ? "no sign of an address-space fault in what there is to look at"
			       : "no sign of an address-space fault: neither exception frames "
				 "that pile up nor the processors' registers show one";
	snprintf(
		words, NONE_WORDS,
		"no sign of an address-space fault, but of a handler that faulted itself, %s "
		"in a row: %s is mapped and may be executed now, so its code was no code, a "
		"translation of it was stale, or what it lacked is overwritten",
		WS_COUNT_OF(autopsy->reached->frames, "time"),
		ws_named(autopsy, autopsy->reached->frame.ip, named));
	return words;
}

static void say_none(struct ws_autopsy *autopsy, const char *last)
{
	char words[NONE_WORDS];
	const char *sentence = none_words(autopsy, words);

	autopsy->sentence =
		last ? ws_text_of("%s; the kernel's log says: %.200s", sentence, last)
		     : ws_text_of("%s", sentence);
	autopsy->short_of_memory |= !autopsy->sentence;
}

static void count_frames(struct ws_autopsy *autopsy)
{
	ws_vec_each(&autopsy->piles, pile)
		autopsy->death.nframes += pile->n;
	autopsy->death.nframes += autopsy->death.nlost;
}

static enum ws_status look_for_storms(struct ws_autopsy *autopsy)
{
	enum ws_status status = ws_frames_find(autopsy->system, autopsy->arch,
					       &autopsy->piles, &autopsy->death.nlost);

	count_frames(autopsy);
	return status == WS_OK ? ws_storms_find(autopsy) : status;
}

static enum ws_status look(struct ws_autopsy *autopsy)
{
	enum ws_status status = ws_find_stacks(autopsy->system, &autopsy->stacks);

	if (status == WS_OK && autopsy->arch->next_frame)
		status = look_for_storms(autopsy);
	if (status == WS_OK)
		status = ws_find_mm_space(autopsy);
	if (status != WS_OK)
		return status;
	ws_cause_find(autopsy);
	if (!autopsy->death.cause && autopsy->arch->next_frame)
		autopsy->reached = ws_find_reached_storm(autopsy);
	ws_clue_first_fault(autopsy);
	ws_say_where_they_stand(autopsy);
	return WS_OK;
}

enum ws_status ws_autopsy_run(struct ws_audit *audit, struct ws_autopsy **out)
{
	const struct ws_arch *arch = ws_arch_of(audit->system->paging.format);
	struct ws_autopsy *autopsy = calloc(1, sizeof(*autopsy));
	enum ws_status status = WS_OK;
	const char *last = NULL;

	*out = NULL;
	if (!autopsy)
		return ws_fail_memory(audit->ctx);
	autopsy->audit = audit;
	autopsy->system = audit->system;
	autopsy->arch = arch->autopsy;
	autopsy->death.space = autopsy->mm_space = WS_NO_SPACE;
	if (autopsy->arch)
		status = look(autopsy);
	if (status == WS_OK)
		status = ws_last_words(autopsy, &last);
	if (status == WS_OK)
		say_unknown(autopsy);
	if (status == WS_OK && !autopsy->death.cause)
		say_none(autopsy, last);
	hedge(autopsy);
	if (status == WS_OK && autopsy->short_of_memory)
		status = ws_fail_memory(audit->ctx);
	status = ws_target_looked(audit->system->target, status);
	autopsy->death.sentence = autopsy->sentence;
	autopsy->death.unknown = autopsy->unknown;
	if (status == WS_OK)
		*out = autopsy;
	else
		ws_autopsy_destroy(autopsy);
	return status;
}

void ws_autopsy_destroy(struct ws_autopsy *autopsy)
{
	if (!autopsy)
		return;
	ws_vec_each(&autopsy->clues, clue)
		free(clue->text);
	ws_vec_release(&autopsy->clues);
	ws_vec_release(&autopsy->storms);
	ws_vec_release(&autopsy->piles);
	ws_vec_release(&autopsy->stacks);
	free(autopsy->sentence);
	free(autopsy->unknown);
	free(autopsy->differs);
	free(autopsy);
}

const struct ws_death *ws_autopsy_death(const struct ws_autopsy *autopsy)
{
	return &autopsy->death;
}

const struct ws_clue *ws_autopsy_clues(const struct ws_autopsy *autopsy, size_t *n)
{
	*n = autopsy->clues.n;
	return autopsy->clues.v;
}

const struct ws_storm *ws_autopsy_storms(const struct ws_autopsy *autopsy, size_t *n)
{
	*n = autopsy->storms.n;
	return autopsy->storms.v;
}
