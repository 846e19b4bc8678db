/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The words that whosees uses: what `help words` prints, and README.md's table. */
#include "glossary.h"

#include <stdio.h>
#include <string.h>

#include "util/bits.h"
#include "whosees.h"

/* What Linux calls it on one architecture, and manuals, these say (ws_term_at()). */
struct word {
	const char *word, *meaning;
	const char *in_linux; /* on all; NULL: none */
};

/* clang-format off */
static const struct word words[] = {
	{ "target", "The memory that is examined: a dump file, a machine that runs "
	  "(live, qemu:SOCKET), or sim:SCENARIO",
	  "vmcore, /proc/kcore" },
	{ "root", "The physical address of a top-level page table",
	  "pgd (mm->pgd), swapper_pg_dir, init_top_pgt" },
	{ "space", "An address space: a root, and the processes that run with it",
	  "mm_struct" },
	{ "reference", "The page tables that all other spaces are compared with: init_mm's, or, where "
	  "the dump lacks them, what most live processes have", "init_mm, swapper_pg_dir" },
	{ "kernel half", "The part of a space that all processes should have in common",
	  "addresses from PAGE_OFFSET or TASK_SIZE_MAX on" },
	{ "user half", "With page-table isolation (PTI), the second root of a process, which is "
	  "loaded in user mode and maps little of the kernel", "user pgd (kernel_to_user_pgdp())" },
	{ "hole", "An address that is not mapped, because an entry on the way is not present",
	  "pgd_none(), pmd_none(), pte_none()" },
	{ "encryption bit", "A bit of an entry that says whose key encrypts the memory, and is no "
	  "part of the address; `walk` shows it among the attributes, and the entry without it",
	  "sme_me_mask, cc_mask" },
	{ "finding", "One thing that is wrong or unusual in one space", NULL },
	{ "verdict", "What the findings mean for a space: what happens when it is used", NULL },
	{ "fate", "How one simulated page fault ends", NULL },
	{ "fault path", "All that the processor and the first kernel code need in order to "
	  "handle a fault: the processor's tables, stack, handler", NULL },
	{ "entry stack", "The stack that the processor switches to when a fault interrupts user "
	  "mode", NULL },
	{ "exception frame", "What the processor pushes on the stack when it delivers a fault",
	  "pt_regs (the part from orig_ax on)" },
	{ "page frame", "4 KiB of physical memory", "struct page, pfn" },
	{ "lazy fault", "A page fault on a kernel address that the kernel repairs: it copies the "
	  "missing entry from init_mm, and the access is repeated", NULL },
	{ "no known owner", "A space that user mode has memory in, but whose task was not found; "
	  "in JSON: unowned", NULL },
	{ "used by no task", "A root that the kernel keeps for itself, named where it is "
	  "known what for: to start processors, to call firmware; in JSON: lone",
	  "efi_mm, initial_page_table" },
	{ "freed", "A root that is left over in a freed page, until the page is used again: no leak",
	  "pgd_free()" },
};

static const struct word verdict_words[] = {
	[WS_COHERENT] = { NULL, "Nothing happens: every fault is handled as in init_mm", NULL },
	[WS_HEALS] = { NULL, "Nothing fails: entries are missing, and the lazy fault copies each one "
		       "at the first access. A warning; the exit status is 1", NULL },
	[WS_UNKNOWN] = { NULL, "Not known: the target lacks memory that decides", NULL },
	[WS_DIVERGES] = { NULL, "An access oopses, or reads and writes other memory than in init_mm",
			  "BUG: unable to handle page fault" },
	[WS_LEAKS] = { NULL, "User mode can read or write kernel memory", NULL },
	[WS_NESTS] = { NULL, "The next page fault crashes the machine: its handler is not mapped, so "
		       "that page faults repeat until the stack ends", "double fault, or a hang" },
	[WS_DOUBLE_FAULTS] = { NULL, "The next fault crashes the machine: the processor cannot deliver "
			       "it, because its tables or the stack are not mapped",
			       "double fault, or a reset" },
};

static const struct word fate_words[] = {
	[WS_FATE_SURVIVES] = { NULL, "The page-fault handler runs", NULL },
	[WS_FATE_DIVERTED] = { NULL, "Another exception's handler runs: an oops", "die()" },
	[WS_FATE_PANICS] = { NULL, "The double-fault handler runs: a panic", NULL },
	[WS_FATE_LOOPS] = { NULL, "The processor repeats the same faults for ever: a hang", NULL },
	[WS_FATE_RESETS] = { NULL, "The machine resets", "triple fault" },
	[WS_FATE_GAVE_UP] = { NULL, "Not known: the simulation was stopped after too many frames",
			      NULL },
	[WS_FATE_UNKNOWN] = { NULL, "Not known: the target lacks memory that the processor reads",
			      NULL },
};
/* clang-format on */

