/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command.h"

#include <stdint.h>
#include <string.h>

#define MANY UINT32_MAX

const struct command commands[] = {
	{
		.name = "spaces",
		.summary = "who is there: every address space, and what its tables weigh",
		.args = "TARGET",
		.about =
			"Lists every address space found in the target: init_mm, those of "
			"processes, their user halves under page-table isolation, unowned "
			"ones, which user mode has memory in but whose task was not found, "
			"lone ones, which the kernel keeps for itself, and freed ones that "
			"linger in memory. Kernel threads have none of their own and are "
			"not listed. Those that a task or a processor can run in are "
			"counted, here and by probe and audit. "
			"The weight is that of the page tables beside what a space with "
			"every page mapped would need: 4 MiB on i386.",
		.options = OPTIONS_TARGET | OPTIONS_OUTPUT,
		.rows = &spaces_table,
		.run = run_spaces,
	},
	{
		.name = "modules",
		.summary = "the loaded modules and where they lie",
		.args = "TARGET",
		.about =
			"Lists the kernel's modules in the order of its own list, a line for "
			"each region of memory: one until Linux 6.4, several since.",
		.options = OPTIONS_TARGET | OPTIONS_OUTPUT,
		.rows = &modules_table,
		.run = run_modules,
	},
	{
		.name = "read",
		.summary = "memory as one space sees it",
		.args = "TARGET WHAT LEN",
		.about =
			"Prints LEN bytes from WHAT on as hex and text, through the eyes of "
			"one space. What it does not see is shown as a hole, and the exit "
			"status is 1. LEN is decimal, or hex after 0x.",
		.options = OPTIONS_TARGET | OPTIONS_OUTPUT | OPTIONS_PID,
		.min_words = 2,
		.max_words = 2,
		.rows = &read_table,
		.run = run_read,
	},
	{
		.name = "walk",
		.summary = "one walk, every step of it decoded",
		.args = "TARGET WHAT",
		.about =
			"Walks the page tables of one space for one address: a line for each "
			"step, then what it comes to, and whether the processor would refuse "
			"an entry on the way for its reserved bits. The exit status is 0 "
			"when there is a page that the processor would go to, and 1 "
			"otherwise.",
		.options = OPTIONS_TARGET | OPTIONS_OUTPUT | OPTIONS_PID,
		.min_words = 1,
		.max_words = 1,
		.rows = &steps_table,
		.run = run_walk,
	},
	{
		.name = "map",
		.schema = 2,
		.summary = "all that one space maps, as merged ranges with permissions",
		.args = "TARGET",
		.about =
			"Neighbouring pages of one size and one set of rights are one line, "
			"wherever in physical memory they lie. The rights are those that "
			"every level of the walk grants.",
		.options = OPTIONS_TARGET | OPTIONS_OUTPUT | OPTIONS_PID,
		.rows = &map_table,
		.run = run_map,
	},
	{
		.name = "probe",
		.schema = 2,
		.summary = "which spaces see an address, which do not, and why",
		.args = "TARGET WHAT...",
		.about =
			"Asks every address space for every WHAT. A summary for each WHAT "
			"comes first, then a line for each space that does not see it. "
			"Everyone means every space that `spaces' counts: init_mm and all "
			"that a task or a processor can run in. With --all-spaces the others "
			"are asked too: user halves under page-table isolation, which lack "
			"the kernel by design, lone and freed spaces. To see means: a page is mapped there, "
			"and for a kernel address it is the page that init_mm has there.",
		.options = OPTIONS_TARGET | OPTIONS_OUTPUT | OPTIONS_PROBE,
		.max_words = MANY,
		.rows = &probe_table,
		.run = run_probe,
	},
	{
		.name = "audit",
		.schema = 2,
		.summary = "every rule over every space: a verdict for each, and why",
		.args = "TARGET",
		.about =
			"Holds the kernel half of every space against init_mm's, checks that "
			"each processor could reach all of its fault path there, and says "
			"what comes of it: a verdict for every space that a processor or a "
			"task can run in, with its reasons, and findings, of which those "
			"that are alike but for their space are one line. The exit status "
			"is 0 when every space is coherent and no finding is worse than "
			"info, 4 when that is so as far as the target holds what decides, "
			"and 1 otherwise.",
		.options = OPTIONS_TARGET | OPTIONS_OUTPUT | OPTIONS_AUDIT,
		.rows = &audit_table,
		.run = run_audit,
	},
	{
		.name = "what-if",
		.schema = 2,
		.summary = "a page fault delivered in a space, and followed to its end",
		.args = "TARGET",
		.about =
			"Takes the target's memory and registers as the state of a simulated "
			"processor, lets a page fault happen in one space, and says what the "
			"processor does next: the handler is reached, or faults nest until "
			"a push fails, a double fault, a triple fault. It tells how many "
			"frames are pushed, where the stack pointer ends, what gave way, and "
			"what every overwritten page was. It follows up to a handler's first "
			"byte; what audit knows beyond that stands beside it. The exit "
			"status is 0 when every space that was asked for survives, 1 when "
			"one does not, and 4 when that is not known of some, because the "
			"target does not hold what decides.",
		.options = OPTIONS_TARGET | OPTIONS_OUTPUT | OPTIONS_WHAT_IF,
		.rows = &what_if_table,
		.run = run_what_if,
	},
	{
		.name = "sim",
		.summary = "a story on a simulated machine, told as it happens",
		.args = "[SCENARIO]",
		.about =
			"Runs a scenario on a model kernel and a simulated processor, and "
			"tells what they do. SCENARIO is the name of one that is built in, "
			"which are listed when there is none, or the path of a Lua script, "
			"which has a / in it. A script cannot touch the machine that it is "
			"run on. sim:SCENARIO is a target for every other command. The exit "
			"status is 0 when all went as the script says, and 1 when it did "
			"not.",
		.options = OPTIONS_OUTPUT | OPTIONS_SAVE,
		.max_words = 1,
		.first_word = "scenario",
		.rows = &sim_table,
		.offer = offer_scenario,
		.run = run_sim,
	},
	{
		.name = "report",
		.summary = "what an audit finds, as one page to look at",
		.args = "TARGET -o FILE",
		.about =
			"Writes one HTML file that holds all it needs and asks no network: "
			"who is sick and why, a map of spaces by kernel ranges, each finding "
			"with its walks beside init_mm's, the fault path and the registers. "
			"The file appears whole or not at all. The exit status is that of "
			"audit.",
		.options = OPTIONS_TARGET | OPTIONS_FILE,
		.run = run_report,
	},
	{
		.name = "diff",
		.summary = "what differs between two moments of one machine",
		.args = "TARGET OTHER",
		.about =
			"Audits two dumps of one machine and says what appeared, vanished or "
			"changed from TARGET to OTHER: spaces, their verdicts, modules, "
			"findings, and what init_mm maps. A process is known by its pid. Two "
			"dumps that are evidently not of one machine are refused: another "
			"kernel, another paging format, another place of the kernel in "
			"memory. The exit status is 0 when nothing differs, and 1 otherwise.",
		.options = OPTIONS_TARGET | OPTIONS_OUTPUT,
		.min_words = 1,
		.max_words = 1,
		.first_word = "target",
		.rows = &diff_table,
		.run = run_diff,
	},
	{
		.name = "rules",
		.summary = "what an audit looks for",
		.args = "",
		.about =
			"Lists every rule: its name, how bad it is, and in JSON and CSV what "
			"it means, what to do about it, and where it happened.",
		.options = OPTIONS_OUTPUT,
		.rows = &rules_table,
		.run = run_rules,
	},
	{
		.name = "capture",
		.summary = "a small dump with only what the answers rest on",
		.args = "TARGET -o FILE",
		.about =
			"Writes an ELF core that holds page tables, tasks, modules, symbols "
			"and registers, and no page of a user's. Every command answers on it "
			"as on the whole dump, except that read finds only what was kept. "
			"The file appears whole or not at all.",
		.options = OPTIONS_TARGET | OPTIONS_FILE,
		.run = run_capture,
	},
	{
		.name = "check-module",
		.summary = "where the handlers of a module's file would land",
		.args = "FILE [SYMBOL...]",
		.about =
			"Says of each handler in a module's file (.ko) what the loader would "
			"make of the ELF section it is in: text that stays, text that is "
			"freed after init, or data that cannot be executed; how it is "
			"aligned, how many pages it touches, each of which every address "
			"space has to see, and how many of its relocations leave the module. "
			"Handlers are the SYMBOLs, or, without any, what goes by a handler's "
			"name or is in a section for such. A compressed module has to be "
			"unpacked first. The exit status is 0 when all land in text that "
			"stays, and 1 when one does not, or none was found.",
		.options = OPTIONS_OUTPUT,
		.min_words = 1,
		.max_words = MANY,
		.first_word = "module",
		.rows = &handlers_table,
		.run = run_check_module,
	},
	{ .name = NULL },
};

const struct command *command_find(const char *name)
{
	for (const struct command *c = commands; c->name; c++)
		if (strcmp(c->name, name) == 0)
			return c;
	return NULL;
}
