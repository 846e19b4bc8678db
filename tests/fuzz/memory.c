/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is asked of a capture that was changed: a kind each, of what discovery leads to. */
#include "scene.h"

#include <string.h>

#include "audit/rule.h"
#include "linux/members.h"
#include "util/bits.h"
#include "util/cleanup.h"

#define ASKED_MAX 32u         /* spaces, tasks, symbols: more of them show nothing else */
#define FRAMES_MAX (1u << 20) /* of a simulated fault's */

static size_t some(size_t n)
{
	return n < ASKED_MAX ? n : ASKED_MAX;
}

/* An answer there is, or words why not. */
static bool is_answer(struct ws_system *system, enum ws_status status)
{
	const struct ws_context *ctx = system->ctx;

	if (status != WS_OK)
		insist_refusal(ctx, status);
	return status == WS_OK;
}

/* ---- discovery -------------------------------------------------------------------- */

static void look_at_space(struct ws_system *system, const struct ws_space *space)
{
	const uint64_t last = system->layout.kernel_first - 1;
	const uint64_t va[] = { 0, last, last + 1, system->layout.image_first,
				UINT64_MAX };
	struct ws_trail trail;
	struct ws_weight weight;
	struct ws_flaw flaw;
	struct ws_eye eye;

	touch_text(space->comm);
	ws_space_eye(system, space, &eye);
	for (size_t i = 0; i < WS_ARRAY_SIZE(va); i++) {
		ws_eye_walk(ws_system_paging(system), &eye, va[i], &trail);
		(void)ws_check(ws_system_paging(system), &trail, &flaw);
		touch_text(ws_space_regime(system, space, va[i]));
	}
	(void)is_answer(system, ws_space_weigh(system, space, &weight));
}

static void look_at_tasks(struct ws_system *system, size_t nspaces)
{
	size_t n;
	const struct ws_task *task = ws_system_tasks(system, &n);

	for (size_t i = 0; i < n; i++) {
		insist(task[i].space == WS_NO_SPACE || task[i].space < nspaces,
		       "a task of a space that is not there");
		touch_text(task[i].comm);
	}
}

static void look_at_modules(struct ws_system *system)
{
	const struct ws_module *module;
	struct ws_place place;
	size_t n;

	if (!is_answer(system, ws_system_modules(system, &module, &n)))
		return;
	for (size_t i = 0; i < some(n); i++) {
		insist(module[i].nregions <= WS_MODULE_REGIONS, "too many regions");
		touch_text(module[i].name);
		if (is_answer(system,
			      ws_place_at(system, module[i].region[0].va, &place)))
			touch_text(place.region);
	}
}

static void look_at_all(struct ws_system *system)
{
	size_t n;
	const struct ws_space *space = ws_system_spaces(system, &n);

	for (size_t i = 0; i < some(n); i++)
		look_at_space(system, &space[i]);
	look_at_tasks(system, n);
	look_at_modules(system);
}

void fuzz_discovery(const uint8_t *data, size_t size)
{
	with_system(data, size, NULL, look_at_all);
}

/* ---- symbols ---------------------------------------------------------------------- */

static void look_at_symbols(struct ws_system *system)
{
	static const char *const names[] = { "vfs_read", "_stext", "loop:lo_ioctl", "" };
	const struct ws_layout *layout = ws_system_layout(system);
	struct ws_symbol symbol;

	(void)is_answer(system, ws_system_name_spaces(system));
	for (size_t i = 0; i < WS_ARRAY_SIZE(names); i++)
		if (is_answer(system, ws_symbol_find(system, names[i], &symbol)))
			touch_text(symbol.name);
	for (unsigned i = 0; i < ASKED_MAX; i++) {
		uint64_t step = (layout->image_last - layout->image_first) / ASKED_MAX;

		if (is_answer(system, ws_symbol_at(system, layout->image_first + i * step,
						   &symbol)))
			touch_text(symbol.name);
	}
}

void fuzz_symbols(const uint8_t *data, size_t size)
{
	with_system(data, size, NULL, look_at_symbols);
}

/* ---- types ------------------------------------------------------------------------ */

static void look_at_types(struct ws_system *system)
{
	struct ws_members members;

	ws_members_init(&members);
	if (!is_answer(system, ws_btf_members(system, &members)))
		return;
	for (unsigned i = 0; i < WS_MEMBERS; i++)
		insist(members.source || members.offset[i] == WS_NO_MEMBER,
		       "a member of no source");
}

/* After the capture's byte BTF, which lies in the image from where constants are. */
void fuzz_btf(const uint8_t *data, size_t size)
{
	size_t head = size != 0;

	scene_put_constants(scene_edit(data, head), data + head, size - head);
	with_system(data, head, NULL, look_at_types);
}

/* ---- stacks and processors -------------------------------------------------------- */

static void look_at_stack(struct ws_system *system, enum ws_status status,
			  struct ws_kernel_stack *stack)
{
	if (is_answer(system, status))
		for (size_t i = 0; i < stack->nwords; i++)
			insist(stack->words[i].va - stack->va < stack->size,
			       "a word of a stack that does not lie on it");
	if (status == WS_OK)
		ws_kernel_stack_release(stack);
}

static void look_at_cpu(struct ws_system *system, size_t i)
{
	const struct ws_cpu *cpu = ws_target_cpu(ws_system_target(system), i);
	struct ws_kernel_stack stack = { 0 };
	struct ws_entry_point point;
	struct ws_cpu_state state;

	look_at_stack(system, ws_system_cpu_stack(system, i, &stack), &stack);
	(void)is_answer(system, ws_system_cpu_state(system, i, &state));
	for (unsigned n = 0;
	     n < 300 && ws_system_entry_point(system, cpu, n, &point) == WS_READ; n++)
		touch_text(point.name);
}

