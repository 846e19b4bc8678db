/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rules of the fault path. */
#include "arm/faultpath.h"

/* clang-format off */
const struct ws_rule arm_fault_rules[ARM_FAULT_RULES] = {
	[ARM_RULE_VECTORS] = {
		"faultpath-vectors-page", "fault-path", "vectors or their stubs not mapped", WS_FATAL,
		"The processor fetches the code at its vectors through the page tables that are "
		"loaded. If it cannot, that is a prefetch abort, whose vector it cannot fetch "
		"either: it does nothing else any more.",
		"Map the vectors page and the one of stubs behind it in every space, by a table "
		"that spaces share.",
		"Linux 19accfd37384 (3.11): the stubs move out of the page that user mode reads",
		WS_NESTS,
	},
	[ARM_RULE_ABORT_ENTRY] = {
		"faultpath-abort-entry", "fault-path", "handler of aborts not mapped", WS_FATAL,
		"The stub of a vector leads to code that this space does not map, or may not "
		"execute. Fetching it is a prefetch abort. That of prefetch aborts repeats for "
		"ever; that of data aborts loses where to return to, which abort mode keeps in "
		"three words that the second abort overwrites.",
		"Never point a stub into memory that spaces do not share: keep the first "
		"instructions in the kernel image.",
		"the case that dtrace4linux made on i386 in 2012",
		WS_NESTS,
	},
	[ARM_RULE_ABORT_REACH] = {
		"faultpath-abort-reach", "fault-path", "handling of aborts needs what is not mapped",
		WS_FATAL,
		"The handler is there, but code or data that every translation fault goes "
		"through is not: each such fault is followed by another before anything is done "
		"about it, and each pushes its registers on the kernel stack.",
		"Check all that do_translation_fault() is reached by, not the vectors alone.",
		"Linux 44e9a3bb76e5 (2024): a stack's shadow that the entry code touched",
		WS_NESTS,
	},
	[ARM_RULE_ABORT_STACK] = {
		"faultpath-svc-stack", "fault-path", "kernel stack that is in use not writable",
		WS_FATAL,
		"The entry code pushes registers on the stack that the processor runs on. If it "
		"cannot, that is a data abort, whose registers cannot be pushed there either.",
		"Synchronise vmalloc's entries before a switch to the space, as "
		"check_vmalloc_seq() does.",
		"Linux d6e6a74d4cea, 44e9a3bb76e5 (2024): ARM32, VMAP_STACK",
		WS_NESTS,
	},
	[ARM_RULE_HANDLER] = {
		"faultpath-vector-handler", "fault-path", "handler of a vector not mapped", WS_ERROR,
		"A vector leads to code that this space does not map, or may not execute. The "
		"first such exception is a prefetch abort on its handler, which is repaired, or "
		"ends in an oops.",
		"Keep handlers in the kernel image, or synchronise every space.",
		"no kernel is known to have shipped with it: a driver that patches vectors does it",
		WS_DIVERGES,
	},
	[ARM_RULE_FOREIGN] = {
		"faultpath-foreign-abort", "fault-path", "abort handler outside the kernel image",
		WS_WARNING,
		"Aborts lead into a module or other memory that the kernel maps while it runs. As "
		"long as every space has the mapping it works; a space that misses it dies of "
		"the first such abort, and all do when the module is unloaded.",
		"Use the kernel's own hooks (kprobes, tracepoints, notifiers) instead.",
		"dtrace4linux 2012, on i386: its page-fault handler lay in module memory",
		WS_COHERENT,
	},
};
/* clang-format on */
