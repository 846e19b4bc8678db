/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether a VMCOREINFO text is of this boot. Three things that it says can be looked at:
 *
 *	swapper_pg_dir	maps itself at the address given
 *	init_uts_ns	begins with "Linux" and holds the release of OSRELEASE
 *	_stext		lies in the kernel's write-protected text
 *
 * The second outvotes the first, for a page table may be what is damaged; the third only
 * refutes, since two kernels that nobody moves are linked for one address.
 */
#include <string.h>

#include "linux/image.h"
#include "linux/linux.h"

/* struct new_utsname (include/uapi/linux/utsname.h): strings of 65 bytes. */
#define UTS_LEN 65
#define UTS_RELEASE 2

/*
 * The namespace begins with a kref; its name's offset is in VMCOREINFO since ca4a9241cc5e
 * (5.11).
 */
#define UTS_NAME_OFFSET 4

static enum ws_fit uts_fit(struct ws_system *system, const char **why)
{
	uint64_t va, offset = UTS_NAME_OFFSET;
	char name[(UTS_RELEASE + 1) * UTS_LEN];
	const char *release;
	size_t n;

	release = ws_vmcoreinfo_line(system, "OSRELEASE", &n);
	if (!system->layout.word || !release || n >= UTS_LEN ||
	    !ws_vmcoreinfo(system, "SYMBOL", "init_uts_ns", &va))
		return WS_FIT_UNKNOWN;
	ws_vmcoreinfo(system, "OFFSET", "uts_namespace.name", &offset);
	*why = "its init_uts_ns holds no name of a system";
	switch (ws_system_read(system, va + offset, name, sizeof(name))) {
	case WS_READ:
		break;
	case WS_NOT_MAPPED:
		return WS_MISFITS;
	default:
		return WS_FIT_UNKNOWN;
	}
	if (memcmp(name, "Linux", sizeof("Linux")))
		return WS_MISFITS;
	*why = "the release in its init_uts_ns is another";
	return !memcmp(name + UTS_RELEASE * UTS_LEN, release, n) &&
			       !name[UTS_RELEASE * UTS_LEN + n]
		       ? WS_FITS
		       : WS_MISFITS;
}

/* Whether the text begins where the kernel image cannot. */
static bool stext_refutes(struct ws_system *system, const char **why)
{
	uint64_t va, first, last;

	*why = "its _stext lies outside the kernel's text";
	return system->layout.word && ws_vmcoreinfo(system, "SYMBOL", "_stext", &va) &&
	       ws_image_text(system, &first, &last) && (va < first || va > last);
}

enum ws_fit ws_vmcoreinfo_fit(struct ws_system *system, const char **why)
{
	const char *why_uts = NULL;
	uint64_t root;
	enum ws_fit swapper = ws_vmcoreinfo_root(system, &root), uts;

	if (swapper == WS_FITS)
		return WS_FITS;
	uts = uts_fit(system, &why_uts);
	*why = uts == WS_MISFITS ? why_uts : "its swapper_pg_dir does not map itself";
	if (uts != WS_FIT_UNKNOWN)
		return uts;
	if (swapper == WS_MISFITS)
		return WS_MISFITS;
	return stext_refutes(system, why) ? WS_MISFITS : WS_FIT_UNKNOWN;
}
