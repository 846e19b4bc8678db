/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory that is copied many frames at once, and may be other at the next look: what is
 * kept, what is read again, and what is left out of a scan.
 */
#include "audit_guest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Frames that cannot be read: the first, two in a row, one alone, the last. */
static const uint64_t missing[] = { 0, 70, 71, 200, GUEST_MEMORY / WS_FRAME_SIZE - 1 };
#define NMISSING (sizeof(missing) / sizeof(*missing))

/* The guest's memory, in which one word is a hole the first time that its frame is read. */
static struct {
	bool gaps;
	uint64_t pa; /* of the word; 0: none */
	unsigned looks;
	size_t most; /* frames asked for at once */
} memory;

static bool is_missing(uint64_t ordinal)
{
	for (size_t i = 0; memory.gaps && i < NMISSING; i++)
		if (missing[i] == ordinal)
			return true;
	return false;
}

static void change(uint64_t ordinal, uint8_t *frame)
{
	if (memory.pa && ordinal == memory.pa / WS_FRAME_SIZE && !memory.looks++)
		memset(frame + memory.pa % WS_FRAME_SIZE, 0, 4);
}

static enum ws_evidence copy_frames(struct ws_target *target, unsigned worker,
				    uint64_t ordinal, size_t n, uint8_t *frames,
				    size_t *got)
{
	const struct guest *guest =
		(const void *)((const char *)target - offsetof(struct guest, target));

	assert_true(worker < WS_READERS);
	assert_true(n && (ordinal + n) * WS_FRAME_SIZE <= GUEST_MEMORY);
	if (worker == WS_BY_ADDRESS && n > memory.most)
		memory.most = n;
	for (*got = 0; *got < n; ++*got, frames += WS_FRAME_SIZE) {
		if (is_missing(ordinal + *got))
			return WS_ABSENT;
		memcpy(frames, guest->memory + (ordinal + *got) * WS_FRAME_SIZE,
		       WS_FRAME_SIZE);
		change(ordinal + *got, frames);
	}
	return WS_READ;
}

static const struct ws_target_ops copied = { .kind = "copied",
					     .scheme = "copied:IT",
					     .copy_frames = copy_frames };

static void make_copied(struct guest *guest)
{
	memset(&memory, 0, sizeof(memory));
	guest->target.ops = &copied;
	guest->target.memory.v[0].data = NULL;
	guest->target.moving = true;
}

static uint8_t seen[GUEST_MEMORY / WS_FRAME_SIZE];

static void count(void *arg, unsigned worker, uint64_t pa, const uint8_t *data,
		  size_t len)
{
	const struct guest *guest = arg;

	(void)worker;
	assert_memory_equal(data, guest->memory + pa, len);
	for (size_t i = 0; i < len; i += WS_FRAME_SIZE)
		seen[(pa + i) / WS_FRAME_SIZE]++;
}

static void a_scan_passes_over_what_is_missing(void **state)
{
	struct guest *guest = guest_create(*state);
	size_t n = GUEST_MEMORY / WS_FRAME_SIZE;

	make_copied(guest);
	memory.gaps = true;
	memset(seen, 0, sizeof(seen));
	assert_int_equal(ws_target_scan(&guest->target, "scan", count, guest), WS_OK);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(seen[i], !is_missing(i));
	assert_int_equal(guest->target.ndamaged, NMISSING);
	assert_non_null(
		strstr(ws_target_note(&guest->target, 0), "of the running machine"));
	guest_destroy(guest);
}

static void what_was_forgotten_is_read_again(void **state)
{
	struct guest *guest = guest_create(*state);
	uint64_t pa = 17 * WS_FRAME_SIZE;
	const uint8_t *first, *same, *again;

	make_copied(guest);
	memset(guest->memory + pa, 0x55, WS_FRAME_SIZE);
	assert_int_equal(ws_target_frame(&guest->target, pa, &first), WS_READ);
	memset(guest->memory + pa, 0xaa, WS_FRAME_SIZE);
	assert_int_equal(ws_target_frame(&guest->target, pa, &same), WS_READ);
	assert_ptr_equal(first, same);
	ws_target_forget(&guest->target);
	assert_int_equal(ws_target_frame(&guest->target, pa, &again), WS_READ);
	assert_ptr_equal(again, first); /* no look takes more memory than the first */
	assert_int_equal(again[WS_FRAME_SIZE - 1], 0xaa);
	assert_int_equal(memory.most, 1);
	guest_destroy(guest);
}

/* The second of the two audits reads what the first has read, and memory has moved on. */
static void what_was_there_at_one_look(void **state)
{
	struct fault_guest *fault = audit_guest_create(*state);
	uint64_t victim = fault_guest_victim(fault);

	fault_guest_open(fault, FAULT_LAZY);
	make_copied(fault->guest);
	memory.pa = guest_private_entry(fault->guest, victim, fault->guest->kind->module);
	fault->guest->target.moving = false;
	ws_target_forget(&fault->guest->target);
	fault_guest_audit(fault, FAULT_LAZY);
	audit_expect(fault, "coherence-missing", victim, "empty here");
	memory.looks = 0;
	fault->guest->target.moving = true;
	ws_target_forget(&fault->guest->target);
	fault_guest_audit(fault, FAULT_LAZY);
	assert_true(memory.looks > 1);
	assert_int_equal(fault->audit->findings.n, 0);
	fault_guest_destroy(fault);
}

int main(void)
{
	static const struct guest_case cases[] = {
		{ "a scan passes over what is missing",
		  a_scan_passes_over_what_is_missing, 0 },
		{ "what was forgotten is read again", what_was_forgotten_is_read_again,
		  0 },
		{ "what was there at one look", what_was_there_at_one_look,
		  GUEST_OWN_KERNEL },
	};

	return guest_run_cases("moving memory", cases, sizeof(cases) / sizeof(*cases));
}
