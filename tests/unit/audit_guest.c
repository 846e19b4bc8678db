/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "audit_guest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/frames.h"
#include "common/memory.h"
#include "paging/format.h"
#include "util/bits.h"

/* ---- entries ----------------------------------------------------------------------- */

static size_t entry_size(const struct fault_guest *fault)
{
	return (size_t)1 << fault->guest->kind->format->entry_log2;
}

uint64_t audit_get(const struct fault_guest *fault, uint64_t pa)
{
	return ws_le_word(fault->guest->memory + pa, entry_size(fault));
}

void audit_put(struct fault_guest *fault, uint64_t pa, uint64_t entry)
{
	put_little(fault->guest->memory + pa, entry_size(fault), entry);
}

void audit_change(struct fault_guest *fault, uint64_t pa, uint64_t set, uint64_t clear)
{
	audit_put(fault, pa, (audit_get(fault, pa) & ~clear) | set);
}

static enum ws_evidence guest_frame(void *opaque, uint64_t pa, const uint8_t **frame)
{
	const struct guest *guest = opaque;

	return frame_lend(pa < GUEST_MEMORY
				  ? guest->memory + pa / WS_FRAME_SIZE * WS_FRAME_SIZE
				  : NULL,
			  frame);
}

static struct ws_paging paging_of(const struct fault_guest *fault)
{
	return (struct ws_paging){ .format = fault->guest->kind->format,
				   .frame = guest_frame,
				   .opaque = fault->guest };
}

uint64_t audit_entry(const struct fault_guest *fault, uint64_t root, uint64_t va,
		     int level)
{
	struct ws_paging paging = paging_of(fault);
	struct ws_trail trail;

	ws_walk(&paging, root, va, &trail);
	if (level < 0)
		level = (int)paging.format->nlevels - 1;
	assert_true(level < trail.nsteps);
	return ws_step_entry_pa(paging.format, &trail.step[level]);
}

void audit_share_private(struct fault_guest *fault, uint64_t va)
{
	struct guest *guest = fault->guest;
	uint64_t entry = audit_get(fault, guest_private_entry(guest, guest->swapper, va));

	for (unsigned i = 0; i < guest->ntasks; i++)
		if (guest->task[i].root)
			audit_put(fault,
				  guest_private_entry(guest, guest->task[i].root, va),
				  entry);
}

void audit_change_private(struct fault_guest *fault, uint64_t va, uint64_t set,
			  uint64_t clear)
{
	struct guest *guest = fault->guest;

	audit_change(fault, guest_private_entry(guest, guest->swapper, va), set, clear);
	for (unsigned i = 0; i < guest->ntasks && guest->kind->own_kernel; i++)
		if (guest->task[i].root)
			audit_change(fault,
				     guest_private_entry(guest, guest->task[i].root, va),
				     set, clear);
}

uint64_t audit_unused_va(const struct fault_guest *fault)
{
	uint8_t shift = fault->guest->kind->format->level[0].shift;

	return fault->guest->word == 8 ? UINT64_C(1) << shift : 0x40000000;
}

/* ---- the guest --------------------------------------------------------------------- */

bool audit_has_nx(const struct fault_guest *fault)
{
	return fault->guest->kind->format->no_execute;
}

#define TEXT_SIZE (2u << 20) /* of the small guest's image, from its start */

/* Text is executed where the image is mapped, and nothing else anywhere. */
static bool is_text(const struct guest *guest, uint64_t va, uint64_t frame)
{
	return frame >= guest->image_pa && frame < guest->image_pa + TEXT_SIZE &&
	       va - guest->kind->image < TEXT_SIZE;
}

/* Entries of the last level. */
static bool forbid_execution(void *arg, uint64_t pa, unsigned level, uint64_t va)
{
	struct fault_guest *fault = arg;

	if (level + 1 < fault->guest->kind->format->nlevels)
		return true;
	for (unsigned i = 0; i < 512; i++) {
		uint64_t entry = audit_get(fault, pa + 8 * i);

		if (entry & P && !is_text(fault->guest, va + i * WS_FRAME_SIZE,
					  entry & WS_BITS(51, 12)))
			audit_change(fault, pa + 8 * i, XD, 0);
	}
	return true;
}

struct fault_guest *audit_guest_create(const struct guest_kind *kind)
{
	struct fault_guest *fault = fault_guest_create(kind);
	struct ws_paging paging = paging_of(fault);
	uint64_t roots[] = { fault->guest->swapper,
			     kind->pti ? fault->guest->swapper + WS_FRAME_SIZE : 0 };

