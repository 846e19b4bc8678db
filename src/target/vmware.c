/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * VMware's snapshots and suspended machines: a description (.vmss, .vmsn), and memory in it or
 * in a file of the same name beside it (.vmem). Either file may be named. The description,
 * all little-endian (crash's vmware_vmss.c, which VMware wrote):
 *
 *	u32 magic, u32 version, u32 how many groups; then groups of 80 bytes:
 *	char name[64], u64 offset, u64 size
 *
 * A group is a row of tags, up to one that is two zeroes:
 *
 *	u8 flags	bits 5:0 the value's size, 7:6 how many indices; size 0x3f: a block,
 *			0x3e: one that is compressed
 *	u8 length, name, u32 indices
 *	value		or of a block u64 size, u64 size unpacked, u16 padding, and these
 *
 * In group "memory" regionsCount says in how many regions memory lies, regionPPN[i],
 * regionPageNum[i] and regionSize[i] where in physical memory and in the file, in pages;
 * without regions it begins at physical address 0. A block Memory is it.
 */
#include "target/target.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "target/open.h"
#include "util/bits.h"
#include "util/cleanup.h"

#define HEADER 12
#define GROUP_SIZE 80
#define GROUP_NAME 64
#define GROUPS_MAX 4096u
#define SIZE_MASK 0x3f
#define BLOCK 0x3f
#define BLOCK_PACKED 0x3e
#define BLOCK_HEADER 18
#define INDICES 3
#define TAG_MAX (2u + UINT8_MAX + 4 * INDICES + SIZE_MASK)
#define TAGS_MAX (1u << 22) /* no machine has a hundredth of them */
#define REGIONS_MAX (1u << 20)
#define CPUS_MAX 4096u

static const uint32_t magics[] = { 0xbed2bed2, 0xbed3bed3, 0xbad1bad1 };
#define MAGIC_32_BIT 0xbed2bed0 /* of old versions, with narrower blocks */

enum region_part { PPN, PAGE, SIZE, REGION_PARTS };
static const char *const region_names[] = {
	[PPN] = "regionPPN", [PAGE] = "regionPageNum", [SIZE] = "regionSize"
};
struct region {
	uint64_t part[REGION_PARTS];
	unsigned known; /* a bit for each */
};

struct tag {
	char name[UINT8_MAX + 1];
	unsigned nindices;
	uint32_t index[INDICES];
	uint64_t value; /* a block's size */
	uint64_t at;    /* of a block's bytes */
	bool block, packed;
};

struct description {
	struct ws_target *target;
	struct ws_file *file;
	WS_VEC(struct region) regions;
	uint64_t nregions;
	struct tag memory; /* the block; of no name: none */
	unsigned ntags;
	bool cut;
};

static void description_release(struct description *d)
{
	ws_vec_release(&d->regions);
}

/* ---- two files -------------------------------------------------------------------- */

static bool is_description(const struct ws_file *file)
{
	for (size_t i = 0; i < WS_ARRAY_SIZE(magics) && file->size >= HEADER; i++)
		if (ws_le32(file->data) == magics[i])
			return true;
	return file->size >= HEADER && ws_le32(file->data) == MAGIC_32_BIT;
}

/*
 * path with another end in place of its own four letters, in capitals if they are; NULL: it
 * has none, or memory is short.
 */
static char *beside(const char *path, const char *end)
{
	size_t len = strlen(path);
	char *name = len > 5 && path[len - 5] == '.' ? strdup(path) : NULL;

	for (unsigned i = 0; name && i < 4; i++)
		name[len - 4 + i] = isupper((unsigned char)path[len - 4])
					    ? (char)toupper((unsigned char)end[i])
					    : end[i];
	return name;
}

static bool file_exists(const char *path, const char *end)
{
	ws_autofree char *name = beside(path, end);

	return name && !access(name, F_OK);
}

static bool is_memory(const char *path)
{
	return ws_path_ends_in(path, ".vmem") &&
	       (file_exists(path, "vmss") || file_exists(path, "vmsn"));
}

static bool vmware_probe(const struct ws_file *file)
{
	return is_description(file) || is_memory(file->path);
}

static enum ws_status open_beside(struct ws_target *target, const char *end,
				  struct ws_file *file)
{
	*file = (struct ws_file){ .path = beside(target->file.path, end),
				  .fd = -1,
				  .memory = target->file.memory };
	if (!file->path)
		return ws_fail(target->ctx, WS_ERR_UNREADABLE,
			       "%s: has no memory in it, and no name with .vmss or .vmsn "
			       "at its end, beside which a .vmem could be looked for",
			       target->file.path);
	return ws_file_open(target->ctx, file);
}

/* ---- tags ------------------------------------------------------------------------- */

static enum ws_status read_failed(const struct description *d)
{
	return ws_fail(d->target->ctx, WS_ERR_SYSTEM, "%s: %s", d->file->path,
		       strerror(d->file->error));
}

/* Parses one of got bytes that lie at *at, which moves on; false: it is not whole. */
static bool tag_parse(const uint8_t *p, size_t got, uint64_t *at, struct tag *tag)
{
	size_t size = p[0] & SIZE_MASK, len = p[1], head;

	tag->nindices = p[0] >> 6;
	tag->block = size >= BLOCK_PACKED;
	tag->packed = size == BLOCK_PACKED;
	head = 2 + len + 4 * tag->nindices;
	if (got < head + (tag->block ? BLOCK_HEADER : size))
		return false;
	memcpy(tag->name, p + 2, len);
	tag->name[len] = '\0';
	for (unsigned i = 0; i < tag->nindices; i++)
		tag->index[i] = ws_le32(p + 2 + len + 4 * i);
	tag->value = 0;
	for (size_t i = 0; !tag->block && i < size && i < 8; i++)
		tag->value |= (uint64_t)p[head + i] << 8 * i;
	*at += head + size;
	if (!tag->block)
		return true;
	tag->value = ws_le64(p + head);
	tag->at = *at - size + BLOCK_HEADER + ws_le16(p + head + 16);
	*at = tag->at + tag->value;
	return *at >= tag->at;
}

static enum ws_status region_take(struct description *d, const struct tag *tag,
				  enum region_part part)
{
	struct region *region;

	if (!tag->nindices || tag->index[0] >= REGIONS_MAX)
		return WS_OK;
	while (d->regions.n <= tag->index[0]) {
		region = ws_vec_push(&d->regions);
		if (!region)
			return ws_fail_memory(d->target->ctx);
	}
	region = &d->regions.v[tag->index[0]];
	region->part[part] = tag->value;
	region->known |= 1u << part;
	return WS_OK;
}

static enum ws_status memory_tag(struct description *d, const struct tag *tag)
{
	if (!strcmp(tag->name, "regionsCount"))
		d->nregions = tag->value;
	if (!strcmp(tag->name, "Memory") && tag->block && !*d->memory.name)
		d->memory = *tag;
	for (unsigned part = 0; part < REGION_PARTS; part++)
		if (!strcmp(tag->name, region_names[part]))
			return region_take(d, tag, part);
	return WS_OK;
}

static const struct ws_monitor_register *register_of(const struct tag *tag,
						     const struct ws_arch **arch)
{
	for (unsigned i = 0; (*arch = ws_arch_at(i)); i++)
		for (const struct ws_monitor_register *r = (*arch)->monitor_registers;
		     r && r->name; r++)
			if (!strcmp(r->name, tag->name) &&
			    (r->index < 0 ? tag->nindices == 1
					  : tag->nindices == 2 &&
						    tag->index[1] == (uint32_t)r->index))
				return r;
	return NULL;
}

static enum ws_status cpu_tag(struct description *d, const struct tag *tag)
{
	const struct ws_arch *arch;
	const struct ws_monitor_register *r = register_of(tag, &arch);
	struct ws_cpu *cpu;

	if (!r || tag->block || tag->index[0] >= CPUS_MAX)
		return WS_OK;
	while (d->target->cpus.n <= tag->index[0]) {
		cpu = ws_vec_push(&d->target->cpus);
		if (!cpu)
			return ws_fail_memory(d->target->ctx);
		cpu->arch = arch;
	}
	cpu = &d->target->cpus.v[tag->index[0]];
	ws_cpu_set(cpu, r->number, cpu->reg[r->number] | tag->value << r->shift);
	return WS_OK;
}

static const struct {
	const char *name;
	enum ws_status (*take)(struct description *d, const struct tag *tag);
} groups[] = { { "memory", memory_tag }, { "cpu", cpu_tag } };

static enum ws_status tags_read(struct description *d, uint64_t at,
				enum ws_status (*take)(struct description *d,
						       const struct tag *tag))
{
	enum ws_status status = WS_OK;
	uint8_t bytes[TAG_MAX + BLOCK_HEADER];
	struct tag tag = { 0 };
	size_t got;

	while (!status && d->ntags++ < TAGS_MAX) {
		if (ws_file_read(d->file, at, bytes, sizeof(bytes), &got) == WS_FAILED)
			return read_failed(d);
		if (got >= 2 && !bytes[0] && !bytes[1])
			return WS_OK;
		d->cut = got < 2 || !tag_parse(bytes, got, &at, &tag);
		if (d->cut)
			return WS_OK;
		status = take(d, &tag);
	}
	d->cut |= !status;
	return status;
}

static enum ws_status group_read(struct description *d, uint32_t number)
{
	uint8_t group[GROUP_SIZE];
	enum ws_evidence evidence =
		ws_file_read(d->file, HEADER + (uint64_t)number * GROUP_SIZE, group,
			     sizeof(group), NULL);

	if (evidence == WS_FAILED)
		return read_failed(d);
	d->cut |= evidence == WS_ABSENT;
	for (size_t i = 0; i < WS_ARRAY_SIZE(groups) && !d->cut; i++)
		if (!strncmp((const char *)group, groups[i].name, GROUP_NAME))
			return tags_read(d, ws_le64(group + GROUP_NAME), groups[i].take);
	return WS_OK;
}

static enum ws_status description_read(struct description *d)
{
	uint32_t n = ws_le32(d->file->data + 8);
	enum ws_status status = WS_OK;

	if (ws_le32(d->file->data) == MAGIC_32_BIT)
		return ws_fail(
			d->target->ctx, WS_ERR_UNSUPPORTED,
			"%s: a description of VMware's old form (magic %#x at file "
			"offset 0), which is not read",
			d->file->path, MAGIC_32_BIT);
	for (uint32_t i = 0; i < n && i < GROUPS_MAX && !status && !d->cut; i++)
		status = group_read(d, i);
	if (status || !d->cut)
		return status;
	ws_target_reaches(d->target, WS_PHYSICAL_END);
	return ws_target_add_note(
		d->target,
		"%s is cut off or damaged in its tags: what else it says "
		"of memory and of registers is unknown",
		d->file->path);
}

/* ---- memory ----------------------------------------------------------------------- */

static enum ws_status region_add(struct description *d, uint64_t number, uint64_t base)
{
	static const struct region none;
	const struct region *r = number < d->regions.n ? &d->regions.v[number] : &none;
	uint64_t most = WS_PHYSICAL_END / WS_FRAME_SIZE, pa, len;
	const char *flaw = NULL;

	if (r->known != (1u << REGION_PARTS) - 1)
		flaw = "not all that is needed is said of it";
	else if (r->part[PPN] > most || r->part[SIZE] > most - r->part[PPN] ||
		 r->part[PAGE] > most)
		flaw = "it ends past the last physical address that a processor can have";
	pa = r->part[PPN] * WS_FRAME_SIZE;
	len = r->part[SIZE] * WS_FRAME_SIZE;
	if (flaw)
		return ws_target_leave(d->target, number, &(struct ws_extent){ pa, len },
				       "%s", flaw);
	return ws_target_add_from_file(d->target, pa, len,
				       base + r->part[PAGE] * WS_FRAME_SIZE, number);
}

static enum ws_status memory_add(struct description *d)
{
	struct ws_target *target = d->target;
	bool inside = *d->memory.name;
	uint64_t base = inside ? d->memory.at : 0;
	uint64_t size = inside ? d->memory.value : target->file.size;
	enum ws_status status = WS_OK;

	if (!d->nregions)
		return ws_target_add_from_file(
			target, 0, size < WS_PHYSICAL_END ? size : WS_PHYSICAL_END, base,
			0);
	if (d->nregions > REGIONS_MAX)
		return ws_fail(target->ctx, WS_ERR_MALFORMED,
			       "%s: %ju regions of memory are more than any machine has",
			       d->file->path, d->nregions);
	for (uint64_t i = 0; i < d->nregions && !status; i++)
		status = region_add(d, i, base);
	return status;
}

/* Memory becomes the target's file, and the description the one beside it. */
static enum ws_status memory_take(struct description *d)
{
	struct ws_target *target = d->target;
	struct ws_file memory;
	enum ws_status status;

	if (d->cut && !d->nregions)
		return ws_fail(target->ctx, WS_ERR_UNREADABLE,
			       "%s: is cut off or damaged before it says where memory "
			       "lies",
			       d->file->path);
	if (*d->memory.name && d->memory.packed)
		return ws_fail(
			target->ctx, WS_ERR_UNSUPPORTED,
			"%s: its memory is compressed (file offset %#jx), which is "
			"not read: take a snapshot whose memory is beside it, in a "
			".vmem",
			d->file->path, d->memory.at);
	if (*d->memory.name || d->file == &target->beside)
		return memory_add(d);
	status = open_beside(target, "vmem", &memory);
	target->beside = target->file;
	target->file = memory;
	d->file = &target->beside;
	return status ? status : memory_add(d);
}

static enum ws_status vmware_open(struct ws_target *target,
				  const struct ws_target_options *options)
{
	ws_cleanup(description_release) struct description d = { .target = target,
								 .file = &target->file };
	enum ws_status status = WS_OK;

	(void)options;
	if (!is_description(&target->file)) {
		const char *end =
			file_exists(target->file.path, "vmss") ? "vmss" : "vmsn";

		d.file = &target->beside;
		status = open_beside(target, end, d.file);
	}
	if (!status && !is_description(d.file))
		return ws_fail(target->ctx, WS_ERR_UNREADABLE,
			       "%s: no description of VMware's at file offset 0",
			       d.file->path);
	if (status || (status = description_read(&d)))
		return status;
	return memory_take(&d);
}

const struct ws_target_ops ws_target_vmware = {
	.kind = "vmware",
	.title = "VMware snapshot",
	.about =
		"A .vmss or .vmsn with its memory in it or in a .vmem beside it; either may "
		"be named. Its processors have general and control registers, not all "
		"that what-if needs.",
	.header = "region",
	.probe = vmware_probe,
	.open = vmware_open,
};
