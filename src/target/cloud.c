/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A snapshot of cloud-hypervisor: a directory with memory (memory-ranges), one range right
 * after the other, and a description (state.json), either of which may be named. The
 * description (vm-migration/src/lib.rs, struct Snapshot) is a tree of
 *
 *	{"snapshots": {NAME: node, ...}, "snapshot_data": {"state": TEXT} or null}
 *
 * where TEXT is JSON in a string, before version 39 in an array of bytes, and no object is
 * around it. Of node "memory-manager" it has the ranges,
 *
 *	{"memory_ranges": {"data": [{"gpa": N, "length": N}, ...]}, ...}
 *
 * and of each node in "cpu-manager", which are numbered, a processor as KVM has it:
 *
 *	{"Kvm": {"regs": struct kvm_regs, "sregs": struct kvm_sregs, ...}}
 *
 * each struct an array of its bytes, or an object with its members (before version 39).
 */
#include "target/target.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "target/open.h"
#include "util/cleanup.h"
#include "util/read_json.h"
#include "util/text.h"

#define MEMORY "memory-ranges"
#define DESCRIPTION "state.json"
#define RANGES_MAX (1u << 20)
#define CPUS_MAX 4096u
#define NESTED_MAX 3 /* structs of KVM in each other */

/* JSON that was in a string: without its escapes; owned. */
struct text {
	char *bytes;
	size_t len;
};

static void text_release(struct text *text)
{
	free(text->bytes);
}

struct cpu_node {
	uint64_t number;
	struct ws_json node;
};

struct cloud {
	struct ws_target *target;
	const struct ws_file *file; /* the description */
	struct ws_json ranges;      /* node "memory-manager"; at NULL: there is none */
	WS_VEC(struct cpu_node) cpus;
};

static void cloud_release(struct cloud *cloud)
{
	ws_vec_release(&cloud->cpus);
}

static uint64_t offset_in(const struct cloud *cloud, const char *at)
{
	return at - (const char *)cloud->file->data;
}

/* ---- two files -------------------------------------------------------------------- */

static bool is_called(const char *path, const char *name)
{
	const char *slash = strrchr(path, '/');

	return !strcmp(slash ? slash + 1 : path, name);
}

/* The file with that name in the directory of path. */
static char *beside(const char *path, const char *name)
{
	const char *slash = strrchr(path, '/');

	return ws_text_of("%.*s%s", slash ? (int)(slash + 1 - path) : 0, path, name);
}

static bool has_beside(const char *path, const char *name)
{
	ws_autofree char *other = beside(path, name);

	return other && !access(other, F_OK);
}

static bool is_object(const struct ws_file *file)
{
	return file->size && file->data[0] == '{';
}

static bool cloud_probe(const struct ws_file *file)
{
	if (is_called(file->path, DESCRIPTION))
		return is_object(file) && has_beside(file->path, MEMORY);
	return is_called(file->path, MEMORY) && has_beside(file->path, DESCRIPTION);
}

/* Whichever was named, memory becomes the target's file. */
static enum ws_status files_open(struct ws_target *target)
{
	bool is_description = is_called(target->file.path, DESCRIPTION);
	struct ws_file other = { .fd = -1,
				 .memory = target->file.memory,
				 .path = beside(target->file.path,
						is_description ? MEMORY : DESCRIPTION) };
	enum ws_status status = other.path ? ws_file_open(target->ctx, &other)
					   : ws_fail_memory(target->ctx);

	target->beside = is_description ? target->file : other;
	if (is_description)
		target->file = other;
	if (status)
		return status;
	if (target->beside.size > WS_HEADER_MAX)
		return ws_fail(target->ctx, WS_ERR_MALFORMED,
			       "%s: is larger than the description of any machine",
			       target->beside.path);
	switch (ws_file_hold_all(&target->beside)) {
	case WS_READ:
		return WS_OK;
	case WS_FAILED:
		return ws_fail(
			target->ctx, WS_ERR_SYSTEM, "%s: %s", target->beside.path,
			strerror(target->beside.error ? target->beside.error : EIO));
	default:
		return ws_fail(target->ctx, WS_ERR_MALFORMED,
			       "%s: is compressed, and damaged: a part of it cannot be "
			       "unpacked",
			       target->beside.path);
	}
}