static void look_at_stacks(struct ws_system *system)
{
	size_t n;

	(void)ws_system_tasks(system, &n);
	for (uint32_t i = 0; i < some(n); i++) {
		struct ws_kernel_stack stack = { 0 };

		look_at_stack(system, ws_system_task_stack(system, i, &stack), &stack);
	}
	for (size_t i = 0; ws_target_cpu(ws_system_target(system), i); i++)
		look_at_cpu(system, i);
}

void fuzz_stacks(const uint8_t *data, size_t size)
{
	with_system(data, size, NULL, look_at_stacks);
}

/* ---- frames ----------------------------------------------------------------------- */

static bool take_mapping(void *map, const struct ws_mapping *mapping)
{
	size_t n;
	const struct ws_space_span *span = ws_frame_map_set(map, mapping->set, &n);

	insist(span && n && mapping->last >= mapping->pa, "a mapping of nobody");
	return true;
}

static void look_at_conflicts(struct ws_system *system, struct ws_frame_map *map)
{
	const struct ws_frame_conflict *conflict;
	size_t n;

	if (is_answer(system, ws_frame_map_conflicts(map, &conflict, &n)))
		for (size_t i = 0; i < n; i++)
			touch_text(conflict[i].what);
}

static void look_at_frames(struct ws_system *system)
{
	struct ws_frame_run frame[ASKED_MAX] = { { 0 } };
	struct ws_page_state state;
	struct ws_frame_map *map = NULL;
	size_t n;
	const struct ws_extent *extent = ws_target_extents(ws_system_target(system), &n);

	for (size_t i = 0; i < some(n); i++) {
		frame[i].pa = extent[i].pa;
		(void)!ws_system_page_state(system, extent[i].pa, &state);
	}
	(void)is_answer(system, ws_system_frame_uses(system, frame, some(n)));
	if (!is_answer(system, ws_frame_map_create(system, &map)))
		return;
	for (size_t i = 0; i < some(n); i++)
		ws_frame_map_each(map, extent[i].pa, extent[i].pa + extent[i].len - 1,
				  take_mapping, map);
	look_at_conflicts(system, map);
	ws_frame_map_destroy(map);
}

void fuzz_frames(const uint8_t *data, size_t size)
{
	with_system(data, size, NULL, look_at_frames);
}

/* ---- audits ----------------------------------------------------------------------- */

static void with_audit(struct ws_system *system, void (*fn)(struct ws_audit *audit))
{
	struct ws_audit *audit = NULL;

	if (is_answer(system, ws_audit_run(system, &audit)))
		fn(audit);
	ws_audit_destroy(audit);
}

static void look_at_plan(struct ws_audit *audit)
{
	struct ws_sync_plan *plan = NULL;
	size_t n;

	if (is_answer(audit->system, ws_sync_plan_create(audit, &plan)))
		(void)ws_sync_plan_entries(plan, &n);
	ws_sync_plan_destroy(plan);
}

static void look_at_findings(struct ws_audit *audit)
{
	size_t n, nspaces;
	const struct ws_finding *finding = ws_audit_findings(audit, &n);

	(void)ws_system_spaces(audit->system, &nspaces);
	for (size_t i = 0; i < n; i++) {
		insist(finding[i].space < nspaces || finding[i].space == WS_NO_SPACE,
		       "a finding of a space that is not there");
		insist(finding[i].rule && finding[i].last >= finding[i].va,
		       "a finding of no rule, or of no addresses");
		touch_text(finding[i].text);
	}
	for (unsigned i = 0; ws_audit_note(audit, i); i++)
		touch_text(ws_audit_note(audit, i));
	look_at_plan(audit);
}

static void audit_all(struct ws_system *system)
{
	with_audit(system, look_at_findings);
}

void fuzz_audit(const uint8_t *data, size_t size)
{
	with_system(data, size, NULL, audit_all);
}

/* ---- faults and deaths ------------------------------------------------------------ */

static void ask_what_if(struct ws_audit *audit)
{
	struct ws_machine *machine = NULL;
	struct ws_story story;
	size_t n;

	(void)ws_system_spaces(audit->system, &n);
	if (!is_answer(audit->system, ws_machine_create(audit, &machine)))
		return;
	for (uint32_t i = 0; i < 2 * some(n); i++) {
		struct ws_what_if what_if = { .space = i / 2,
					      .mode = (uint8_t)(i % 2),
					      .max_frames = FRAMES_MAX };

		(void)is_answer(audit->system,
				ws_machine_what_if(machine, &what_if, &story));
	}
	ws_machine_destroy(machine);
}

static void what_if(struct ws_system *system)
{
	with_audit(system, ask_what_if);
}

void fuzz_what_if(const uint8_t *data, size_t size)
{
	with_system(data, size, NULL, what_if);
}

static void look_at_death(struct ws_audit *audit)
{
	struct ws_autopsy *autopsy = NULL;
	const struct ws_clue *clue;
	size_t n;

	if (!is_answer(audit->system, ws_autopsy_run(audit, &autopsy)))
		return;
	touch_text(ws_autopsy_death(autopsy)->sentence);
	clue = ws_autopsy_clues(autopsy, &n);
	for (size_t i = 0; i < n; i++)
		touch_text(clue[i].text);
	ws_autopsy_destroy(autopsy);
}

static void autopsy(struct ws_system *system)
{
	with_audit(system, look_at_death);
}

void fuzz_autopsy(const uint8_t *data, size_t size)
{
	with_system(data, size, NULL, autopsy);
}
