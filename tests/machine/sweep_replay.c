/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Does on our machine what lab/guest/sweep.c did on QEMU's processor, case by case, and
 * holds the results side by side: sweep_replay LOG.
 *
 * Where the manual's machine gives another result, the departures of TCG are tried: the
 * fewest that give QEMU's result name the exception. A line a sweep on standard output:
 * "good" or "bad", then what was found.
 */
#include "lab/guest/sweep.h"
#include "machine/machine.h"
#include "tally.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN 5 /* differing cases reported in full */

/* ---- the guest's log ---- */

struct log {
	FILE *in;
	char line[64];
	struct machine_model model;
};

static _Noreturn void refuse(const char *why, const char *what)
{
	fprintf(stderr, "sweep_replay: %s: %s\n", why, what);
	exit(2);
}

static bool next_line(struct log *log)
{
	if (!fgets(log->line, sizeof(log->line), log->in))
		return false;
	log->line[strcspn(log->line, "\r\n")] = '\0';
	return true;
}

/* What CPUID said there is what our processor has. */
static void read_header(struct log *log)
{
	unsigned maxphyaddr, ebx, edx;

	if (!next_line(log) || sscanf(log->line, "maxphyaddr %x", &maxphyaddr) != 1 ||
	    !next_line(log) || sscanf(log->line, "features %x %x", &ebx, &edx) != 2)
		refuse("no header", log->line);
	log->model.maxphyaddr = (uint8_t)maxphyaddr;
	log->model.tlb = MACHINE_TLB_SDM;
	log->model.features = MACHINE_HAS_PSE36 | MACHINE_HAS_LONG_MODE;
	log->model.features |= ebx >> 7 & 1 ? MACHINE_HAS_SMEP : 0;
	log->model.features |= ebx >> 20 & 1 ? MACHINE_HAS_SMAP : 0;
	log->model.features |= edx >> 20 & 1 ? MACHINE_HAS_NX : 0;
	log->model.features |= edx >> 26 & 1 ? MACHINE_HAS_GIGABYTE : 0;
}

static struct sweep_result parse(const char *line)
{
	struct sweep_result r = { .outcome = line[0], .reached = ' ' };
	unsigned error, cr2, flags;

	if (line[0] == '.' && sscanf(line + 1, "%c%2x", &r.reached, &flags) == 2) {
		r.flags = (uint8_t)flags;
	} else if (line[0] == 'C' && sscanf(line + 1, "%2x", &flags) == 1) {
		r.flags = (uint8_t)flags;
	} else if (sscanf(line + 1, "%2x%3x%2x", &error, &cr2, &flags) == 3) {
		r.error = (uint8_t)error;
		r.cr2 = (uint16_t)cr2;
		r.flags = (uint8_t)flags;
	} else {
		refuse("not a result", line);
	}
	return r;
}

static bool equal(const struct sweep_result *a, const struct sweep_result *b)
{
	return a->outcome == b->outcome && a->reached == b->reached &&
	       a->error == b->error && a->cr2 == b->cr2 && a->flags == b->flags;
}

static void print_result(const char *who, const struct sweep_result *r)
{
	fprintf(stderr, "  %s: %c%c error %02x, CR2 offset %03x, flags set %02x\n", who,
		r->outcome, r->reached, r->error, r->cr2, r->flags);
}

/* ---- one case on our machine ---- */

struct replay {
	struct machine_memory *memory;
	struct machine_cpu cpu;
	const struct sweep *sweep;
	uint32_t tcg; /* QEMU's departures */
};

static uint64_t test_va(const struct replay *replay)
{
	return replay->sweep->mode == SWEEP_4LEVEL ? SWEEP_VA64 : SWEEP_VA32;
}

static unsigned entry_size(const struct replay *replay)
{
	return replay->sweep->mode == SWEEP_2LEVEL ? 4 : 8;
}

static void write_tables(struct replay *replay, const struct sweep_case *c)
{
	for (unsigned l = 1; l <= sweep_levels(replay->sweep->mode); l++)
		machine_memory_write(replay->memory,
				     sweep_entry_pa(replay->sweep->mode, l), &c->entry[l],
				     entry_size(replay));
}