	for (size_t i = 0; i < WS_ARRAY_SIZE(roots) && audit_has_nx(fault); i++)
		if (roots[i])
			assert_int_equal(ws_tables(&paging, roots[i], kind->page_offset,
						   UINT64_MAX, 0, forbid_execution,
						   fault),
					 WS_OK);
	return fault;
}

void audit_give_module(struct fault_guest *fault, const char *name, uint64_t va,
		       unsigned pages)
{
	struct ws_module *module;

	if (!fault->system)
		fault_guest_open(fault, FAULT_LAZY);
	module = ws_vec_push(&fault->system->modules);
	assert_non_null(module);
	*module = (struct ws_module){ .nregions = 2 };
	snprintf(module->name, sizeof(module->name), "%s", name);
	module->region[0] = (struct ws_region){ va + 0x100000, WS_FRAME_SIZE };
	module->region[1] = (struct ws_region){ va, pages * WS_FRAME_SIZE };
}

/* ---- what was found ---------------------------------------------------------------- */

static bool is_about(const struct fault_guest *fault, const struct ws_finding *finding,
		     const char *rule, uint64_t root)
{
	return !strcmp(finding->rule->id, rule) &&
	       (!root || finding->space == space_with_root(fault->system, root));
}

unsigned audit_count(const struct fault_guest *fault, const char *rule, uint64_t root)
{
	unsigned n = 0;

	ws_vec_each(&fault->audit->findings, finding)
		n += is_about(fault, finding, rule, root);
	return n;
}

const struct ws_finding *audit_find(const struct fault_guest *fault, const char *rule,
				    uint64_t root)
{
	ws_vec_each(&fault->audit->findings, finding)
		if (is_about(fault, finding, rule, root))
			return finding;
	fail_msg("no finding of %s", rule);
	return NULL;
}

const struct ws_finding *audit_expect(const struct fault_guest *fault, const char *rule,
				      uint64_t root, const char *part)
{
	const struct ws_finding *finding = audit_find(fault, rule, root);

	if (!strstr(finding->text, part))
		fail_msg("'%s' is not in: %s", part, finding->text);
	assert_int_equal(audit_count(fault, rule, 0), 1);
	return finding;
}

void audit_expect_none(const struct fault_guest *fault, const char *family)
{
	ws_vec_each(&fault->audit->findings, finding)
		if (!strcmp(finding->rule->family, family))
			fail_msg("%s, %#lx to %#lx: %s", finding->rule->id, finding->va,
				 finding->last, finding->text);
}

static void expect(const struct fault_guest *fault, uint32_t space,
		   enum ws_verdict verdict)
{
	const struct ws_judgement *judgement = &fault->audit->judgements.v[space];

	if (judgement->verdict != verdict)
		fail_msg("space %u (%s) %s: %s", space,
			 fault->system->spaces.v[space].comm,
			 ws_verdict_name(judgement->verdict),
			 judgement->reasons ? judgement->reasons : "");
	if (verdict != WS_COHERENT)
		assert_non_null(judgement->reasons);
}

void audit_expect_verdict(const struct fault_guest *fault, uint64_t root,
			  enum ws_verdict verdict)
{
	uint32_t space = space_with_root(fault->system, root);

	for (uint32_t i = 0; i < fault->system->spaces.n; i++)
		expect(fault, i, i == space ? verdict : WS_COHERENT);
}

void audit_expect_verdicts(const struct fault_guest *fault, enum ws_space_kind kind,
			   enum ws_verdict verdict)
{
	for (uint32_t i = 0; i < fault->system->spaces.n; i++)
		if (fault->system->spaces.v[i].kind == kind)
			expect(fault, i, verdict);
}

void audit_put_page(struct fault_guest *fault, uint64_t pa, uint64_t flags, uint64_t head,
		    uint64_t mapping, uint32_t mapcount)
{
	struct guest *guest = fault->guest;
	uint64_t page = guest_pa(guest, guest->mem_map) + pa / WS_FRAME_SIZE * 32;

	guest_put(guest, page, flags);
	guest_put(guest, page + 8, head);
	guest_put(guest, page + 16, mapping);
	guest_put32(guest, page + 28, mapcount);
}

void audit_say_of_pages(struct fault_guest *fault)
{
	char *text = (char *)fault->guest->memory + fault->guest->vmcoreinfo;

	strcat(text, "OFFSET(page.flags)=0\nOFFSET(page._mapcount)=28\n"
		     "OFFSET(page.mapping)=16\nOFFSET(page.private)=16\n"
		     "OFFSET(page.compound_head)=8\nNUMBER(PG_slab)=9\n"
		     "NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-129\n");
}
