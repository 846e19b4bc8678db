/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The model kernel as the analyser sees it: everything that is found in its core, without
 * a symbol file or a hint, held against what the model says of itself; and its verdicts
 * against the strategy that the machine was given.
 */
#include "common/frames.h"
#include "context.h"
#include "machine/kernel/internal.h"
#include "target/target.h"
#include "util/bits.h"
#include "util/cleanup.h"
#include "x86/registers.h"

#include <errno.h>
#include <libkdumpfile/kdumpfile.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define RAM (32 * MIB)

static const struct kind {
	const char *name, *format;
	uint8_t kernel_format;
	uint8_t cpus;
	bool debug_pagealloc; /* the direct map has holes */
} kinds[] = {
	{ "i386, 1 cpu", "i386", KERNEL_I386, 1 },
	{ "i386, 3 cpus", "i386", KERNEL_I386, 3 },
	{ "PAE, 1 cpu", "i386-pae", KERNEL_I386_PAE, 1 },
	{ "PAE, 3 cpus", "i386-pae", KERNEL_I386_PAE, 3 },
	{ "x86-64, 1 cpu", "x86_64", KERNEL_X86_64, 1 },
	{ "x86-64, 3 cpus", "x86_64", KERNEL_X86_64, 3 },
	{ "i386, free pages not there", "i386", KERNEL_I386, 1, true },
	{ "PAE, free pages not there", "i386-pae", KERNEL_I386_PAE, 1, true },
	{ "x86-64, free pages not there", "x86_64", KERNEL_X86_64, 1, true },
};

/* ---- a machine, and what is seen of it -------------------------------------------- */

struct scene {
	const struct kind *kind;
	struct kernel *kernel;
	int fd;
	char path[32];
	struct ws_context *ctx;
	struct ws_target *target;
	struct ws_system *system;
};

static void boot(struct scene *scene, const struct kind *kind, enum kernel_sync sync)
{
	const struct kernel_options options = { .format = kind->kernel_format,
						.sync = (uint8_t)sync,
						.cpus = kind->cpus,
						.ram = RAM,
						.debug_pagealloc =
							kind->debug_pagealloc };
	const char *why = NULL;

	*scene = (struct scene){ .kind = kind, .fd = -1 };
	scene->kernel = kernel_create(&options, &why);
	if (!scene->kernel)
		fail_msg("%s: %s", kind->name, why);
}

static void forget(struct scene *scene)
{
	ws_system_close(scene->system);
	ws_target_close(scene->target);
	ws_context_destroy(scene->ctx);
	if (scene->fd >= 0)
		close(scene->fd);
	scene->fd = -1;
	scene->system = NULL;
	scene->target = NULL;
	scene->ctx = NULL;
}

static void end_scene(struct scene *scene)
{
	forget(scene);
	kernel_destroy(scene->kernel);
}

static void save(struct scene *scene)
{
	FILE *to;

	scene->fd = memfd_create("core", MFD_CLOEXEC);
	to = fdopen(dup(scene->fd), "w");
	assert_non_null(to);
	assert_true(kernel_save(scene->kernel, to));
	assert_int_equal(fclose(to), 0);
	snprintf(scene->path, sizeof(scene->path), "/proc/self/fd/%d", scene->fd);
}

/* Opens what a saved machine holds; no doubt may be left. */
static void see(struct scene *scene)
{
	forget(scene);
	save(scene);
	scene->ctx = ws_context_create();
	if (ws_target_open(scene->ctx, scene->path, NULL, &scene->target) ||
	    ws_system_open(scene->target, NULL, &scene->system))
		fail_msg("%s: %s", scene->kind->name, ws_error(scene->ctx, 0));
	if (ws_system_note(scene->system, 0))
		fail_msg("%s: %s", scene->kind->name, ws_system_note(scene->system, 0));
}

/* ---- what may be wrong with it ---------------------------------------------------- */

