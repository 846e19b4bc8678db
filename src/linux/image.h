/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the kernel image lies, and what is known of its parts. */
#ifndef WS_LINUX_IMAGE_H
#define WS_LINUX_IMAGE_H

#include "linux/linux.h"

/*
 * No image is larger: 64-bit ones cannot be (KERNEL_IMAGE_SIZE without KASLR leaves 512
 * MiB for all), 32-bit ones must leave room in lowmem; real ones have 20 to 60 MiB.
 */
#define WS_IMAGE_MAX (UINT64_C(128) << 20)

/*
 * Where the reference shows that the kernel's text lies: x86-64, all of the image's own
 * mapping; i386, the longest write-protected stretch of the direct map.
 */
bool ws_image_text(struct ws_system *system, uint64_t *first, uint64_t *last);

/*
 * What setup_arch() wrote in struct resource (include/linux/ioport.h), which /proc/iomem
 * shows: the physical addresses of the kernel's parts. end: 0 where it was not found.
 */
struct ws_image_parts {
	uint64_t code;                        /* where the image begins */
	uint64_t data, bss;                   /* and its parts */
	uint64_t code_end, data_end, bss_end; /* the last byte of each */
};
/*
 * Fills the image's part of system->layout, image_sure and image_named; notes what is not
 * known. *parts: zeros where the kernel does not say.
 */
void ws_image_find(struct ws_system *system, struct ws_image_parts *parts);
/* The parts of the image that begins at pa code, from what lies in [first, last]. */
bool ws_image_parts(struct ws_system *system, uint64_t first, uint64_t last,
		    uint64_t code, struct ws_image_parts *parts);
/*
 * The same by the name alone, for an image of which no more is known than that it lies in
 * [first, last], at va - pa = delta.
 */
bool ws_image_parts_search(struct ws_system *system, uint64_t first, uint64_t last,
			   uint64_t delta, struct ws_image_parts *parts);

#endif
