/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files that people bring for memory and that are none, or none that is read here: what
 * each is, and what makes memory of it.
 */
#include "target/unread.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/bits.h"
#include "util/cleanup.h"

#define NO_LINUX "whosees reads the memory of Linux"
#define OLD_DUMP "crash reads it; whosees reads what kdump writes"
#define DUMP_THE_GUEST                                                              \
	"dump the running guest instead, with dump-guest-memory in QEMU's monitor " \
	"or `virsh dump --memory-only'"
#define ONE_LAYER                                                                        \
	"one layer is unpacked here, of the usual ways to compress: unpack it by hand, " \
	"this layer with "
#define DUMP_INSIDE "take the dump inside the guest instead, with LiME, AVML or kdump"

/* src/vmm/src/snapshot/mod.rs, SNAPSHOT_MAGIC_ID; versions since 2026 have none. */
#define FIRECRACKER                                              \
	"a Firecracker microVM's state",                         \
		"its memory is another file: name the one that " \
		"mem_file_path named"

#define HYPERV "a Hyper-V saved state or configuration", DUMP_INSIDE

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
	/* .vmrs, .vmcx and, since 2016, .vsv are one container, with this before it: what
	 * dissect.hypervisor and OpenVMM's hvs_file say. */
	{ MAGIC(0, "\x14\x20\x28\x01"), HYPERV },
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
	/* libxl-migration-stream.pandoc, libxc-migration-stream.pandoc: both big-endian. */
	{ MAGIC(0, "LibxlFmt"), "a stream of a saved Xen domain (libxl)",
	  "restore the domain, and write a core with `xl dump-core DOMAIN FILE'" },
	{ MAGIC(0, "\xff\xff\xff\xff\xff\xff\xff\xff"
		   "XENF"),
	  "a stream of a saved Xen domain (libxenguest)",
	  "restore the domain, and write a core with `xl dump-core DOMAIN FILE'" },
	{ MAGIC(0, "libvirt-xml\n \0 \r"), "a Xen domain that libvirt saved",
	  "`virsh restore' it, and write a core with `virsh dump DOMAIN FILE'" },
	/* xenopsd's suspend_image.ml, save_signature; before it, XenSavedDomain. */
	{ MAGIC(0, "XenSavedDomv2-\n"),
	  "a virtual machine that XenServer or XCP-ng suspended",
	  "resume it with `xe vm-resume', and take the dump inside it with LiME, AVML or "
	  "kdump" },
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
	{ MAGIC(0, "\x89LZO\0\r\n\x1a\n"), "an lzop file", ONE_LAYER "`lzop -d'" },
	{ MAGIC(0, "PK\x03\x04"), "a zip archive", "unpack it with `unzip'" },
	{ MAGIC(0, "7z\xbc\xaf\x27\x1c"), "a 7z archive", "unpack it with `7z x'" },
	{ MAGIC(257, "ustar"), "a tar archive", "unpack it with `tar xf'" },
};

/* Before 2016 Hyper-V has memory in a file ID.bin, beside ID.vsv. */
static bool is_beside_vsv(const struct ws_file *file)
{
	ws_autofree char *beside =
		ws_path_ends_in(file->path, ".bin") ? strdup(file->path) : NULL;

	if (!beside)
		return false;
	memcpy(beside + strlen(beside) - 4, ".vsv", 4);
	return !access(beside, F_OK);
}

static bool is(const struct ws_file *file, const struct unread *row)
{
	if (!row->magic)
		return ws_path_ends_in(file->path, row->suffix);
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
	if (!is_beside_vsv(file))
		return false;
	*what = "a Hyper-V machine's saved memory";
	*advice = DUMP_INSIDE;
	return true;
}

/* ---- other machines --------------------------------------------------------------- */

#define BY_CRASH "crash, built for that machine, reads it"
#define BY_NONE "no other tool is known here that reads it"

/* elf.h; crash reads those that its source has a file for: mips.c, sparc64.c, ... */
static const struct ws_other_machine machines[] = {
	{ EM_S390, "s390x (IBM Z)", BY_CRASH },
	{ EM_PPC64, "ppc64 or ppc64le (POWER)", BY_CRASH },
	{ EM_PPC, "ppc (PowerPC)", BY_CRASH },
	{ EM_MIPS, "mips or mips64", BY_CRASH },
	{ EM_MIPS_RS3_LE, "mipsel", BY_CRASH },
	{ EM_LOONGARCH, "loongarch64", BY_CRASH },
	{ EM_SPARCV9, "sparc64", BY_CRASH },
	{ EM_IA_64, "ia64 (Itanium)", BY_CRASH },
	{ EM_ALPHA, "alpha", BY_CRASH },
	{ EM_SPARC, "sparc", BY_NONE },
	{ EM_SPARC32PLUS, "sparc", BY_NONE },
	{ EM_PARISC, "parisc", BY_NONE },
	{ EM_68K, "m68k", BY_NONE },
	{ EM_SH, "sh", BY_NONE },
	{ EM_ARC_COMPACT, "arc", BY_NONE },
	{ EM_ARCV2, "arc", BY_NONE },
	{ EM_CSKY, "csky", BY_NONE },
	{ EM_XTENSA, "xtensa", BY_NONE },
	{ EM_MICROBLAZE, "microblaze", BY_NONE },
	{ EM_OPENRISC, "openrisc", BY_NONE },
	{ EM_ALTERA_NIOS2, "nios2", BY_NONE },
};

const struct ws_other_machine *ws_other_machine(uint16_t elf)
{
	for (size_t i = 0; i < WS_ARRAY_SIZE(machines); i++)
		if (machines[i].elf == elf)
			return &machines[i];
	return NULL;
}