static void check_spaces(const struct scene *scene)
{
	size_t n, processes = 0, inits = 0;
	const struct ws_space *spaces = ws_system_spaces(scene->system, &n);

	for (size_t i = 0; i < n; i++) {
		struct kernel_process process;

		if (spaces[i].kind == WS_SPACE_INIT) {
			assert_int_equal(spaces[i].root, scene->kernel->swapper);
			inits++;
		}
		if (spaces[i].kind != WS_SPACE_PROCESS)
			continue;
		processes++;
		assert_int_equal(
			kernel_process(scene->kernel, (int)spaces[i].pid, &process),
			KERNEL_OK);
		assert_string_equal(spaces[i].comm, process.comm);
		assert_int_equal(spaces[i].root, process.root);
		assert_int_equal(spaces[i].ntasks, 1);
	}
	assert_int_equal(inits, 1);
	assert_int_equal(processes, kernel_processes(scene->kernel));
}

static void check_tasks(const struct scene *scene)
{
	size_t n;
	const struct ws_task *tasks = ws_system_tasks(scene->system, &n);

	assert_int_equal(n, kernel_processes(scene->kernel) + 2);
	assert_string_equal(tasks[0].comm, "swapper/0");
	assert_int_equal(tasks[0].pid, 0);
	assert_int_equal(tasks[1].pid, 1);
	assert_string_equal(tasks[2].comm, "kthreadd");
	assert_int_equal(tasks[2].pid, 2);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(tasks[i].kernel_thread, i == 0 || i == 2);
}

static void check_modules(const struct scene *scene)
{
	const struct module *module = scene->kernel->modules;
	const struct ws_module *seen;
	size_t n;

	assert_int_equal(ws_system_modules(scene->system, &seen, &n), WS_OK);
	for (size_t i = 0; i < n; i++, module = module->next) {
		assert_non_null(module);
		assert_string_equal(seen[i].name, module->name);
		assert_int_equal(seen[i].module, module->record);
		assert_int_equal(seen[i].state, 0);
		assert_int_equal(seen[i].nregions, 1);
		assert_int_equal(seen[i].region[0].va, module->va);
		assert_int_equal(seen[i].region[0].len, module->size);
	}
	assert_null(module);
}

static void check_symbols(const struct scene *scene)
{
	const struct kernel *kernel = scene->kernel;

	for (size_t i = 0; i < kernel->nsymbols; i++) {
		const struct symbol *symbol = &kernel->symbols[i];
		struct ws_symbol seen;
		uint64_t va;

		if (ws_symbol_find(scene->system, symbol->name, &seen))
			fail_msg("%s: %s", symbol->name, ws_error(scene->ctx, 0));
		assert_true(kernel_symbol(kernel, symbol->name, &va));
		assert_int_equal(seen.va, va);
		assert_int_equal(seen.type, symbol->type);
		assert_int_equal(!seen.module, !symbol->module);
		if (seen.module)
			assert_string_equal(seen.module->name, symbol->module->name);
	}
}

static void check_registers(const struct scene *scene)
{
	const struct ws_cpu *cpus = scene->target->cpus.v;

	assert_int_equal(scene->target->cpus.n, scene->kind->cpus);
	for (unsigned i = 0; i < scene->kind->cpus; i++) {
		const struct machine_registers *r = &kernel_cpu(scene->kernel, i)->r;

		assert_true(x86_has_control(&cpus[i]));
		assert_int_equal(cpus[i].reg[X86_CR0], r->cr0);
		assert_int_equal(cpus[i].reg[X86_CR2], r->cr2);
		assert_int_equal(cpus[i].reg[X86_CR3], r->cr3);
		assert_int_equal(cpus[i].reg[X86_CR4], r->cr4);
		assert_int_equal(cpus[i].reg[X86_IP], r->ip);
		assert_int_equal(cpus[i].reg[X86_FLAGS], r->flags);
		assert_int_equal(cpus[i].reg[X86_SP], r->reg[MACHINE_REG_SP]);
		assert_int_equal(cpus[i].reg[X86_AX], r->reg[MACHINE_REG_AX]);
		assert_int_equal(cpus[i].reg[X86_DI], r->reg[MACHINE_REG_DI]);
		assert_int_equal(cpus[i].reg[X86_CS], r->seg[MACHINE_SEG_CS].selector);
		assert_int_equal(cpus[i].reg[X86_TR + WS_SEGMENT_BASE], r->tr.base);
		assert_int_equal(cpus[i].reg[X86_GDT + WS_SEGMENT_BASE], r->gdtr.base);
		assert_int_equal(cpus[i].reg[X86_IDT + WS_SEGMENT_BASE], r->idtr.base);
		assert_int_equal(cpus[i].reg[X86_IDT + WS_SEGMENT_LIMIT], r->idtr.limit);
	}
}

