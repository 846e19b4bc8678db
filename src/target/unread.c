/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files that people bring for memory and that are none, or none that is read here: what
 * each is, and what makes memory of it.
 */
#include "target/unread.h"

#include <string.h>
#include <strings.h>

#include "util/bits.h"

#define NO_LINUX "whosees reads the memory of Linux"
#define OLD_DUMP "crash reads it; whosees reads what kdump writes"
#define DUMP_THE_GUEST                                                              \
	"dump the running guest instead, with dump-guest-memory in QEMU's monitor " \
	"or `virsh dump --memory-only'"
#define ONE_LAYER                                                                 \
	"it is compressed more than once, or in no way that is known; unpack it " \
	"with "
#define DUMP_INSIDE "take the dump inside the guest instead, with LiME, AVML or kdump"

/* src/vmm/src/snapshot/mod.rs, SNAPSHOT_MAGIC_ID; versions since 2026 have none. */
#define FIRECRACKER                                              \
	"a Firecracker microVM's state",                         \
		"its memory is another file: name the one that " \
		"mem_file_path named"

/* The signatures are those of the formats' own descriptions, or of who writes them. */
static const struct unread {
	uint16_t at;
	uint8_t len;
	const char *magic;  /* NULL: known by the end of its name */
	const char *suffix; /* where magic is NULL */
	const char *what;
	const char *advice;
} unread[] = {
#define MAGIC(offset, text) offset, sizeof(text) - 1, text, NULL
#define NAMED(end) 0, 0, NULL, end
	{ MAGIC(0, "QFI\xfb"), "a qcow2 disk image",
	  "if savevm has put a snapshot in it, start it with `qemu-system-... -S -loadvm "
	  "NAME' and dump memory with dump-guest-memory in the monitor" },
	{ MAGIC(0, "KDMV"), "a VMDK disk image", DUMP_THE_GUEST },
	{ MAGIC(0, "conectix"), "a VHD disk image", DUMP_INSIDE },
	{ MAGIC(0, "vhdxfile"), "a VHDX disk image", DUMP_INSIDE },
	{ MAGIC(64, "\x7f\x10\xda\xbe"), "a VirtualBox disk image",
	  "write a core of the running machine with `VBoxManage debugvm NAME dumpvmcore "
	  "--filename FILE'" },
	{ MAGIC(0, "\177VirtualBox SavedState "), "a VirtualBox saved state",
	  "resume the machine and write a core with `VBoxManage debugvm NAME dumpvmcore "
	  "--filename FILE'" },
	{ MAGIC(0, "PAGEDU64"), "a Windows crash dump", NO_LINUX },
	{ MAGIC(0, "PAGEDUMP"), "a Windows crash dump", NO_LINUX },
	{ MAGIC(0, "MDMP"), "a Windows minidump", NO_LINUX },
	{ MAGIC(0, "hibr"), "a Windows hibernation file", NO_LINUX },
	{ MAGIC(0, "HIBR"), "a Windows hibernation file", NO_LINUX },
	{ NAMED(".vmrs"), "a Hyper-V saved state", DUMP_INSIDE },
	{ NAMED(".vsv"), "a Hyper-V saved state", DUMP_INSIDE },
	{ MAGIC(0, "\xed\x23\x8f\x61\x73\x01\x19\xa8"), "an LKCD dump", OLD_DUMP },
	{ MAGIC(0, "DISKDUMP"), "a diskdump", OLD_DUMP },
	{ MAGIC(0, "sadump\0\0"), "an sadump",
	  "makedumpfile makes a kdump of it, with -x VMLINUX" },
	{ MAGIC(4086, "S1SUSPEND\0"), "a hibernation image",
	  "resume from it, and dump the machine with LiME or kdump" },
	{ MAGIC(4086, "SWAPSPACE2"), "a swap area", "it holds no kernel memory" },
	{ MAGIC(0, "XenSavedDomain"), "a saved Xen domain",
	  "restore it, and write a core with `xl dump-core DOMAIN FILE'" },
	{ MAGIC(0, "Xen saved domain, xl format"), "a saved Xen domain",
	  "restore it, and write a core with `xl dump-core DOMAIN FILE'" },
	{ MAGIC(2, "d\206\204\x19\x10\x07"), FIRECRACKER },
	{ MAGIC(2, "\xaa\xaa\x84\x19\x10\x07"), FIRECRACKER },
	{ MAGIC(0, "EVF\x09\x0d\x0a\xff\0"), "an EWF (E01) image",
	  "unpack it with `ewfexport -f raw'" },
	/* These are read where they are whole, and unpacked once. */
	{ MAGIC(0, "\x1f\x8b"), "a gzip file", ONE_LAYER "`gunzip -k'" },
	{ MAGIC(0, "\xfd"
		   "7zXZ\0"),
	  "an xz file", ONE_LAYER "`unxz -k'" },
	{ MAGIC(0, "\x28\xb5\x2f\xfd"), "a zstd file", ONE_LAYER "`unzstd'" },
	{ MAGIC(0, "\x04\x22\x4d\x18"), "an LZ4 file", ONE_LAYER "`unlz4'" },
	{ MAGIC(0, "BZh"), "a bzip2 file", "unpack it with `bunzip2 -k'" },
	{ MAGIC(0, "\x89LZO\0\r\n\x1a\n"), "an lzop file", "unpack it with `lzop -d'" },
	{ MAGIC(0, "PK\x03\x04"), "a zip archive", "unpack it with `unzip'" },
	{ MAGIC(0, "7z\xbc\xaf\x27\x1c"), "a 7z archive", "unpack it with `7z x'" },
	{ MAGIC(257, "ustar"), "a tar archive", "unpack it with `tar xf'" },
};

static bool ends_in(const char *path, const char *suffix)
{
	size_t path_len = strlen(path), len = strlen(suffix);

	return path_len > len && !strcasecmp(path + path_len - len, suffix);
}

static bool is(const struct ws_file *file, const struct unread *row)
{
	if (!row->magic)
		return ends_in(file->path, row->suffix);
	return file->size >= (size_t)row->at + row->len &&
	       !memcmp(file->data + row->at, row->magic, row->len);
}

bool ws_is_unread(const struct ws_file *file, const char **what, const char **advice)
{
	for (size_t i = 0; i < WS_ARRAY_SIZE(unread); i++)
		if (is(file, &unread[i])) {
			*what = unread[i].what;
			*advice = unread[i].advice;
			return true;
		}
	return false;
}
