/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whom the kernel that runs this names as its processes: a BPF program that it runs for each
 * task (kernel/bpf/task_iter.c), and that writes down who the task is. It goes by the kernel's
 * table of pids, and not by the list of tasks that discovery follows in memory: who is taken off
 * one is on the other yet.
 *
 * Compile once, run everywhere, by hand: the program is made here, instruction by instruction, with
 * offsets that this kernel's own BTF gives for the members that it reads. So no compiler is
 * needed, and a kernel whose members have other names or sizes is one that says nothing.
 */
#include "target/kernel_roll.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/bits.h"
#include "util/cleanup.h"
#include "util/vec.h"

#ifdef WS_LIBBPF

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#define COMM_LEN 16 /* TASK_COMM_LEN */

/* What the program writes for each task. */
struct record {
	uint64_t mm, begun;
	uint32_t pid, tgid, flags, zero;
	char comm[COMM_LEN];
};

#define RECORDS 1024             /* read at once */
#define READS_MAX (1u << 16)     /* pids end at 1 << 22 (PID_MAX_LIMIT) */
#define KERNEL_THREAD 0x00200000 /* PF_KTHREAD: include/linux/sched.h */

/* ---- where members lie ------------------------------------------------------------ */

static const struct field {
	const char *type, *name;
	uint32_t size;
	uint16_t to; /* in the record */
} fields[] = {
	{ "task_struct", "mm", 8, offsetof(struct record, mm) },
	{ "task_struct", "start_time", 8, offsetof(struct record, begun) },
	{ "task_struct", "pid", 4, offsetof(struct record, pid) },
	{ "task_struct", "tgid", 4, offsetof(struct record, tgid) },
	{ "task_struct", "flags", 4, offsetof(struct record, flags) },
	{ "task_struct", "comm", COMM_LEN, offsetof(struct record, comm) },
};
static const struct field context_task = { "bpf_iter__task", "task", 8, 0 },
			  context_meta = { "bpf_iter__task", "meta", 8, 0 },
			  meta_seq = { "bpf_iter_meta", "seq", 8, 0 };

#define NESTED_MAX 4 /* structs without a name: of CONFIG_RANDSTRUCT, of __bpf_md_ptr() */

/* The offset of a member of that size, which an instruction has room for; -1: none. */
static int member_in(const struct btf *btf, uint32_t type, const struct field *field,
		     unsigned depth)
{
	const struct btf_type *of = btf__type_by_id(btf, type);
	const struct btf_member *member =
		of && btf_is_composite(of) ? btf_members(of) : NULL;

	for (unsigned i = 0; member && i < btf_vlen(of); i++) {
		const char *name = btf__name_by_offset(btf, member[i].name_off);
		uint32_t bit = btf_member_bit_offset(of, i);
		int within = -1;

		if (bit % 8 || bit / 8 > INT16_MAX - COMM_LEN)
			continue;
		if (!*name && depth)
			within = member_in(btf, member[i].type, field, depth - 1);
		else if (!strcmp(name, field->name) &&
			 btf__resolve_size(btf, member[i].type) == (int64_t)field->size)
			within = 0;
		if (within >= 0 && within + bit / 8 <= INT16_MAX - COMM_LEN)
			return within + (int)(bit / 8);
	}
	return -1;
}

static int offset_of(const struct btf *btf, const struct field *field)
{
	int type = btf__find_by_name_kind(btf, field->type, BTF_KIND_STRUCT);

	return type < 0 ? -1 : member_in(btf, type, field, NESTED_MAX);
}

/* ---- the program ------------------------------------------------------------------ */

enum { ANY = BPF_REG_2, TASK = BPF_REG_6, SEQ = BPF_REG_7, FRAME = BPF_REG_10 };

struct program {
	const struct btf *btf;
	struct bpf_insn insn[40];
	unsigned n;
	bool fails; /* a member is not there */
};

static void put(struct program *program, uint8_t code, uint8_t to, uint8_t from,
		int offset, int32_t value)
{
	program->insn[program->n++] =
		(struct bpf_insn){ code, to & 15u, from & 15u, (int16_t)offset, value };
}

static uint8_t size_code(uint32_t size)
{
	return size == 4 ? BPF_W : BPF_DW;
}

static void load(struct program *program, uint8_t to, uint8_t from,
		 const struct field *field)
{
	int offset = offset_of(program->btf, field);

	program->fails |= offset < 0;
	put(program, BPF_LDX | BPF_MEM | size_code(field->size), to, from, offset, 0);
}

/* A word of the record on the stack. */
static void store(struct program *program, uint8_t from, uint32_t size, unsigned to)
{
	put(program, BPF_STX | BPF_MEM | size_code(size), FRAME, from,
	    (int)to - (int)sizeof(struct record), 0);
}

/* The name is two words. */
static void copy(struct program *program, const struct field *field)
{
	load(program, ANY, TASK, field);
	store(program, ANY, field->size, field->to);
	if (field->size <= 8)
		return;
	program->insn[program->n] = program->insn[program->n - 2];
	program->insn[program->n++].off += 8;
	store(program, ANY, 8, field->to + 8);
}

/*
 *	if (ctx->task)		it is NULL once, at the end
 *		bpf_seq_write(ctx->meta->seq, &record, sizeof(record));
 *	return 0;
 */
