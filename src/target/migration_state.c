/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a migration stream says of the state of its devices. How long a state is, and what its
 * fields are, is not in it; but behind its end there is a description for whoever looks at
 * streams (QEMU docs/devel/migration, scripts/analyze-migration.py):
 *
 *	u8 0 (the end), u8 6, u32 length, {"devices": [device, ...], ...}
 *
 *	device		"name", "instance_id", "fields": [field, ...], "subsections": [...]
 *	field		"name", "size"; of an array, of which only one is described,
 *			"array_len", or else which it is, "index"; "struct": {"fields": ...}
 *	subsection	"vmsd_name", "fields", "subsections"; in the stream behind the fields: u8
 *			5, u8 length, name, u32 version, and its own fields
 */
#include "target/migration.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"

#define NO_INDEX UINT64_MAX
#define MEMBERS_MAX 8 /* of a structure, that are looked at */
#define NESTED_MAX 8  /* subsections in each other */
#define DESCRIPTION 6
#define DESCRIPTION_HEADER 6

/* ---- where the description is ------------------------------------------------------ */

/* Whether a description of that many bytes begins there, and ends as one does. */
static enum ws_evidence is_description(struct ws_target *target, uint64_t at,
				       uint64_t len)
{
	char first, last;
	enum ws_evidence evidence;

	if (len < 2 || len > WS_HEADER_MAX || len > target->file.size - at)
		return WS_ABSENT;
	evidence = ws_file_read(&target->file, at, &first, 1, NULL);
	if (evidence == WS_READ)
		evidence = ws_file_read(&target->file, at + len - 1, &last, 1, NULL);
	return evidence == WS_READ && (first != '{' || last != '}') ? WS_ABSENT
								    : evidence;
}

static enum ws_status description_hold(struct ws_target *target, uint64_t at,
				       uint64_t len, struct ws_state_layout *layout)
{
	struct ws_json_text key;
	enum ws_status status =
		ws_target_need(target, at, len, "description of a migration stream");

	if (status)
		return status;
	layout->text = (const char *)target->file.data + at;
	layout->next = (struct ws_json){ layout->text, layout->text + len, false };
	if (!ws_json_enter(&layout->next, '{'))
		return WS_OK;
	while (ws_json_key(&layout->next, &key)) {
		if (ws_json_is(&key, "devices")) {
			ws_json_enter(&layout->next, '[');
			return WS_OK;
		}
		ws_json_skip(&layout->next);
	}
	layout->next.bad = true;
	return WS_OK;
}

/* The last of bytes[0..got), at that offset of the file, that begins a description. */
static enum ws_status try_block(struct ws_target *target, const uint8_t *bytes,
				size_t got, uint64_t at, struct ws_state_layout *layout)
{
	for (size_t i = got; i-- && !layout->text;) {
		uint64_t begin = at + i + DESCRIPTION_HEADER, len;
		enum ws_evidence evidence;

		if (i + DESCRIPTION_HEADER >= got || bytes[i] ||
		    bytes[i + 1] != DESCRIPTION)
			continue;
		len = ws_be32(bytes + i + 2);
		evidence = is_description(target, begin, len);
		if (evidence == WS_FAILED)
			return ws_fail(target->ctx, WS_ERR_SYSTEM, "%s: %s",
				       target->file.path, strerror(target->file.error));
		if (evidence == WS_READ)
			return description_hold(target, begin, len, layout);
	}
	return WS_OK;
}

/* It is looked for from the end of the file on, of which it mostly is the end. */
enum ws_status ws_layout_find(struct ws_target *target, uint64_t from,
			      struct ws_state_layout *layout)
{
	ws_autofree uint8_t *buffer = malloc(WS_SCAN_CHUNK + DESCRIPTION_HEADER + 1);
	uint64_t size = target->file.size, at = size, lowest = from;
	enum ws_status status = buffer ? WS_OK : ws_fail_memory(target->ctx);

	if (size - from > WS_HEADER_MAX)
		lowest = size - WS_HEADER_MAX;
	while (at > lowest && !status && !layout->text) {
		size_t got = 0;

		at = at - lowest > WS_SCAN_CHUNK ? at - WS_SCAN_CHUNK : lowest;
		if (ws_file_read(&target->file, at, buffer,
				 WS_SCAN_CHUNK + DESCRIPTION_HEADER + 1,
				 &got) == WS_FAILED)
			return ws_fail(target->ctx, WS_ERR_SYSTEM, "%s: %s",
				       target->file.path, strerror(target->file.error));
		status = try_block(target, buffer, got, at, layout);
	}
	return status;
}

/* ---- fields ------------------------------------------------------------------------ */

struct member {
	struct ws_json_text name;
	uint64_t offset, size;
};

