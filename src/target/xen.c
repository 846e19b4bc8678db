/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Xen's cores (`xl dump-core'; docs/misc/dump-core-format.txt): ELF without program headers,
 * whose sections are
 *
 *	.xen_prstatus	a processor's struct vcpu_guest_context after the other
 *	.xen_pages	pages of memory
 *	.xen_pfn	u64 the frame number of each of them, of a domain whose memory Xen
 *			translates (HVM, PVH); all ones: of none
 *	.xen_p2m	in its place, of a domain without (PV): also their machine frames
 *
 * A PV domain's page tables hold machine frames, which its kernel's own idea of physical
 * memory is not: these are refused. The ELF machine is that of the tool, not of the guest.
 */
#include "target/target.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/bits.h"
#include "util/cleanup.h"

#define NO_FRAME UINT64_MAX
#define ENTRY 8    /* bytes in the list of frames */
#define READ 4096u /* entries at a time */

struct section {
	uint64_t offset, size, entsize;
};

struct xen {
	struct section pages, pfn, p2m, prstatus;
};

/* Those that are of use, by name. */
static const struct {
	const char *name;
	size_t place;
} wanted[] = {
	{ ".xen_pages", offsetof(struct xen, pages) },
	{ ".xen_pfn", offsetof(struct xen, pfn) },
	{ ".xen_p2m", offsetof(struct xen, p2m) },
	{ ".xen_prstatus", offsetof(struct xen, prstatus) },
};

static bool xen_probe(const struct ws_file *file)
{
	const uint8_t *e = file->data;

	return file->size >= sizeof(Elf64_Ehdr) && !memcmp(e, ELFMAG, SELFMAG) &&
	       e[EI_CLASS] == ELFCLASS64 && e[EI_DATA] == ELFDATA2LSB &&
	       ws_le16(e + offsetof(Elf64_Ehdr, e_type)) == ET_CORE &&
	       !ws_le16(e + offsetof(Elf64_Ehdr, e_phnum)) &&
	       ws_le16(e + offsetof(Elf64_Ehdr, e_shnum));
}

/* ---- sections --------------------------------------------------------------------- */

static struct section section_at(const uint8_t *shdr)
{
	return (struct section){
		.offset = ws_le64(shdr + offsetof(Elf64_Shdr, sh_offset)),
		.size = ws_le64(shdr + offsetof(Elf64_Shdr, sh_size)),
		.entsize = ws_le64(shdr + offsetof(Elf64_Shdr, sh_entsize)),
	};
}

/* Whether the name at that offset of the names is the one; they need not end. */
static bool is_named(const uint8_t *names, uint64_t size, uint32_t at, const char *name)
{
	size_t len = strlen(name) + 1;

	return at < size && size - at >= len && !memcmp(names + at, name, len);
}

static void section_take(struct xen *xen, const uint8_t *shdr, const uint8_t *names,
			 uint64_t size)
{
	for (size_t i = 0; i < WS_ARRAY_SIZE(wanted); i++)
		if (is_named(names, size, ws_le32(shdr), wanted[i].name))
			*(struct section *)((char *)xen + wanted[i].place) =
				section_at(shdr);
}

static enum ws_status sections_read(struct ws_target *target, struct xen *xen)
{
	const uint8_t *data = target->file.data;
	uint64_t shoff = ws_le64(data + offsetof(Elf64_Ehdr, e_shoff));
	uint16_t shnum = ws_le16(data + offsetof(Elf64_Ehdr, e_shnum));
	uint16_t shstrndx = ws_le16(data + offsetof(Elf64_Ehdr, e_shstrndx));
	struct section names;
	enum ws_status status;

	status = ws_target_need(target, shoff, (uint64_t)shnum * sizeof(Elf64_Shdr),
				"table of %u section headers", shnum);
	if (status)
		return status;
	if (shstrndx >= shnum)
		return ws_fail(target->ctx, WS_ERR_MALFORMED,
			       "%s: the section of names is %u of %u (file offset %#zx)",
			       target->file.path, shstrndx, shnum,
			       offsetof(Elf64_Ehdr, e_shstrndx));
	names = section_at(data + shoff + shstrndx * sizeof(Elf64_Shdr));
	status = ws_target_need(target, names.offset, names.size, "names of sections");
	for (uint16_t i = 0; i < shnum && !status; i++)
		section_take(xen, data + shoff + i * sizeof(Elf64_Shdr),
			     data + names.offset, names.size);
	return status;
}

static enum ws_status sections_check(struct ws_target *target, const struct xen *xen)
{
	const char *path = target->file.path;