/* The last entry of a walk by whosees, as the model's own lookup_address1() gives it. */
static void check_walk(const struct scene *scene, int pid, uint64_t root, uint64_t va)
{
	const struct ws_paging *paging = ws_system_paging(scene->system);
	uint64_t page_offset = ws_system_layout(scene->system)->page_offset;
	struct kernel_walk walk;
	struct ws_trail trail;
	const struct ws_step *last;
	unsigned level;

	ws_walk(paging, root, va, &trail);
	assert_int_equal(kernel_walk(scene->kernel, pid, va, &walk), KERNEL_OK);
	assert_int_equal(trail.end == WS_END_PAGE, walk.present);
	last = &trail.step[trail.nsteps - 1];
	level = ws_format_levels(paging->format) - trail.nsteps + 1;
	if (trail.end == WS_END_HOLE && level > 1) {
		assert_int_equal(walk.level, level + 1);
		assert_int_equal(walk.entry_va, 0);
		return;
	}
	assert_int_equal(walk.level, level);
	assert_int_equal(walk.entry, last->entry);
	assert_int_equal(walk.entry_va,
			 page_offset + ws_step_entry_pa(paging->format, last));
}

static void check_probe(const struct scene *scene)
{
	for (int pid = 1; pid; pid = kernel_next_pid(scene->kernel, pid)) {
		struct kernel_process process;

		assert_int_equal(kernel_process(scene->kernel, pid, &process), KERNEL_OK);
		for (const struct module *m = scene->kernel->modules; m; m = m->next)
			check_walk(scene, pid, process.root, m->stub ? m->stub : m->va);
		check_walk(scene, pid, process.root, scene->kernel->layout.image);
		check_walk(scene, pid, process.root, scene->kernel->layout.user_first);
	}
}

static void check_all(struct scene *scene)
{
	see(scene);
	assert_string_equal(ws_format_name(ws_system_paging(scene->system)->format),
			    scene->kind->format);
	assert_false(ws_system_layout(scene->system)->consensus);
	check_spaces(scene);
	check_tasks(scene);
	check_modules(scene);
	check_symbols(scene);
	check_registers(scene);
	check_probe(scene);
	if (ws_system_note(scene->system, 0))
		fail_msg("%s: %s", scene->kind->name, ws_system_note(scene->system, 0));
}

/* ---- stories ---------------------------------------------------------------------- */

static const struct kernel_driver dtrace = { .name = "dtracedrv",
					     .hooks_page_fault = true };
static const struct kernel_driver other = { .name = "other" };

#define DO(operation) assert_int_equal(operation, KERNEL_OK)

static int fork_one(struct scene *scene, int parent, const char *comm)
{
	int pid = 0;

	DO(kernel_fork(scene->kernel, parent, comm, &pid));
	return pid;
}