/* ---- JSON in strings --------------------------------------------------------------- */

/* What is escaped here is quotes and backslashes; of the rest nothing is looked at. */
static void unescape(const struct ws_json_text *from, struct text *to)
{
	for (size_t i = 0; i < from->len; i++) {
		if (from->text[i] == '\\' && i + 1 < from->len)
			i++;
		to->bytes[to->len++] = from->text[i];
	}
}

static void bytes_of_numbers(struct ws_json *array, struct text *to)
{
	uint64_t number;

	ws_json_enter(array, '[');
	while (ws_json_item(array) && ws_json_number(array, &number))
		to->bytes[to->len++] = (char)number;
}

static bool starts_with(struct ws_json json, char c)
{
	return ws_json_enter(&json, c);
}

/* The value is in no more characters than it has bytes. */
static bool text_of(struct ws_json value, struct text *text)
{
	struct ws_json_text string;
	struct ws_json end = value;

	ws_json_skip(&end);
	text->bytes = malloc(end.at - value.at + 1);
	if (!text->bytes)
		return false;
	if (starts_with(value, '['))
		bytes_of_numbers(&value, text);
	else if (ws_json_string(&value, &string))
		unescape(&string, text);
	return true;
}

/* The member of an object with that name, or one that is bad. */
static struct ws_json member_of(struct ws_json object, const char *name)
{
	struct ws_json_text key;

	if (ws_json_enter(&object, '{'))
		while (ws_json_key(&object, &key)) {
			if (ws_json_is(&key, name))
				return object;
			ws_json_skip(&object);
		}
	object.bad = true;
	return object;
}

/* The state that a node has, as JSON in *text; false: memory is short. */
static bool state_of(struct ws_json node, struct text *text, struct ws_json *state)
{
	struct ws_json value = member_of(node, "snapshot_data");

	if (starts_with(value, '{'))
		value = member_of(value, "state");
	if (!text_of(value, text))
		return false;
	*state = (struct ws_json){ text->bytes, text->bytes + text->len, value.bad };
	return true;
}

/* ---- memory ----------------------------------------------------------------------- */

static bool range_read(struct ws_json *json, struct ws_extent *range)
{
	struct ws_json_text key;
	bool has_pa = false, has_len = false;

	if (!ws_json_enter(json, '{'))
		return false;
	while (ws_json_key(json, &key))
		if (ws_json_is(&key, "gpa"))
			has_pa = ws_json_number(json, &range->pa);
		else if (ws_json_is(&key, "length"))
			has_len = ws_json_number(json, &range->len);
		else
			ws_json_skip(json);
	return has_pa && has_len && !json->bad;
}

static enum ws_status range_add(struct ws_target *target, const struct ws_extent *range,
				uint64_t offset, uint64_t number)
{
	if (range->pa >= WS_PHYSICAL_END || range->len > WS_PHYSICAL_END - range->pa)
		return ws_target_leave(
			target, number, range,
			"it ends past the last physical address that a processor can have");
	return ws_target_add_from_file(target, range->pa, range->len, offset, number);
}

static enum ws_status ranges_fail(const struct cloud *cloud)
{
	return ws_fail(
		cloud->target->ctx, WS_ERR_MALFORMED,
		"%s: does not say in which ranges memory lies (memory_ranges of "
		"memory-manager at file offset %#jx): is it whole? --type raw reads "
		"%s by the map in it",
		cloud->file->path,
		cloud->ranges.at ? offset_in(cloud, cloud->ranges.at) : 0,
		cloud->target->file.path);
}

/* What the ranges come to is how long the file is, or one of the two is damaged. */
static enum ws_status length_check(const struct cloud *cloud, uint64_t end)
{
	struct ws_target *target = cloud->target;

	if (end >= target->file.size)
		return WS_OK;
	return ws_target_add_note(
		target,
		"%s has %#zx bytes, and the ranges in %s come to %#jx: one of the two is "
		"damaged, or of another snapshot",
		target->file.path, target->file.size, cloud->file->path, end);
}