	if (!xen->pages.size)
		return ws_fail(target->ctx, WS_ERR_MALFORMED,
			       "%s: an ELF core without program headers, and no core of "
			       "Xen's: it has no section .xen_pages",
			       path);
	if (xen->pfn.size)
		return WS_OK;
	if (xen->p2m.size)
		return ws_fail(
			target->ctx, WS_ERR_UNSUPPORTED,
			"%s: the core of a PV domain (section .xen_p2m), whose page "
			"tables hold machine frames: take the dump inside the "
			"guest, with LiME, AVML or kdump",
			path);
	return ws_fail(target->ctx, WS_ERR_MALFORMED,
		       "%s: no section .xen_pfn: where its pages lie is not known", path);
}

/* ---- memory ----------------------------------------------------------------------- */

/* Pages that follow one another in the file and in memory: nothing yet if n is 0. */
struct run {
	uint64_t entry, pfn, n;
	uint64_t least;  /* where the run before it ends: less is out of order; 0: none */
	uint64_t before; /* and it, were that run the one that is wrong */
};

/*
 * xc_domain_dumpcore() lists frames in their order. One that is out of it, between two that
 * are not, is wrong, and what lies there would be another page's. Where the one before may
 * be wrong as well, nothing tells which is.
 */
static bool is_out_of_order(const struct run *run, uint64_t next)
{
	return run->n == 1 && run->least && run->least <= next &&
	       (run->pfn < run->before || run->pfn > next);
}

static struct run run_after(const struct run *last, uint64_t entry, uint64_t pfn)
{
	struct run run = { .entry = entry, .pfn = pfn, .n = pfn != NO_FRAME };

	if (!last->n || is_out_of_order(last, pfn)) {
		run.least = last->least;
		run.before = last->before;
	} else {
		run.least = last->pfn + last->n;
		run.before = last->n > 1 ? run.least - 1 : last->least;
	}
	return run;
}

static enum ws_status run_add(struct ws_target *target, const struct xen *xen,
			      const struct run *run)
{
	uint64_t size = run->n * WS_FRAME_SIZE, pa = run->pfn * WS_FRAME_SIZE;

	if (run->n &&
	    (run->pfn >= WS_PHYSICAL_END / WS_FRAME_SIZE || size > WS_PHYSICAL_END - pa))
		return ws_target_leave(target, run->entry,
				       &(struct ws_extent){ pa, size },
				       "its frame number %#jx is more than any processor "
				       "can have",
				       run->pfn);
	return ws_target_add_from_file(target, pa, size,
				       xen->pages.offset + run->entry * WS_FRAME_SIZE,
				       run->entry);
}

static enum ws_status run_leave(struct ws_target *target, const struct run *run)
{
	return ws_target_leave(
		target, run->entry,
		&(struct ws_extent){ run->pfn * WS_FRAME_SIZE, WS_FRAME_SIZE },
		"its frame number %#jx is out of the order of those before and behind",
		run->pfn);
}

static enum ws_status entries_add(struct ws_target *target, const struct xen *xen,
				  const uint8_t *list, uint64_t first, uint64_t n,
				  struct run *run)
{
	enum ws_status status = WS_OK;

	for (uint64_t i = 0; i < n && !status; i++) {
		uint64_t pfn = ws_le64(list + i * ENTRY);

		if (run->n && pfn == run->pfn + run->n && pfn != NO_FRAME) {
			run->n++;
			continue;
		}
		status = is_out_of_order(run, pfn) ? run_leave(target, run)
						   : run_add(target, xen, run);
		*run = run_after(run, first + i, pfn);
	}
	return status;
}

/* How many pages there are: as many as both sections have. */
static enum ws_status count_pages(struct ws_target *target, const struct xen *xen,
				  uint64_t *n)
{
	uint64_t listed = xen->pfn.size / ENTRY, pages = xen->pages.size / WS_FRAME_SIZE;

	*n = listed < pages ? listed : pages;
	if (xen->pfn.offset > UINT64_MAX - xen->pfn.size)
		*n = 0;
	if (xen->pages.offset > UINT64_MAX - *n * WS_FRAME_SIZE)
		return ws_fail(target->ctx, WS_ERR_MALFORMED,
			       "%s: the place of section .xen_pages in the file wraps "
			       "(offset %#jx)",
			       target->file.path, xen->pages.offset);
	if (listed == pages)
		return WS_OK;
	ws_target_reaches(target, WS_PHYSICAL_END);
	return ws_target_add_note(
		target,
		"%ju pages are listed in section .xen_pfn, and %ju are in .xen_pages: the "
		"dump is damaged, and what lay in the others is unknown",
		listed, pages);
}