static void everything_is_found(void **state)
{
	struct scene scene;
	int shell, daemon;

	boot(&scene, *state, KERNEL_SYNC_EAGER);
	check_all(&scene);
	shell = fork_one(&scene, 1, "bash");
	daemon = fork_one(&scene, shell, "sshd");
	DO(kernel_insmod(scene.kernel, &dtrace));
	for (int i = 0; i < 20; i++)
		fork_one(&scene, i % 2 ? daemon : 1, i % 3 ? NULL : "herd");
	DO(kernel_insmod(scene.kernel, &other));
	check_all(&scene);
	DO(kernel_exec(scene.kernel, shell, "renamed"));
	DO(kernel_exit(scene.kernel, daemon));
	DO(kernel_rmmod(scene.kernel, "dtracedrv"));
	check_all(&scene);
	fork_one(&scene, shell, "late");
	DO(kernel_insmod(scene.kernel, &dtrace));
	DO(kernel_rmmod(scene.kernel, "other"));
	check_all(&scene);
	end_scene(&scene);
}

/* Processes that come, go, and come again, in pages that others had. */
static void they_come_and_go(void **state)
{
	struct scene scene;
	int pid[32] = { 0 };

	boot(&scene, *state, KERNEL_SYNC_LAZY);
	for (unsigned i = 0; i < 200; i++) {
		unsigned slot = i * 7 % WS_ARRAY_SIZE(pid);

		if (pid[slot])
			DO(kernel_exit(scene.kernel, pid[slot]));
		pid[slot] = fork_one(&scene,
				     pid[(slot + 1) % WS_ARRAY_SIZE(pid)]
					     ? pid[(slot + 1) % WS_ARRAY_SIZE(pid)]
					     : 1,
				     i % 2 ? "come" : "go");
		if (i % 50 == 0)
			check_all(&scene);
	}
	check_all(&scene);
	end_scene(&scene);
}

/* ---- verdicts --------------------------------------------------------------------- */

static enum ws_verdict verdict_of(const struct scene *scene, const struct ws_audit *audit,
				  int pid)
{
	size_t n, njudgements;
	const struct ws_space *spaces = ws_system_spaces(scene->system, &n);
	const struct ws_judgement *judgements = ws_audit_judgements(audit, &njudgements);

	assert_int_equal(n, njudgements);
	for (size_t i = 0; i < n; i++)
		if (spaces[i].kind == WS_SPACE_PROCESS && (int)spaces[i].pid == pid)
			return judgements[i].verdict;
	fail_msg("no space of pid %d", pid);
	return WS_COHERENT;
}

/* One process older than the driver, one younger. */
static void check_verdicts(const struct kind *kind, enum kernel_sync sync,
			   const struct kernel_driver *driver, enum ws_verdict older)
{
	struct ws_audit *audit;
	struct scene scene;
	int old, young;

	boot(&scene, kind, sync);
	old = fork_one(&scene, 1, "older");
	DO(kernel_insmod(scene.kernel, driver));
	young = fork_one(&scene, 1, "younger");
	see(&scene);
	if (ws_audit_run(scene.system, &audit))
		fail_msg("%s", ws_error(scene.ctx, 0));
	if (verdict_of(&scene, audit, old) != older)
		fail_msg("%s, %s: the older process %s, not %s", kind->name,
			 kernel_strategies[sync].name,
			 ws_verdict_name(verdict_of(&scene, audit, old)),
			 ws_verdict_name(older));
	assert_int_equal(verdict_of(&scene, audit, young), WS_COHERENT);
	ws_audit_destroy(audit);
	end_scene(&scene);
}