static enum ws_status ranges_add(const struct cloud *cloud)
{
	ws_cleanup(text_release) struct text text = { 0 };
	struct ws_extent range;
	enum ws_status status = WS_OK;
	struct ws_json json;
	uint64_t end = 0, n;

	if (!cloud->ranges.at)
		return ranges_fail(cloud);
	if (!state_of(cloud->ranges, &text, &json))
		return ws_fail_memory(cloud->target->ctx);
	json = member_of(member_of(json, "memory_ranges"), "data");
	ws_json_enter(&json, '[');
	for (n = 0; n < RANGES_MAX && !status && ws_json_item(&json); n++) {
		if (!range_read(&json, &range))
			break;
		status = range_add(cloud->target, &range, end, n);
		if (__builtin_add_overflow(end, range.len, &end))
			json.bad = true;
	}
	if (status)
		return status;
	return json.bad || !n ? ranges_fail(cloud) : length_check(cloud, end);
}

/* ---- processors ------------------------------------------------------------------- */

/* As KVM has them, and which of the bytes are known. */
struct registers {
	uint8_t bytes[WS_KVM_SIZE_MAX], known[WS_KVM_SIZE_MAX];
};

static void byte_set(struct registers *r, size_t at, uint64_t byte)
{
	if (at >= WS_KVM_SIZE_MAX)
		return;
	r->bytes[at] = (uint8_t)byte;
	r->known[at] = 1;
}

static void bytes_read(struct ws_json *json, size_t at, size_t size, struct registers *r)
{
	uint64_t number;

	ws_json_enter(json, '[');
	for (size_t n = 0; ws_json_item(json) && ws_json_number(json, &number); n++)
		if (n < size)
			byte_set(r, at + n, number);
}

static void parts_read(struct ws_json *json, const struct ws_kvm_part *parts, size_t at,
		       unsigned depth, struct registers *r);

static void part_read(struct ws_json *json, const struct ws_kvm_part *part, size_t at,
		      unsigned depth, struct registers *r)
{
	uint64_t number = 0;

	if (part->parts && starts_with(*json, '['))
		bytes_read(json, at, part->size, r);
	else if (part->parts && depth < NESTED_MAX)
		parts_read(json, part->parts, at, depth + 1, r);
	else if (ws_json_number(json, &number))
		for (size_t i = 0; i < part->size; i++)
			byte_set(r, at + i, number >> 8 * i);
}

static void parts_read(struct ws_json *json, const struct ws_kvm_part *parts, size_t at,
		       unsigned depth, struct registers *r)
{
	struct ws_json_text key;

	if (!ws_json_enter(json, '{'))
		return;
	while (ws_json_key(json, &key)) {
		const struct ws_kvm_part *part = parts;

		while (part->name && !ws_json_is(&key, part->name))
			part++;
		if (part->name)
			part_read(json, part, at + part->offset, depth, r);
		else
			ws_json_skip(json);
	}
}

static bool are_known(const struct ws_kvm_part *part, size_t at,
		      const struct registers *r)
{
	bool known = true;

	for (; part->name && known; part++) {
		size_t here = at + part->offset;

		if (part->parts)
			known = are_known(part->parts, here, r);
		for (size_t i = 0; !part->parts && i < part->size; i++)
			known &= r->known[here + i];
	}
	return known;
}

/* All that an architecture's processors have, and in *size how many bytes that is. */
static bool registers_read(struct ws_json state, const struct ws_kvm_part *parts,
			   struct registers *r, size_t *size)
{
	if (!parts)
		return false;
	*r = (struct registers){ 0 };
	parts_read(&state, parts, 0, 0, r);
	while (parts[1].name)
		parts++;
	*size = parts->offset + parts->size;
	return !state.bad;
}

static enum ws_status cpu_add(const struct cloud *cloud, const struct cpu_node *cpu)
{
	ws_cleanup(text_release) struct text text = { 0 };
	const struct ws_arch *arch;
	struct registers r;
	struct ws_json state;
	size_t size = 0;

