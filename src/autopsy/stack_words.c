/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What lies on a kernel stack: words that lead into code, and exception frames. No unwinder:
 * a word is shown because of what it is, and not because a call was followed to it.
 */
#include <stdlib.h>
#include <string.h>

#include "autopsy/arch.h"
#include "linux/stacks.h"
#include "linux/symtab.h"
#include "util/cleanup.h"

/* A stack that is no task's is looked at from the processor's SP on, so far. */
#define OWN_STACK_MAX UINT64_C(16384)
/* Without a symbol for where text ends, no function is as long as that. */
#define FUNCTION_MAX UINT64_C(65536)

/* What of the kernel image is code; 0 where no symbol says. */
struct code {
	uint64_t text, text_end, init, init_end;
};

struct reading {
	struct ws_system *system;
	struct ws_kernel_stack *stack;
	struct code code;
	uint8_t *bytes; /* of the stack; what is absent is 0 */
	WS_VEC(struct ws_stack_word) words;
};

/* ---- code --------------------------------------------------------------------------- */

static uint64_t symbol_va(struct ws_system *system, const char *name)
{
	struct ws_symbol symbol;

	if (ws_symbol_lookup(system, name, &symbol) == WS_OK)
		return symbol.va;
	ws_error_clear(system->ctx);
	return 0;
}

static struct code find_code(struct ws_system *system)
{
	return (struct code){ .text = symbol_va(system, "_stext"),
			      .text_end = symbol_va(system, "_etext"),
			      .init = symbol_va(system, "_sinittext"),
			      .init_end = symbol_va(system, "_einittext") };
}

static bool is_of_function(const struct ws_symbol *symbol, uint64_t va)
{
	return (!symbol->type || strchr("tTwWi", symbol->type)) &&
	       va - symbol->va < FUNCTION_MAX;
}

static bool is_in_module(struct ws_system *system, uint64_t va)
{
	struct ws_place place;
	bool found = ws_place_at(system, va, &place) == WS_OK && place.module;

	ws_error_clear(system->ctx);
	return found;
}

static bool is_code(const struct reading *reading, uint64_t va)
{
	const struct code *code = &reading->code;
	struct ws_symbol symbol;
	bool named;

	if (ws_in_image(reading->system, va)) {
		if (code->text && code->text_end)
			return (va >= code->text && va < code->text_end) ||
			       (code->init && va >= code->init && va < code->init_end);
	} else if (!is_in_module(reading->system, va)) {
		return false;
	}
	named = ws_symbol_at(reading->system, va, &symbol) == WS_OK;
	ws_error_clear(reading->system->ctx);
	return named && is_of_function(&symbol, va);
}

/* ---- words and frames --------------------------------------------------------------- */

static bool push(struct reading *reading, const struct ws_stack_word *word)
{
	struct ws_stack_word *pushed = ws_vec_push(&reading->words);

	if (pushed)
		*pushed = *word;
	return pushed;
}

/* The words between two frames, which have their own. */
static bool take_words(struct reading *reading, size_t from, size_t to)
{
	unsigned word = reading->system->layout.word;

	for (size_t at = from; at + word <= to; at += word) {
		struct ws_stack_word found = { .va = reading->stack->va + at,
					       .value = ws_le_word(reading->bytes + at,
								   word) };

		if (ws_is_kernel_va(reading->system, found.value) &&
		    is_code(reading, found.value) && !push(reading, &found))
			return false;
	}
	return true;
}

/* At or behind *at; false: there is none, or frames of this machine are not known. */
static bool next_frame(const struct reading *reading, size_t *at,
		       struct ws_exception_frame *frame)
{
	const struct ws_system *system = reading->system;
	const struct ws_arch_autopsy *arch = ws_arch_of(system->paging.format)->autopsy;
	struct ws_frame_rules rules = { .word = system->layout.word,
					.kernel_first = system->layout.kernel_first };

	return arch && arch->next_frame &&
	       arch->next_frame(&rules, reading->bytes, reading->stack->size, at, frame);
}