static void verdicts(void **state)
{
	const struct kind *kind = *state;

	check_verdicts(kind, KERNEL_SYNC_EAGER, &dtrace, WS_COHERENT);
	check_verdicts(kind, KERNEL_SYNC_EAGER_ON_LOAD, &dtrace, WS_COHERENT);
	check_verdicts(kind, KERNEL_SYNC_LAZY_EAGER, &dtrace, WS_COHERENT);
	/*
	 * x86-64's modules are in the image's own top-level entry: 511 has been there
	 * since boot.
	 */
	if (kind->kernel_format == KERNEL_X86_64) {
		check_verdicts(kind, KERNEL_SYNC_PREALLOCATED, &dtrace, WS_COHERENT);
		check_verdicts(kind, KERNEL_SYNC_LAZY, &dtrace, WS_COHERENT);
		check_verdicts(kind, KERNEL_SYNC_NONE, &dtrace, WS_COHERENT);
		return;
	}
	check_verdicts(kind, KERNEL_SYNC_LAZY, &dtrace, WS_NESTS);
	check_verdicts(kind, KERNEL_SYNC_NONE, &dtrace, WS_NESTS);
	check_verdicts(kind, KERNEL_SYNC_LAZY, &other, WS_HEALS);
	check_verdicts(kind, KERNEL_SYNC_NONE, &other, WS_DIVERGES);
}

/* ---- what it predicts ------------------------------------------------------------ */

static uint32_t space_of(const struct scene *scene, int pid)
{
	size_t n;
	const struct ws_space *spaces = ws_system_spaces(scene->system, &n);

	for (uint32_t i = 0; i < n; i++)
		if (spaces[i].kind == WS_SPACE_PROCESS && (int)spaces[i].pid == pid)
			return i;
	fail_msg("no space of pid %d", pid);
	return WS_NO_SPACE;
}

static void predict(const struct scene *scene, int pid, uint64_t address,
		    struct ws_story *story)
{
	const struct ws_what_if what_if = { .space = space_of(scene, pid),
					    .processor = WS_PROCESSOR_NO_TLB,
					    .has_address = true,
					    .address = address };
	struct ws_machine *machine = NULL;
	struct ws_audit *audit = NULL;

	if (ws_audit_run(scene->system, &audit) || ws_machine_create(audit, &machine) ||
	    ws_machine_what_if(machine, &what_if, story))
		fail_msg("%s", ws_error(scene->ctx, 0));
	ws_machine_destroy(machine);
	ws_audit_destroy(audit);
}

/* A stack has run over everything: that there is an answer is all that is asked. */
static void look_at_wreck(struct scene *scene)
{
	struct ws_audit *audit = NULL;

	forget(scene);
	save(scene);
	scene->ctx = ws_context_create();
	assert_int_equal(ws_target_open(scene->ctx, scene->path, NULL, &scene->target),
			 WS_OK);
	if (ws_system_open(scene->target, NULL, &scene->system) == WS_OK &&
	    ws_audit_run(scene->system, &audit) == WS_OK)
		ws_audit_destroy(audit);
}

/*
 * A process that does not see what the fault path needs is switched to, and looked at.
 * Then it touches new memory: the model kernel ends as what-if said that it would, after
 * as many frames.
 */
static void what_if_comes_true(void **state)
{
	const struct kind *kind = *state;
	const struct kernel_ending *ending;
	struct ws_story story;
	struct scene scene;
	uint64_t page;
	int pid;

	boot(&scene, kind, KERNEL_SYNC_LAZY);
	pid = fork_one(&scene, 1, "victim");
	DO(kernel_mmap(scene.kernel, pid, PAGE, 0, &page));
	DO(kernel_insmod(scene.kernel, &dtrace));
	if (kind->kernel_format == KERNEL_X86_64)
		DO(kernel_hide(scene.kernel, pid, scene.kernel->modules->stub));
	DO(kernel_switch(scene.kernel, 0, pid));
	see(&scene);
	predict(&scene, pid, page, &story);
	assert_int_equal(kernel_user_access(scene.kernel, pid, MACHINE_READ, page,
					    &(uint8_t){ 0 }),
			 KERNEL_STOPPED);
	ending = kernel_ending(scene.kernel);
	assert_int_equal(ending->pid, pid);
	assert_int_equal(story.address, ending->first.address);
	assert_int_equal(story.fate == WS_FATE_RESETS, ending->end == KERNEL_RESETS);
	assert_int_equal(story.fate == WS_FATE_PANICS, ending->end == KERNEL_PANICS);
	assert_int_equal(story.frames, ending->story.frames);
	assert_int_equal(story.nested, ending->story.nested);
	assert_int_equal(story.sp, ending->story.sp);
	look_at_wreck(&scene);
	end_scene(&scene);
}

