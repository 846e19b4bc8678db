/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "autopsy/reach.h"

#include <stdio.h>

#include "util/count.h"

static enum ws_reach reach_of(const struct ws_autopsy *autopsy,
			      const struct ws_trail *trail, uint8_t right)
{
	if (!ws_end_is_known(trail->end))
		return WS_REACH_UNKNOWN;
	if (trail->end != WS_END_PAGE)
		return WS_REACH_NONE;
	if (right == WS_KERNEL_EXECUTE && autopsy->arch->refuses_fetch &&
	    autopsy->arch->refuses_fetch(autopsy->system, trail))
		return WS_REACH_REFUSED;
	return trail->access & right ? WS_REACHED : WS_REACH_REFUSED;
}

enum ws_reach ws_reach(const struct ws_autopsy *autopsy, uint32_t space, uint64_t va,
		       uint8_t right, struct ws_trail *trail)
{
	struct ws_eye eye;

	ws_space_eye(autopsy->system, &autopsy->system->spaces.v[space], &eye);
	ws_eye_walk(&autopsy->system->paging, &eye, va, trail);
	return reach_of(autopsy, trail, right);
}

enum ws_reach ws_reach_by_root(const struct ws_autopsy *autopsy, uint64_t root,
			       uint64_t va, uint8_t right, struct ws_trail *trail)
{
	const struct ws_system *system = autopsy->system;
	struct ws_eye eye;

	ws_root_eye(system, root, root == system->layout.reference, &eye);
	ws_eye_walk(&system->paging, &eye, va, trail);
	return reach_of(autopsy, trail, right);
}

enum ws_reach ws_reach_in_reference(const struct ws_autopsy *autopsy, uint64_t va,
				    uint8_t right)
{
	struct ws_trail trail;

	return ws_reach_by_root(autopsy, autopsy->system->layout.reference, va, right,
				&trail);
}

bool ws_is_image_lost(const struct ws_autopsy *autopsy, uint64_t va,
		      struct ws_trail *trail)
{
	const struct ws_layout *layout = &autopsy->system->layout;

	if (!layout->image_last || va < layout->image_first || va > layout->image_last ||
	    ws_reach_by_root(autopsy, layout->reference, va, WS_KERNEL_EXECUTE, trail) !=
		    WS_REACH_NONE)
		return false;
	return trail->nsteps && trail->step[trail->nsteps - 1].entry;
}

/* init_mm's, although too much was run over for it to be known as that. */
static bool is_of_image(const struct ws_layout *layout, uint64_t root)
{
	return layout->image_last && root >= layout->image_first - layout->image_delta &&
	       root <= layout->image_last - layout->image_delta;
}

bool ws_could_run(const struct ws_autopsy *autopsy, const struct ws_space *space)
{
	if (space->kind == WS_SPACE_USER)
		return true;
	return space->counts && !space->looks_damaged && space->kind != WS_SPACE_INIT &&
	       !is_of_image(&autopsy->system->layout, space->root);
}

/* What most user halves lack they lack by design. */
static bool is_for_user_halves(const struct ws_autopsy *autopsy,
			       const struct ws_failed_access *access)
{
	struct ws_trail trail;
	uint32_t n = 0, nreach = 0;

	for (uint32_t i = 0; i < autopsy->system->spaces.n; i++) {
		if (autopsy->system->spaces.v[i].kind != WS_SPACE_USER)
			continue;
		n++;
		nreach += ws_reach(autopsy, i, access->va, access->right, &trail) ==
			  WS_REACHED;
	}
	return 2 * nreach > n;
}

/* One frame more than counts: the last may not have been pushed to its end. */
bool ws_ran_over(const struct ws_autopsy *autopsy, const struct ws_storm *storm,
		 const struct ws_trail *trail)
{
	for (unsigned i = 0; i < trail->nsteps; i++) {
		uint64_t pa =
			ws_step_entry_pa(autopsy->system->paging.format, &trail->step[i]);

		if (pa <= storm->last_pa && pa + storm->stride >= storm->pa)
			return true;
	}
	return false;
}

/* What an entry holds that a storm has run over is a word of its frames: no hole. */
static bool is_written_over(const struct ws_autopsy *autopsy,
			    const struct ws_trail *trail)
{
	ws_vec_each(&autopsy->storms, storm)
		if (ws_ran_over(autopsy, storm, trail))
			return true;
	return false;
}

static bool is_failure(const struct ws_autopsy *autopsy,
		       const struct ws_failed_access *access,
		       const struct ws_trail *trail, enum ws_reach how)
{
	return !is_written_over(autopsy, trail) && how != WS_REACHED &&
	       how != WS_REACH_UNKNOWN &&
	       (access->how == WS_EITHER || access->how == how);
}

