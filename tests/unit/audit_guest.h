/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the tests of audit rules do to a small guest, and what they look at after. The
 * guest is a healthy one: its data is not executable where the format has NX.
 */
#ifndef TESTS_AUDIT_GUEST_H
#define TESTS_AUDIT_GUEST_H

#include "fault_guest.h"

/* SDM vol. 3A, tables 4-4 to 4-20. */
#define P 1u
#define RW 2u
#define US 4u
#define PCD 16u
#define ACCESSED 32u
#define DIRTY 64u
#define PS 128u
#define XD (UINT64_C(1) << 63)

struct fault_guest *audit_guest_create(const struct guest_kind *kind);

/* Entries, by the pa at which they lie. */
uint64_t audit_get(const struct fault_guest *fault, uint64_t pa);
void audit_put(struct fault_guest *fault, uint64_t pa, uint64_t entry);
void audit_change(struct fault_guest *fault, uint64_t pa, uint64_t set, uint64_t clear);

/*
 * What struct page of pa's frame says: flags; lru or compound_head; mapping, or the order of
 * a free block; _mapcount. And VMCOREINFO saying where these lie.
 */
void audit_put_page(struct fault_guest *fault, uint64_t pa, uint64_t flags, uint64_t head,
		    uint64_t mapping, uint32_t mapcount);
void audit_say_of_pages(struct fault_guest *fault);

/* Gives every process what init_mm's private entry for va is. */
void audit_share_private(struct fault_guest *fault, uint64_t va);

/* pa of the entry that a walk of va reads at a level; the last level: -1. */
uint64_t audit_entry(const struct fault_guest *fault, uint64_t root, uint64_t va,
		     int level);
/* The same bits set and cleared in the private entry for va of every root there is. */
void audit_change_private(struct fault_guest *fault, uint64_t va, uint64_t set,
			  uint64_t clear);

bool audit_has_nx(const struct fault_guest *fault);
/*
 * A va of the user half that nobody uses, ruled by another top-level entry than user
 * memory.
 */
uint64_t audit_unused_va(const struct fault_guest *fault);

/* Another loaded module, of some pages from va on; opens the guest with symbols. */
void audit_give_module(struct fault_guest *fault, const char *name, uint64_t va,
		       unsigned pages);

/* Findings of a rule; root 0: about any space. */
unsigned audit_count(const struct fault_guest *fault, const char *rule, uint64_t root);
const struct ws_finding *audit_find(const struct fault_guest *fault, const char *rule,
				    uint64_t root);
/* One finding of the rule, about that space, whose words have that part. */
const struct ws_finding *audit_expect(const struct fault_guest *fault, const char *rule,
				      uint64_t root, const char *part);
/* No finding of that family. */
void audit_expect_none(const struct fault_guest *fault, const char *family);
/* That verdict for the space, and coherent for all the others; or for all of a kind. */
void audit_expect_verdict(const struct fault_guest *fault, uint64_t root,
			  enum ws_verdict verdict);
void audit_expect_verdicts(const struct fault_guest *fault, enum ws_space_kind kind,
			   enum ws_verdict verdict);

#endif
