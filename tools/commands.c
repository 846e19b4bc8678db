/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of commands. */
#include "command.h"

#include <stdint.h>
#include <string.h>

#define MANY UINT32_MAX

#define EXAMPLES(...)                   \
	(const struct example[])        \
	{                               \
		__VA_ARGS__,            \
		{                       \
			.command = NULL \
		}                       \
	}

/* clang-format off */
const struct command commands[] = {
	{
		.name = "spaces",
		.summary = "list address spaces and the memory their page tables use",
		.args = "TARGET",
		.about =
			"Lists every address space found in TARGET: init_mm, those of processes, "
			"PTI user halves, spaces of no known owner (user mode has memory there, but "
			"the task was not found), lone roots, which the kernel keeps for itself, and "
			"roots left over in freed memory. Kernel threads have no address space of "
			"their own and are not listed. Commands that count address spaces count "
			"those that a task or a processor can run in. The weight of a space is the "
			"memory that its page tables use; the share compares it with the page tables "
			"that a fully mapped space would need.",
		.examples = EXAMPLES(
			{ "List all address spaces", "whosees spaces dump.elf" },
			{ "Print pids and names for a script",
			  "whosees spaces dump.elf --csv | cut -d , -f 1,2" }),
		.options = OPTIONS_TARGET | OPTIONS_OUTPUT,
		.rows = &spaces_table,
		.run = run_spaces,
	},
	{
		.name = "modules",
		.summary = "list loaded modules and their addresses",
		.args = "TARGET",
		.about =
			"Lists the loaded modules in the order of the kernel's own list, with one "
			"line for each memory region: one region per module until Linux 6.4, several "
			"since.",
		.examples = EXAMPLES(
			{ "List modules and where they lie", "whosees modules dump.elf" },
			{ "The same as JSON", "whosees modules dump.elf --json" }),
		.options = OPTIONS_TARGET | OPTIONS_OUTPUT,
		.rows = &modules_table,
		.run = run_modules,
	},
	{
		.name = "cpus",
		.summary = "print each processor's registers, space and task",
		.args = "TARGET",
		.about =
			"Prints for each processor that TARGET keeps which address space it has loaded "
			"and which task it runs, by the stack that it is on; where the kernel keeps it, also "
			"the mm that it takes the processor to have loaded (cpu_tlbstate.loaded_mm), which "
			"names a space even where the root is init_mm's again. Then its registers: general ones, "
			"control registers, segments and descriptor tables, as far as TARGET keeps "
			"them, and what lies at the addresses in them. The exit status is 0, or 4 if "
			"of some processor the space is not known, or TARGET keeps none.",
		.examples = EXAMPLES(
			{ "What was each processor doing?", "whosees cpus dump.elf" },
			{ "Where does each gate, or vector, lead?", "whosees cpus dump.elf --vectors" },
			{ "The page-fault handler for a script",
			  "whosees cpus dump.elf --vectors --json | jq -r "
			  "'.entry_points[14].place'" }),
		.options = OPTIONS_TARGET | OPTIONS_OUTPUT | OPTIONS_CPUS,
		.rows = &registers_table,
		.run = run_cpus,
	},
	{
		.name = "stack",
		.summary = "print what on a kernel stack leads into code",
		.args = "TARGET --pid PID | --cpu N",
		.about =
			"Prints the words of one kernel stack that lead into the code of the kernel or "
			"of a module, by name, and the exception frames on it, where they are known. This is "
			"no unwinder: a word is listed because of what it is, whether or not the call "
			"that made it has returned. What lies below the stack pointer is left over from "
			"before; --all lists that too, and so do JSON and CSV. The stack pointer is the "
			"processor's, if one is on that stack, or else the one that the task saved when "
			"it was switched away. The exit status is 0, or 4 if TARGET lacks some of the "
			"stack, or which stack it is is not known.",
		.examples = EXAMPLES(
			{ "What was the processor in the middle of?",
			  "whosees stack dump.elf --cpu 0", 4 },
			{ "Where does process 117 sleep?", "whosees stack dump.elf --pid 117", 4 }),
		.options = OPTIONS_TARGET | OPTIONS_OUTPUT | OPTIONS_STACK,
		.rows = &stack_table,
		.run = run_stack,
	},
	{
		.name = "frame",
		.summary = "say who maps physical memory, where, and what it is used for",
		.args = "TARGET PA... | --all",
		.about =
			"Prints for frames of physical memory what each is used for, what struct page "
			"says of it, and every mapping: which address spaces map it, at which address, "
			"with which rights. PA is an address in hex, PA+LEN or FIRST-LAST; as @FILE or - "
			"(standard input) one of these per line. All page tables are read once, however "
			"many frames are asked for. Where two things that are known of a frame cannot "
			"both be true, that is said: user mode maps free memory, or a page table, or can "
			"write the kernel's image, a module or a kernel stack; a page table in use lies "
			"in free memory, or a processor has a freed one loaded; the kernel executes what "
			"it can write at another address (whosees rules explains each). A frame that "
			"TARGET does not hold is memory of the machine that TARGET lacks, or no memory, "
			"by the kernel's own map of the machine, or it is not known which. In text, --all "
			"prints a count for each use and the conflicts; JSON and CSV have every mapping. "
			"The exit status is 0 if there is no conflict, 1 if there is one or if no memory "
			"is at a PA, and 4 if what a frame is used for, or who maps it, is not known "
			"because TARGET lacks the frame, or page tables.",
		.examples = EXAMPLES(
			{ "Who maps this frame?", "whosees frame dump.elf 21ba000" },
			{ "And these 12 KiB?", "whosees frame dump.elf 3e72000+0x3000" },
			{ "Is any frame used for two things at once?",
			  "whosees frame dump.elf --all" }),
		.options = OPTIONS_TARGET | OPTIONS_OUTPUT | OPTIONS_FRAME,
		.max_words = MANY,
		.rows = &frame_table,
		.run = run_frame,
	},
	{
		.name = "log",
		.summary = "print the kernel log that lies in memory",
		.args = "TARGET",
		.about =
			"Prints the messages of the kernel (printk, dmesg) that TARGET's memory holds, "
			"oldest first, in whatever form the kernel keeps them: as a ring of "
			"descriptors since Linux 5.10, as records from 3.5 on, as text before. "
			"The log is found by VMCOREINFO or by symbols, or, where these are missing "
			"or what they name was overwritten, by its shape in memory, which a note "
			"says. A log that is full has lost its oldest records by design; records "
			"that were overwritten by something else, or that TARGET does not hold, are "
			"counted. The exit status is 0 if nothing of the log is missing, and 4 if "
			"some of it is lost or damaged, or no log is in TARGET.",
		.examples = EXAMPLES(
			{ "What did the kernel say last?", "whosees log dump.elf --tail 20" },
			{ "Print errors, and which task printed each",
			  "whosees log dump.elf --csv | grep -E ',(emerg|alert|crit|err),'" }),
		.options = OPTIONS_TARGET | OPTIONS_OUTPUT | OPTIONS_LOG,
		.rows = &log_table,
		.run = run_log,
	},
	{
		.name = "read",
		.summary = "print memory, translated by one space's page tables",
		.args = "TARGET WHAT [LEN]",
		.about =
			"Prints LEN bytes from WHAT on in hex and as text, translated by the page "
			"tables of one address space. Where that space maps nothing, the output "
			"shows a hole and the exit status is 1. LEN is decimal, or hex after 0x; "
			"without it, the string at WHAT is printed up to its end or the end of its "
			"line, or else one row.",
		.examples = EXAMPLES(
			{ "Print the first 16 bytes of a page directory",
			  "whosees read dump.elf 0xc3e74000 16" },
			{ "Print the string at an address", "whosees read dump.elf 0xc3c44a44" },
			{ "Print the code of a module's function as process 117 sees it",
			  "whosees read dump.elf lab_page_fault 64 --pid 117", 1 }),
		.options = OPTIONS_TARGET | OPTIONS_OUTPUT | OPTIONS_PID,
		.of_tables = true,
		.min_words = 1,
		.max_words = 2,
		.rows = &read_table,
		.run = run_read,
	},
	{
		.name = "walk",
		.summary = "walk the page tables for one address and decode each entry",
		.args = "TARGET WHAT",
		.about =
			"Walks the page tables of one address space for one address and prints each "
			"entry on the way, the physical address, and the access rights. If the "
			"processor would refuse an entry because of its reserved bits, the output "
			"says so. The exit status is 0 if the address is mapped and the processor "
			"can use it, and 1 if not.",
		.examples = EXAMPLES(
			{ "What does init_mm map at a symbol?", "whosees walk dump.elf vfs_read" },
			{ "Where does the walk of process 117 end?",
			  "whosees walk dump.elf lab_page_fault --pid 117", 1 }),
		.options = OPTIONS_TARGET | OPTIONS_OUTPUT | OPTIONS_PID,
		.of_tables = true,
		.min_words = 1,
		.max_words = 1,
		.rows = &steps_table,
		.run = run_walk,
	},
	{
		.name = "name",
		.summary = "say what lies at addresses, and what each frame is used for",
		.args = "TARGET WHAT...",
		.about =
			"Prints for each address the symbol at it or next below it, the module, the "
			"region of the kernel's address space, what one address space maps there, and "
			"what that frame of physical memory is used for: a page table of which process, "
			"a kernel stack of which task, the kernel image, a module, a user page, or, by "
			"struct page where VMCOREINFO describes it, slab memory, the page cache or free "
			"memory. What is not known is unknown. As - standard input is read, one WHAT a "
			"line. The exit status is 0 if every address is mapped, 1 if one is not, and 4 "
			"if that is not known because TARGET lacks page tables.",
		.examples = EXAMPLES(
			{ "What lies at these addresses?",
			  "whosees name dump.elf 0xc4ffe010 0xc3e74000" },
			{ "Name an address from standard input",
			  "echo c4ffe010 | whosees name dump.elf -" },
			{ "What does a page directory's frame belong to?",
			  "whosees name dump.elf 0xc21ba000 --json | jq -r '.names[0].frame'" }),
		.options = OPTIONS_TARGET | OPTIONS_OUTPUT | OPTIONS_PID,
		.of_tables = true,
		.min_words = 1,
		.max_words = MANY,
		.rows = &names_table,
		.run = run_name,
	},
	{
		.name = "map",
		.schema = 2,
		.summary = "list all ranges that one space maps, with their access rights",
		.args = "TARGET [WHAT [LEN]]",
		.about =
			"Lists all that one address space maps, or what it maps of a range: "
			"FIRST-LAST, a module, the page of an address, or LEN bytes from WHAT on. "
			"Adjacent pages of the same size, access rights, region and module form one "
			"range, wherever they lie in physical memory. The access rights are those "
			"that the entries at all levels grant together. Ranges that map the same "
			"memory one after the other, as espfix has 65,536, are counted after the third; "
			"--columns, CSV and JSON list each.",
		.examples = EXAMPLES(
			{ "Print the memory map of the kernel", "whosees map dump.elf" },
			{ "What does the process called init map of a module?",
			  "whosees map dump.elf loop --pid init" },
			{ "List memory that is writable and executable",
			  "whosees map dump.elf --perm wx" }),
		.options = OPTIONS_TARGET | OPTIONS_OUTPUT | OPTIONS_PID | OPTIONS_MAP,
		.of_tables = true,
		.max_words = 2,
		.rows = &map_table,
		.run = run_map,
	},
	{
		.name = "probe",
		.schema = 2,
		.summary = "check which spaces see an address, which do not, and why",
		.args = "TARGET WHAT...",
		.about =
			"Looks up every WHAT in every address space. The output begins with one "
			"summary per WHAT, followed by one line for each space that does not see it. "
			"A space sees an address if it maps a page there and, for a kernel address, "
			"if this is the page that init_mm maps. All spaces that a task or a "
			"processor can run in are checked. --all-spaces adds the others: PTI user "
			"halves, which lack the kernel by design, lone roots and freed ones.",
		.examples = EXAMPLES(
			{ "Which processes do not see a module's page-fault handler?",
			  "whosees probe dump.elf lab_page_fault", 1 },
			{ "Does every process see every page of every module?",
			  "whosees probe dump.elf --all-modules", 1 },
			{ "Print the pids that do not see it for a script",
			  "whosees probe dump.elf lab_page_fault --csv | cut -d , -f 3" }),
		.options = OPTIONS_TARGET | OPTIONS_OUTPUT | OPTIONS_PROBE,
		.max_words = MANY,
		.rows = &probe_table,
		.run = run_probe,
	},
	{
		.name = "audit",
		.schema = 3,
		.summary = "check every space by every rule, and print a verdict for each",
		.args = "TARGET",
		.about =
			"Compares the kernel half of every address space with that of init_mm, and "
			"checks whether each processor can reach all that it needs to handle a fault "
			"there. Prints a verdict for each space that a processor or a task can run "
			"in, the reasons, and the findings; findings that differ only by their space "
			"are one line. The exit status is 0 if every space is coherent and no finding "
			"is worse than info, 4 if that holds as far as TARGET has the memory that "
			"decides, and 1 otherwise: a warning is enough for that, as the verdict heals "
			"has, where nothing fails. whosees-verdicts(7) explains the verdicts.",
		.examples = EXAMPLES(
			{ "What will happen to which process, and why?",
			  "whosees audit dump.elf", 1 },
			{ "The same for some processes only", "whosees audit dump.elf --pid 1,117",
			  1 },
			{ "Write a log for a CI system", "whosees audit dump.elf --sarif >audit.sarif",
			  1 }),
		.options = OPTIONS_TARGET | OPTIONS_OUTPUT | OPTIONS_AUDIT,
		.has_result = true,
		.rows = &audit_table,
		.run = run_audit,
	},
	{
		.name = "what-if",
		.schema = 3,
		.summary = "simulate a page fault in a space, and follow it to its end",
		.args = "TARGET",
		.about =
			"Simulates a page fault in one address space: a simulated processor starts "
			"with the memory and the registers of TARGET, and its deliveries are followed "
			"until a handler is reached, or page faults repeat and end in a double fault "
			"or a triple fault. Prints how it ends, how many exception frames are pushed, "
			"where the stack pointer ends, which access failed, and what each overwritten "
			"page was. The simulation ends at the first byte of a handler; what audit "
			"knows of the code behind it is printed as well. The exit status is 0 if "
			"every simulated space survives, 1 if one does not, and 4 if that is not "
			"known because TARGET lacks memory that decides.",
		.examples = EXAMPLES(
			{ "How does the next page fault of process 117 end?",
			  "whosees what-if dump.elf --pid 117" },
			{ "The same in kernel mode, on QEMU's processor",
			  "whosees what-if dump.elf --pid 117 --fault kernel --tlb tcg" },
			{ "Does every address space survive a page fault?",
			  "whosees what-if dump.elf --spaces all" }),
		.options = OPTIONS_TARGET | OPTIONS_OUTPUT | OPTIONS_WHAT_IF,
		.rows = &what_if_table,
		.run = run_what_if,
	},
	{
		.name = "autopsy",
		.schema = 2,
		.summary = "find out from a dead machine's memory what killed it",
		.args = "TARGET",
		.about =
			"Looks for what killed the machine: exception frames that pile up in memory, "
			"processors that could not deliver an exception, the page-table entry that is "
			"missing in the space they were in. Prints the cause first, how sure it is, and "
			"the chain of evidence, with the address of each link. Where frames piled up, the "
			"first fault is simulated once more over the memory without them; if that ends "
			"where the pile does, the cause is reproduced. The exit status is 1 if a cause is "
			"found, 0 if there is no sign of a fault of address spaces (the machine died "
			"otherwise, or not at all), and 4 if that holds as far as TARGET has the stacks and "
			"registers that would tell, or if TARGET itself may be damaged.",
		.examples = EXAMPLES(
			{ "Why did this machine die?", "whosees autopsy dump.elf", 4 },
			{ "The cause's name for a script",
			  "whosees autopsy dump.elf --json | jq -r .summary[0].cause" }),
		.options = OPTIONS_TARGET | OPTIONS_OUTPUT,
		.has_result = true,
		.rows = &autopsy_table,
		.run = run_autopsy,
	},
	{
		.name = "sim",
		.summary = "run a scenario on a simulated machine and print what happens",
		.args = "[SCENARIO]",
		.about =
			"Runs a scenario on a model kernel and a simulated processor, and prints what "
			"they do. SCENARIO is the name of a built-in scenario, or the path of a Lua "
			"script, which must contain a /; without SCENARIO, the built-in ones are "
			"listed. A script has no access to the machine that it runs on. Every other "
			"command takes sim:SCENARIO as its TARGET: the machine where the scenario says "
			"dump, or, by sim:SCENARIO@end, where it ends. The exit status is 0 if everything "
			"that the script expects happens, and 1 if not.",
		.examples = EXAMPLES(
			{ "List the built-in scenarios", "whosees sim" },
			{ "Run one: a page-fault handler in a module that one process does not map",
			  "whosees sim naughty-bug" },
			{ "Save its memory as a dump", "whosees sim naughty-bug --save sim.elf" },
			{ "Audit the simulated machine just before it crashes",
			  "whosees audit sim:naughty-bug", 1 }),
		.options = OPTIONS_OUTPUT | OPTIONS_SAVE,
		.max_words = 1,
		.first_word = "scenario",
		.rows = &sim_table,
		.offer = offer_scenario,
		.run = run_sim,
	},
	{
		.name = "report",
		.summary = "write the audit and the autopsy as one HTML page",
		.args = "TARGET -o FILE",
		.about =
			"Writes one HTML file that needs no other file and no network: why the machine "
			"died, where its memory shows that, which spaces are in danger and why, a map of all spaces, each finding with its page walk "
			"beside that of init_mm, the fault path, and the registers. FILE is written "
			"completely or not at all. The exit status is that of audit, and 1 where autopsy's "
			"is.",
		.examples = EXAMPLES(
			{ "Write a page for a browser", "whosees report dump.elf -o dump.html", 1 }),
		.options = OPTIONS_TARGET | OPTIONS_FILE,
		.run = run_report,
	},
	{
		.name = "diff",
		.schema = 2,
		.summary = "compare two dumps of one kernel",
		.args = "TARGET OTHER",
		.about =
			"Audits two dumps of one kernel and prints what appeared, vanished or "
			"changed from TARGET to OTHER: address spaces, their verdicts, modules, "
			"findings, and what init_mm maps. In two moments of one boot, processes are "
			"paired by pid. Two boots are recognised, which is said first: there, "
			"processes are paired by name and parent, and mappings that differ only "
			"because each boot places its memory elsewhere are counted, one line a "
			"kind, and are no difference. Dumps of other kernels or paging formats are "
			"refused. The exit status is 0 if nothing differs, and 1 otherwise.",
		.examples = EXAMPLES(
			{ "What did loading a module change?",
			  "whosees diff before.elf after.elf" }),
		.options = OPTIONS_TARGET | OPTIONS_OUTPUT | OPTIONS_DIFF,
		.min_words = 1,
		.max_words = 1,
		.first_word = "target",
		.rows = &diff_table,
		.run = run_diff,
	},
	{
		.name = "watch",
		.summary = "audit a running machine over and over, and print what changes",
		.args = "TARGET",
		.about =
			"Audits TARGET at an interval and prints only changes: verdicts that became worse "
			"or better, findings that appeared or are gone, modules that came or went, and "
			"looks that failed. The first look prints how things are. SIGINT and SIGTERM end it "
			"after the look that goes on; a look that fails, unless it is the first, is a "
			"change, and the next is tried all the same. How much processor time it took is "
			"printed at the end. The exit status is that of the last "
			"look, as audit has it.",
		.examples = EXAMPLES(
			{ "Look twice, a second apart", "whosees watch dump.elf --looks 2 --interval 1",
			  1 },
			{ "Wait until something is wrong, and tell the system's log of changes",
			  "whosees watch dump.elf --until-finding --on-finding 'logger -t whosees'", 1 }),
		.options = OPTIONS_TARGET | OPTIONS_WATCH,
		.opens = true,
		.rows = &changes_table,
		.run = run_watch,
	},
	{
.name = "sync",
		.summary = "list what would bring spaces up to date; --apply does it",
		.args = "TARGET",
		.about =
			"Lists each entry of a space's own page tables that differs from init_mm's, and what "
			"would become of it if the space were brought up to date, as the kernel's own code "
			"does it: an empty entry would be copied from init_mm. A present one would be left "
			"alone, since a TLB may hold it, and so would user halves and page tables of no "
			"process. It is a plan: nothing is written without --apply, which needs a machine: "
			"live (with the module loaded, and its allow_sync), qemu: and gdb: with --stop, sim:. "
			"What it writes it walks again, and a journal is kept, which --undo with --apply takes "
			"back.",
		.examples = EXAMPLES(
			{ "What does the space of a process lack?", "whosees sync dump.elf", 1 },
			{ "Would the repair have saved the machine of 2012?",
			  "whosees sync sim:naughty-bug --apply --json", 0 }),
		.options = OPTIONS_TARGET | OPTIONS_OUTPUT | OPTIONS_SYNC,
		.rows = &sync_table,
		.run = run_sync,
	},
	{
		.name = "digest",
		.summary = "count by finding what audits of many targets have found",
		.args = "[FILE...]",
		.about =
			"Reads what audit --ndjson and autopsy --ndjson have printed, of any number of "
			"targets, from FILEs or, without any or as -, from standard input, and prints each "
			"finding once: how many dumps have it, which kernel release is the lowest of "
			"them, and which module lies there in most. Findings are the same by their "
			"fingerprints. Only lines with the record result count, in any order; a dump counts "
			"once, by the path that was given. A result "
			"without an answer counts as that; lines that are damaged are counted and not used. "
			"Memory does not grow with the number of findings, but for 8 bytes a dump, of up to "
			"4,194,304, and what is known of a fingerprint, of up to 16,384; what "
			"is beyond is reported. The exit status is 1 if a dump has a finding worse than info or a "
			"cause of death, 4 if none is known to have, but of some it is not known, and 0 "
			"otherwise.",
		.examples = EXAMPLES(
			{ "What do these dumps have in common?",
			  "for dump in *.elf; do whosees audit $dump --ndjson; done | whosees digest", 1 },
			{ "Of each finding, a dump that has it",
			  "whosees audit dump.elf --ndjson | whosees digest -o rule,first_target", 1 }),
		.options = OPTIONS_OUTPUT | OPTIONS_DIGEST,
		.max_words = MANY,
		.first_word = "results",
		.rows = &digest_table,
		.run = run_digest,
	},
	{
		.name = "rules",
		.summary = "list what an audit checks",
		.args = "",
		.about =
			"Lists every rule: its name, its severity and its verdict at worst, and in "
			"JSON and CSV also what a finding means, how to fix it, and where it happened. "
			"In an audit a finding is a warning, and the verdict heals, where the kernel "
			"itself repairs what was found.",
		.examples = EXAMPLES(
			{ "List all rules", "whosees rules" },
			{ "With meaning and fix", "whosees rules --json" }),
		.options = OPTIONS_OUTPUT,
		.rows = &rules_table,
		.run = run_rules,
	},
	{
		.name = "capture",
		.summary = "write a small dump that holds only what whosees needs",
		.args = "TARGET -o FILE",
		.about =
			"Writes an ELF core that holds page tables, tasks, modules, symbols, "
			"registers and the kernel log, and no user page. Every command gives the same answer on it as on "
			"the whole dump, except read and autopsy, which find only the pages that were "
			"kept, and name, which lacks struct page. FILE is written completely or not at "
			"all.",
		.examples = EXAMPLES(
			{ "Write a dump that is small enough to send",
			  "whosees capture dump.elf -o small.elf" }),
		.options = OPTIONS_TARGET | OPTIONS_FILE,
		.run = run_capture,
	},
	{
		.name = "check-module",
		.summary = "check where a module file's handlers would be loaded",
		.args = "FILE [SYMBOL...]",
		.about =
			"Prints for each handler in a module file (.ko) into which memory the loader "
			"would put its ELF section: text that stays, text that is freed after init, "
			"or data, which cannot be executed; also its alignment, how many pages it "
			"touches, each of which every address space must map, and how many of its "
			"relocations leave the module. SYMBOLs name the handlers; without any, all "
			"functions with a handler's name or in a section for handlers are checked. A "
			"compressed module must be unpacked first. The exit status is 0 if all "
			"handlers are in text that stays, and 1 if one is not or none was found.",
		.examples = EXAMPLES(
			{ "Check all handlers of a module", "whosees check-module my.ko", 1 },
			{ "Check one function", "whosees check-module my.ko good_handler" }),
		.options = OPTIONS_OUTPUT,
		.min_words = 1,
		.max_words = MANY,
		.first_word = "module",
		.rows = &handlers_table,
		.run = run_check_module,
	},
	{ .name = NULL },
};
/* clang-format on */

const struct command *command_find(const char *name)
{
	for (const struct command *c = commands; c->name; c++)
		if (strcmp(c->name, name) == 0)
			return c;
	return NULL;
}