struct ws_blind ws_find_blind_root(const struct ws_autopsy *autopsy,
				   const struct ws_failed_access *access, uint64_t root)
{
	struct ws_trail trail;
	enum ws_reach how =
		ws_reach_by_root(autopsy, root, access->va, access->right, &trail);
	bool fails = is_failure(autopsy, access, &trail, how);

	return (struct ws_blind){ .first = WS_NO_SPACE,
				  .n = fails,
				  .root = root,
				  .how = how,
				  .suspect_is = fails };
}

struct ws_blind ws_find_blind(const struct ws_autopsy *autopsy,
			      const struct ws_failed_access *access, uint32_t suspect)
{
	struct ws_blind blind = { .first = WS_NO_SPACE };
	bool halves = is_for_user_halves(autopsy, access);
	struct ws_trail trail;

	for (uint32_t i = 0; i < autopsy->system->spaces.n; i++) {
		const struct ws_space *space = &autopsy->system->spaces.v[i];
		enum ws_reach how;

		if (!ws_could_run(autopsy, space) ||
		    (space->kind == WS_SPACE_USER && !halves))
			continue;
		how = ws_reach(autopsy, i, access->va, access->right, &trail);
		if (!is_failure(autopsy, access, &trail, how))
			continue;
		blind.n++;
		if (blind.first == WS_NO_SPACE || i == suspect) {
			blind.first = i;
			blind.root = space->root;
			blind.how = how;
		}
		blind.suspect_is |= i == suspect;
	}
	return blind;
}

/* ---- in words ------------------------------------------------------------------------ */

const char *ws_whose_blind(const struct ws_autopsy *autopsy, const struct ws_blind *blind,
			   char text[static WS_NAMED])
{
	if (blind->first != WS_NO_SPACE)
		return ws_whose(autopsy, blind->first, text);
	snprintf(text, WS_NAMED, "root %#jx", blind->root);
	return text;
}

void ws_clue_hole(struct ws_autopsy *autopsy, const struct ws_blind *blind, uint64_t va,
		  uint8_t right)
{
	const struct ws_format *format = autopsy->system->paging.format;
	char whose[WS_NAMED], named[WS_NAMED], entry[64] = "it has no translation";
	const struct ws_step *step = NULL;
	struct ws_trail trail;
	struct ws_clue *clue;
	enum ws_reach how =
		blind->first == WS_NO_SPACE
			? ws_reach_by_root(autopsy, blind->root, va, right, &trail)
			: ws_reach(autopsy, blind->first, va, right, &trail);

	if (trail.nsteps) {
		step = &trail.step[trail.nsteps - 1];
		snprintf(entry, sizeof(entry), "%s %u is %#jx",
			 ws_level_entry_name(format, trail.nsteps - 1u), step->index,
			 step->entry);
	}
	clue = ws_clue(autopsy, "hole", "%s has %s at %s: %s",
		       ws_whose_blind(autopsy, blind, whose),
		       how == WS_REACH_NONE         ? "nothing"
		       : right == WS_KERNEL_EXECUTE ? "no code that may be executed"
						    : "no memory that may be written",
		       ws_named(autopsy, va, named), entry);
	if (!clue)
		return;
	clue->has_va = true;
	clue->va = va;
	clue->has_pa = step;
	clue->pa = step ? ws_step_entry_pa(format, step) : 0;
}

void ws_put_space(struct ws_autopsy *autopsy, struct ws_death *death, uint32_t space)
{
	death->space = space;
	death->has_root = space != WS_NO_SPACE;
	if (death->has_root)
		death->root = autopsy->system->spaces.v[space].root;
}

void ws_put_blind(struct ws_autopsy *autopsy, struct ws_death *death,
		  const struct ws_blind *blind)
{
	if (blind->n != 1 && !blind->suspect_is)
		return;
	ws_put_space(autopsy, death, blind->first);
	death->has_root = true;
	death->root = blind->root;
}

const char *ws_in_space(const struct ws_autopsy *autopsy, const struct ws_death *death,
			const struct ws_blind *blind, char text[static 2 * WS_NAMED])
{
	char whose[WS_NAMED];

	if (death->has_root)
		snprintf(text, 2 * WS_NAMED, "in %s",
			 ws_whose_blind(autopsy, blind, whose));
	else
		snprintf(text, 2 * WS_NAMED, "in %s", WS_COUNT_OF(blind->n, "space"));
	return text;
}