struct field {
	struct ws_json_text name;
	uint64_t offset; /* of its first element, in the state */
	uint64_t size;   /* of one */
	uint64_t count, index;
	struct member members[MEMBERS_MAX];
	unsigned nmembers;
};

static bool add(uint64_t *sum, uint64_t n, uint64_t times)
{
	uint64_t product;

	return !__builtin_mul_overflow(n, times, &product) &&
	       !__builtin_add_overflow(*sum, product, sum);
}

/* A member of a field whose offset in it is *at, which moves on. */
static bool member_parse(struct ws_json *json, struct field *field, uint64_t *at)
{
	struct ws_json_text key;
	struct member member = { .offset = *at };
	uint64_t count = 1;

	if (!ws_json_enter(json, '{'))
		return false;
	while (ws_json_key(json, &key)) {
		if (ws_json_is(&key, "name"))
			ws_json_string(json, &member.name);
		else if (ws_json_is(&key, "size"))
			ws_json_number(json, &member.size);
		else if (ws_json_is(&key, "array_len"))
			ws_json_number(json, &count);
		else
			ws_json_skip(json);
	}
	if (field->nmembers < MEMBERS_MAX)
		field->members[field->nmembers++] = member;
	return !json->bad && add(at, member.size, count);
}

static bool members_parse(struct ws_json *json, struct field *field)
{
	struct ws_json_text key;
	uint64_t at = 0;
	bool sound = ws_json_enter(json, '{');

	while (sound && ws_json_key(json, &key)) {
		if (!ws_json_is(&key, "fields")) {
			ws_json_skip(json);
			continue;
		}
		sound = ws_json_enter(json, '[');
		while (sound && ws_json_item(json))
			sound = member_parse(json, field, &at);
	}
	return sound && !json->bad;
}

static bool field_parse(struct ws_json *json, struct field *field)
{
	struct ws_json_text key;
	bool sound = ws_json_enter(json, '{');

	while (sound && ws_json_key(json, &key)) {
		if (ws_json_is(&key, "name"))
			ws_json_string(json, &field->name);
		else if (ws_json_is(&key, "size"))
			ws_json_number(json, &field->size);
		else if (ws_json_is(&key, "array_len"))
			ws_json_number(json, &field->count);
		else if (ws_json_is(&key, "index"))
			ws_json_number(json, &field->index);
		else if (ws_json_is(&key, "struct"))
			sound = members_parse(json, field);
		else
			ws_json_skip(json);
	}
	return sound && !json->bad;
}

/* The next field of those that were entered, behind *offset bytes of others. */
static bool field_next(struct ws_json *json, uint64_t *offset, struct field *field)
{
	*field = (struct field){ .offset = *offset, .count = 1, .index = NO_INDEX };
	return ws_json_item(json) && field_parse(json, field) &&
	       add(offset, field->size, field->count);
}

/* ---- devices ----------------------------------------------------------------------- */

static bool fields_measure(struct ws_json *json, uint64_t *len)
{
	struct field field;

	if (!ws_json_enter(json, '['))
		return false;
	while (field_next(json, len, &field))
		;
	return !json->bad;
}

static bool subsections_measure(struct ws_json *json, uint64_t *len, unsigned depth);

/* A subsection has its name in front, and what a device has. */
static bool subsection_measure(struct ws_json *json, uint64_t *len, unsigned depth)
{
	struct ws_json_text key, name = { 0 };
	bool sound = ws_json_enter(json, '{');

	while (sound && ws_json_key(json, &key)) {
		if (ws_json_is(&key, "vmsd_name"))
			ws_json_string(json, &name);
		else if (ws_json_is(&key, "fields"))
			sound = fields_measure(json, len);
		else if (ws_json_is(&key, "subsections"))
			sound = subsections_measure(json, len, depth + 1);
		else
			ws_json_skip(json);
	}
	return sound && !json->bad && add(len, 1 + 1 + name.len + 4, 1);
}

static bool subsections_measure(struct ws_json *json, uint64_t *len, unsigned depth)
{
	bool sound = depth < NESTED_MAX && ws_json_enter(json, '[');

	while (sound && ws_json_item(json))
		sound = subsection_measure(json, len, depth);
	return sound && !json->bad;
}

struct described {
	struct ws_json_text name;
	uint64_t instance;
	struct ws_device_layout device;
};

