/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel_ops.h"

#include <inttypes.h>
#include <string.h>

#define MAPPING_PAGES 8u
#define AREA_SIZE (UINT64_C(3) << 20) /* so that areas begin new top-level entries */

static const char *const driver_names[OPS_DRIVERS] = { "dtrace", "loop", "snd", "wide" };
static const uint64_t driver_sizes[OPS_DRIVERS] = { AREA_SIZE, 0x1000, 0x8000,
						    AREA_SIZE };

/* ---- slots ------------------------------------------------------------------------ */

static int process_of(const struct world *world, unsigned slot)
{
	return world->pid[slot % OPS_PROCESSES];
}

static int *free_slot(struct world *world)
{
	for (unsigned i = 1; i < OPS_PROCESSES; i++)
		if (!world->pid[i])
			return &world->pid[i];
	return NULL;
}

static void forget(struct world *world, unsigned slot)
{
	world->pid[slot] = 0;
	world->mapping[slot] = 0;
	world->file[slot] = 0;
}

/* Processes that a signal or an oops took. */
static void bury(struct world *world)
{
	struct kernel_process process;

	for (unsigned i = 0; i < OPS_PROCESSES; i++)
		if (world->pid[i] &&
		    kernel_process(world->kernel, world->pid[i], &process) != KERNEL_OK)
			forget(world, i);
}

/* ---- operations ------------------------------------------------------------------- */

static bool do_fork(struct world *world, const struct op *op,
		    enum kernel_outcome *outcome)
{
	int *slot = free_slot(world), parent = process_of(world, op->a);

	if (!slot || !parent)
		return false;
	*outcome = kernel_fork(world->kernel, parent, NULL, slot);
	if (*outcome == KERNEL_OK)
		world->mapping[slot - world->pid] = world->mapping[op->a % OPS_PROCESSES];
	else
		*slot = 0;
	return true;
}

static bool do_exec(struct world *world, const struct op *op,
		    enum kernel_outcome *outcome)
{
	if (!process_of(world, op->a))
		return false;
	*outcome = kernel_exec(world->kernel, process_of(world, op->a), "exec");
	world->mapping[op->a % OPS_PROCESSES] = 0;
	return true;
}

static bool do_exit(struct world *world, const struct op *op,
		    enum kernel_outcome *outcome)
{
	unsigned slot = op->a % OPS_PROCESSES;

	if (!slot || !world->pid[slot])
		return false;
	*outcome = kernel_exit(world->kernel, world->pid[slot]);
	forget(world, slot);
	return true;
}

static bool do_mmap(struct world *world, const struct op *op,
		    enum kernel_outcome *outcome)
{
	unsigned slot = op->a % OPS_PROCESSES;

	if (!world->pid[slot] || world->mapping[slot])
		return false;
	*outcome = kernel_mmap(world->kernel, world->pid[slot], MAPPING_PAGES * 4096,
			       KERNEL_PROT_WRITE, &world->mapping[slot]);
	if (*outcome != KERNEL_OK)
		world->mapping[slot] = 0;
	return true;
}

/* Who sleeps in the middle of a fault makes no system call. */
static bool sleeps(const struct world *world, int pid)
{
	struct kernel_process process;

	return kernel_process(world->kernel, pid, &process) == KERNEL_OK &&
	       process.in_fault;
}

static bool do_munmap(struct world *world, const struct op *op,
		      enum kernel_outcome *outcome)
{
	unsigned slot = op->a % OPS_PROCESSES;

	if (!world->pid[slot] || !world->mapping[slot] || sleeps(world, world->pid[slot]))
		return false;
	*outcome = kernel_munmap(world->kernel, world->pid[slot], world->mapping[slot]);
	world->mapping[slot] = 0;
	return true;
}

static bool do_user(struct world *world, const struct op *op, unsigned kind,
		    enum kernel_outcome *outcome)
{
	unsigned slot = op->a % OPS_PROCESSES;
	uint8_t value = op->b;

	if (!world->pid[slot] || !world->mapping[slot])
		return false;
	*outcome = kernel_user_access(world->kernel, world->pid[slot], kind,
				      world->mapping[slot] + op->b % MAPPING_PAGES * 4096,
				      &value);
	return true;
}