_Static_assert(WS_ARRAY_SIZE(verdict_words) == WS_DOUBLE_FAULTS + 1, "each has a word");
_Static_assert(WS_ARRAY_SIZE(fate_words) == WS_FATE_UNKNOWN + 1, "each has a word");

typedef void word_fn(const char *kind, const char *name, const struct word *word);

static void each_word(word_fn *print)
{
	for (size_t i = 0; i < WS_ARRAY_SIZE(words); i++)
		print("", words[i].word, &words[i]);
	for (unsigned i = 0; i < WS_ARRAY_SIZE(verdict_words); i++)
		print("verdict ", ws_verdict_name(i), &verdict_words[i]);
	for (unsigned i = 0; i < WS_ARRAY_SIZE(fate_words); i++)
		print("fate ", ws_fate_name(i), &fate_words[i]);
}

/* What a word is called in Linux, on all architectures and on some, and in manuals. */
#define ARCHITECTURES 8
#define MANUAL 32
struct terms {
	const char *in_linux[1 + ARCHITECTURES];
	const char *manual[ARCHITECTURES], *in_manual[ARCHITECTURES];
	unsigned nlinux, nmanuals;
};

static struct terms terms_of(const char *kind, const char *name, const struct word *word)
{
	struct terms terms = { { word->in_linux }, .nlinux = word->in_linux != NULL };
	char key[64];

	snprintf(key, sizeof(key), "%s%s", kind, name);
	for (unsigned i = 0; i < ARCHITECTURES && ws_manual_at(i); i++) {
		const struct ws_term *term = ws_term_at(i, key);

		if (term && term->in_linux)
			terms.in_linux[terms.nlinux++] = term->in_linux;
		if (term && term->in_manual) {
			terms.manual[terms.nmanuals] = ws_manual_at(i);
			terms.in_manual[terms.nmanuals++] = term->in_manual;
		}
	}
	return terms;
}

/* ---- on a terminal ---------------------------------------------------------------- */

#define MARGIN 24u
#define WIDTH 79u

/* Words from column `at` on, and from the margin on where they do not fit. */
static unsigned print_wrapped(unsigned at, const char *text)
{
	while (*(text += strspn(text, " "))) {
		unsigned length = (unsigned)strcspn(text, " ");

		if (at > MARGIN && at + 1 + length > WIDTH) {
			printf("\n%*s", MARGIN, "");
			at = MARGIN;
		}
		at += (unsigned)printf("%s%.*s", at > MARGIN ? " " : "", (int)length,
				       text);
		text += length;
	}
	return at;
}

/* The same after a full stop, or a comma where label is NULL. */
static unsigned print_more(unsigned at, const char *label, const char *text)
{
	at += (unsigned)printf(label ? "." : ",");
	if (label)
		at = print_wrapped(at, label);
	return print_wrapped(at, text);
}

static void print_line(const char *kind, const char *name, const struct word *word)
{
	struct terms terms = terms_of(kind, name, word);
	unsigned at = (unsigned)printf("%s%s", kind, name);

	at += (unsigned)printf("%*s", at < MARGIN ? (int)(MARGIN - at) : 1, "");
	at = print_wrapped(at, word->meaning);
	for (unsigned i = 0; i < terms.nlinux; i++)
		at = print_more(at, i ? NULL : "Linux:", terms.in_linux[i]);
	for (unsigned i = 0; i < terms.nmanuals; i++) {
		char label[MANUAL];

		snprintf(label, sizeof(label), "%s:", terms.manual[i]);
		at = print_more(at, label, terms.in_manual[i]);
	}
	putchar('\n');
}

void glossary_print(void)
{
	each_word(print_line);
}

/* ---- in README.md ----------------------------------------------------------------- */

static void print_row(const char *kind, const char *name, const struct word *word)
{
	struct terms terms = terms_of(kind, name, word);

	printf("| %s*%s* | %s | ", kind, name, word->meaning);
	for (unsigned i = 0; i < terms.nlinux; i++)
		printf("%s%s", i ? ", " : "", terms.in_linux[i]);
	fputs(" | ", stdout);
	for (unsigned i = 0; i < terms.nmanuals; i++)
		printf("%s%s: %s", i ? ". " : "", terms.manual[i], terms.in_manual[i]);
	puts(" |");
}

void glossary_print_markdown(void)
{
	puts("| word | meaning | in Linux | in the manual |\n|---|---|---|---|");
	each_word(print_row);
}