/* Where it interrupted is code, or a user's; other words may look like a frame. */
static bool is_likely(const struct reading *reading,
		      const struct ws_exception_frame *frame)
{
	return frame->user || is_code(reading, frame->ip);
}

static bool take_all(struct reading *reading)
{
	size_t done = 0, at = 0, size = reading->stack->size;
	struct ws_stack_word found = { .is_frame = true };

	while (next_frame(reading, &at, &found.frame)) {
		found.va = reading->stack->va + at;
		found.value = found.frame.ip;
		if (!is_likely(reading, &found.frame)) {
			at += reading->system->layout.word;
			continue;
		}
		if (!take_words(reading, done, at) || !push(reading, &found))
			return false;
		at += found.frame.size;
		done = at < size ? at : size;
	}
	return take_words(reading, done, size);
}

/* By frames of memory: each may be absent. */
static void read_bytes(struct reading *reading)
{
	struct ws_kernel_stack *stack = reading->stack;

	for (uint64_t at = 0, n; at < stack->size; at += n) {
		n = WS_FRAME_SIZE - (stack->va + at) % WS_FRAME_SIZE;
		if (n > stack->size - at)
			n = stack->size - at;
		if (ws_system_read(reading->system, stack->va + at, reading->bytes + at,
				   n) == WS_READ)
			continue;
		memset(reading->bytes + at, 0, n);
		stack->absent += n;
	}
}

static enum ws_status read_stack(struct ws_system *system, struct ws_kernel_stack *stack)
{
	ws_autofree uint8_t *bytes = calloc(1, stack->size);
	struct reading reading = { .system = system, .stack = stack, .bytes = bytes };
	enum ws_status status;

	if (!bytes)
		return ws_fail_memory(system->ctx);
	reading.code = find_code(system);
	read_bytes(&reading);
	status = take_all(&reading) ? WS_OK : ws_fail_memory(system->ctx);
	stack->words = reading.words.v;
	stack->nwords = reading.words.n;
	status = ws_target_looked(system->target, status);
	if (status != WS_OK)
		ws_kernel_stack_release(stack);
	return status;
}

void ws_kernel_stack_release(struct ws_kernel_stack *stack)
{
	free(stack->words);
	*stack = (struct ws_kernel_stack){ .task = WS_NO_TASK };
}

/* ---- which stack -------------------------------------------------------------------- */

/* False too where the registers do not say. */
static bool is_in_user_mode(struct ws_system *system, const struct ws_cpu *cpu)
{
	const struct ws_arch_autopsy *arch = cpu->arch->autopsy;
	struct ws_standing standing;

	return arch && arch->standing(system, cpu, &standing) && standing.user;
}

/* While user mode runs its task, nothing on a stack is of any use. */
static bool runs_in_user_mode(struct ws_system *system, uint32_t task)
{
	struct ws_cpu_state state;

	for (size_t i = 0; i < system->target->cpus.n; i++)
		if (is_in_user_mode(system, &system->target->cpus.v[i]) &&
		    ws_system_cpu_state(system, i, &state) == WS_OK && state.task == task)
			return true;
	return false;
}

/* A processor that is on it says where it stands; else the task's own saved pointer. */
static void find_sp(struct ws_system *system, const ws_stack_vec *stacks,
		    const struct ws_stack *of, struct ws_kernel_stack *stack)
{
	int32_t offset;
	uint64_t sp;

	ws_vec_each(&system->target->cpus, cpu)
		if (cpu->arch->kernel_sp(cpu, &sp) && ws_stack_at(stacks, sp) == of) {
			stack->sp = sp;
			stack->has_sp = stack->is_running = true;
			return;
		}
	if (runs_in_user_mode(system, of->task)) {
		stack->sp = of->va + of->size;
		stack->has_sp = stack->is_running = true;
	} else if (ws_find_saved_sp(system, stacks, &offset)) {
		stack->has_sp = ws_saved_sp(system, of, offset, &stack->sp);
	}
}

