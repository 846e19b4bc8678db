/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A target that runs on while it is read: what was there at one look only is not
 * reported. Memory changes behind a frame function of the test's own.
 */
#include "audit_guest.h"
#include "common/frames.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* The frame at pa is another one, with a hole at offset, for so many looks. */
struct mover {
	struct ws_paging real;
	uint64_t pa, offset;
	unsigned looks; /* at the frame, until now */
	unsigned until; /* looks that see the hole */
	bool absent;    /* or cannot see the frame at all */
	uint8_t frame[WS_FRAME_SIZE];
};

static enum ws_evidence moving_frame(void *opaque, uint64_t pa, const uint8_t **moved)
{
	struct mover *mover = opaque;
	const uint8_t *frame = paging_frame(&mover->real, pa);

	if (pa / WS_FRAME_SIZE != mover->pa / WS_FRAME_SIZE)
		return frame_lend(frame, moved);
	memcpy(mover->frame, frame, WS_FRAME_SIZE);
	memset(mover->frame + mover->offset, 0, 4);
	if (mover->absent && mover->looks < mover->until) {
		mover->looks++;
		*moved = NULL;
		return WS_ABSENT;
	}
	return frame_lend(mover->looks++ < mover->until ? mover->frame : frame, moved);
}

/* The victim's entry for module memory will seem to be empty. */
static struct fault_guest *create(void **state, struct mover *mover)
{
	struct fault_guest *fault = audit_guest_create(*state);
	uint64_t entry = guest_private_entry(fault->guest, fault_guest_victim(fault),
					     fault->guest->kind->module);

	fault_guest_open(fault, FAULT_LAZY);
	*mover = (struct mover){ .real = fault->system->paging,
				 .pa = entry,
				 .offset = entry % WS_FRAME_SIZE };
	fault->system->paging.frame = moving_frame;
	fault->system->paging.opaque = mover;
	return fault;
}

/* How often one audit of a dump looks at the frame, while it shows the hole. */
static unsigned looks_of_one_audit(struct fault_guest *fault, struct mover *mover)
{
	mover->looks = 0;
	mover->until = UINT32_MAX;
	fault_guest_audit(fault, FAULT_LAZY);
	return mover->looks;
}

static void what_was_there_once(void **state)
{
	struct mover mover;
	struct fault_guest *fault = create(state, &mover);

	unsigned looks = looks_of_one_audit(fault, &mover);

	audit_expect(fault, "coherence-missing", fault_guest_victim(fault), "empty here");
	fault->guest->target.moving = true;
	mover.until = looks;
	mover.looks = 0;
	fault_guest_audit(fault, FAULT_LAZY);
	assert_true(mover.looks > looks);
	assert_int_equal(fault->audit->findings.n, 0);
	audit_expect_verdict(fault, fault_guest_victim(fault), WS_COHERENT);
	fault_guest_destroy(fault);
}

static void what_stays(void **state)
{
	struct mover mover;
	struct fault_guest *fault = create(state, &mover);
	uint64_t victim = fault_guest_victim(fault);
	size_t n;

	looks_of_one_audit(fault, &mover);
	n = fault->audit->findings.n;
	fault->guest->target.moving = true;
	looks_of_one_audit(fault, &mover);
	assert_int_equal(fault->audit->findings.n, n);
	audit_expect(fault, "coherence-missing", victim, "empty here");
	fault_guest_destroy(fault);
}

/* What could not be read at one look, and was at the next, is known. */
static void what_was_absent_once(void **state)
{
	struct mover mover;
	struct fault_guest *fault = create(state, &mover);
	uint64_t victim = fault_guest_victim(fault);
	unsigned looks;

	mover.absent = true;
	looks = looks_of_one_audit(fault, &mover);
	audit_expect_verdict(fault, victim, WS_UNKNOWN);
	fault->guest->target.moving = true;
	fault_guest_audit(fault, FAULT_LAZY); /* at no look */
	audit_expect_verdict(fault, victim, WS_UNKNOWN);
	mover.until = looks;
	mover.looks = 0;
	fault_guest_audit(fault, FAULT_LAZY);
	audit_expect_verdict(fault, victim, WS_COHERENT);
	fault_guest_destroy(fault);
}

/* Without a finding there is no second look. */
static void nothing_to_confirm(void **state)
{
	struct mover mover;
	struct fault_guest *fault = create(state, &mover);
	unsigned looks;

	fault_guest_audit(fault, FAULT_LAZY);
	looks = mover.looks;
	assert_int_equal(fault->audit->findings.n, 0);
	fault->guest->target.moving = true;
	mover.looks = 0;
	fault_guest_audit(fault, FAULT_LAZY);
	assert_int_equal(mover.looks, looks); /* nothing to confirm */
	fault_guest_destroy(fault);
}

/* Of shared tables too: what is found again keeps its sharers and their verdicts. */
static void what_is_shared(void **state)
{
	struct fault_guest *fault = audit_guest_create(*state);
	struct guest *guest = fault->guest;

	audit_change(fault, audit_entry(fault, guest->swapper, guest->kind->module, -1),
		     US, 0);
	guest->target.moving = true;
	fault_guest_audit(fault, FAULT_LAZY);
	audit_expect(fault, "protection-user", guest->swapper, "24 other spaces");
	audit_expect_verdicts(fault, WS_SPACE_PROCESS, WS_LEAKS);
	fault_guest_destroy(fault);
}

int main(void)
{
	static const struct guest_case cases[] = {
		{ "what was there once", what_was_there_once, GUEST_OWN_KERNEL },
		{ "what stays", what_stays, GUEST_OWN_KERNEL },
		{ "what was absent once", what_was_absent_once, GUEST_OWN_KERNEL },
		{ "nothing to confirm", nothing_to_confirm, GUEST_OWN_KERNEL },
		{ "what is shared", what_is_shared, GUEST_NO_PTI },
	};

	return guest_run_cases("moving targets", cases, WS_ARRAY_SIZE(cases));
}