static uint64_t read_table(struct replay *replay, unsigned level)
{
	uint64_t entry = 0;

	machine_memory_read(replay->memory, sweep_entry_pa(replay->sweep->mode, level),
			    &entry, entry_size(replay));
	return entry;
}

/* Paging on with what the case asks for; false: the CR3 write raised an exception. */
static bool set_control(struct replay *replay, const struct sweep_case *c)
{
	struct machine_cpu *cpu = &replay->cpu;
	struct machine_registers r = cpu->r;
	struct machine_event event;
	bool wide = replay->sweep->mode == SWEEP_4LEVEL;

	r.cr0 = 0x80000011 | (c->control & SWEEP_WP ? 0x10000 : 0);
	r.cr4 = (replay->sweep->mode == SWEEP_2LEVEL ? 0 : 0x20) |
		(c->control & SWEEP_PSE ? 0x10 : 0) |
		(c->control & SWEEP_SMEP ? 1 << 20 : 0) |
		(c->control & SWEEP_SMAP ? 1 << 21 : 0);
	r.efer = (wide ? 0x500 : 0) | (c->control & SWEEP_NXE ? 0x800 : 0);
	r.flags = 2 | (c->control & SWEEP_AC ? 1 << 18 : 0);
	r.cpl = SWEEP_USER(c->access) ? 3 : 0;
	machine_cpu_load(cpu, &r);
	return machine_write_cr3(cpu, sweep_root(replay->sweep->mode), &event);
}

/* The page's own marker says which page it is. */
static char page_at(uint64_t pa)
{
	uint64_t frame = pa & ~UINT64_C(0xfff);

	return frame == SWEEP_FRAME ? 'l' : frame == SWEEP_FRAME + SWEEP_HIGH ? 'h' : 'n';
}

/* What the guest can see of where an access went. */
static char reached(enum sweep_kind kind, uint64_t pa)
{
	if (kind == SWEEP_LOAD_SEGMENT)
		return '-';
	if (kind == SWEEP_WRITE || kind == SWEEP_MARK_SEGMENT)
		return page_at(pa) == 'l' ? 'l' : 'n';
	return page_at(pa);
}

/* The accesses that the kind is made of; a segment is read in one, marked in two. */
static bool do_access(struct replay *replay, const struct sweep_case *c, uint64_t *pa,
		      struct machine_event *event)
{
	static const uint8_t kinds[] = { MACHINE_READ, MACHINE_WRITE, MACHINE_FETCH };
	enum sweep_kind kind = SWEEP_KIND(c->access);
	uint64_t va = test_va(replay) + sweep_offset(kind);
	struct machine_translation t;
	struct machine_cpu *cpu = &replay->cpu;
	bool good;

	if (kind <= SWEEP_FETCH)
		good = machine_translate(
			cpu, va, kinds[kind] | (cpu->r.cpl == 3 ? MACHINE_USER : 0), &t,
			event);
	else
		good = machine_translate(cpu, va, MACHINE_READ | MACHINE_IMPLICIT, &t,
					 event);
	if (good && kind == SWEEP_MARK_SEGMENT)
		good = machine_translate(cpu, va + 4, MACHINE_WRITE | MACHINE_IMPLICIT,
					 &t, event);
	*pa = t.pa;
	return good;
}

static struct sweep_result run(struct replay *replay, const struct sweep_case *c,
			       uint32_t departures)
{
	struct sweep_result r = { .outcome = 'C', .reached = ' ' };
	struct machine_event event;
	uint64_t pa;

	replay->cpu.model.departures = departures;
	write_tables(replay, c);
	if (set_control(replay, c)) {
		if (do_access(replay, c, &pa, &event)) {
			r.outcome = '.';
			r.reached = reached(SWEEP_KIND(c->access), pa);
		} else {
			r.outcome = event.vector == MACHINE_PF ? 'P' : 'G';
			r.error = (uint8_t)event.error;
			r.cr2 = event.address >> 12 == test_va(replay) >> 12
					? event.address & 0xfff
					: 0xfff;
		}
	}
	for (unsigned l = 1; l <= sweep_levels(replay->sweep->mode); l++)
		r.flags |= ((read_table(replay, l) ^ c->entry[l]) >> 5 & 3)
			   << 2 * (l - 1);
	return r;
}