static bool do_read(struct world *world, const struct op *op,
		    enum kernel_outcome *outcome)
{
	return do_user(world, op, MACHINE_READ, outcome);
}

static bool do_write(struct world *world, const struct op *op,
		     enum kernel_outcome *outcome)
{
	return do_user(world, op, MACHINE_WRITE, outcome);
}

static const char *path_of(const struct world *world, const struct op *op, char path[64])
{
	unsigned driver = op->b % OPS_DRIVERS;

	snprintf(path, 64, world->loaded[driver] ? "/dev/%s" : "/proc/modules",
		 driver_names[driver]);
	return path;
}

static bool do_open(struct world *world, const struct op *op,
		    enum kernel_outcome *outcome)
{
	unsigned slot = op->a % OPS_PROCESSES;
	char path[64];
	int fd;

	if (!world->pid[slot] || world->file[slot])
		return false;
	*outcome = kernel_open(world->kernel, world->pid[slot], path_of(world, op, path),
			       &fd);
	world->file[slot] = *outcome == KERNEL_OK ? fd + 1 : 0;
	return true;
}

/* Copying from and to the user faults in kernel mode. */
static bool do_transfer(struct world *world, const struct op *op,
			enum kernel_outcome (*call)(struct kernel *kernel, int pid,
						    int fd, uint64_t va, uint64_t len,
						    uint64_t *done),
			enum kernel_outcome *outcome)
{
	unsigned slot = op->a % OPS_PROCESSES;
	uint64_t done;

	if (!world->pid[slot] || !world->file[slot] || !world->mapping[slot])
		return false;
	*outcome = call(world->kernel, world->pid[slot], world->file[slot] - 1,
			world->mapping[slot] + op->b % MAPPING_PAGES * 4096, 16, &done);
	return true;
}

static bool do_file_read(struct world *world, const struct op *op,
			 enum kernel_outcome *outcome)
{
	return do_transfer(world, op, kernel_read, outcome);
}

static bool do_file_write(struct world *world, const struct op *op,
			  enum kernel_outcome *outcome)
{
	return do_transfer(world, op, kernel_write, outcome);
}

static bool do_close(struct world *world, const struct op *op,
		     enum kernel_outcome *outcome)
{
	unsigned slot = op->a % OPS_PROCESSES;

	if (!world->pid[slot] || !world->file[slot])
		return false;
	*outcome = kernel_close(world->kernel, world->pid[slot], world->file[slot] - 1);
	world->file[slot] = 0;
	return true;
}

static bool do_load(struct world *world, const struct op *op,
		    enum kernel_outcome *outcome)
{
	unsigned slot = op->a % OPS_DRIVERS;
	struct kernel_driver driver = {
		.name = driver_names[slot],
		.size = driver_sizes[slot],
		.hooks_page_fault = slot == 0,
		.irq = slot == 1 ? KERNEL_IRQ_FIRST + 1 : 0,
	};

	if (world->loaded[slot])
		return false;
	*outcome = kernel_insmod(world->kernel, &driver);
	world->loaded[slot] = *outcome == KERNEL_OK;
	return true;
}

static bool do_unload(struct world *world, const struct op *op,
		      enum kernel_outcome *outcome)
{
	unsigned slot = op->a % OPS_DRIVERS;

	if (!world->loaded[slot])
		return false;
	*outcome = kernel_rmmod(world->kernel, driver_names[slot]);
	world->loaded[slot] = *outcome != KERNEL_OK;
	return true;
}

static bool do_vmalloc(struct world *world, const struct op *op,
		       enum kernel_outcome *outcome)
{
	uint64_t *area = &world->area[op->a % OPS_AREAS];

	if (*area)
		return false;
	*outcome = kernel_vmalloc(world->kernel, AREA_SIZE, area);
	if (*outcome != KERNEL_OK)
		*area = 0;
	return true;
}

static bool do_vfree(struct world *world, const struct op *op,
		     enum kernel_outcome *outcome)
{
	uint64_t *area = &world->area[op->a % OPS_AREAS];

	if (!*area)
		return false;
	*outcome = kernel_vfree(world->kernel, *area);
	*area = 0;
	return true;
}