static void write_program(struct program *program)
{
	unsigned jump;

	load(program, TASK, BPF_REG_1, &context_task);
	jump = program->n;
	put(program, BPF_JMP | BPF_JEQ | BPF_K, TASK, 0, 0, 0);
	load(program, SEQ, BPF_REG_1, &context_meta);
	load(program, SEQ, SEQ, &meta_seq);
	put(program, BPF_ALU64 | BPF_MOV | BPF_K, ANY, 0, 0, 0);
	store(program, ANY, 4, offsetof(struct record, zero));
	for (size_t i = 0; i < WS_ARRAY_SIZE(fields); i++)
		copy(program, &fields[i]);
	put(program, BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_1, SEQ, 0, 0);
	put(program, BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_2, FRAME, 0, 0);
	put(program, BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_2, 0, 0,
	    -(int32_t)sizeof(struct record));
	put(program, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_3, 0, 0, sizeof(struct record));
	put(program, BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_seq_write);
	program->insn[jump].off = (int16_t)(program->n - jump - 1);
	put(program, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0);
	put(program, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/* bpf_seq_write() is for programs whose licence the GPL takes in, as it does the LGPL. */
static int load_program(const struct btf *btf)
{
	int hook = btf__find_by_name_kind(btf, "bpf_iter_task", BTF_KIND_FUNC);
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_TRACE_ITER,
		    .attach_btf_id = hook < 0 ? 0 : hook);
	struct program program = { .btf = btf };

	write_program(&program);
	if (program.fails || hook < 0)
		return -1;
	return bpf_prog_load(BPF_PROG_TYPE_TRACING, "whosees_roll", "GPL", program.insn,
			     program.n, &options);
}

/* The link holds the program. */
int ws_kernel_roll_open(void)
{
	libbpf_print_fn_t print =
		libbpf_set_print(NULL); /* that it cannot is the usual */
	struct btf *btf = sizeof(long) == 8 ? btf__load_vmlinux_btf() : NULL;
	int program = btf ? load_program(btf) : -1, link = -1;

	if (program >= 0) {
		link = bpf_link_create(program, 0, BPF_TRACE_ITER, NULL);
		close(program);
	}
	btf__free(btf);
	libbpf_set_print(print);
	return link < 0 ? -1 : link;
}

/* ---- what it writes --------------------------------------------------------------- */

/* Of each group the leader, if it has memory, or else the first of its threads. */
static int by_group(const void *left, const void *right)
{
	const struct record *a = left, *b = right;

	if (a->tgid != b->tgid)
		return (a->tgid > b->tgid) - (a->tgid < b->tgid);
	if ((a->pid == a->tgid) != (b->pid == b->tgid))
		return a->pid == a->tgid ? -1 : 1;
	return (a->pid > b->pid) - (a->pid < b->pid);
}

typedef WS_VEC(struct record) record_vec;

static bool add(record_vec *records, const struct record *record)
{
	struct record *kept;

	if (!record->mm || record->flags & KERNEL_THREAD)
		return true;
	kept = ws_vec_push(records);
	if (kept)
		*kept = *record;
	return kept;
}

/* All that is read are whole records, or that was not all. */
static bool read_all(int iter, record_vec *records, bool *short_of_memory)
{
	ws_autofree struct record *some = calloc(RECORDS, sizeof(*some));
	ssize_t n = 1;

	*short_of_memory = !some;
	for (unsigned i = 0; i < READS_MAX && n && !*short_of_memory; i++) {
		n = read(iter, some, RECORDS * sizeof(*some));
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return false;
		if (n > 0 && (size_t)n % sizeof(*some))
			return false;
		for (ssize_t at = 0; at < n / (ssize_t)sizeof(*some); at++)
			*short_of_memory |= !add(records, &some[at]);
	}
	return !n && !*short_of_memory;
}

static bool take(const record_vec *records, ws_roll *roll)
{
	ws_vec_each(records, record) {
		struct ws_named_process *named;

		if (roll->n && roll->v[roll->n - 1].pid == record->tgid)
			continue;
		named = ws_vec_push(roll);
		if (!named)
			return false;
		named->pid = record->tgid;
		named->mm = record->mm;
		named->begun = record->begun;
		memcpy(named->comm, record->comm, sizeof(record->comm));
	}
	return true;
}

/*
 * In a container with pids of its own the iterator names that container's processes alone, and the
 * first process of all is not among them.
 */
enum ws_status ws_kernel_roll(struct ws_target *target, int link, ws_roll *roll,
			      bool *known)
{
	ws_autoclose int iter = link < 0 ? -1 : bpf_iter_create(link);
	record_vec records = { 0 };
	bool short_of_memory = false;

	roll->n = 0;
	*known = iter >= 0 && read_all(iter, &records, &short_of_memory);
	if (*known && records.n) {
		qsort(records.v, records.n, sizeof(*records.v), by_group);
		short_of_memory = !take(&records, roll);
	}
	ws_vec_release(&records);
	if (short_of_memory)
		return ws_fail_memory(target->ctx);
	*known = *known && roll->n && roll->v[0].pid == 1;
	return WS_OK;
}

#else /* it is built without libbpf */

int ws_kernel_roll_open(void)
{
	return -1;
}

enum ws_status ws_kernel_roll(struct ws_target *target, int link, ws_roll *roll,
			      bool *known)
{
	(void)target;
	(void)link;
	roll->n = 0;
	*known = false;
	return WS_OK;
}

#endif