static bool device_parse(struct ws_json *json, struct described *d)
{
	struct ws_json_text key;
	bool sound = ws_json_enter(json, '{');

	while (sound && ws_json_key(json, &key)) {
		if (ws_json_is(&key, "name")) {
			ws_json_string(json, &d->name);
		} else if (ws_json_is(&key, "instance_id")) {
			ws_json_number(json, &d->instance);
		} else if (ws_json_is(&key, "fields")) {
			d->device.fields = *json;
			sound = fields_measure(json, &d->device.len);
		} else if (ws_json_is(&key, "subsections")) {
			sound = subsections_measure(json, &d->device.len, 0);
		} else {
			ws_json_skip(json);
		}
	}
	return sound && !json->bad;
}

bool ws_layout_device(struct ws_state_layout *layout, const char *name, uint32_t instance,
		      struct ws_device_layout *device)
{
	while (layout->text && ws_json_item(&layout->next)) {
		struct described d = { 0 };

		if (!device_parse(&layout->next, &d)) {
			layout->next.bad = true;
			return false;
		}
		*device = d.device;
		if (ws_json_is(&d.name, name) && d.instance == instance)
			return true;
	}
	return false;
}

/* ---- processors -------------------------------------------------------------------- */

/* A processor as one architecture sees it. */
struct reading {
	const struct ws_qemu_state *state;
	struct field keys;
	const uint8_t *bytes;
	uint64_t len;
	struct ws_cpu cpu;
};

static bool number_at(const struct reading *r, uint64_t at, uint64_t size,
		      uint64_t *value)
{
	*value = 0;
	if (!size || size > sizeof(*value) || at > r->len || size > r->len - at)
		return false;
	for (uint64_t i = 0; i < size; i++)
		*value = *value << 8 | r->bytes[at + i];
	return true;
}

static void number_take(struct reading *r, const struct ws_qemu_field *row, uint64_t at,
			uint64_t size)
{
	uint64_t value;

	if (number_at(r, at, size, &value))
		ws_cpu_set(&r->cpu, row->number, value);
}

/* Which element has that key; as many as there are bytes, at most. */
static bool element_of(const struct reading *r, uint64_t key, uint64_t *element)
{
	const struct field *keys = &r->keys;
	uint64_t value, at = keys->offset;

	for (*element = 0; *element < keys->count; ++*element, at += keys->size) {
		if (!number_at(r, at, keys->size, &value))
			return false;
		if (value == key)
			return true;
	}
	return false;
}

/* What a row asks of a field that has its name. */
static void row_take(struct reading *r, const struct ws_qemu_field *row,
		     const struct field *field)
{
	uint64_t element = field->index == NO_INDEX ? row->index : 0;
	uint64_t at = field->offset;

	if (row->key && !element_of(r, row->key, &element))
		return;
	if ((field->index != NO_INDEX && field->index != row->index) ||
	    element >= field->count || !add(&at, field->size, element))
		return;
	if (!row->member)
		number_take(r, row, at, field->size);
	for (unsigned i = 0; row->member && i < field->nmembers; i++) {
		const struct member *member = &field->members[i];
		uint64_t here = at;

		if (ws_json_is(&member->name, row->member) &&
		    add(&here, member->offset, 1))
			number_take(r, row, here, member->size);
	}
}

static void fields_take(struct reading *r, const struct ws_device_layout *device)
{
	struct ws_json json = device->fields;
	struct field field;
	uint64_t offset = 0;

	if (!ws_json_enter(&json, '['))
		return;
	while (field_next(&json, &offset, &field)) {
		if (r->state->keys && ws_json_is(&field.name, r->state->keys))
			r->keys = field;
		for (const struct ws_qemu_field *row = r->state->fields; row->name; row++)
			if (ws_json_is(&field.name, row->name))
				row_take(r, row, &field);
	}
}

static bool is_whole(const struct reading *r)
{
	const struct ws_qemu_state *state = r->state;

	for (const struct ws_qemu_field *row = state->fields; row->name; row++)
		if (!row->optional && !ws_cpu_knows(&r->cpu, row->number))
			return false;
	return !state->is || state->is(&r->cpu);
}

enum ws_status ws_migration_cpu(struct ws_target *target,
				const struct ws_device_layout *device,
				const uint8_t *bytes, uint64_t at)
{
	const struct ws_arch *arch;
	struct ws_cpu *cpu;

	for (unsigned i = 0; (arch = ws_arch_at(i)); i++) {
		struct reading r = { .bytes = bytes,
				     .len = device->len,
				     .cpu = { .arch = arch } };

		if (!arch->qemu_state)
			continue;
		r.state = arch->qemu_state;
		fields_take(&r, device);
		if (!is_whole(&r))
			continue;
		cpu = ws_vec_push(&target->cpus);
		if (!cpu)
			return ws_fail_memory(target->ctx);
		*cpu = r.cpu;
		return WS_OK;
	}
	return ws_target_add_note(
		target,
		"the processor whose state is at file offset %#jx is of no "
		"architecture that is known: its registers are unknown",
		at);
}