static bool do_interrupt(struct world *world, const struct op *op,
			 enum kernel_outcome *outcome)
{
	*outcome = kernel_interrupt(world->kernel, op->a % world->cpus,
				    KERNEL_IRQ_FIRST + op->b % 2);
	return true;
}

static bool do_switch(struct world *world, const struct op *op,
		      enum kernel_outcome *outcome)
{
	unsigned slot = op->a % OPS_PROCESSES;
	struct kernel_process process;

	if (!world->pid[slot] ||
	    kernel_process(world->kernel, world->pid[slot], &process) != KERNEL_OK)
		return false;
	*outcome = kernel_switch(world->kernel, process.cpu, process.pid);
	return true;
}

static bool do_idle(struct world *world, const struct op *op,
		    enum kernel_outcome *outcome)
{
	*outcome = kernel_switch(world->kernel, op->a % world->cpus, 0);
	return true;
}

static bool do_migrate(struct world *world, const struct op *op,
		       enum kernel_outcome *outcome)
{
	if (!process_of(world, op->a) || world->cpus < 2)
		return false;
	*outcome = kernel_migrate(world->kernel, process_of(world, op->a),
				  op->b % world->cpus);
	return true;
}

static bool do_preempt(struct world *world, const struct op *op,
		       enum kernel_outcome *outcome)
{
	int pid = process_of(world, op->a), next = process_of(world, op->b);

	if (!pid || !next || pid == next)
		return false;
	*outcome = kernel_preempt_in_fault(world->kernel, pid, next);
	return true;
}

/* ---- rows ------------------------------------------------------------------------- */

/*
 * The line of a scenario: result object:word(arguments). In them %a and %b are the slots,
 * %n the slot that a fork fills, %p the page, %v the value, %f the path of the file, %d
 * the driver's name and %t all of the driver, %i the vector, %c and %k the processor.
 */
static const struct op_row {
	unsigned weight;
	bool (*run)(struct world *world, const struct op *op,
		    enum kernel_outcome *outcome);
	const char *result, *object, *word, *arguments;
} rows[] = {
	{ 10, do_fork, "a[%n], p[%n] = a[%a], ", "p[%a]", "fork", "" },
	{ 6, do_exit, "", "p[%a]", "exit", "" },
	{ 3, do_exec, "", "p[%a]", "exec", "\"exec\"" },
	{ 6, do_mmap, "a[%a] = ", "p[%a]", "mmap", "{ size = 8 * 4096 }" },
	{ 3, do_munmap, "", "p[%a]", "munmap", "a[%a]" },
	{ 15, do_read, "", "p[%a]", "read", "a[%a] + %p * 4096" },
	{ 15, do_write, "", "p[%a]", "write", "a[%a] + %p * 4096, %v" },
	{ 4, do_open, "f[%a] = ", "p[%a]", "open", "\"%f\"" },
	{ 6, do_file_read, "", "f[%a]", "read", "a[%a] + %p * 4096, 16" },
	{ 6, do_file_write, "", "f[%a]", "write", "a[%a] + %p * 4096, 16" },
	{ 2, do_close, "", "f[%a]", "close", "" },
	{ 3, do_load, "", "m", "insmod", "{ %t }" },
	{ 2, do_unload, "", "m", "rmmod", "\"%d\"" },
	{ 3, do_vmalloc, "v[%m] = ", "m", "vmalloc", "3 << 20" },
	{ 3, do_vfree, "", "m", "vfree", "v[%m]" },
	{ 8, do_interrupt, "", "m", "interrupt", "%i, %c" },
	{ 12, do_switch, "", "p[%a]", "run", "" },
	{ 2, do_idle, "", "m", "idle", "%c" },
	{ 6, do_migrate, "", "p[%a]", "migrate", "%k" },
	{ 4, do_preempt, "", "p[%a]", "preempt_in_fault", "p[%b]" },
};
#define ROWS (sizeof(rows) / sizeof(*rows))

bool world_create(struct world *world, const struct kernel_options *options)
{
	const char *why;

	memset(world, 0, sizeof(*world));
	world->kernel = kernel_create(options, &why);
	world->cpus = options->cpus ? options->cpus : 1;
	world->pid[0] = 1;
	return world->kernel;
}