	if (!state_of(cpu->node, &text, &state))
		return ws_fail_memory(cloud->target->ctx);
	state = member_of(state, "Kvm");
	for (unsigned i = 0; (arch = ws_arch_at(i)); i++)
		if (registers_read(state, arch->kvm_parts, &r, &size) &&
		    are_known(arch->kvm_parts, 0, &r))
			return ws_target_add_cpu(cloud->target, "KVM", 0, r.bytes, size,
						 offset_in(cloud, cpu->node.at));
	return ws_target_add_note(
		cloud->target,
		"what %s says of processor %ju (file offset %#jx) is not understood: its "
		"registers are unknown",
		cloud->file->path, cpu->number, offset_in(cloud, cpu->node.at));
}

static int by_number(const void *left, const void *right)
{
	const struct cpu_node *a = left, *b = right;

	return a->number == b->number ? 0 : a->number < b->number ? -1 : 1;
}

static enum ws_status cpus_add(struct cloud *cloud)
{
	enum ws_status status = WS_OK;

	if (cloud->cpus.n)
		qsort(cloud->cpus.v, cloud->cpus.n, sizeof(*cloud->cpus.v), by_number);
	ws_vec_each(&cloud->cpus, cpu)
		if (!status)
			status = cpu_add(cloud, cpu);
	return status;
}

/* ---- the tree --------------------------------------------------------------------- */

static enum ws_status cpus_find(struct cloud *cloud, struct ws_json node)
{
	struct ws_json nodes = member_of(node, "snapshots");
	struct ws_json_text key;
	struct cpu_node *cpu;

	ws_json_enter(&nodes, '{');
	while (cloud->cpus.n < CPUS_MAX && ws_json_key(&nodes, &key)) {
		struct ws_json name = { key.text, key.text + key.len, false };

		cpu = ws_vec_push(&cloud->cpus);
		if (!cpu)
			return ws_fail_memory(cloud->target->ctx);
		cpu->node = nodes;
		ws_json_number(&name, &cpu->number);
		ws_json_skip(&nodes);
	}
	return WS_OK;
}

static enum ws_status tree_read(struct cloud *cloud)
{
	const char *text = (const char *)cloud->file->data;
	struct ws_json nodes = member_of(
		(struct ws_json){ text, text + cloud->file->size, false }, "snapshots");
	enum ws_status status = WS_OK;
	struct ws_json_text key;

	ws_json_enter(&nodes, '{');
	while (!status && ws_json_key(&nodes, &key)) {
		if (ws_json_is(&key, "memory-manager"))
			cloud->ranges = nodes;
		if (ws_json_is(&key, "cpu-manager"))
			status = cpus_find(cloud, nodes);
		ws_json_skip(&nodes);
	}
	return status;
}

/* All that was looked for may lie before its end. */
static enum ws_status end_check(const struct cloud *cloud)
{
	const char *text = (const char *)cloud->file->data;
	struct ws_json all = { text, text + cloud->file->size, false };

	return ws_json_skip(&all) && !all.bad
		       ? WS_OK
		       : ws_target_add_note(
				 cloud->target,
				 "%s is cut off or damaged: of processors that it names "
				 "behind that nothing is known",
				 cloud->file->path);
}

static enum ws_status cloud_open(struct ws_target *target,
				 const struct ws_target_options *options)
{
	ws_cleanup(cloud_release) struct cloud cloud = { .target = target,
							 .file = &target->beside };
	enum ws_status status = files_open(target);

	(void)options;
	if (status || (status = tree_read(&cloud)) || (status = ranges_add(&cloud)))
		return status;
	status = cpus_add(&cloud);
	return status ? status : end_check(&cloud);
}

const struct ws_target_ops ws_target_cloud = {
	.kind = "cloud-hypervisor",
	.title = "cloud-hypervisor snapshot",
	.about =
		"Its memory-ranges, with the state.json beside it; either may be named. It "
		"has all registers where the guest is a PC, and else none.",
	.header = "range",
	.probe = cloud_probe,
	.open = cloud_open,
};