/* ---- the file --------------------------------------------------------------------- */

/* Every frame as it is in memory, by our reader and by libkdumpfile. */
static void frames_are_equal(void **state)
{
	kdump_ctx_t *theirs = kdump_new();
	struct scene scene;

	boot(&scene, *state, KERNEL_SYNC_LAZY);
	fork_one(&scene, 1, "sh");
	DO(kernel_insmod(scene.kernel, &dtrace));
	see(&scene);
	assert_non_null(theirs);
	if (kdump_open_fd(theirs, scene.fd))
		fail_msg("libkdumpfile: %s", kdump_get_err(theirs));
	for (uint64_t pa = 0; pa < scene.kernel->options.ram; pa += PAGE) {
		const uint8_t *frame = target_frame(scene.target, pa);
		uint8_t memory[PAGE], bytes[PAGE];
		size_t n = sizeof(bytes);

		machine_memory_read(scene.kernel->memory, pa, memory, sizeof(memory));
		assert_non_null(frame);
		assert_memory_equal(frame, memory, PAGE);
		assert_int_equal(kdump_read(theirs, KDUMP_MACHPHYSADDR, pa, bytes, &n),
				 KDUMP_OK);
		assert_memory_equal(bytes, memory, PAGE);
	}
	assert_null(target_frame(scene.target, scene.kernel->options.ram));
	kdump_free(theirs);
	end_scene(&scene);
}

/* libkdumpfile finds init_mm's tables by VMCOREINFO, and walks them. */
static void libkdumpfile_walks_too(void **state)
{
	kdump_ctx_t *theirs = kdump_new();
	struct scene scene;

	boot(&scene, *state, KERNEL_SYNC_EAGER);
	DO(kernel_insmod(scene.kernel, &dtrace));
	save(&scene);
	assert_non_null(theirs);
	if (kdump_open_fd(theirs, scene.fd) ||
	    kdump_set_string_attr(theirs, "addrxlat.ostype", "linux"))
		fail_msg("libkdumpfile: %s", kdump_get_err(theirs));
	for (size_t i = 0; i < scene.kernel->nsymbols; i++) {
		uint64_t va = scene.kernel->symbols[i].va;
		uint8_t memory[16], bytes[16];
		size_t n = sizeof(bytes);

		if (va_pa(scene.kernel, va) == NO_PA) /* where the image ends */
			continue;
		va_read(scene.kernel, va, memory, sizeof(memory));
		if (kdump_read(theirs, KDUMP_KVADDR, va, bytes, &n))
			fail_msg("libkdumpfile: %s", kdump_get_err(theirs));
		assert_memory_equal(bytes, memory, sizeof(bytes));
	}
	kdump_free(theirs);
	end_scene(&scene);
}

/* A stream that takes so many bytes, and cannot seek. */
struct drain {
	size_t room, n;
	uint8_t *bytes;
};

static ssize_t drain_write(void *cookie, const char *bytes, size_t size)
{
	struct drain *drain = cookie;

	if (size > drain->room - drain->n) {
		errno = ENOSPC;
		return -1;
	}
	memcpy(drain->bytes + drain->n, bytes, size);
	drain->n += size;
	return (ssize_t)size;
}

static bool save_to(struct kernel *kernel, struct drain *drain)
{
	FILE *to =
		fopencookie(drain, "w", (cookie_io_functions_t){ .write = drain_write });
	bool saved;
	int error;

	assert_non_null(to);
	saved = kernel_save(kernel, to);
	error = errno;
	fclose(to);
	errno = error;
	return saved;
}