void world_destroy(struct world *world)
{
	kernel_destroy(world->kernel);
}

struct op op_draw(struct random *random)
{
	struct op op = { .a = (uint8_t)random_next(random),
			 .b = (uint8_t)random_next(random) };
	unsigned total = 0, at;

	for (unsigned i = 0; i < ROWS; i++)
		total += rows[i].weight;
	at = (unsigned)random_below(random, total);
	while (at >= rows[op.kind].weight)
		at -= rows[op.kind++].weight;
	return op;
}

bool op_do(struct world *world, const struct op *op, enum kernel_outcome *outcome)
{
	bool applied = rows[op->kind].run(world, op, outcome);

	if (applied && *outcome != KERNEL_OK)
		bury(world);
	return applied;
}

/* ---- as a scenario ---------------------------------------------------------------- */

static void print_driver(FILE *to, unsigned slot)
{
	fprintf(to, "name = \"%s\", size = 0x%" PRIx64, driver_names[slot],
		driver_sizes[slot]);
	if (slot == 0)
		fprintf(to, ", hooks_page_fault = true");
	if (slot == 1)
		fprintf(to, ", irq = %d", KERNEL_IRQ_FIRST + 1);
}

static void expand(FILE *to, char what, const struct world *before, const struct op *op)
{
	char path[64];

	switch (what) {
	case 'a':
		fprintf(to, "%u", op->a % OPS_PROCESSES);
		break;
	case 'b':
		fprintf(to, "%u", op->b % OPS_PROCESSES);
		break;
	case 'n':
		for (unsigned i = 1; i < OPS_PROCESSES; i++)
			if (!before->pid[i]) {
				fprintf(to, "%u", i);
				break;
			}
		break;
	case 'm':
		fprintf(to, "%u", op->a % OPS_AREAS);
		break;
	case 'p':
		fprintf(to, "%u", op->b % MAPPING_PAGES);
		break;
	case 'v':
		fprintf(to, "%u", op->b);
		break;
	case 'f':
		fprintf(to, "%s", path_of(before, op, path));
		break;
	case 'd':
		fprintf(to, "%s", driver_names[op->a % OPS_DRIVERS]);
		break;
	case 't':
		print_driver(to, op->a % OPS_DRIVERS);
		break;
	case 'i':
		fprintf(to, "%u", KERNEL_IRQ_FIRST + op->b % 2);
		break;
	case 'c':
		fprintf(to, "%u", op->a % before->cpus);
		break;
	case 'k':
		fprintf(to, "%u", op->b % before->cpus);
		break;
	}
}

static void print_template(FILE *to, const char *text, const struct world *before,
			   const struct op *op)
{
	for (; *text; text++)
		if (*text == '%')
			expand(to, *++text, before, op);
		else
			fputc(*text, to);
}

/* What came of it where that is an error to a script. */
static bool raises(enum kernel_outcome outcome)
{
	return outcome != KERNEL_OK && outcome != KERNEL_SLEEPS;
}

void op_print(FILE *to, const struct world *before, const struct op *op,
	      enum kernel_outcome outcome)
{
	const struct op_row *row = &rows[op->kind];

	print_template(to, raises(outcome) ? "assert(" : row->result, before, op);
	print_template(to, row->object, before, op);
	fprintf(to, raises(outcome) ? ":try(\"%s\"%s" : ":%s(", row->word,
		*row->arguments ? ", " : "");
	print_template(to, row->arguments, before, op);
	if (raises(outcome))
		fprintf(to, ") == \"%s\"", kernel_outcome_name(outcome));
	fprintf(to, ")\n");
}

void world_print(FILE *to, const struct kernel_options *options, const char *format)
{
	static const char *const tlb_names[] = {
		[MACHINE_TLB_NONE] = "none",
		[MACHINE_TLB_SDM] = "sdm",
		[MACHINE_TLB_TCG] = "tcg",
	};

	fprintf(to,
		"local m = machine { format = \"%s\", sync = \"%s\", processors = %u, tlb = \"%s\" }\n"
		"local p, a, f, v = { [0] = m:process(1) }, {}, {}, {}\n",
		format, kernel_strategies[options->sync].name,
		options->cpus ? options->cpus : 1, tlb_names[options->tlb]);
}