/* ---- beside the guest ---- */

/* A case, and what the guest said of it. */
struct held {
	struct replay *replay;
	const struct sweep_case *c;
	const struct sweep_result *guest;
};

static bool agrees(void *arg, uint32_t departures)
{
	const struct held *held = arg;
	struct sweep_result ours = run(held->replay, held->c, departures);

	return equal(&ours, held->guest);
}

static void say(struct replay *replay, const struct sweep_case *c,
		const struct sweep_result *guest, uint32_t n)
{
	struct sweep_result ours = run(replay, c, 0), tcg = run(replay, c, replay->tcg);

	fprintf(stderr, "%s, case %" PRIu32 ": access %u, control %02x",
		replay->sweep->name, n, c->access, c->control);
	for (unsigned l = sweep_levels(replay->sweep->mode); l; l--)
		fprintf(stderr, ", level %u %" PRIx64, l, c->entry[l]);
	fputc('\n', stderr);
	print_result("QEMU", guest);
	print_result("manual", &ours);
	print_result("manual with departures", &tcg);
}

/* Everything up to the sweep's hash; true if every case agrees or departs by name. */
static bool replay_sweep(struct replay *replay, struct log *log)
{
	struct tally tally = { .tcg = replay->tcg };
	uint32_t hash = SWEEP_HASH_START, theirs;
	struct sweep_case c;
	bool good;

	for (uint32_t n = 0; n < sweep_cases(replay->sweep); n++) {
		struct sweep_result guest;
		struct held held = { replay, &c, &guest };

		if (!sweep_case(replay->sweep, n, &c))
			continue;
		if (!next_line(log))
			refuse("the log ends within a sweep", replay->sweep->name);
		guest = parse(log->line);
		write_tables(replay, &c);
		for (unsigned l = 1; l <= sweep_levels(replay->sweep->mode); l++)
			hash = sweep_hash(hash, read_table(replay, l));
		if (!tally_case(&tally, agrees, &held) && tally.differ <= SHOWN)
			say(replay, &c, &guest, n);
	}
	if (!next_line(log) || sscanf(log->line, "hash %" SCNx32, &theirs) != 1)
		refuse("no hash", log->line);
	good = !tally.differ && hash == theirs && tally.cases > 0;
	printf("%s ", good ? "good" : "bad");
	tally_print(&tally, replay->sweep->name);
	if (hash != theirs)
		printf("; the tables were not the same (hash %08" PRIx32 ", %08" PRIx32
		       ")",
		       hash, theirs);
	putchar('\n');
	return good;
}

int main(int argc, char **argv)
{
	struct log log = { .in = argc == 3 ? fopen(argv[1], "r") : NULL };
	struct replay replay = { .memory =
					 machine_memory_create(NULL, UINT64_C(1) << 36) };
	bool good = true;
	unsigned number;

	if (!log.in || !replay.memory)
		refuse("usage: sweep_replay LOG QEMU-VERSION", argc == 3 ? argv[1] : "");
	replay.tcg = tally_tcg(argv[2]);
	read_header(&log);
	machine_cpu_init(&replay.cpu, &log.model, replay.memory);
	while (next_line(&log) && sscanf(log.line, "sweep %x", &number) == 1) {
		if (number >= SWEEPS)
			refuse("no such sweep", log.line);
		replay.sweep = &sweeps[number];
		good = replay_sweep(&replay, &log) && good;
	}
	if (strcmp(log.line, "end") != 0)
		refuse("the log does not end as it should", log.line);
	machine_cpu_release(&replay.cpu);
	machine_memory_destroy(replay.memory);
	fclose(log.in);
	return good ? 0 : 1;
}