/* The list lies behind the pages: what is cut off by more than a little has none of it. */
static enum ws_status list_missing(struct ws_target *target, const struct xen *xen,
				   uint64_t n)
{
	uint64_t size = target->file.size, at = xen->pages.offset;
	uint64_t here = size > at ? (size - at) / WS_FRAME_SIZE : 0;

	return ws_fail(target->ctx, WS_ERR_UNREADABLE,
		       "%s: ends at byte %#jx, before its list of frames, .xen_pfn (file "
		       "offset %#jx): where the %ju of %ju pages lie that are in it is "
		       "unknown",
		       target->file.path, size, xen->pfn.offset, here < n ? here : n, n);
}

static enum ws_status list_cut(struct ws_target *target, const struct xen *xen,
			       uint64_t entry, uint64_t n)
{
	if (!entry)
		return list_missing(target, xen, n);
	ws_target_reaches(target, WS_PHYSICAL_END);
	return ws_target_add_note(
		target,
		"the dump is cut off in its list of frames, .xen_pfn, or the section's "
		"header is damaged: where the last %ju of %ju pages lie is unknown",
		n - entry, n);
}

static enum ws_status memory_add(struct ws_target *target, const struct xen *xen)
{
	ws_autofree uint8_t *list = malloc(READ * ENTRY);
	struct run run = { 0 };
	uint64_t n = 0, got;
	enum ws_status status =
		list ? count_pages(target, xen, &n) : ws_fail_memory(target->ctx);

	for (uint64_t at = 0; at < n && !status; at += got) {
		uint64_t want = n - at < READ ? n - at : READ;
		size_t have = 0;

		if (ws_file_read(&target->file, xen->pfn.offset + at * ENTRY, list,
				 want * ENTRY, &have) == WS_FAILED)
			return ws_fail(target->ctx, WS_ERR_SYSTEM, "%s: .xen_pfn: %s",
				       target->file.path, strerror(target->file.error));
		got = have / ENTRY;
		status = entries_add(target, xen, list, at, got, &run);
		if (!status && got < want) {
			status = list_cut(target, xen, at + got, n);
			break;
		}
	}
	return status ? status : run_add(target, xen, &run);
}

/* ---- processors ------------------------------------------------------------------- */

#define CPUS_MAX 4096 /* HVM_MAX_VCPUS was 128, and is 4096 in newer ones */

/* Who writes only memory leaves them so. */
static bool is_zero(const uint8_t *bytes, uint64_t size)
{
	return !*bytes && !memcmp(bytes, bytes + 1, size - 1);
}

static enum ws_status cpu_add(struct ws_target *target, uint64_t number, uint64_t at,
			      uint64_t size)
{
	const uint8_t *bytes = target->file.data + at;

	if (is_zero(bytes, size))
		return ws_target_add_note(
			target,
			"section .xen_prstatus (file offset %#jx) has "
			"zeros for processor %ju: it holds no registers",
			at, number);
	return ws_target_add_cpu(target, ".xen_prstatus", 0, bytes, size, at);
}

static enum ws_status cpus_add(struct ws_target *target, const struct xen *xen)
{
	const struct section *s = &xen->prstatus;
	uint64_t room = s->offset < target->file.size ? target->file.size - s->offset : 0;
	uint64_t n = s->entsize ? s->size / s->entsize : 0;
	enum ws_status status = WS_OK;

	if (!n || n > CPUS_MAX || s->entsize > WS_HEADER_MAX / CPUS_MAX || s->size > room)
		return s->size ? ws_target_add_note(
					 target,
					 "section .xen_prstatus (file offset %#jx) is "
					 "damaged or cut off: no registers are known",
					 s->offset)
			       : WS_OK;
	status = ws_target_need(target, s->offset, s->size, "section .xen_prstatus");
	for (uint64_t i = 0; i < n && !status; i++)
		status = cpu_add(target, i, s->offset + i * s->entsize, s->entsize);
	return status;
}

static enum ws_status xen_open(struct ws_target *target,
			       const struct ws_target_options *options)
{
	struct xen xen = { 0 };
	enum ws_status status;

	(void)options;
	status = ws_target_need(target, 0, sizeof(Elf64_Ehdr), "ELF header");
	if (!status && !xen_probe(&target->file))
		return ws_fail(target->ctx, WS_ERR_UNREADABLE,
			       "%s: no ELF core without program headers, as Xen's are",
			       target->file.path);
	if (status || (status = sections_read(target, &xen)) ||
	    (status = sections_check(target, &xen)) || (status = cpus_add(target, &xen)))
		return status;
	return memory_add(target, &xen);
}

const struct ws_target_ops ws_target_xen = {
	.kind = "xen",
	.title = "Xen core",
	.about =
		"xl dump-core of an HVM or PVH domain. Its processors have general and "
		"control registers, not where descriptor tables lie: what-if cannot begin.",
	.header = "listed page",
	.probe = xen_probe,
	.open = xen_open,
};