static void take_stack(struct ws_system *system, const ws_stack_vec *stacks,
		       const struct ws_stack *of, struct ws_kernel_stack *stack)
{
	*stack = (struct ws_kernel_stack){ .va = of->va,
					   .size = of->size,
					   .task = of->task };
	find_sp(system, stacks, of, stack);
}

static const struct ws_stack *stack_of(const ws_stack_vec *stacks, uint32_t task)
{
	ws_vec_each(stacks, stack)
		if (stack->task == task)
			return stack;
	return NULL;
}

enum ws_status ws_system_task_stack(struct ws_system *system, uint32_t task,
				    struct ws_kernel_stack *stack)
{
	ws_stack_vec stacks = { 0 };
	enum ws_status status = ws_find_stacks(system, &stacks);
	const struct ws_stack *of = stack_of(&stacks, task);

	*stack = (struct ws_kernel_stack){ .task = WS_NO_TASK };
	if (status == WS_OK && of)
		take_stack(system, &stacks, of, stack);
	else if (status == WS_OK && task < system->tasks.n)
		status =
			ws_fail(system->ctx, stacks.n ? WS_ERR_NOT_FOUND : WS_ERR_UNKNOWN,
				"the kernel stack of %u %s %s", system->tasks.v[task].pid,
				system->tasks.v[task].comm,
				stacks.n ? "is gone, or not in the target"
					 : "was not found, as no task's was");
	else if (status == WS_OK)
		status = ws_fail(system->ctx, WS_ERR_NOT_FOUND, "there is no task %u",
				 task);
	ws_vec_release(&stacks);
	return status == WS_OK ? read_stack(system, stack) : status;
}

/* From SP's page on, as far as pages are mapped one after the other. */
static void take_own(struct ws_system *system, uint64_t sp, struct ws_kernel_stack *stack)
{
	uint64_t pa;

	*stack = (struct ws_kernel_stack){ .va = sp & ~(uint64_t)(WS_FRAME_SIZE - 1),
					   .task = WS_NO_TASK,
					   .has_sp = true,
					   .is_running = true,
					   .sp = sp };
	while (stack->size < OWN_STACK_MAX && stack->va + stack->size >= stack->va &&
	       ws_kernel_translate(system, stack->va + stack->size, &pa) == WS_READ)
		stack->size += WS_FRAME_SIZE;
}

static enum ws_status by_sp(struct ws_system *system, size_t cpu, uint64_t sp,
			    struct ws_kernel_stack *stack)
{
	ws_stack_vec stacks = { 0 };
	enum ws_status status = ws_find_stacks(system, &stacks);
	const struct ws_stack *of = ws_stack_at(&stacks, sp);

	if (status == WS_OK && of)
		take_stack(system, &stacks, of, stack);
	else if (status == WS_OK)
		take_own(system, sp, stack);
	ws_vec_release(&stacks);
	if (status != WS_OK)
		return status;
	if (!stack->size)
		return ws_fail(system->ctx, WS_ERR_UNKNOWN,
			       "cpu %zu: nothing is mapped in init_mm where its stack "
			       "pointer is, %#jx, or the target lacks it",
			       cpu, sp);
	return read_stack(system, stack);
}

enum ws_status ws_system_cpu_stack(struct ws_system *system, size_t i,
				   struct ws_kernel_stack *stack)
{
	const struct ws_cpu *cpu = ws_target_cpu(system->target, i);
	struct ws_cpu_state state;
	enum ws_status status = ws_system_cpu_state(system, i, &state);
	uint64_t sp;

	*stack = (struct ws_kernel_stack){ .task = WS_NO_TASK };
	if (status != WS_OK)
		return status;
	if (cpu->arch->kernel_sp(cpu, &sp))
		return by_sp(system, i, sp, stack);
	if (state.task != WS_NO_TASK)
		return ws_system_task_stack(system, state.task, stack);
	return ws_fail(
		system->ctx, WS_ERR_UNKNOWN,
		"which stack cpu %zu is on is not known: it is in user mode, or its "
		"registers do not say, and neither does what it runs",
		i);
}