static void a_stream_gets_the_same(void **state)
{
	struct drain drain = { .room = RAM + MIB };
	struct scene scene;
	off_t size;
	void *file;

	boot(&scene, *state, KERNEL_SYNC_LAZY);
	save(&scene);
	size = lseek(scene.fd, 0, SEEK_END);
	file = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, scene.fd, 0);
	assert_ptr_not_equal(file, MAP_FAILED);
	drain.bytes = malloc(drain.room);
	assert_non_null(drain.bytes);
	assert_true(save_to(scene.kernel, &drain));
	assert_int_equal(drain.n, size);
	assert_memory_equal(drain.bytes, file, drain.n);
	munmap(file, (size_t)size);
	free(drain.bytes);
	end_scene(&scene);
}

/* Cut off in the headers, the notes, the frames, and one byte short. */
static void a_full_disk_is_reported(void **state)
{
	static const size_t rooms[] = {
		0, 20, 100, 700, 4096, 100000, 1 << 20, 20 << 20
	};
	struct drain drain = { .room = RAM + MIB };
	struct scene scene;
	size_t whole;

	boot(&scene, *state, KERNEL_SYNC_LAZY);
	drain.bytes = malloc(drain.room);
	assert_non_null(drain.bytes);
	assert_true(save_to(scene.kernel, &drain));
	whole = drain.n;
	for (size_t i = 0; i <= WS_ARRAY_SIZE(rooms); i++) {
		drain.room = i < WS_ARRAY_SIZE(rooms) ? rooms[i] : whole - 1;
		drain.n = 0;
		errno = 0;
		assert_false(save_to(scene.kernel, &drain));
		assert_int_equal(errno, ENOSPC);
	}
	free(drain.bytes);
	end_scene(&scene);
}

static void the_real_full_device(void **state)
{
	struct scene scene;
	FILE *to = fopen("/dev/full", "w");

	boot(&scene, *state, KERNEL_SYNC_LAZY);
	assert_non_null(to);
	assert_false(kernel_save(scene.kernel, to));
	assert_int_equal(errno, ENOSPC);
	fclose(to);
	end_scene(&scene);
}

/* Holes where nothing was written: the file is far smaller than the memory. */
static void holes_are_holes(void **state)
{
	struct scene scene;
	struct stat st;

	boot(&scene, *state, KERNEL_SYNC_LAZY);
	save(&scene);
	assert_int_equal(fstat(scene.fd, &st), 0);
	assert_true((uint64_t)st.st_size > scene.kernel->options.ram);
	assert_true((uint64_t)st.st_blocks * 512 < scene.kernel->options.ram / 8);
	end_scene(&scene);
}

/* ---- main ------------------------------------------------------------------------- */

static const struct {
	const char *name;
	CMUnitTestFunction test;
} cases[] = {
	{ "everything is found", everything_is_found },
	{ "they come and go", they_come_and_go },
	{ "verdicts", verdicts },
	{ "what-if comes true", what_if_comes_true },
	{ "frames are equal", frames_are_equal },
	{ "libkdumpfile walks too", libkdumpfile_walks_too },
	{ "a stream gets the same", a_stream_gets_the_same },
	{ "a full disk is reported", a_full_disk_is_reported },
	{ "the real full device", the_real_full_device },
	{ "holes are holes", holes_are_holes },
};

int main(void)
{
	static char names[WS_ARRAY_SIZE(kinds)][WS_ARRAY_SIZE(cases)][64];
	struct CMUnitTest tests[WS_ARRAY_SIZE(kinds) * WS_ARRAY_SIZE(cases)];
	size_t n = 0;

	for (size_t k = 0; k < WS_ARRAY_SIZE(kinds); k++)
		for (size_t c = 0; c < WS_ARRAY_SIZE(cases); c++) {
			snprintf(names[k][c], sizeof(names[k][c]), "%s: %s",
				 kinds[k].name, cases[c].name);
			tests[n++] = (struct CMUnitTest){
				.name = names[k][c],
				.test_func = cases[c].test,
				.initial_state = (void *)&kinds[k],
			};
		}
	return cmocka_run_group_tests_name("seen", tests, NULL, NULL);
}
